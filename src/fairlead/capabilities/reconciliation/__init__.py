"""Holding our records against those of the systems that they went to."""
