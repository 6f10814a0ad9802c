"""Taking in files of expenses that another program wrote."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from fairlead.api.commands import Commanding, Outcome
from fairlead.api.guard import Caller, Parts
from fairlead.api.router import Router
from fairlead.api.time_imports import Commit, Dates, FaultView, faults_of
from fairlead.domain.values import Value
from fairlead.store.database import Tx
from fairlead.trust.acting import Acting


class ExpenseImportView(Value):
    """With one fault nothing is taken in."""

    committed: bool
    rows: int  #: that could be read
    added: int
    changed: int
    same: int  #: they were here already, as the file says
    locked: int  #: they differ from what was approved, which stays
    errors: int  #: expenses that the rules keep back as drafts of who spent them
    warnings: int  #: expenses that wait for approval, with something to be looked at
    faults: tuple[FaultView, ...]  #: the first ones
    faults_in_all: int


def add(router: Router) -> None:
    router.upload("/expense-imports", import_expenses, ExpenseImportView, tag="expenses")


def import_expenses(
    parts: Parts,
    caller: Caller,
    command: Commanding,
    request: Request,
    commit: Commit = False,
    dates: Dates = None,
) -> Response:
    """Take in a CSV file of expenses: at most 10 MiB and 5,000 rows, all or nothing. The same file
    again adds nothing; who spent adds the receipts."""

    def act(tx: Tx) -> Outcome:
        acting = Acting.of(parts.people, caller)
        with tx.transaction(force_rollback=not commit):
            report = parts.expense_imports.file(tx, acting, request.state.raw, dates)
        landed = report.landed
        return Outcome(
            ExpenseImportView(
                committed=commit and not report.faults,
                rows=report.rows,
                added=landed.added,
                changed=landed.changed,
                same=landed.same,
                locked=landed.locked,
                errors=landed.errors,
                warnings=landed.warnings,
                faults=faults_of(report.faults),
                faults_in_all=len(report.faults),
            )
        )

    return command.carry_out(act)
