"""Xero Payroll UK as a firm's payroll system."""
