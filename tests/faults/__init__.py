"""Faults on real processes, counted in the ledgers of the systems outside. See docs/faults.md."""
