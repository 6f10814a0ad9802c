"""Policies: decision tables as data, in versions, each with an owner and its cases."""
