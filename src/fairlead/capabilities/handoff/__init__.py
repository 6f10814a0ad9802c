"""From the signed deal to the launched project."""
