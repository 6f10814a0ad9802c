"""One difference: both records side by side, since when, whose it is, and what a person may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fairlead.domain.model.discrepancy import DiscrepancyKind, Kept
from fairlead.store import reconciliation_views
from fairlead.trust.roles import Permission
from fairlead.web.formats import Sla, Tone
from fairlead.web.pages.billing_board import sees
from fairlead.web.pages.reconciliation_list import owner_of
from fairlead.web.pages.reconciliation_words import KINDS, ONE, quantity
from fairlead.web.visit import Visit
from fairlead.web.who_else import ask, could_resolve, name_of


@dataclass(frozen=True)
class Side:
    """A line of the two records. Null: this one is not kept, or not told."""

    label: str
    ours: str | None
    theirs: str | None
    differs: bool = False
    href: str | None = None  #: of ours


@dataclass(frozen=True)
class Pane:
    id: str
    title: str
    kind: str
    tone: Tone
    number: str
    client: str
    name: str
    system: str
    sides: tuple[Side, ...]
    difference: str
    words: str
    remedy: str
    owner: str
    sla: Sla | None
    since: datetime
    seen: datetime
    exception: str | None
    is_asked: bool  #: the exception is open
    version: int
    reason: str | None  #: that it was closed with
    comparing: bool
    closed: str | None  #: why this reader may not act


def read(visit: Visit, id: UUID) -> Pane | None:
    """Null where there is none to see, or both sides agree by now. Two queries."""
    row = reconciliation_views.one(visit.tx, sees(visit), id)
    if row is None:
        return None
    kind, tone = KINDS[row["kind"]]
    return Pane(
        id=str(row["id"]),
        title=f"{ONE[row['kept']]}: {kind[:1].lower()}{kind[1:]}",
        kind=kind,
        tone=tone,
        number=row["number"],
        client=row["client_name"],
        name=row["name"],
        system=row["system"],
        sides=_sides(visit, row),
        difference=quantity(row["difference"], row["unit"], sign=True),
        words=f"{row['words'][:1].upper()}{row['words'][1:]}",
        remedy=row["remedy"],
        owner=owner_of(visit, row),
        sla=_sla(visit, row),
        since=row["first_seen_at"],
        seen=row["last_seen_at"],
        exception=row["exception_id"],
        is_asked=row["asked"] == "open",
        version=row["version"] or 1,
        reason=row["reason"],
        comparing=reconciliation_views.is_comparing(visit.tx, row["engagement_id"]),
        closed=_closed(visit, row),
    )


def _sides(visit: Visit, row: Mapping[str, Any]) -> tuple[Side, ...]:
    """What only one side keeps has one side. What does not differ is said of both."""
    ours, theirs = row["ours"] is not None, row["theirs"] is not None
    kind, unit = row["kind"], row["unit"]
    day = None if row["day"] is None else visit.clock.date(row["day"])
    whose = name_of(visit, row["whose"]) if row["whose"] else None
    apart = kind == DiscrepancyKind.OTHER
    found = [
        Side(
            "Hours" if unit == "hour" else "Amount",
            quantity(row["ours"], unit) if ours else None,
            quantity(row["theirs"], unit) if theirs else None,
            differs=row["ours"] != row["theirs"],
        ),
        Side(
            "Record",
            (row["key"] or None) if ours else None,
            ", ".join(row["refs"]) or None if theirs else None,
            href=_ours_at(visit, row) if ours else None,
        ),
    ]
    if day:
        moved = kind == DiscrepancyKind.DAY
        there = "another day" if moved else day if theirs and not ours else None
        found.append(Side("Day", day if ours else None, there, differs=moved))
    if whose:
        found.append(
            Side(
                "Whose",
                whose if ours else None,
                "somebody else" if apart else whose if theirs and not ours else None,
                differs=apart,
            )
        )
    return tuple(found)


def _ours_at(visit: Visit, row: Mapping[str, Any]) -> str | None:
    """Where our record is shown, for whoever may read billing."""
    if not row["key"] or not visit.who.may(Permission.BILLING_READ):
        return None
    if row["kept"] == Kept.INVOICE:
        return f"/billing/invoices/{row['key']}"
    return f"/billing/items/{row['key']}"


def _sla(visit: Visit, row: Mapping[str, Any]) -> Sla | None:
    if row["asked"] != "open":
        return None
    return visit.sla(row["opened_at"], row["due_at"], row["region"], None)


def _closed(visit: Visit, row: Mapping[str, Any]) -> str | None:
    if visit.who.may(Permission.EXCEPTIONS_RESOLVE):
        return None
    of = {"region": row["region"], "legal_entity": row["legal_entity"], "owner": row["team"]}
    return ask(could_resolve(visit, of, Permission.EXCEPTIONS_RESOLVE))
