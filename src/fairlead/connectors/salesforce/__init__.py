"""Salesforce Sales Cloud as a CRM (F118)."""
