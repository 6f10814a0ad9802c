"""Tryton; `README.md` says what to set up there."""
