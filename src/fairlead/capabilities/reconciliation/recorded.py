"""The time that a project system keeps, against what came here from it (F076, F163, F277).

What was entered here is no business of that system's: no time is sent there. What changed there
since it was polled last, though within a day, or here since it was asked, or is being taken back,
is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from fairlead.capabilities.reconciliation.books import Book, Sides, Told
from fairlead.capabilities.time.kinds import Kinds
from fairlead.capabilities.time.matching import Matcher, NoMatch
from fairlead.capabilities.time.recorded import entry_of, matcher_of, message_of
from fairlead.domain.model.delivery import Delivery
from fairlead.domain.model.discrepancy import Absence, DiscrepancyKind, Kept, Record
from fairlead.domain.model.recorded_time import KeptTime, RecordedTime
from fairlead.domain.model.time_entry import EntryState
from fairlead.domain.rules.recorded_work import Entry, sides
from fairlead.store import recorded_work, systems
from fairlead.store.database import Tx
from fairlead.store.reconciliations import hours

PROJECT_TIME = "project-time"
#: System → the source of its time that was taken in as a file.
FileOf = Callable[[str], str]

_HOUR = Decimal(60)
#: Times there may have no fractions of a second, and its clock may differ a little from ours.
_MARGIN = timedelta(minutes=1)
#: What was not polled for so long is no longer on its way.
_PATIENCE = timedelta(days=1)
_COMING = frozenset({"ready", "running"})  #: states of a message that will be taken in
_APPROVED, _NOT_APPROVED = "approved", "not approved"


def book(kinds: Kinds, file_of: FileOf) -> Book:
    """What a project system keeps of an engagement's time."""
    return Book(Kept.TIME, lambda tx, told: _Comparison(tx, told, kinds, file_of).sides())


class _Comparison:
    """Everything that is needed, read once for all entries."""

    def __init__(self, tx: Tx, told: Told, kinds: Kinds, file_of: FileOf) -> None:
        self._delivery, self._system = told.delivery, told.system
        self._kept = [KeptTime.model_validate(one) for one in told.said]
        entries = [one.entry for one in self._kept]
        self._matcher = matcher_of(tx, kinds, told.system, entries)
        id, file = told.delivery.engagement, file_of(told.system)
        self._rows = recorded_work.time(tx, id, told.system, file, told.asked_at)
        self._here = {row["ref"]: row for row in reversed(self._rows) if row["ref"]}
        unknown = [one for one in entries if one.ref.id not in self._here]
        refs = [one.ref.id for one in unknown]
        self._elsewhere = recorded_work.elsewhere(tx, told.system, refs, id)
        self._held_up = recorded_work.held_up(tx, told.system, [message_of(one) for one in entries])
        row = systems.get(tx, told.system)
        self._since = (
            max(row.polled_at - _MARGIN, told.asked_at - _PATIENCE)
            if row and row.polled_at
            else None
        )

    def sides(self) -> Sides:
        project = self._delivery.refs["psa_project"]
        moving = set(self._moving())
        there = [one for one in self._kept if one.entry.ref.id not in moving]
        gone_to = {
            one.entry.ref.id: one.entry.project_name
            for one in there
            if one.entry.project != project
        }
        theirs = [
            self._theirs(one)
            for one in there
            if one.entry.project == project
            and (one.entry.minutes or one.entry.ref.id in self._here)
        ]
        entries = [_ours(row, gone_to) for row in self._rows if row["ref"] not in moving]
        return Sides(*sides(entries, theirs))

    def _moving(self) -> Iterable[str]:
        """Ids of what may be on its way from one side to the other, or is being corrected."""
        for one in self._kept:
            late = self._since is not None and one.entry.changed_at >= self._since
            state, _ = self._held_up.get(message_of(one.entry), ("", None))
            if late or state in _COMING:
                yield one.entry.ref.id
        for row in self._rows:
            correcting = row["taking_back"] in (EntryState.DRAFT, EntryState.SUBMITTED)
            if row["ref"] and (row["touched"] or correcting):
                yield row["ref"]

    def _theirs(self, kept: KeptTime) -> Record:
        one = kept.entry
        here = self._here.get(one.ref.id)
        return Record(
            key=here["key"] if here else "",
            ref=one.ref.id,
            amount=hours(Decimal(one.minutes) / _HOUR),
            unit="hour",
            on=one.day,
            dated=True,
            whose=_whose(self._matcher, one),
            place=_task(self._matcher, self._delivery, one),
            billable=one.billable,
            state=_APPROVED if kept.approved else _NOT_APPROVED,
            absent=None if here else self._absence(one),
        )

    def _absence(self, one: RecordedTime) -> Absence | None:
        """Why it is not here, as far as that is known."""
        id = one.ref.id
        if number := self._elsewhere.get(id):
            words = f"it is there as {id}, and on {number} here"
            return Absence(kind=DiscrepancyKind.PLACE, words=words)
        state, outcome = self._held_up.get(message_of(one), ("", None))
        why = f"its message was put aside: {outcome}" if state and outcome else ""
        try:
            entry_of(one, self._matcher, self._system)
        except NoMatch as no:
            why = f"its {no.what} {no.rule}"
        if not why:
            return None
        words = f"it is there as {id}, and was not taken in: {why.rstrip('.')}"
        return Absence(kind=DiscrepancyKind.PARKED, words=words)


def _ours(row: Mapping[str, Any], gone_to: Mapping[str, str]) -> Entry:
    ref = row["ref"] or ""
    absent = None
    if ref in gone_to:
        words = f"it is on “{gone_to[ref]}” there"
        absent = Absence(kind=DiscrepancyKind.PLACE, words=words)
    decided = {EntryState.APPROVED: _APPROVED, EntryState.RETURNED: _NOT_APPROVED}
    return Entry(
        record=Record(
            key=row["key"],
            ref=ref,
            amount=hours(Decimal(row["minutes"]) / _HOUR),
            unit="hour",
            on=row["day"],
            dated=True,
            whose=row["whose"],
            place=row["task"] or "",
            billable=row["billable"],
            state=decided.get(row["state"], ""),
            absent=absent,
        ),
        note=row["narrative"],
        taken_back=row["taking_back"] == EntryState.APPROVED,
    )


def _whose(matcher: Matcher, one: RecordedTime) -> str:
    try:
        person = matcher.person(one.person, one.email)
    except NoMatch:
        return (one.email or one.person).casefold()
    return (person.email or person.id).lower()


def _task(matcher: Matcher, delivery: Delivery, one: RecordedTime) -> str:
    try:
        package = matcher.task(delivery, one.task_name)
    except NoMatch:
        return one.task_name or ""
    return package.code if package else ""
