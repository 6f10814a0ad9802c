"""From work done to approved time and expenses."""
