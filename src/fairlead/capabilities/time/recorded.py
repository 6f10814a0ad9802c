"""Time that a project system recorded, polled and landed through the same import.

What is on a project of ours lands a page at a time; told again, it changes nothing. An entry that
cannot be matched goes to the inbox, where it is parked with its reason for a person to replay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from fairlead.capabilities.time.importing import Imports
from fairlead.capabilities.time.kinds import Kinds
from fairlead.capabilities.time.matching import Matcher, NoMatch
from fairlead.domain.ids import EngagementId, derived
from fairlead.domain.model.recorded_time import RecordedTime
from fairlead.domain.model.time_entry import TimeEntry
from fairlead.errors import InvalidInput, Problem
from fairlead.flow.seams import seam
from fairlead.ports.projects import Projects
from fairlead.store import inbox, time_entries
from fairlead.store.database import Database, Tx
from fairlead.store.inbox import Message

#: Of a message in the inbox.
KIND = "time"


class Recorded:
    def __init__(self, db: Database, imports: Imports, kinds: Kinds) -> None:
        self._db, self._imports, self._kinds = db, imports, kinds

    def poll(self, system: str, projects: Projects, since: datetime) -> datetime:
        """One complete pass; where the next one starts. A pass that breaks off is made again."""
        cursor: str | None = None
        while True:
            page = projects.time_changed_since(since, cursor)
            with self._db.transaction() as tx:
                self.land(tx, system, page.entries)
            seam("poll: time landed")
            cursor = page.next_cursor
            if cursor is None:
                return page.watermark

    def land(self, tx: Tx, system: str, told: Sequence[RecordedTime]) -> None:
        """Take in what can be matched; put the rest before a person. Others' projects are none of
        ours."""
        matcher = self._matcher(tx, system, told)
        matched: list[TimeEntry] = []
        for one in told:
            try:
                matched.append(entry_of(one, matcher, system))
            except NoMatch as no:
                if no.what != "engagement":
                    _put(tx, system, one)
        self._imports.land(tx, matched, by=f"system:{system}")

    def handle(self, message: Message) -> Callable[[Tx], str]:
        """One entry from the inbox: as `land`, but what cannot be matched is said.

        What it takes in raises `InvalidInput`.
        """
        told = RecordedTime.model_validate_json(message.body)

        def take_in(tx: Tx) -> str:
            try:
                entry = entry_of(told, self._matcher(tx, message.source, [told]), message.source)
            except NoMatch as no:
                detail = f"Time entry {told.ref.id} of {told.day} cannot be taken in."
                raise InvalidInput(detail, [Problem(f"/{no.what}", no.rule)]) from None
            by = f"system:{message.source}"
            landed = self._imports.land(tx, [entry], by=by, correlation=message.correlation)
            return f"{landed.added} added, {landed.changed} changed, {landed.locked} locked"

        return take_in

    def _matcher(self, tx: Tx, system: str, told: Sequence[RecordedTime]) -> Matcher:
        return matcher_of(tx, self._kinds, system, told)


def matcher_of(tx: Tx, kinds: Kinds, system: str, told: Sequence[RecordedTime]) -> Matcher:
    """What these entries name, read once."""
    return Matcher(
        tx,
        kinds,
        system,
        people={name for one in told for name in (one.person, one.email) if name},
        engagements={one.project_name for one in told},
        days={one.day for one in told},
    )


def entry_of(one: RecordedTime, matcher: Matcher, system: str) -> TimeEntry:
    """As we would keep it. Raises `NoMatch`."""
    delivery = matcher.engagement(one.project_name)
    person = matcher.person(one.person, one.email)
    package = matcher.task(delivery, one.task_name)
    task = package.code if package else None
    kind = matcher.kind(None)
    if not 1 <= one.minutes <= 1440:
        raise NoMatch("minutes", "is between a minute and a day; take back the entry by hand")
    billable = one.billable
    if billable is None:
        billable = kind.billable and (package is None or package.billable)
    return TimeEntry(
        id=time_entries.entry_id(system, one.ref.id),
        engagement=EngagementId(delivery.engagement),
        task=task,
        resource=person.id,
        day=one.day,
        minutes=one.minutes,
        role=one.role or matcher.role(person, delivery, task, one.day),
        category=kind.code,
        billable=billable,
        narrative=one.narrative,
        source=system,
        source_id=one.ref.id,
    )


def message_of(one: RecordedTime) -> str:
    """Its name in the inbox, as it is now."""
    return f"{KIND}:{one.ref.id}@{one.changed_at.isoformat()}"


def _put(tx: Tx, system: str, one: RecordedTime) -> None:
    revision = one.changed_at.isoformat()
    inbox.put(
        tx,
        source=system,
        message=message_of(one),
        kind=KIND,
        queue=system,
        correlation=derived("time", system, one.ref.id, revision),
        headers={},
        body=one.model_dump_json().encode(),
    )
