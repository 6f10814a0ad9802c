"""Entries and facts in columns, for tests of the rules of time: a small firm in one week."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl

from fairlead.domain.rules import time_facts as columns
from fairlead.domain.rules.time_facts import Facts
from fairlead.domain.rules.time_judge import judge
from fairlead.domain.rules.time_rules import RULES

MONDAY = date(2026, 7, 6)
TODAY = MONDAY + timedelta(days=4)

GERMANY: dict[str, Any] = {
    "minutes_per_day": 600,
    "minutes_per_week": 2880,
    "average_minutes_per_week": None,
    "average_weeks": None,
    "rest_minutes": 660,
    "overtime_percent": 10,
    "increment_minutes": 15,
    "narrative_characters": 10,
    "days_ahead": 0,
}


def entry(id: str = "e1", **said: Any) -> dict[str, Any]:
    """Two hours of ordinary work on Monday."""
    return {
        "id": id,
        "engagement": "eng-1",
        "task": "10",
        "resource": "ayo",
        "day": MONDAY,
        "minutes": 120,
        "role": "Consultant",
        "category": "work",
        "billable": True,
        "narrative": f"interfaces of carrier {id}",
        "begins": None,
        "ends": None,
        "rank": 0,
        "judged": True,
        "settled": False,
    } | said


def frame(entries: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(list(entries), schema=columns.ENTRIES)


def rows(schema: pl.Schema, *found: Sequence[Any]) -> pl.DataFrame:
    return pl.DataFrame(list(found), schema=schema, orient="row")


def terms(limits: Mapping[str, Any] = GERMANY, **checks: str) -> pl.DataFrame:
    """`T_08="warning"` sets what becomes of a rule; the others are errors."""
    said = {rule.id: "error" for rule in RULES if not rule.fixed}
    said |= {name.replace("_", "-"): word for name, word in checks.items()}
    return pl.DataFrame(
        [{"group": 1, "place": 1, **limits, **said}],
        schema=pl.Schema({**columns.TERMS, **{name: pl.String() for name in said}}),
    )


def facts(**other: pl.DataFrame) -> Facts:
    usual = Facts(
        deliveries=rows(columns.DELIVERIES, ("eng-1", "TH-1", "TH-GMBH", False, 1)),
        packages=rows(
            columns.PACKAGES,
            ("eng-1", "10", None, True),
            ("eng-1", "20", MONDAY, True),
            ("eng-1", "90", None, False),
        ),
        resources=rows(
            columns.RESOURCES,
            ("ayo", "Munich", date(2026, 1, 1), None, 2400, TODAY, 1),
            ("bea", "Munich", MONDAY, MONDAY + timedelta(days=2), 2400, TODAY, 1),
        ),
        assignments=rows(
            columns.ASSIGNMENTS,
            ("eng-1", "ayo", "Consultant", None, MONDAY - timedelta(30), MONDAY + timedelta(30)),
            ("eng-1", "bea", "Architect", "10", MONDAY, MONDAY + timedelta(30)),
        ),
        kinds=rows(columns.KINDS, ("work", True), ("training", False)),
        days_off=rows(
            columns.DAYS_OFF,
            ("Munich", MONDAY + timedelta(3), True),
            ("Munich", MONDAY + timedelta(5), False),
            ("Munich", MONDAY - timedelta(2), False),
        ),
        terms=terms(),
    )
    return replace(usual, **other)


def found(
    *entries: Mapping[str, Any], by: Facts | None = None, of: str | None = None
) -> dict[str, str]:
    """Rule → what is said, of one entry or of all together."""
    result = judge(frame(entries), by or facts())
    if of is not None:
        result = result.filter(pl.col("item") == of)
    return dict(result.select("rule", "value").iter_rows())
