"""Reading expenses from Kantata.

https://developer.kantata.com/kantata/specification/expenses/get-expenses; the fields:
http://developer.mavenlink.com/expenses/
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from fairlead.connectors.kantata.answers import Answer, ContractBroken, Expense, User
from fairlead.connectors.kantata.records import Records
from fairlead.domain.model.recorded_expense import RecordedExpense
from fairlead.domain.values import ExternalRef, Money


class Expenses:
    def __init__(self, system: str, records: Records) -> None:
        self._system, self._records = system, records

    def kept(self, workspace: str) -> tuple[RecordedExpense, ...]:
        """All on a workspace, archived or not, oldest first so that new ones come last."""
        asked = {
            "workspace_id": workspace,
            "from_archived_workspaces": "true",
            "include": "user",
            "order": "created_at:asc",
        }
        with self._records.reading():
            return tuple(
                {
                    one.id: self._expense(answer, one)
                    for answer in self._records.pages("expenses", asked)
                    for one in answer.listed("expenses", Expense)
                }.values()
            )

    def _expense(self, answer: Answer, one: Expense) -> RecordedExpense:
        """Raises `ContractBroken` where its user did not come along."""
        user = answer.beside("users", User).get(one.user_id)
        if user is None:
            raise ContractBroken(f"users.{one.user_id} did not come along")
        try:
            day = date.fromisoformat(one.date)
        except ValueError as bad:
            raise ContractBroken(f"expenses.{one.id}: {bad}") from bad
        return RecordedExpense(
            ref=ExternalRef(system=self._system, kind="expense", id=one.id),
            project=ExternalRef(system=self._system, kind="workspace", id=one.workspace_id),
            person=user.full_name,
            email=user.email_address,
            day=day,
            amount=Money(
                amount=Decimal(one.amount_in_cents) / one.currency_base_unit,
                currency=one.currency,
            ),
            category=one.category or "",
            note=one.notes or "",
        )
