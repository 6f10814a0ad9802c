"""What reconciliation says to itself, through the inbox; nobody outside can."""

from __future__ import annotations

DUE = "records.due"  #: an engagement's records are to be compared
TOLD = "records.told"  #: what another system keeps of them has been read
EVENTS = frozenset({DUE, TOLD})
