"""Time in Tryton: lines of timesheets on the works of a project and its tasks.

Tryton keeps no negative time, so what is taken back is taken off the lines that it was booked on,
and leaves a line of nothing that says so. Both are one call. The tags at the ends of their
descriptions say what each line stands for, so that both are told as they were booked, and what a
person changes on a line is told too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote
from uuid import UUID

from fairlead.connectors.kit.durations import hours_of, whole_minutes
from fairlead.connectors.tryton import sheet
from fairlead.connectors.tryton.books import Books
from fairlead.connectors.tryton.projects import WORK
from fairlead.connectors.tryton.records import Record
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.posting import BookedTime, TimePosting
from fairlead.domain.values import ExternalRef
from fairlead.errors import EffectConflict, SystemRefused

TIMESHEET, LINE = "timesheet.work", "timesheet.line"
_LINE = ("work", "employee", "date", "duration", "description")


@dataclass(frozen=True)
class _Tag:
    """What stands behind the text of a line. Minutes."""

    entry: str
    category: str
    key: str
    given: int = 0  #: of a line of nothing: what it takes back
    taken: int = 0  #: of another line: what was taken off it since

    @classmethod
    def of(cls, description: str | None) -> _Tag | None:
        words = sheet.tag(description)
        named = dict(word.split("=", 1) for word in words if "=" in word)
        if "entry" not in named:
            return None
        return cls(
            named["entry"],
            unquote(named.get("category", "")),
            words[-1],
            int(named.get("given", 0)),
            int(named.get("taken", 0)),
        )

    def on(self, text: str) -> str:
        words = [f"entry={self.entry}", f"category={quote(self.category, safe='')}"]
        words += [f"given={self.given}"] if self.given else []
        words += [f"taken={self.taken}"] if self.taken else []
        return sheet.tagged(text, *words, self.key)


class TimesBooked(Books):
    def book_time(
        self, posting: TimePosting, *, project: ExternalRef, key: EffectKey
    ) -> ExternalRef:
        """On the task of its work package, or on the project where it has no such task."""
        work = self._there(WORK, project, ["company"], what="project")
        minutes = whole_minutes(posting.hours)
        if minutes is None:
            why = f"It keeps whole minutes, and {posting.hours:f} h are none."
            raise SystemRefused(self._system, why)
        employee = self._employee(posting.resource, posting.resource_email, work["company"])
        sheet_of = self._timesheet(work, posting.task)
        # Who takes back reads what is there, and writes what is left of it.
        with self._alone(f"time {sheet_of}" if minutes < 0 else key):
            held = self._by_key(LINE, "description", key, _LINE)
            if held is None:
                if minutes < 0:
                    return self._take_back(posting, -minutes, sheet_of, employee, work, key)
                tag = _Tag(str(posting.id), posting.category, sheet.short(key))
                body = {
                    **_line(posting, employee["id"], minutes),
                    "company": work["company"],
                    "work": sheet_of,
                    "description": tag.on(posting.narrative),
                }
                held = self._records.create(LINE, body, _LINE, company=work["company"])
        self._same(held, posting, minutes, employee)
        return self._ref(LINE, held["id"])

    def find_time(self, key: EffectKey) -> ExternalRef | None:
        found = self._by_key(LINE, "description", key)
        return self._ref(LINE, found["id"]) if found else None

    def booked_time(self, project: ExternalRef, start: date, end: date) -> Sequence[BookedTime]:
        """Also what a person booked there, which carries no entry of ours. Parts that are projects
        of their own tell their time themselves."""
        work = self._there(WORK, project, ["company", "comment"], what="project")
        works = [work["id"], *(one["id"] for one in self._tasks(work))]
        sheets = self._records.all(
            TIMESHEET, [["origin", "in", [f"{WORK},{id}" for id in works]]], ["id"]
        )
        wanted = [
            ["work", "in", [one["id"] for one in sheets]],
            ["date", ">=", start],
            ["date", "<=", end],
        ]
        lines = self._records.all(LINE, wanted, _LINE) if sheets else []
        people = {one["employee"] for one in lines}
        mails = self._mails(people)
        code = sheet.read(work["comment"]).get("code")
        return [self._told(line, mails, code) for line in lines]

    # Taking back

    def _take_back(
        self,
        posting: TimePosting,
        minutes: int,
        sheet_of: int,
        employee: Record,
        work: Record,
        key: EffectKey,
    ) -> ExternalRef:
        """Off the lines of this person, day and work: one of just so much first, then in order."""
        wanted = [
            ["work", "=", sheet_of],
            ["employee", "=", employee["id"]],
            ["date", "=", posting.day],
        ]
        lines = self._records.all(LINE, wanted, _LINE)
        lines.sort(key=lambda line: (_minutes(line) != minutes, line["id"]))
        left, changes = minutes, list[Any]()
        for line in lines:
            tag = _Tag.of(line["description"])
            off = min(left, _minutes(line))
            if tag is None or not off:
                continue
            left -= off
            text = sheet.untagged(line["description"])
            changed = _Tag(tag.entry, tag.category, tag.key, tag.given, tag.taken + off).on(text)
            duration = timedelta(minutes=_minutes(line) - off)
            changes += [
                ["write", [line["id"]], {"duration": duration, "description": changed}],
            ]
        if left:
            why = (
                f"It keeps no negative time, and {employee['name']} has not booked"
                f" {hours_of(minutes):f} h there on {posting.day}."
            )
            raise SystemRefused(self._system, why)
        tag = _Tag(str(posting.id), posting.category, sheet.short(key), given=minutes)
        nothing = {
            **_line(posting, employee["id"], 0),
            "company": work["company"],
            "description": tag.on(posting.narrative),
        }
        body = {"timesheet_lines": [*changes, ["create", [nothing]]]}
        self._records.update(TIMESHEET, str(sheet_of), body, company=work["company"])
        made = self._by_key(LINE, "description", key)
        if made is None:
            raise EffectConflict(self._system, "It did not keep what was taken back.")
        return self._ref(LINE, made["id"])

    # What it holds

    def _same(self, held: Record, posting: TimePosting, minutes: int, employee: Record) -> None:
        """Raises `EffectConflict` where something else is under the key."""
        tag = _Tag.of(held["description"])
        asked = (str(posting.id), minutes, posting.day.isoformat(), employee["id"])
        if tag is None or asked != (tag.entry, _booked(held, tag), held["date"], held["employee"]):
            why = f"Time {held['id']} is not the {posting.hours:f} h of {posting.resource}."
            raise EffectConflict(self._system, why)

    def _told(self, line: Record, mails: dict[int, str], code: str | None) -> BookedTime:
        tag = _Tag.of(line["description"])
        values = {
            "ref": str(line["id"]),
            "item": _uuid(tag.entry) if tag else None,
            "resource": mails[line["employee"]],
            "project_code": code,
            "day": line["date"],
            "hours": hours_of(_booked(line, tag)),
            "category": (tag.category or None) if tag else None,
        }
        return self._valid(BookedTime, values)

    def _tasks(self, work: Record) -> list[Record]:
        wanted = [["parent", "=", work["id"]], ["type", "=", "task"]]
        return self._records.all(WORK, wanted, ["comment", "timesheet_works"])

    def _timesheet(self, work: Record, code: str | None) -> int:
        """Where time is booked: on the task of this code, else on the project itself."""
        found = self._there(WORK, self._ref(WORK, work["id"]), ["timesheet_works"], what="project")
        for task in self._tasks(work) if code else []:
            if sheet.read(task["comment"]).get("code") == code and task["timesheet_works"]:
                return int(task["timesheet_works"][0])
        if not found["timesheet_works"]:
            raise SystemRefused(self._system, f"No time can be booked on project {work['id']}.")
        return int(found["timesheet_works"][0])

    def _employee(self, resource: str, email: str | None, company: int) -> Record:
        """The one active employee of a company with this address: id, party and name."""
        if email is None:
            raise SystemRefused(self._system, f"Nobody knows the e-mail address of {resource}.")
        mail = [["type", "=", "email"], ["value", "ilike", _literally(email)]]
        wanted = [
            ["company", "=", company],
            ["party.active", "=", True],
            ["party.contact_mechanisms", "where", mail],
        ]
        found = self._records.all("company.employee", wanted, ["party", "rec_name"])
        if len(found) != 1:
            count = len(found) or "no"
            why = f"Its company {company} has {count} employees with the address {email}."
            raise SystemRefused(self._system, why)
        one = found[0]
        return {"id": one["id"], "party": one["party"], "name": one["rec_name"]}

    def _mails(self, people: set[int]) -> dict[int, str]:
        """Employee → their address, else their name."""
        if not people:
            return {}
        fields = ["rec_name", "party.contact_mechanisms.type", "party.contact_mechanisms.value"]
        found: dict[int, str] = {}
        for one in self._records.all("company.employee", [["id", "in", [*people]]], fields):
            ways = one["party"]["contact_mechanisms"]
            mails = [way["value"].lower() for way in ways if way["type"] == "email"]
            found[one["id"]] = mails[0] if mails else one["rec_name"]
        return found


def _line(posting: TimePosting, employee: int, minutes: int) -> dict[str, Any]:
    return {
        "employee": employee,
        "date": posting.day,
        "duration": timedelta(minutes=minutes),
    }


def _minutes(line: Record) -> int:
    return int(Decimal(line["duration"]) / 60)


def _booked(line: Record, tag: _Tag | None) -> int:
    """Minutes as they were booked, with what a person has changed on the line since."""
    return _minutes(line) + tag.taken - tag.given if tag else _minutes(line)


def _literally(text: str) -> str:
    """For `ilike`, without a sign that stands for others."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
