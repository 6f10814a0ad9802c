"""Taking in files of expenses that another program wrote."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from fairlead.api.commands import Commanding, Outcome
from fairlead.api.guard import Caller, Parts
from fairlead.api.imports import Commit, Dates, LandedView, landed_in
from fairlead.api.router import Router
from fairlead.store.database import Tx
from fairlead.trust.acting import Acting


class ExpenseImportView(LandedView):
    """Rows are expenses."""


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
        became = landed_in(report.rows, report.landed, report.faults, commit=commit)
        return Outcome(ExpenseImportView(**became))

    return command.carry_out(act)
