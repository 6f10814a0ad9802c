"""Fairlead carries a services engagement from the signed deal to the paid invoice."""
