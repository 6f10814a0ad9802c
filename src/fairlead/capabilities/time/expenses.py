"""Entering and submitting one's own expenses (F069).

Whoever enters may change and delete while it is a draft or was returned. What is submitted waits
for approval; what was approved is never edited.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID, uuid4

from pydantic import Field

from fairlead.capabilities.handoff.firm import Calendars
from fairlead.capabilities.time.bookable import bookable
from fairlead.capabilities.time.expense_judging import Judging, Unfilled
from fairlead.capabilities.time.expense_terms import ExpensePolicies
from fairlead.capabilities.time.receipts import media_type_of
from fairlead.capabilities.time.whose import resource_of
from fairlead.domain.ids import derived
from fairlead.domain.model.delivery import Delivery
from fairlead.domain.model.expense import Expense, Meal
from fairlead.domain.model.finding import Finding, Severity
from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.domain.model.time_entry import EntryState
from fairlead.domain.values import Country, Exact, Money, Value
from fairlead.errors import IllegalMove, InvalidInput, NotFound, Problem, StaleVersion
from fairlead.policy.tables import Policies
from fairlead.store import blobs, expenses, findings, journal, time_columns
from fairlead.store.database import Tx, database_time
from fairlead.store.expenses import Kept
from fairlead.store.journal import Event
from fairlead.trust.acting import Acting

#: States in which its owner may change it.
OWN = frozenset({EntryState.DRAFT, EntryState.RETURNED})
_MOST = 100_000_000  #: of any currency
UNKNOWN = Money(amount=Decimal(0), currency="XXX")  #: until it is computed (ISO 4217: none)


class ExpenseInput(Value):
    """What somebody says of an expense. Without an amount, a per diem or a distance is computed."""

    engagement: Annotated[str, Field(min_length=1, max_length=200)]  #: id, number or project code
    task: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    day: Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2100, 1, 1))]
    """On which it was spent, where they were."""
    category: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$")]
    quantity: Annotated[Exact, Field(gt=0, le=100_000)] | None = None
    amount: Money | None = None  #: as paid, tax included; more than zero
    merchant: Annotated[str, Field(max_length=200)] = ""
    note: Annotated[str, Field(max_length=2000)] = ""
    billable: bool = True
    country: Country | None = None
    hours_away: int | None = Field(default=None, ge=0, le=24)
    travel_day: bool = False
    provided: Annotated[tuple[Meal, ...], Field(max_length=3)] = ()
    purchase_order: Annotated[str, Field(min_length=1, max_length=100)] | None = None


@dataclass(frozen=True)
class Entered:
    kept: Kept
    findings: Sequence[Finding]


@dataclass(frozen=True)
class Submitted:
    """What was handed in, and what was kept back because of errors."""

    submitted: Sequence[UUID]
    refused: Mapping[UUID, Sequence[Finding]]


class Expenses:
    """The commands. Each works in the caller's transaction, as one signed-in person."""

    def __init__(self, policies: Policies, calendars: Calendars) -> None:
        self._policies = ExpensePolicies(policies)
        self._judging = Judging(self._policies, calendars)

    def categories(self, now: datetime) -> Sequence[str]:
        """What an expense may be of."""
        return self._policies.categories(now)

    def enter(
        self, tx: Tx, acting: Acting, said: ExpenseInput, *, source_id: str | None = None
    ) -> Entered:
        """A draft, with what the rules say of it already. `source_id`: under which it is sent
        again; the same is entered once, and what is there is answered.

        Raises `InvalidInput` (no such engagement, no amount that is more than zero), `NotAllowed`.
        """
        who = resource_of(tx, acting)
        key = str(uuid4()) if source_id is None else f"{who.id}/{source_id}"
        id = UUID(derived("expense", "api", key))
        if source_id is not None:
            time_columns.hold(tx, [who.id])
            if there := expenses.load(tx, [id], lock=False).get(id):
                return Entered(there, findings.of(tx, "expense", [id]).get(id, ()))
        delivery = _delivery(tx, acting, who, said)
        expense = self._said(tx, said, delivery, who, id=id, source_id=key)
        new = Kept(
            expense=expense,
            entered_by=f"person:{acting.id}",
            entered_at=database_time(tx),
            submitted_at=None,
            decided_by=None,
            decided_at=None,
            period=None,
            region=delivery.region,
            legal_entity=delivery.legal_entity,
        )
        expenses.add(tx, [new])
        return self._judged(tx, new)

    def change(self, tx: Tx, acting: Acting, id: UUID, said: ExpenseInput, version: int) -> Entered:
        """All that may be said of it, anew. A receipt stays.

        Raises as `enter` does, and `NotFound`, `StaleVersion`, `IllegalMove`.
        """
        who, known = self._own(tx, acting, id, version, "changed")
        was, delivery = known.expense, _delivery(tx, acting, who, said)
        now = self._said(tx, said, delivery, who, id=id, source_id=was.source_id)
        kept = {"source": was.source, "receipt": was.receipt, "state": was.state}
        expense = now.model_copy(update={**kept, "reason": was.reason, "version": was.version + 1})
        changed = replace(
            known, expense=expense, region=delivery.region, legal_entity=delivery.legal_entity
        )
        expenses.save(tx, [changed])
        return self._judged(tx, changed)

    def attach(
        self, tx: Tx, acting: Acting, id: UUID, content: bytes, version: int | None
    ) -> Entered:
        """Keep a receipt by its digest; one that it had is replaced. Raises as `change` does."""
        _, known = self._own(tx, acting, id, version, "changed")
        digest = blobs.keep(tx, content, media_type_of(content))
        expense = known.expense.model_copy(
            update={"receipt": digest, "version": known.expense.version + 1}
        )
        changed = replace(known, expense=expense)
        expenses.save(tx, [changed])
        return self._judged(tx, changed)

    def delete(self, tx: Tx, acting: Acting, id: UUID, version: int) -> None:
        """Raises `NotFound`, `StaleVersion`, `IllegalMove`."""
        self._own(tx, acting, id, version, "deleted", taking_back=True)
        expenses.delete(tx, id)

    def submit(self, tx: Tx, acting: Acting, ids: Collection[UUID]) -> Submitted:
        """Hand in what has no error; the rest stays as it is, with what is wrong.

        Raises `NotFound` where one of them is not one's own, `IllegalMove` where one is on its way.
        """
        who = resource_of(tx, acting)
        known = expenses.load(tx, ids, lock=True)
        if any(id not in known or known[id].expense.resource != who.id for id in ids):
            raise NotFound("There is no such expense.")
        for one in known.values():
            if one.expense.state not in OWN:
                raise IllegalMove("The expense", one.expense.state, "submitted")
        now = database_time(tx)
        judged, found = self._judging.judged(tx, list(known.values()), now)
        refused = {id: some for id, some in found.items() if has_error(some)}
        good = [one for one in judged if one.expense.id not in refused]
        changed = [one for one in good if one.expense != known[one.expense.id].expense]
        expenses.save(tx, changed)
        expenses.submit(tx, [one.expense.id for one in good], now)
        tell(tx, good, f"person:{acting.id}", "expenses.submitted")
        return Submitted([one.expense.id for one in good], refused)

    def recall(self, tx: Tx, acting: Acting, id: UUID) -> Entered:
        """Take back what nobody has decided on yet. Raises `NotFound`, `IllegalMove`."""
        who = resource_of(tx, acting)
        known = _found(tx, id, who)
        if known.expense.state is not EntryState.SUBMITTED or known.expense.reverses:
            raise IllegalMove("The expense", known.expense.state, "a draft")
        expenses.recall(tx, [id])
        kept = expenses.load(tx, [id], lock=False)[id]
        return Entered(kept, findings.of(tx, "expense", [id]).get(id, ()))

    def _judged(self, tx: Tx, kept: Kept) -> Entered:
        (now,), found = self._judging.judged(tx, [kept], database_time(tx))
        return Entered(now, found.get(kept.expense.id, ()))

    def _said(
        self,
        tx: Tx,
        said: ExpenseInput,
        delivery: Delivery,
        who: ResourceRecord,
        *,
        id: UUID,
        source_id: str,
    ) -> Expense:
        if said.amount is not None and not 0 < said.amount.amount <= _MOST:
            raise InvalidInput(
                "An expense is more than zero; one is taken back by a correction.",
                [Problem("/amount/amount", f"is more than zero, and at most {_MOST:,}")],
            )
        if said.amount is not None and said.amount.rounded().amount != said.amount.amount:
            raise InvalidInput(
                f"Nobody can pay {said.amount.amount:f} {said.amount.currency}.",
                [Problem("/amount/amount", "is in whole minor units of its currency")],
            )
        values = said.model_dump(exclude={"engagement", "amount"})
        expense = Expense(
            **values,
            id=id,
            engagement=delivery.engagement,
            resource=who.id,
            amount=said.amount or UNKNOWN,
            source="api",
            source_id=source_id,
        )
        unfilled = Unfilled(expense, delivery, said.amount is not None)
        (filled,) = self._judging.filled(tx, [unfilled])
        if filled.amount == UNKNOWN:
            raise InvalidInput(
                "An amount is needed: it is paid as it cost, or cannot be computed from what is "
                "said.",
                [Problem("", "amount: is required here")],
            )
        return filled

    @staticmethod
    def _own(
        tx: Tx,
        acting: Acting,
        id: UUID,
        version: int | None,
        wanted: str,
        *,
        taking_back: bool = False,
    ) -> tuple[ResourceRecord, Kept]:
        """`taking_back`: one that takes another back will do. Its content is not to be changed."""
        who = resource_of(tx, acting)
        known = _found(tx, id, who)
        state = known.expense.state
        if state not in OWN or (known.expense.reverses is not None and not taking_back):
            raise IllegalMove("The expense", state, wanted)
        if version is not None and version != known.expense.version:
            raise StaleVersion("The expense was changed since you read it. Read it again.")
        return who, known


