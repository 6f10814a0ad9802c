"""What payroll says to itself, through the inbox; nobody outside can."""

from __future__ import annotations

#: Payroll is to be asked what it holds and has paid: `payroll_month`.
COMPARE = "payroll.compare"
#: What it holds and has paid has been read; no playbook starts on it.
TOLD = "payroll.told"
EVENTS = frozenset({COMPARE})
