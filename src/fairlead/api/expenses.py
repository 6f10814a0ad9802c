"""Expenses: entering one's own, receipts, submitting; lists and sums for who may see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request
from pydantic import Field
from starlette.responses import Response

from fairlead.api.commands import Command, Commanding, IfMatch, Outcome, etag_of
from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import Limit, Page, TimeCursor, after, page
from fairlead.api.parts import AppParts
from fairlead.api.reading import reading_tx
from fairlead.api.router import Router
from fairlead.api.shapes import At, DayFilter, Filter, Id, found, money
from fairlead.capabilities.time.expenses import Entered, ExpenseInput
from fairlead.capabilities.time.whose import resource_of
from fairlead.domain.model.expense import Meal
from fairlead.domain.model.finding import Finding, Severity
from fairlead.domain.model.time_entry import EntryState
from fairlead.domain.values import Exact, Money, Value
from fairlead.errors import NotAllowed, NotFound
from fairlead.store import blobs, expenses, findings
from fairlead.store.database import Tx
from fairlead.store.expenses import Kept, Wanted
from fairlead.trust.acting import Acting
from fairlead.trust.principals import Principal
from fairlead.trust.roles import Permission

_MOST_AT_ONCE = 200
Whose = Annotated[bool, Query(description="Only the caller's own; else all that they may see.")]


class FindingView(Value):
    """What a rule says of it as it is now."""

    rule: str  #: such as `E-05`
    severity: Severity  #: an error keeps it from being submitted
    value: str
    remedy: str


class ExpenseView(Value):
    id: UUID
    engagement_id: str
    task: str | None
    resource: str
    day: date
    category: str
    quantity: Exact | None
    amount: Money  #: as paid
    rate: Exact | None  #: of the day, with eight decimals
    claimed: Money | None  #: in the engagement's currency; null: no rate is known yet
    merchant: str
    note: str
    country: str | None
    hours_away: int | None
    travel_day: bool
    provided: tuple[Meal, ...]
    purchase_order: str | None
    receipt: str | None  #: SHA-256 of the file
    billable: bool
    state: EntryState
    period: date | None  #: first day of the month that it is booked in; from approval on
    reverses: UUID | None
    reason: str | None
    entered_by: str
    entered_at: At
    submitted_at: At | None
    decided_by: str | None
    decided_at: At | None
    findings: tuple[FindingView, ...]
    version: int


class SubmitExpenses(Value):
    ids: tuple[UUID, ...] = Field(min_length=1, max_length=_MOST_AT_ONCE)


class RefusedExpense(Value):
    id: UUID
    findings: tuple[FindingView, ...]


class SubmittedExpenses(Value):
    submitted: tuple[UUID, ...]
    refused: tuple[RefusedExpense, ...]  #: with what is wrong; they are as they were


class Deleted(Value):
    id: UUID


class ExpenseSum(Value):
    engagement_id: str
    number: str
    category: str
    state: EntryState
    billable: bool
    count: int
    claimed: Money


class ExpenseSums(Value):
    items: tuple[ExpenseSum, ...]


class ReceiptFile(Response):
    """As it was uploaded; a browser keeps it and shows nothing of it."""

    media_type = "application/octet-stream"


def add(router: Router) -> None:
    tag = "expenses"
    router.get("/expenses", list_expenses, Page[ExpenseView], tag=tag)
    router.get("/expense-sums", sum_expenses, ExpenseSums, tag=tag)
    router.get("/expenses/{id}", get_expense, ExpenseView, tag=tag, etag=True)
    router.get("/expenses/{id}/receipt", get_receipt, None, tag=tag, response_class=ReceiptFile)
    router.command("POST", "/expenses", enter_expense, ExpenseView, tag=tag, status=201)
    router.command("POST", "/expenses/submit", submit_expenses, SubmittedExpenses, tag=tag)
    router.command(
        "POST", "/expenses/{id}/change", change_expense, ExpenseView,
        tag=tag, versioned=True, also=(428,),
    )  # fmt: skip
    router.command("POST", "/expenses/{id}/recall", recall_expense, ExpenseView, tag=tag)
    router.command(
        "DELETE", "/expenses/{id}", delete_expense, Deleted,
        tag=tag, versioned=True, also=(428,),
    )  # fmt: skip
    router.upload("/expenses/{id}/receipt", attach_receipt, ExpenseView, tag=tag, versioned=True)


def list_expenses(
    parts: Parts,
    caller: Caller,
    mine: Whose = True,
    engagement: Filter = None,
    state: EntryState | None = None,
    since: DayFilter = None,
    until: DayFilter = None,
    cursor: TimeCursor = None,
    limit: Limit = 50,
) -> Page[ExpenseView]:
    """Expenses, newest first; `since` and `until` are days on which they were spent."""
    with reading_tx(parts) as tx:
        wanted = _wanted(tx, parts, caller, mine, engagement, state, since, until)
        rows = expenses.page(tx, wanted, after=after(cursor), limit=limit + 1)
        said = findings.of(tx, "expense", [row["id"] for row in rows])
    return page(rows, limit, lambda row: _shown(row, said), at="entered_at")


def sum_expenses(
    parts: Parts,
    caller: Caller,
    mine: Whose = True,
    engagement: Filter = None,
    state: EntryState | None = None,
    since: DayFilter = None,
    until: DayFilter = None,
) -> ExpenseSums:
    """What they come to, by engagement, category and state, in the engagement's currency."""
    with reading_tx(parts) as tx:
        wanted = _wanted(tx, parts, caller, mine, engagement, state, since, until)
        rows = expenses.sums(tx, wanted)
    return ExpenseSums(
        items=tuple(
            ExpenseSum.model_validate(
                {name: value for name, value in row.items() if name not in ("amount", "currency")}
                | {"claimed": money(row)}
            )
            for row in rows
        )
    )


