"""Approving time and expenses, many at once, and sending some back (F068, F071, F073).

All that is clean is approved by one command; what a rule warns of is set apart, and is approved
only with a reason of its own. What has an error is not approved at all: it goes back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

from fairlead.capabilities.time.events import WORK_APPROVED, say
from fairlead.capabilities.time.remit import Remits
from fairlead.capabilities.time.shown import as_shown
from fairlead.domain.rules.period import booked_in
from fairlead.errors import InvalidInput, NotAllowed, Problem
from fairlead.store import approvals, journal, periods
from fairlead.store.approvals import Decision, Done, Kind, Remit, Selection
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event
from fairlead.trust.acting import Acting
from fairlead.trust.principals import People

KINDS: tuple[Kind, ...] = ("time", "expense")
_MOST_APART = 200

ItemKey = tuple[Kind, UUID]


@dataclass(frozen=True)
class Wanted:
    """What is to be approved. Nothing said means: all that waits for the approver."""

    engagement: str | None = None  #: id, number or project code
    week: date | None = None  #: its Monday
    resource: str | None = None
    items: Sequence[ItemKey] | None = None  #: only these
    reasons: Mapping[ItemKey, str] = field(default_factory=dict[ItemKey, str])
    """Why one that a rule warns of is right."""
    digest: str | None = None  #: as the group was shown; with engagement and week, and no more
    versions: Mapping[ItemKey, int] = field(default_factory=dict[ItemKey, int])
    """As single items were shown."""


@dataclass(frozen=True)
class Approved:
    done: Sequence[Done]
    apart: Sequence[Mapping[str, Any]]  #: what was asked for and still waits; 200 at most


class Approving:
    """The commands. Each works in the caller's transaction, as one signed-in person."""

    def __init__(self, people: People) -> None:
        self._remits = Remits(people)

    def remit(self, tx: Tx, acting: Acting, engagement: str | None = None) -> Remit:
        """What they may decide on; nothing where nothing waits for them."""
        return self._remits.of(tx, acting, engagement=engagement)

    def approve(self, tx: Tx, acting: Acting, wanted: Wanted) -> Approved:
        """Raises `InvalidInput` (a week that begins on no Monday, a reason that says nothing),
        `NotAllowed` (a program, or an engagement that somebody else approves), `ChangedSince`
        (it is not what was shown any more)."""
        _check(wanted)
        now = database_time(tx)
        remit = self._of(tx, acting, wanted.engagement)
        asked = Selection(wanted.week, wanted.resource, _by_kind(wanted.items))
        which = as_shown(tx, remit, asked, now, digest=wanted.digest, versions=wanted.versions)
        made = Decision(
            by=f"person:{acting.id}",
            now=now,
            reasons={
                kind: {
                    id: reason.strip() for (of, id), reason in wanted.reasons.items() if of == kind
                }
                for kind in KINDS
            },
            late=_late(tx, remit),
        )
        done = [one for kind in KINDS for one in approvals.approve(tx, kind, remit, which, made)]
        self._tell(tx, acting, remit, done, "work.approved", now)
        for engagement, week in sorted({(one.engagement, one.week) for one in done}, key=str):
            data = {"engagement": engagement, "week": str(week)}
            say(tx, WORK_APPROVED, f"{engagement}/{week}/{uuid4()}", data)
        apart = approvals.items(tx, remit, asked, now, limit=_MOST_APART)
        return Approved(done, apart)

    def send_back(
        self,
        tx: Tx,
        acting: Acting,
        items: Sequence[ItemKey],
        reason: str,
        versions: Mapping[ItemKey, int] = MappingProxyType({}),
    ) -> Sequence[Done]:
        """Return these to who entered them, all or none. `versions`: as they were shown.

        Raises `InvalidInput` (no reason), `NotAllowed` (one is not theirs to decide on, or waits
        no longer), `ChangedSince`.
        """
        if not reason.strip():
            raise InvalidInput(
                "Whoever entered it must know what to change.",
                [Problem("/reason", "is required to return something")],
            )
        now = database_time(tx)
        remit = self._of(tx, acting, None)
        asked, by = Selection(ids=_by_kind(items)), f"person:{acting.id}"
        which = as_shown(tx, remit, asked, now, versions=versions)
        done = [
            one
            for kind in KINDS
            for one in approvals.send_back(
                tx, kind, remit, which, by=by, now=now, reason=reason.strip()
            )
        ]
        if sum(one.count for one in done) != len(set(items)):
            raise NotAllowed("One of these does not wait for a decision of yours.")
        self._tell(tx, acting, remit, done, "work.returned", now, reason=reason.strip())
        return done

    def _of(self, tx: Tx, acting: Acting, engagement: str | None) -> Remit:
        remit = self._remits.of(tx, acting, engagement=engagement)
        if engagement is not None and not remit.engagements:
            raise NotAllowed("Time and expenses of this engagement are approved by others.")
        return remit

    @staticmethod
    def _tell(
        tx: Tx,
        acting: Acting,
        remit: Remit,
        done: Sequence[Done],
        type: str,
        now: datetime,
        **more: str,
    ) -> None:
        """One event for each engagement. It names the first entries of each kind and week; the
        rows say of all who decided on them, and when."""
        regions = {
            row["engagement_id"]: row["region"]
            for row in approvals.lines(tx, {one.engagement for one in done})
        }
        events: list[Event] = []
        for engagement in sorted({one.engagement for one in done}):
            some = [one for one in done if one.engagement == engagement]
            whom = remit.engagements[engagement]
            events.append(
                Event(
                    chain=engagement,
                    type=type,
                    at=now,
                    actor=f"person:{acting.id}",
                    attributes={
                        "time": sum(one.count for one in some if one.kind == "time"),
                        "expenses": sum(one.count for one in some if one.kind == "expense"),
                        "minutes": sum(one.minutes for one in some),
                        "late": sum(one.late for one in some),
                        "in_stead_of": "" if whom == acting.id else whom,
                        **more,
                    },
                    objects=[
                        (engagement, "engagement", "of"),
                        *((str(id), one.kind, "decided") for one in some for id in one.ids),
                    ],
                    region=regions.get(engagement),
                )
            )
        journal.append(tx, events)


def _late(tx: Tx, remit: Remit) -> Mapping[tuple[str, date], date]:
    """In which month the closed ones are booked instead; none is closed or opened meanwhile."""
    entities = {row["legal_entity"] for row in approvals.lines(tx, remit.engagements)}
    closed = periods.share(tx, entities)
    return {
        (entity, month): booked_in(month, {other for of, other in closed if of == entity})
        for entity, month in closed
    }


def _check(wanted: Wanted) -> None:
    if wanted.week is not None and wanted.week.weekday() != 0:
        raise InvalidInput("A week is named by its first day.", [Problem("/week", "is a Monday")])
    if wanted.digest is not None and (
        wanted.engagement is None
        or wanted.week is None
        or wanted.resource is not None
        or wanted.items is not None
    ):
        raise InvalidInput(
            "A digest is that of all that waits on one engagement for one week.",
            [Problem("/digest", "is given with engagement and week, without resource and items")],
        )
    if any(not reason.strip() for reason in wanted.reasons.values()):
        raise InvalidInput(
            "Each needs a reason of its own.", [Problem("/reasons", "say why it is right")]
        )


def _by_kind(items: Sequence[ItemKey] | None) -> Mapping[Kind, Sequence[UUID]] | None:
    if items is None:
        return None
    return {kind: [id for of, id in items if of == kind] for kind in KINDS}
