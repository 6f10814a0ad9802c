"""What the rules of time judge by, as columns: one frame a kind of fact.

Days are local days of whoever worked. Whoever loads the facts loads them for all entries of a
frame, with the whole week and the day before and after around each entry that is judged.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

#: Entries. `judged`: findings are wanted; the others only count. `settled`: it takes another back,
#: or is taken back. `begins`, `ends`: minutes from local midnight of the day, where known.
ENTRIES = pl.Schema(
    {
        "id": pl.String(),
        "engagement": pl.String(),
        "task": pl.String(),
        "resource": pl.String(),
        "day": pl.Date(),
        "minutes": pl.Int32(),
        "role": pl.String(),
        "category": pl.String(),
        "billable": pl.Boolean(),
        "narrative": pl.String(),
        "begins": pl.Int32(),
        "ends": pl.Int32(),
        "rank": pl.Int64(),  # which of two alike was first: the smaller, then the smaller id
        "judged": pl.Boolean(),
        "settled": pl.Boolean(),
    }
)
DELIVERIES = pl.Schema(
    {
        "engagement": pl.String(),
        "code": pl.String(),
        "legal_entity": pl.String(),
        "closed": pl.Boolean(),
        "group": pl.Int32(),  # of engagements that one policy treats alike
    }
)
PACKAGES = pl.Schema(
    {
        "engagement": pl.String(),
        "task": pl.String(),
        "closed_on": pl.Date(),
        "task_billable": pl.Boolean(),
    }
)
RESOURCES = pl.Schema(
    {
        "resource": pl.String(),
        "calendar": pl.String(),
        "starts_on": pl.Date(),
        "ends_on": pl.Date(),
        "contracted": pl.Int32(),  # minutes a week
        "today": pl.Date(),  # where they work
        "place": pl.Int32(),  # group of people that one policy treats alike
    }
)
ASSIGNMENTS = pl.Schema(
    {
        "engagement": pl.String(),
        "resource": pl.String(),
        "assigned_role": pl.String(),
        "assigned_task": pl.String(),
        "first": pl.Date(),
        "last": pl.Date(),
    }
)
KINDS = pl.Schema({"category": pl.String(), "kind_billable": pl.Boolean()})
DAYS_OFF = pl.Schema({"calendar": pl.String(), "day": pl.Date(), "holiday": pl.Boolean()})
ABSENCES = pl.Schema({"resource": pl.String(), "day": pl.Date(), "absence": pl.String()})
#: For an average: minutes of the weeks (by their Monday) before those of the entries; and days of
#: leave, Monday to Friday, of these weeks and of those of the entries.
PAST = pl.Schema({"resource": pl.String(), "week": pl.Date(), "minutes": pl.Int64()})
LEAVE = pl.Schema({"resource": pl.String(), "week": pl.Date(), "leave": pl.Int64()})
CLOSED = pl.Schema({"legal_entity": pl.String(), "month": pl.Date()})
#: What a policy says for one group of engagements and one of people: the figures of `Limits`, and
#: per rule (`T-02`…) `error`, `warning` or `off`.
TERMS = pl.Schema(
    {
        "group": pl.Int32(),
        "place": pl.Int32(),
        "minutes_per_day": pl.Int32(),
        "minutes_per_week": pl.Int32(),
        "average_minutes_per_week": pl.Int32(),
        "average_weeks": pl.Int32(),
        "rest_minutes": pl.Int32(),
        "overtime_percent": pl.Int32(),
        "increment_minutes": pl.Int32(),
        "narrative_characters": pl.Int32(),
        "days_ahead": pl.Int32(),
    }
)
#: From which day on more is booked than was planned. A null fits everything: `task` null is the
#: engagement as a whole, `resource` null is everybody. `role`: of an assignment.
OVERRUNS = pl.Schema(
    {
        "engagement": pl.String(),
        "task": pl.String(),
        "resource": pl.String(),
        "role": pl.String(),
        "from": pl.Date(),
        "booked": pl.Int64(),
        "planned": pl.Int64(),
    }
)
#: From which day on more was worked than a cap allows to bill; amounts in words.
CAPS = pl.Schema(
    {
        "engagement": pl.String(),
        "cap_from": pl.Date(),
        "worth": pl.String(),
        "cap": pl.String(),
    }
)
FINDINGS = pl.Schema(
    {
        "item": pl.String(),
        "rule": pl.String(),
        "severity": pl.String(),
        "value": pl.String(),
        "remedy": pl.String(),
    }
)


def nothing(schema: pl.Schema) -> pl.DataFrame:
    return pl.DataFrame(schema=schema)


@dataclass(frozen=True)
class Facts:
    """All that judging needs beside the entries. `terms` has a row for each pair that occurs."""

    deliveries: pl.DataFrame
    resources: pl.DataFrame
    terms: pl.DataFrame
    kinds: pl.DataFrame
    packages: pl.DataFrame = field(default_factory=lambda: nothing(PACKAGES))
    assignments: pl.DataFrame = field(default_factory=lambda: nothing(ASSIGNMENTS))
    days_off: pl.DataFrame = field(default_factory=lambda: nothing(DAYS_OFF))
    absences: pl.DataFrame = field(default_factory=lambda: nothing(ABSENCES))
    past: pl.DataFrame = field(default_factory=lambda: nothing(PAST))
    leave: pl.DataFrame = field(default_factory=lambda: nothing(LEAVE))
    closed: pl.DataFrame = field(default_factory=lambda: nothing(CLOSED))
    overruns: pl.DataFrame = field(default_factory=lambda: nothing(OVERRUNS))
    caps: pl.DataFrame = field(default_factory=lambda: nothing(CAPS))
