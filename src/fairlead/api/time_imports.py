"""Taking in files of time that another system wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from fairlead.api.commands import Commanding, Outcome
from fairlead.api.guard import Caller, Parts
from fairlead.api.router import Router
from fairlead.capabilities.time.csv_cells import DayOrder, Fault
from fairlead.capabilities.time.importing import Report
from fairlead.domain.values import Value
from fairlead.store.database import Tx
from fairlead.trust.acting import Acting

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


class ImportView(Value):
    """With one fault nothing is taken in."""

    format: str
    committed: bool
    rows: int  #: that could be read
    minutes: int
    added: int
    changed: int
    same: int  #: they were here already, as the file says
    locked: int  #: they differ from what was approved, which stays
    errors: int  #: entries that the rules keep back as drafts of who worked
    warnings: int  #: entries that wait for approval, with something to be looked at
    faults: tuple[FaultView, ...]  #: the first ones
    faults_in_all: int


def add(router: Router) -> None:
    router.upload("/time-imports", import_time, ImportView, tag="time")


def import_time(
    parts: Parts,
    caller: Caller,
    command: Commanding,
    request: Request,
    commit: Commit = False,
    dates: Dates = None,
) -> Response:
    """Take in a CSV file of ours, or of Toggl Track, Harvest, Clockify or Kantata: at most 10 MiB
    and 50,000 rows, all or nothing. The same file again adds nothing."""

    def act(tx: Tx) -> Outcome:
        acting = Acting.of(parts.people, caller)
        with tx.transaction(force_rollback=not commit):
            report = parts.time_imports.file(tx, acting, request.state.raw, dates)
        return Outcome(_view(report, committed=commit and not report.faults))

    return command.carry_out(act)


def _view(report: Report, *, committed: bool) -> ImportView:
    landed = report.landed
    return ImportView(
        format=report.format,
        committed=committed,
        rows=report.rows,
        minutes=report.minutes,
        added=landed.added,
        changed=landed.changed,
        same=landed.same,
        locked=landed.locked,
        errors=landed.errors,
        warnings=landed.warnings,
        faults=faults_of(report.faults),
        faults_in_all=len(report.faults),
    )


def faults_of(faults: Sequence[Fault]) -> tuple[FaultView, ...]:
    """The first ones."""
    return tuple(
        FaultView(row=one.row, column=one.column, value=one.value, rule=one.rule)
        for one in faults[:_MOST_FAULTS]
    )
