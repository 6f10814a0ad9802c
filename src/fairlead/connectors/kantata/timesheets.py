"""Reading time entries from Kantata.

https://developer.kantata.com/kantata/specification/time-entries/get-time-entries
`only` (by id): https://developer.kantata.com/ ("Request by ID")
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from fairlead.connectors.kantata.answers import (
    Answer,
    ContractBroken,
    Role,
    TimeEntry,
    Titled,
    User,
)
from fairlead.connectors.kantata.records import Records
from fairlead.domain.model.recorded_time import KeptTime, RecordedTime
from fairlead.domain.values import ExternalRef
from fairlead.ports.projects import TimePage

T = TypeVar("T")

#: Seconds are cut off in its times, and what is being written while we read is told next time.
_OVERLAP = timedelta(minutes=5)
_BESIDE = "user,workspace,story,role"
_AT_ONCE = 200  #: ids that are asked for at once, as many as a page has


class Timesheets:
    def __init__(self, system: str, records: Records) -> None:
        self._system, self._records = system, records

    def changed_since(self, since: datetime, cursor: str | None) -> TimePage:
        """A page of entries, the last changed first. The cursor is ours.

        What changes meanwhile moves to the front; the rest moves back and is told again at worst.
        So the watermark is the newest change that the first page had, less an overlap. If the list
        got shorter, the rest moved forward, and the pass begins again.
        """
        number, before, newest = _where(since, cursor)
        asked = {
            "updated_after": _stamp(since - _OVERLAP),
            "order": "updated_at:desc",
            "include": _BESIDE,
        }
        with self._records.reading():
            answer = self._records.page("time_entries", asked, number)
            if number > 1 and answer.count < before:
                number, newest = 1, since
                answer = self._records.page("time_entries", asked, number)
            entries = tuple(
                self._entry(answer, one) for one in answer.listed("time_entries", TimeEntry)
            )
        if number == 1:
            newest = max([since, *(entry.changed_at for entry in entries)])
        more = number * self._records.page_size < answer.count and bool(entries)
        return TimePage(
            entries=entries,
            next_cursor=f"{number + 1}|{answer.count}|{_stamp(newest)}" if more else None,
            watermark=max(since, newest - _OVERLAP),
        )

    def kept(self, workspace: str, known: Collection[str]) -> tuple[KeptTime, ...]:
        """All time on a workspace, and of the `known` entries also what is elsewhere by now.

        What was deleted while the list was read may have moved another entry to a page that was
        read already: so each that is known and was not listed is asked for by its id. The filter
        `approved` also lets by what needs no approval; the field is not documented to.
        """
        there = {"workspace_id": workspace, "from_archived_workspaces": "true"}
        with self._records.reading():
            found = {id: (entry, flag) for id, entry, flag in self._all(there)}
            missing = sorted(set(known) - found.keys())
            for first in range(0, len(missing), _AT_ONCE):
                ids = ",".join(missing[first : first + _AT_ONCE])
                asked = {"only": ids, "from_archived_workspaces": "true"}
                found |= {id: (entry, flag) for id, entry, flag in self._all(asked)}
            approved = self._ids({**there, "approved": "true"})
        return tuple(
            KeptTime(entry=entry, approved=flag or id in approved)
            for id, (entry, flag) in found.items()
        )

    def _all(self, asked: Mapping[str, str]) -> Iterator[tuple[str, RecordedTime, bool]]:
        """By id, with the field `approved`; oldest first, so that new ones come last."""
        given = {**asked, "include": _BESIDE, "order": "created_at:asc"}
        for answer in self._records.pages("time_entries", given):
            for one in answer.listed("time_entries", TimeEntry):
                yield one.id, self._entry(answer, one), bool(one.approved)

    def _ids(self, asked: Mapping[str, str]) -> set[str]:
        pages = self._records.pages("time_entries", {**asked, "order": "created_at:asc"})
        return {id for answer in pages for _, id in answer.found}

    def _entry(self, answer: Answer, one: TimeEntry) -> RecordedTime:
        """Raises `ContractBroken` where what must come along did not."""
        user = _named(answer.beside("users", User), one.user_id, "users")
        workspace = _named(answer.beside("workspaces", Titled), one.workspace_id, "workspaces")
        story = answer.beside("stories", Titled).get(one.story_id or "")
        role = answer.beside("roles", Role).get(one.role_id or "")
        try:
            day = date.fromisoformat(one.date_performed)
            changed = datetime.fromisoformat(one.updated_at).astimezone(UTC)
        except ValueError as bad:
            raise ContractBroken(f"time_entries.{one.id}: {bad}") from bad
        return RecordedTime(
            ref=ExternalRef(system=self._system, kind="time_entry", id=one.id),
            project=ExternalRef(system=self._system, kind="workspace", id=one.workspace_id),
            project_name=workspace.title,
            task_name=story.title if story else None,
            person=user.full_name,
            email=user.email_address,
            role=role.name if role else None,
            day=day,
            minutes=one.time_in_minutes,
            billable=one.billable,
            narrative=one.notes or "",
            changed_at=changed,
        )


def _named(held: dict[str, T], id: str, collection: str) -> T:
    if id not in held:
        raise ContractBroken(f"{collection}.{id} did not come along")
    return held[id]


def _where(since: datetime, cursor: str | None) -> tuple[int, int, datetime]:
    if cursor is None:
        return 1, 0, since
    number, count, newest = cursor.split("|")
    return int(number), int(count), datetime.fromisoformat(newest)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
