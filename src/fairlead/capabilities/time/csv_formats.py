"""Formats of time that are imported: which columns each has, and how its cells are read.

Names of columns are compared without case, spaces and signs. Documents, and files of them that
others have published with the code that reads or writes them:

Harvest, detailed time report (https://support.getharvest.com/hc/en-us/articles/360048685111):
`Date, Client, Project, Project Code, Task, Notes, Hours, Billable?, Invoiced?, Approved?,
First Name, Last Name, Employee Id, Roles, Employee?, Billable Rate, …`, days and decimals as the
account has them (`26.01.2015`, `7,5`).

Toggl Track, detailed report (https://support.toggl.com/en/articles/2211860): until 2024 `User,
Email, Client, Project, Task, Description, Billable, Start date, Start time, End date, End time,
Duration, Tags, Amount ()`; since then `Description, Billable, Duration, Member, Email, Project,
Tags, Start date, Start time, Stop date, Stop time`, a hyphen standing for nothing.

Clockify, detailed report (https://clockify.me/help/reports/detailed-report): `Project, Client,
Description, Task, User, Group, Email, Tags, Type, Billable, Start Date, Start Time, End Date,
End Time, Duration (h), Duration (decimal), …`, days and clock as the profile has them
(`07/13/2026`, `01:15:00 PM`, `22/06/2026`, `0:13`). A row of type `Break` is no work, and passed
over.

Kantata, Data Exporter, data set Time Entry
(https://knowledge.kantata.com/hc/en-us/articles/20241910198811): whoever exports chooses the
columns, and the pages that are public do not list their headings. What is compared are the fields
of the API (https://developer.kantata.com/tag/Time-Entries), spelt with spaces or underscores:
`date_performed`, `time_in_minutes`, `notes`, `billable`.

A row that begins with the word total and has no day is a sum that somebody added, and passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from fairlead.capabilities.time.csv_cells import (
    YES_NO,
    DayOrder,
    Fault,
    day_of,
    day_order,
    day_rule,
)
from fairlead.capabilities.time.csv_file import Sheet
from fairlead.capabilities.time.csv_header import Format, recognised

TEMPLATE = Format(
    "fairlead",
    {
        "person": ("person",), "engagement": ("engagement",), "task": ("task",), "day": ("date",),
        "hours": ("hours",), "kind": ("kind",), "role": ("role",), "billable": ("billable",),
        "narrative": ("narrative",), "begins": ("begins",), "ends": ("ends",), "id": ("id",),
    },
    ("person", "engagement", "day", "hours"),
    ("person", "engagement"),
)  # fmt: skip
FORMATS: tuple[Format, ...] = (
    TEMPLATE,
    Format(
        "clockify",
        {
            "email": ("email",), "person": ("user",), "engagement": ("project",),
            "task": ("task",), "narrative": ("description",), "tags": ("tags", "tag"),
            "billable": ("billable",), "day": ("startdate",), "begins": ("starttime",),
            "ends": ("endtime",), "hours": ("durationh", "durationdecimal"), "type": ("type",),
        },
        ("person", "engagement", "day", "hours"),
        ("durationh", "durationdecimal"),
    ),
    Format(
        "toggl",
        {
            "email": ("email",), "person": ("user", "member"), "engagement": ("project",),
            "task": ("task",), "narrative": ("description",), "tags": ("tags",),
            "billable": ("billable",), "day": ("startdate",), "begins": ("starttime",),
            "ends": ("endtime", "stoptime"), "hours": ("duration",),
        },
        ("person", "engagement", "day", "hours"),
        ("startdate", "duration"),
        nothing="-",
    ),
    Format(
        "harvest",
        {
            "first": ("firstname",), "last": ("lastname",), "code": ("projectcode",),
            "engagement": ("project",), "task": ("task",), "narrative": ("notes",),
            "billable": ("billable",), "day": ("date",), "hours": ("hours",),
        },
        ("first", "last", "engagement", "day", "hours"),
        ("firstname", "lastname", "hours"),
    ),
    Format(
        "kantata",
        {
            "id": ("timeentryid", "id"), "email": ("useremail", "useremailaddress"),
            "person": ("user", "userfullname", "username"),
            "engagement": ("project", "projecttitle", "workspace", "workspacetitle"),
            "task": ("task", "tasktitle", "story", "storytitle"), "narrative": ("notes",),
            "billable": ("billable",), "day": ("dateperformed",), "role": ("role", "rolename"),
            "minutes": ("timeinminutes",),
        },
        ("person", "engagement", "day", "minutes"),
        ("dateperformed", "timeinminutes"),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class RawTime:
    """One row, read but not yet matched. Names are as the file has them."""

    row: int
    person: str
    email: str | None
    engagement: str
    code: str | None
    task: str | None
    day: date
    minutes: int
    kind: str | None
    tags: tuple[str, ...]
    role: str | None
    billable: bool | None
    narrative: str
    begins: int | None
    ends: int | None
    id: str | None


@dataclass
class Read:
    format: Format
    names: Mapping[str, str]  #: what we read → what the file calls the column
    rows: list[RawTime] = field(default_factory=list[RawTime])
    faults: list[Fault] = field(default_factory=list[Fault])


def read_rows(sheet: Sheet, order: DayOrder | None) -> Read:
    """Every row that says something, and every fault. Raises as `recognised`."""
    format, columns = recognised(sheet, FORMATS)
    names = {ours: sheet.header[at] for ours, at in columns.items()}
    read = Read(format, names)
    seen = order or day_order([cells[columns["day"]] for cells in sheet.rows if cells])
    for number, cells in enumerate(sheet.rows, 2):
        if cells:
            said = {
                ours: "" if cells[at] == format.nothing else cells[at]
                for ours, at in columns.items()
            }
            if said.get("type", "").casefold() == "break" or _is_sum(said, cells):
                continue
            _read_row(read, number, said, seen)
    return read


def _is_sum(said: Mapping[str, str], cells: Sequence[str]) -> bool:
    first = next(filter(None, cells))
    return said["day"] in ("", first) and _SUM.match(first) is not None


def _read_row(read: Read, number: int, said: Mapping[str, str], order: DayOrder | None) -> None:
    faults: list[Fault] = []

    def fault(ours: str, rule: str) -> None:
        faults.append(Fault(number, read.names[ours], said[ours][:80], rule))

    for ours in read.format.needs:
        if not said[ours]:
            fault(ours, "is not empty")
    day = day_of(said["day"], order)
    if day is None and said["day"]:
        fault("day", day_rule(said["day"], order))
    worked = "minutes" if "minutes" in said else "hours"
    minutes = _whole(said[worked]) if worked == "minutes" else _minutes(said[worked])
    if said[worked] and (minutes is None or not 1 <= minutes <= 1440):
        fault(worked, "is between a minute and a day, as 7.5, 7,5 or 7:30")
    billable = None
    if said.get("billable"):
        billable = YES_NO.get(said["billable"].casefold())
        if billable is None:
            fault("billable", "is yes or no")
    if len(said.get("narrative", "")) > 4000:
        fault("narrative", "has at most 4000 characters")
    if faults or day is None or minutes is None:
        read.faults.extend(faults)
        return
    begins, ends = _clock(said.get("begins", "")), _clock(said.get("ends", ""))
    if begins is None or ends is None:
        begins = ends = None
    else:
        ends += 1440 * (ends <= begins)  # past midnight
        if ends - begins < minutes:  # pauses were not told; only the sum is sure
            begins = ends = None
    read.rows.append(
        RawTime(
            row=number,
            person=said.get("person") or f"{said.get('first', '')} {said.get('last', '')}".strip(),
            email=said.get("email") or None,
            engagement=said["engagement"],
            code=said.get("code") or None,
            task=said.get("task") or None,
            day=day,
            minutes=minutes,
            kind=said.get("kind") or None,
            tags=tuple(tag.strip() for tag in said.get("tags", "").split(",") if tag.strip()),
            role=said.get("role") or None,
            billable=billable,
            narrative=said.get("narrative", ""),
            begins=begins,
            ends=ends,
            id=said.get("id") or None,
        )
    )


_SUM = re.compile(r"(grand |sub)?total\b", re.IGNORECASE)
_CLOCK = re.compile(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d))?\s*([AaPp][Mm])?")
_HOURS = re.compile(r"\d{1,3}(?:[.,]\d{1,30})?")  # programs write 50 minutes as 0.8333333333333334


def _minutes(text: str) -> int | None:
    """Of `7:30`, `07:30:20`, `7.5` or `7,5` hours; seconds and fractions are rounded, half up."""
    if (found := _CLOCK.fullmatch(text)) and not found[4]:
        seconds = int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3] or 0)
        return _rounded(Decimal(seconds) / 60)
    if _HOURS.fullmatch(text):
        return _rounded(Decimal(text.replace(",", ".")) * 60)
    return None


def _rounded(minutes: Decimal) -> int:
    return int(minutes.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,5}", text) else None


def _clock(text: str) -> int | None:
    """Minutes from midnight of `13:26`, `13:26:00` or `01:26:00 PM`."""
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    hour = int(found[1])
    if half := found[4]:
        hour = hour % 12 + 12 * (half.casefold() == "pm")
    return hour * 60 + int(found[2]) if hour < 24 else None