def _found(tx: Tx, id: UUID, who: ResourceRecord) -> Kept:
    known = expenses.load(tx, [id], lock=True).get(id)
    if known is None or known.expense.resource != who.id:
        raise NotFound("There is no such expense.")
    return known


def _delivery(tx: Tx, acting: Acting, who: ResourceRecord, said: ExpenseInput) -> Delivery:
    found = bookable(tx, acting, who, said.engagement)
    if found is None:
        rule = "is the id, number or project code of a launched engagement that you work on"
        raise InvalidInput(
            "There is no such engagement to book on.", [Problem("/engagement", rule)]
        )
    delivery, _ = found
    if said.task is not None and all(said.task != one.code for one in delivery.packages):
        raise InvalidInput(
            f"{delivery.number} has no such work package.",
            [Problem("/task", "is the code of a work package of the engagement")],
        )
    return delivery


def has_error(found: Sequence[Finding]) -> bool:
    return any(one.severity is Severity.ERROR for one in found)


def tell(tx: Tx, kept: Sequence[Kept], actor: str, type: str) -> None:
    """One event for each engagement: chains are few, entries are many."""
    by_engagement: dict[str, list[Kept]] = {}
    for one in kept:
        by_engagement.setdefault(one.expense.engagement, []).append(one)
    now = database_time(tx)
    journal.append(
        tx,
        [
            Event(
                chain=engagement,
                type=type,
                at=now,
                actor=actor,
                attributes={"count": len(some)},
                objects=[
                    (engagement, "engagement", "of"),
                    *((str(one.expense.id), "expense", "submitted") for one in some),
                ],
                region=some[0].region,
            )
            for engagement, some in sorted(by_engagement.items())
        ],
    )
