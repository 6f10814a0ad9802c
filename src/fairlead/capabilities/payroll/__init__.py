"""Approved hours go to payroll, and what it holds and has paid is held against them."""
