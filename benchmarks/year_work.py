"""Everybody's time and expenses: entered, approved by others, taken back, read again."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from year_model import Item
from year_state import APPROVERS, OWN, PROGRAM, READER, Engagement, Year, end_of


def workdays(year: Year, month: date) -> Iterator[date]:
    day = month
    while day <= end_of(month):
        if day.weekday() < 5:
            yield day
        day += timedelta(days=1)


def note_of(year: Year, one: Engagement, item: Item) -> str:
    words = f"Worked on the agreed package, note {len(year.expected) + 1:06}"
    year.expected[words] = (one, item)
    return words


def enter_time(year: Year, month: date) -> None:
    """A file for each week; some people enter their own."""
    own = {f"own{n}": f"own{n}" for n in OWN}
    weeks: dict[date, list[tuple[str, ...]]] = defaultdict(list)
    single: dict[str, list[tuple[date, dict[str, Any]]]] = defaultdict(list)
    for one in year.engagements:
        for resource, role in one.team:
            for day in workdays(year, month):
                for minutes, kind in pieces_of(year, day):
                    item = Item("time", "", day, minutes, role, resource)
                    item.billable = kind == "work"
                    item.billable = item.billable and one.kind.as_worked
                    words = note_of(year, one, item)
                    task = one.task(day)
                    if resource in own:
                        body = {
                            "engagement": one.number, "task": task, "day": day.isoformat(),
                            "minutes": minutes, "category": kind, "narrative": words,
                        }  # fmt: skip
                        single[own[resource]].append((day, body))
                        continue
                    monday = day - timedelta(days=day.weekday())
                    hours = str(Decimal(minutes) / 60)
                    weeks[monday].append(
                        (resource, one.number, task, day.isoformat(), hours, kind, words, words)
                    )
    for rows in weeks.values():
        import_file(year, rows)
    for person, entries in single.items():
        for _, body in entries:
            year.callers.command(person, "/time-entries", body)
        for monday in sorted({day - timedelta(days=day.weekday()) for day, _ in entries}):
            year.callers.command(person, "/time-week/submit", {"day": monday.isoformat()})
        year.counted["entries by hand"] += len(entries)


def import_file(year: Year, rows: list[tuple[str, ...]]) -> None:
    text = io.StringIO()
    file = csv.writer(text)
    file.writerow(("Person", "Engagement", "Task", "Date", "Hours", "Kind", "Narrative", "Id"))
    file.writerows(rows)
    answer = year.callers.upload(
        PROGRAM, "/time-imports?commit=true", text.getvalue().encode(), "text/csv"
    )
    year.checks.same("file is taken in whole", str(rows[0]), len(rows), answer["added"])
    if answer["faults"] or answer["errors"]:
        year.checks.differences.append(
            f"import: {answer['faults'][:3]}, {answer['errors']} entries with errors"
        )
    year.counted["entries by file"] += answer["added"]
    year.counted["entries with a warning"] += answer["warnings"]


def pieces_of(year: Year, day: date) -> list[tuple[int, str]]:
    """Of one day: about seven and a half hours, and now and then an hour that is not billed."""
    minutes = 15 * year.random.randint(26, 33)
    if day.weekday() == 2 and year.random.random() < 0.4:
        return [(minutes - 60, "work"), (60, "training")]
    return [(minutes, "work")]


def enter_late(year: Year, number: int) -> None:
    """Entries of a month that is closed, found in a drawer two months later."""
    if number < 2 or number % 3 != 2:
        return
    month = year.months[number - 2]
    rows: list[tuple[str, ...]] = []
    for one in year.engagements[:4]:
        resource, role = one.team[-1]
        day = next(day for day in workdays(year, month) if day.day > 9)
        item = Item("time", "", day, 30, role, resource, billable=one.kind.as_worked)
        words = note_of(year, one, item)
        rows.append(
            (resource, one.number, one.task(day), day.isoformat(), "0.5", "work", words, words)
        )
    import_file(year, rows)
    year.counted["late entries"] += len(rows)


def enter_expenses(year: Year, month: date) -> None:
    """Those who enter their own work spend money on it, with a receipt for each."""
    for number in OWN:
        one = year.engagements[number]
        person, currency = f"own{number}", one.kind.currency
        made: list[str] = []
        for turn in range(2):
            day = month + timedelta(days=year.random.randint(2, 25))
            amount = f"{year.random.randint(1500, 9900) / 100:.2f}"
            body = {
                "engagement": one.number, "day": day.isoformat(), "category": "rail",
                "amount": {"amount": amount, "currency": currency},
                "merchant": f"Railway {month:%y%m}-{turn}",
            }  # fmt: skip
            told = year.callers.command(person, "/expenses", body)
            receipt = f"%PDF-1.4\n% {told['id']}\n%%EOF\n".encode()
            year.callers.upload(
                person, f"/expenses/{told['id']}/receipt", receipt, "application/pdf"
            )
            made.append(told["id"])
            one.account.add(
                Item("expense", told["id"], day, cost=Decimal(amount), billable=told["billable"])
            )
        answer = year.callers.command(person, "/expenses/submit", {"ids": made})
        year.checks.same("expenses are handed in", person, [], answer["refused"])
        year.counted["expenses"] += len(made)


def approve_all(year: Year) -> None:
    """By engagement and week: all that is clean at once; the rest each with a reason."""
    for managers in APPROVERS.values():
        for manager in managers:
            for group in year.callers.listed(manager, "/time-approvals"):
                if group["clean"] + group["flagged"]:
                    approve_group(year, manager, group)


def approve_group(year: Year, manager: str, group: Mapping[str, Any]) -> None:
    wanted = {"engagement": group["engagement_id"], "week": group["week"]}
    body: dict[str, Any] = wanted
    while True:
        done = year.callers.command(manager, "/time-approvals/approve", body)
        year.counted["approved"] += sum(one["count"] for one in done["approved"])
        year.counted["booked late"] += sum(one["late"] for one in done["approved"])
        apart = [one for one in done["apart"] if not one["barred"] and not one["wrong"]]
        if not apart:
            return
        keys = [{"kind": one["kind"], "id": one["id"]} for one in apart]
        body = {**wanted, "reasons": [{**key, "reason": "Agreed so."} for key in keys]}
        year.counted["approved with a reason"] += len(keys)


def take_back_some(year: Year) -> None:
    """Some of what was approved is taken back: of this month, and of the one that was billed."""
    for one in year.engagements[:3]:
        manager = APPROVERS[one.kind.region][0]
        known = [
            item for item in one.account.items.values()
            if item.kind == "time" and item.billable and item.reverses is None
            and item.period is not None
        ]  # fmt: skip
        taken = {item.reverses for item in one.account.items.values()}
        known = [item for item in known if item.id not in taken]
        for item in year.random.sample(known, min(2, len(known))):
            body = {"kind": "time", "id": item.id, "reason": "Booked on the wrong day."}
            back = year.callers.command(manager, "/corrections", body)["id"]
            new = Item("time", back, item.day, -item.minutes, item.role, item.resource)
            new.reverses = item.id
            one.account.add(new)
            year.counted["corrections"] += 1


def read_back(year: Year, month: date) -> None:
    """Every entry of the month stands as it was entered, approved, and once."""
    rows: list[dict[str, Any]] = []
    since = min(year.months[max(0, year.months.index(month) - 2)], month)
    query = {"mine": "false", "since": since.isoformat(), "until": end_of(month).isoformat()}
    rows = year.callers.listed(READER, "/time-entries", **query)
    known = {row["id"] for row in rows}
    rows += [  # what takes back an entry of long ago is booked in the month that is open
        year.callers.one(READER, f"/time-entries/{item.id}")
        for one in year.engagements
        for item in one.account.items.values()
        if item.kind == "time" and item.reverses and not item.period and item.id not in known
    ]
    seen: Counter[str] = Counter()
    for row in rows:
        if row["reverses"]:
            item = year.of(row["engagement_id"]).account.items.get(row["id"])
            year.checks.same("correction is approved", row["id"], "approved", row["state"])
            if item is not None:
                item.period = date.fromisoformat(row["period"])
            continue
        one, item = year.expected[row["narrative"]]
        seen[row["narrative"]] += 1
        if item.id:
            continue
        item.id, item.period = row["id"], row["period"] and date.fromisoformat(row["period"])
        told = (row["day"], row["minutes"], row["role"], row["state"], row["engagement_id"])
        ours = (item.day.isoformat(), item.minutes, item.role, "approved", one.id)
        year.checks.same("entry as entered", row["id"], ours, told)
        year.checks.same(
            "entry billable", row["id"], item.billable, row["billable"] and one.kind.as_worked
        )
        one.account.add(item)
    left = [words for words, (_, item) in year.expected.items() if not item.id]
    year.checks.same("entries lost", str(month), [], left[:5])
    twice = [words for words, count in seen.items() if count > 1]
    year.checks.same("entries twice", str(month), [], twice[:5])