def get_expense(parts: Parts, caller: Caller, response: Response, id: Id) -> ExpenseView:
    """One expense, with what the rules say of it."""
    with reading_tx(parts) as tx:
        row = _seen(tx, parts, caller, id)
        said = findings.of(tx, "expense", [row["id"]])
    response.headers["ETag"] = etag_of(row["version"])
    return _shown(row, said)


def get_receipt(parts: Parts, caller: Caller, id: Id) -> ReceiptFile:
    """The file of its receipt."""
    with reading_tx(parts) as tx:
        row = _seen(tx, parts, caller, id)
        digest = found(row["receipt"], "receipt")
        content = blobs.kept(tx, digest)
    disposition = f'attachment; filename="receipt-{digest[:12]}"'
    return ReceiptFile(content, headers={"Content-Disposition": disposition})


def enter_expense(
    parts: Parts, caller: Caller, command: Commanding, wanted: ExpenseInput
) -> Response:
    """Enter a draft of one's own. Without an amount, a per diem or a distance is computed."""

    def act(tx: Tx) -> Outcome:
        done = parts.expenses.enter(tx, Acting.of(parts.people, caller), wanted)
        return _outcome(done, status=201)

    return command.carry_out(act)


def change_expense(
    parts: Parts,
    caller: Caller,
    command: Commanding,
    id: Id,
    wanted: ExpenseInput,
    if_match: IfMatch = None,
) -> Response:
    """Say all of a draft, or of one that was returned, anew. Its receipt stays."""

    def act(tx: Tx) -> Outcome:
        acting, which = Acting.of(parts.people, caller), uuid_of(id, "expense")
        version = _required(command)
        return _outcome(parts.expenses.change(tx, acting, which, wanted, version))

    return command.carry_out(act)


def attach_receipt(
    parts: Parts,
    caller: Caller,
    command: Commanding,
    request: Request,
    id: Id,
    if_match: IfMatch = None,
) -> Response:
    """Upload the receipt: PDF, PNG, JPEG or HEIC, at most 10 MiB; one that it had is replaced."""

    def act(tx: Tx) -> Outcome:
        acting, which = Acting.of(parts.people, caller), uuid_of(id, "expense")
        version = command.version(required=False)
        return _outcome(parts.expenses.attach(tx, acting, which, request.state.raw, version))

    return command.carry_out(act)


