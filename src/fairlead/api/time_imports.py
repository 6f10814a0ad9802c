"""Taking in files of time that another system wrote."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from fairlead.api.commands import Commanding, Outcome
from fairlead.api.guard import Caller, Parts
from fairlead.api.imports import Commit, Dates, LandedView, landed_in
from fairlead.api.router import Router
from fairlead.store.database import Tx
from fairlead.trust.acting import Acting


class ImportView(LandedView):
    """Rows are entries of time."""

    format: str  #: whose file it is
    minutes: int


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
        became = landed_in(report.rows, report.landed, report.faults, commit=commit)
        return Outcome(ImportView(format=report.format, minutes=report.minutes, **became))

    return command.carry_out(act)
