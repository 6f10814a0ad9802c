"""From approved work to the paid invoice."""