def submit_expenses(
    parts: Parts, caller: Caller, command: Commanding, wanted: SubmitExpenses
) -> Response:
    """Hand in one's own. What has an error stays as it is, and is answered with what is wrong."""

    def act(tx: Tx) -> Outcome:
        done = parts.expenses.submit(tx, Acting.of(parts.people, caller), set(wanted.ids))
        refused = tuple(
            RefusedExpense(id=id, findings=_findings(said)) for id, said in done.refused.items()
        )
        return Outcome(SubmittedExpenses(submitted=tuple(done.submitted), refused=refused))

    return command.carry_out(act)


def recall_expense(parts: Parts, caller: Caller, command: Commanding, id: Id) -> Response:
    """Take back what nobody has decided on yet: it is a draft again."""

    def act(tx: Tx) -> Outcome:
        acting = Acting.of(parts.people, caller)
        return _outcome(parts.expenses.recall(tx, acting, uuid_of(id, "expense")))

    return command.carry_out(act)


def delete_expense(
    parts: Parts, caller: Caller, command: Commanding, id: Id, if_match: IfMatch = None
) -> Response:
    """Delete a draft, or one that was returned."""

    def act(tx: Tx) -> Outcome:
        acting, which = Acting.of(parts.people, caller), uuid_of(id, "expense")
        parts.expenses.delete(tx, acting, which, _required(command))
        return Outcome(Deleted(id=which))

    return command.carry_out(act)


def uuid_of(id: str, what: str) -> UUID:
    """Raises `NotFound`, as for one that is not there."""
    try:
        return UUID(id)
    except ValueError:
        raise NotFound(f"There is no such {what}.") from None


def _required(command: Command) -> int:
    version = command.version(required=True)
    assert version is not None
    return version


def _wanted(
    tx: Tx,
    parts: AppParts,
    caller: Principal,
    mine: bool,
    engagement: str | None,
    state: EntryState | None,
    since: date | None,
    until: date | None,
) -> Wanted:
    """Raises `NotAllowed` for others' without the permission."""
    if mine:
        own = resource_of(tx, Acting.of(parts.people, caller)).id
        return Wanted(own, None, None, engagement, state, since, until)
    caller.must(Permission.TIME_READ)
    regions, entities = caller.regions, caller.legal_entities
    return Wanted(None, regions, entities, engagement, state, since, until)


def _seen(tx: Tx, parts: AppParts, caller: Principal, id: str) -> Mapping[str, Any]:
    """One's own, and others' as far as one may see them. Raises `NotFound`."""
    which = uuid_of(id, "expense")
    if caller.may(Permission.TIME_READ):
        wanted = Wanted(None, caller.regions, caller.legal_entities, id=which)
        if rows := expenses.page(tx, wanted, after=None, limit=1):
            return rows[0]
    try:
        own = resource_of(tx, Acting.of(parts.people, caller)).id
    except NotAllowed:
        raise NotFound("There is no such expense.") from None
    rows = expenses.page(tx, Wanted(own, id=which), after=None, limit=1)
    return found(rows[0] if rows else None, "expense")


def _shown(row: Mapping[str, Any], said: Mapping[UUID, Sequence[Finding]]) -> ExpenseView:
    return _view(expenses.kept(row), said.get(row["id"], ()))


def _outcome(done: Entered, status: int = 200) -> Outcome:
    view = _view(done.kept, done.findings)
    return Outcome(view, status=status, version=view.version)


def _view(kept: Kept, said: Sequence[Finding]) -> ExpenseView:
    expense = kept.expense
    own = expense.model_dump(exclude={"engagement", "amount", "claimed", "source", "source_id"})
    return ExpenseView(
        **own,
        engagement_id=expense.engagement,
        amount=_trimmed(expense.amount),
        claimed=expense.claimed and _trimmed(expense.claimed),
        period=kept.period,
        entered_by=kept.entered_by,
        entered_at=kept.entered_at,
        submitted_at=kept.submitted_at,
        decided_by=kept.decided_by,
        decided_at=kept.decided_at,
        findings=_findings(said),
    )


def _trimmed(amount: Money) -> Money:
    """With as many decimals as its currency has."""
    return money({"amount": amount.amount, "currency": amount.currency}) or amount


def _findings(said: Sequence[Finding]) -> tuple[FindingView, ...]:
    return tuple(
        FindingView(rule=one.rule, severity=one.severity, value=one.value, remedy=one.remedy)
        for one in said
    )
