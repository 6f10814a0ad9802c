"""What every file that is taken in is told: how it was asked for, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query

from fairlead.capabilities.time.csv_cells import DayOrder, Fault
from fairlead.capabilities.time.importing import Landed
from fairlead.domain.values import Value

_MOST_FAULTS = 200

Commit = Annotated[
    bool, Query(description="Take it in. Else it is only said what would become of it.")
]
Dates = Annotated[
    DayOrder | None,
    Query(description="Whether day or month comes first in `03/04/2026`; else the file shows it."),
]


class FaultView(Value):
    row: int  #: of the file; the header is row 1
    column: str  #: as the file calls it
    value: str  #: as it stands there, cut to 80 characters
    rule: str


class LandedView(Value):
    """With one fault nothing is taken in."""

    committed: bool
    rows: int  #: that could be read
    added: int
    changed: int
    same: int  #: they were here already, as the file says
    locked: int  #: they differ from what was approved, which stays
    errors: int  #: those that the rules keep back as drafts of whose they are
    warnings: int  #: those that wait for approval, with something to be looked at
    faults: tuple[FaultView, ...]  #: the first ones
    faults_in_all: int


def landed_in(
    rows: int, landed: Landed, faults: Sequence[Fault], *, commit: bool
) -> dict[str, Any]:
    """The fields of a `LandedView`."""
    shown = (
        FaultView(row=one.row, column=one.column, value=one.value, rule=one.rule)
        for one in faults[:_MOST_FAULTS]
    )
    return {
        "committed": commit and not faults,
        "rows": rows,
        "added": landed.added,
        "changed": landed.changed,
        "same": landed.same,
        "locked": landed.locked,
        "errors": landed.errors,
        "warnings": landed.warnings,
        "faults": tuple(shown),
        "faults_in_all": len(faults),
    }
