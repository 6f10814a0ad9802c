"""One month's revenue of a company and region: its lines, what the ledger is told, what may be done
with it and why not; and the position of one engagement at the end of any day (F087)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from fairlead.capabilities.revenue.approving import over_limits
from fairlead.capabilities.revenue.showing import BookedMonth, Statement
from fairlead.domain.model.revenue_batch import BatchState, EntryState
from fairlead.domain.values import Money
from fairlead.store import revenue, revenue_views
from fairlead.trust.principals import Person
from fairlead.trust.roles import Permission
from fairlead.web.formats import Tone
from fairlead.web.pages.billing_board import sees
from fairlead.web.pages.engagement_money import METHODS
from fairlead.web.pages.revenue_list import Sums, month_words, sums_of
from fairlead.web.pages.revenue_words import PARAGRAPHS, STATES
from fairlead.web.visit import Visit
from fairlead.web.who_else import ask, name_of
from fairlead.work.hands import went_through

LINES = 100  #: on one page
ENTRIES: Mapping[str, tuple[str, Tone]] = {
    EntryState.DRAFT: ("Not approved yet", "idle"),
    EntryState.APPROVED: ("Approved", "run"),
    EntryState.POSTED: ("Booked", "ok"),
    EntryState.REPLACED: ("Replaced", "idle"),
    EntryState.LAPSED: ("Lapsed", "idle"),
}


@dataclass(frozen=True)
class Line:
    """One engagement's journal. `back`: of an earlier revision, taken back first."""

    number: str
    name: str
    client: str
    revision: int
    state: str
    tone: Tone
    method: str
    paragraph: str
    revenue: Money
    back: Money | None
    earned: Money
    billed: Money
    wip: Money
    deferred: Money
    warnings: tuple[str, ...]
    journal: str | None


@dataclass(frozen=True)
class Act:
    """One thing to do. `closed`: why this reader may not."""

    name: str
    label: str
    icon: str
    follows: str
    reason: bool = False
    primary: bool = False
    closed: str | None = None


@dataclass(frozen=True)
class Shown:
    id: str
    version: int
    digest: str
    entity: str
    region: str
    month: str
    number: int
    state: str
    tone: Tone
    entries: int
    sums: tuple[Sums, ...]
    steps: tuple[tuple[str, str, datetime], ...]
    reason: str | None
    trouble: str | None
    exception: str | None
    acts: tuple[Act, ...]
    lines: tuple[Line, ...]
    next: str | None  #: the engagement that the next page of lines follows
    is_later: bool


def read(visit: Visit, id: str, *, after: str | None) -> Shown | None:
    """Null where there is none to see. Four queries at most."""
    row = revenue_views.one(visit.tx, sees(visit), id)
    if row is None:
        return None
    found = revenue_views.lines(visit.tx, id, after=after, limit=LINES + 1)
    label, tone = STATES[row["state"]]
    return Shown(
        id=row["id"],
        version=row["version"],
        digest=row["digest"] or "",
        entity=row["legal_entity"],
        region=row["region"],
        month=month_words(row["month"]),
        number=row["number"],
        state=label,
        tone=tone,
        entries=row["entries"],
        sums=sums_of(revenue_views.sums(visit.tx, [id]).get(id, [])),
        steps=_steps(visit, row),
        reason=row["reason"],
        trouble=row["trouble"],
        exception=row["exception_id"],
        acts=tuple(_acts(visit, row)),
        lines=tuple(_line(one) for one in found[:LINES]),
        next=found[LINES - 1]["engagement_id"] if len(found) > LINES else None,
        is_later=after is not None,
    )


def _steps(visit: Visit, row: Mapping[str, Any]) -> tuple[tuple[str, str, datetime], ...]:
    """What was done, by whom, when."""
    by = ", ".join(name_of(visit, one) for one in row["computed_by"])
    found = [("Computed", by, row["computed_at"])]
    for what in ("proposed", "approved"):
        if row[f"{what}_by"] is not None:
            who = name_of(visit, row[f"{what}_by"])
            found.append((what.capitalize(), who, row[f"{what}_at"]))
    if row["posted_at"] is not None:
        found.append(("Booked", "the ledger", row["posted_at"]))
    return tuple(found)


