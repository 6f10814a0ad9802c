"""The command `fairlead`: parse, call, print."""