def _acts(visit: Visit, row: Mapping[str, Any]) -> list[Act]:
    """It only says beforehand what the command says anyhow: `capabilities.revenue` decides."""
    if row["state"] == BatchState.COMPUTED:
        closed = _closed(visit, row, Permission.BILLING_PROPOSE)
        if closed is None and not row["entries"]:
            closed = "There is nothing in it."
        follows = "It waits for approval by somebody who neither computed nor proposed it."
        return [Act("propose", "Propose", "check", follows, primary=True, closed=closed)]
    if row["state"] != BatchState.PROPOSED:
        return []
    closed = _closed(visit, row, Permission.BILLING_RELEASE)
    return [
        Act(
            "approve", "Approve", "arrow-r", "The figures stand; a run books each journal in the "
            "ledger, once.", primary=True,
            closed=closed or _own(visit, row) or _over(visit, row),
        ),
        Act(
            "send-back", "Send back", "replay", "It is not approved; finance reads why, and may "
            "compute and propose it again.", reason=True, closed=closed,
        ),
    ]  # fmt: skip


def _closed(visit: Visit, row: Mapping[str, Any], permission: Permission) -> str | None:
    if visit.who.may(permission):
        return None
    who = "Finance only" if permission is Permission.BILLING_PROPOSE else "Controller only"
    return f"{who}. {ask(_able(visit, row, permission))}"


def _own(visit: Visit, row: Mapping[str, Any]) -> str | None:
    involved = [*row["computed_by"], row["proposed_by"] or ""]
    today = visit.now.date()
    if not went_through(visit.tx, visit.acting, involved, since=row["month"], today=today):
        return None
    others = ask(_able(visit, row, Permission.BILLING_RELEASE))
    return f"Not by you: it was computed or proposed by you, or for you. {others}"


def _over(visit: Visit, row: Mapping[str, Any]) -> str | None:
    batch = revenue.batches(visit.tx, [row["id"]])[row["id"]]
    over = over_limits(batch, visit.acting)
    if not over:
        return None
    others = ask(_able(visit, row, Permission.BILLING_RELEASE))
    return f"Over your limit, in brackets: {', '.join(over)}. {others}"


def _able(visit: Visit, row: Mapping[str, Any], permission: Permission) -> list[Person]:
    """Others who have the permission for its region and company, and had no hand in it."""
    involved = {one.casefold() for one in (*row["computed_by"], row["proposed_by"] or "")}
    found: list[Person] = []
    for person in visit.parts.people.all():
        who = person.principal()
        able = who.may(permission) and who.sees(
            region=row["region"] or None, legal_entity=row["legal_entity"]
        )
        apart = permission is Permission.BILLING_PROPOSE or person.id.casefold() not in involved
        if person.active and able and apart and person.id != visit.who.id:
            found.append(person)
    return found


def _line(row: Mapping[str, Any]) -> Line:
    label, tone = ENTRIES[row["state"]]

    def money(name: str) -> Money:
        return Money(amount=row[name], currency=row["currency"])

    return Line(
        number=row["number"],
        name=row["name"],
        client=row["client_name"],
        revision=row["revision"],
        state=label,
        tone=tone,
        method=METHODS.get(row["method"], row["method"]),
        paragraph=PARAGRAPHS.get(row["method"], ""),
        revenue=money("revenue"),
        back=None if row["back"] is None else money("back"),
        earned=money("earned"),
        billed=money("billed"),
        wip=money("wip"),
        deferred=money("deferred"),
        warnings=tuple(row["warnings"]),
        journal=row["ref"]["id"] if row["ref"] else None,
    )


@dataclass(frozen=True)
class Month:
    """What was booked for one month, and where it left the engagement."""

    month: str
    revision: int
    state: str
    tone: Tone
    revenue: Money
    earned: Money
    billed: Money
    wip: Money
    deferred: Money
    journal: str | None


@dataclass(frozen=True)
class Standing:
    """An engagement's WIP or deferred revenue at the end of a day, and how it came to it."""

    number: str
    name: str
    told: Statement
    on: date
    method: str
    paragraph: str
    months: tuple[Month, ...]
    since: Money | None  #: earned since the last booked month; null: cannot be told


def standing(name: str, told: Statement) -> Standing:
    booked = next((one for one in told.months if one.position.on <= told.on), None)
    since = None
    if told.position is not None:
        earned = told.position.earned
        since = earned if booked is None else earned - booked.position.earned
    return Standing(
        number=told.number,
        name=name,
        told=told,
        on=told.on,
        method=METHODS.get(told.method, told.method),
        paragraph=PARAGRAPHS.get(told.method, ""),
        months=tuple(_month(one) for one in told.months if one.position.on <= told.on),
        since=since,
    )


def _month(one: BookedMonth) -> Month:
    label, tone = ENTRIES[one.state]
    at = one.position
    return Month(
        month_words(one.month), one.revision, label, tone, one.change.revenue, at.earned, at.billed,
        at.wip, at.deferred, one.ref.id if one.ref else None,
    )  # fmt: skip
