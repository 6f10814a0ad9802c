"""Rules of time that look at one entry and its facts: T-01, 02, 03, 05, 06, 12 to 15, 18, 20, 21.

Pure functions over columns. `entries` are those of `time_judge.prepared`.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from fairlead.domain.rules.time_facts import Facts
from fairlead.domain.rules.time_words import day, found, hours

_TASK = pl.col("task")


def checks(entries: pl.DataFrame, facts: Facts) -> Iterator[pl.DataFrame]:
    """Findings of each rule. `entries` are those that are judged."""
    yield _task_open(entries)
    yield from _assigned(entries, facts.assignments)
    yield from _within_plan(entries, facts.overruns)
    yield found(
        entries,
        "T-06",
        pl.col("kind_billable").is_null(),
        pl.format("There is no kind of time called {}.", pl.col("category")),
    )
    yield found(
        entries,
        "T-12",
        (pl.col("day") < pl.col("starts_on")) | (pl.col("day") > pl.col("ends_on")),
        pl.when(pl.col("day") < pl.col("starts_on"))
        .then(pl.format("Employment begins on {}.", day(pl.col("starts_on"))))
        .otherwise(pl.format("Employment ended on {}.", day(pl.col("ends_on")))),
    )
    yield found(
        entries,
        "T-13",
        (pl.col("day") - pl.col("today")).dt.total_days() > pl.col("days_ahead"),
        pl.format("{} is later than may be booked today.", day(pl.col("day"))),
    )
    yield _period_open(entries, facts.closed)
    yield _narrative(entries)
    yield found(
        entries,
        "T-18",
        pl.col("minutes") % pl.col("increment_minutes") != 0,
        pl.format(
            "{} is no multiple of {} minutes.",
            hours(pl.col("minutes")),
            pl.col("increment_minutes"),
        ),
    )
    yield found(
        entries,
        "T-20",
        pl.col("billable") & ~(pl.col("kind_billable") & pl.col("task_billable").fill_null(True)),
        pl.when(~pl.col("kind_billable"))
        .then(pl.format("{} is never billed, but the entry is billable.", pl.col("category")))
        .otherwise(pl.format("Task {} is not billed, but the entry is billable.", _TASK)),
    )
    yield _within_cap(entries, facts.caps)


def _task_open(entries: pl.DataFrame) -> pl.DataFrame:
    unknown, closed = pl.col("group").is_null(), pl.col("closed").fill_null(False)
    missing, strange = _TASK.is_null(), pl.col("task_billable").is_null()
    over = (pl.col("day") > pl.col("closed_on")).fill_null(False)
    return found(
        entries,
        "T-01",
        unknown | closed | missing | strange | over,
        pl.when(unknown)
        .then(pl.lit("Nobody works on this engagement: it is not launched."))
        .when(closed)
        .then(pl.format("{} is closed.", pl.col("code")))
        .when(missing)
        .then(pl.lit("No task is named."))
        .when(strange)
        .then(pl.format("{} has no task {}.", pl.col("code"), _TASK))
        .otherwise(pl.format("Task {} was closed on {}.", _TASK, day(pl.col("closed_on")))),
    )


def _assigned(entries: pl.DataFrame, assignments: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """T-02 and T-05: one assignment at least covers person, task and day, in this category."""
    matching = (
        entries.select("row", "engagement", "resource", "task", "day", "role")
        .join(assignments, on=("engagement", "resource"))
        .filter(
            pl.col("day").is_between(pl.col("first"), pl.col("last"))
            & (pl.col("assigned_task").is_null() | (pl.col("assigned_task") == _TASK))
        )
        .select("row", "assigned_role", (pl.col("assigned_role") == pl.col("role")).alias("same"))
    )
    alone = entries.join(matching, on="row", how="anti")
    yield found(
        alone,
        "T-02",
        pl.lit(True),
        pl.format(
            "No assignment to task {} of {} covers {}.",
            _TASK.fill_null("(none)"),
            pl.col("code").fill_null(pl.col("engagement")),
            day(pl.col("day")),
        ),
    )
    other = (
        matching.join(matching.filter("same"), on="row", how="anti")
        .group_by("row")
        .agg(pl.col("assigned_role").unique().sort().str.join(" or "))
    )
    yield found(
        entries.join(other, on="row"),
        "T-05",
        pl.lit(True),
        pl.format(
            "Booked as {}; the assignment is as {}.", pl.col("role"), pl.col("assigned_role")
        ),
    )


def _within_plan(entries: pl.DataFrame, overruns: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """T-03, once for each plan that is used up: of the assignment, the task, the engagement."""
    if not overruns.height:
        return
    few = entries.join(overruns, on="engagement", how="semi").select(
        "id", "engagement", "task", "resource", "role", "day", "minutes", "T-03"
    )
    over = few.join(overruns, on="engagement", suffix="_over").filter(
        (pl.col("day") >= pl.col("from"))
        & (pl.col("task_over").is_null() | (pl.col("task_over") == _TASK))
        & (pl.col("resource_over").is_null() | (pl.col("resource_over") == pl.col("resource")))
        & (pl.col("role_over").is_null() | (pl.col("role_over") == pl.col("role")))
    )
    what = (
        pl.when(pl.col("resource_over").is_not_null())
        .then(pl.lit("the assignment"))
        .when(pl.col("task_over").is_not_null())
        .then(pl.format("task {}", pl.col("task_over")))
        .otherwise(pl.lit("the engagement"))
    )
    words = pl.format(
        "{} are booked on {}, {} are planned.",
        hours(pl.col("booked")),
        what,
        hours(pl.col("planned")),
    )
    yield (
        found(over, "T-03", pl.lit(True), words)
        .group_by("item", "rule", "severity", "remedy")
        .agg(pl.col("value").unique().sort().str.join(" "))
        .select("item", "rule", "severity", "value", "remedy")
    )


def _period_open(entries: pl.DataFrame, closed: pl.DataFrame) -> pl.DataFrame:
    if closed.height:
        month = entries.with_columns(pl.col("day").dt.truncate("1mo").alias("month"))
        entries = month.join(closed, on=("legal_entity", "month"), how="semi")
    else:
        entries = entries.clear().with_columns(pl.col("day").alias("month"))
    return found(
        entries,
        "T-14",
        pl.lit(True),
        pl.format(
            "{} is closed for {}.", pl.col("month").dt.to_string("%Y-%m"), pl.col("legal_entity")
        ),
    )


def _narrative(entries: pl.DataFrame) -> pl.DataFrame:
    length, least = pl.col("narrative_length"), pl.col("narrative_characters")
    return found(
        entries,
        "T-15",
        length < least,
        pl.when(length == 0)
        .then(pl.format("There is no narrative; {} characters are needed.", least))
        .otherwise(pl.format("{} characters; {} are needed.", length, least)),
    )


def _within_cap(entries: pl.DataFrame, caps: pl.DataFrame) -> pl.DataFrame:
    billed = entries.filter("billable") if caps.height else entries.clear()
    return found(
        billed.join(caps, on="engagement"),
        "T-21",
        pl.col("day") >= pl.col("cap_from"),
        pl.format("{} was worked; the contract is capped at {}.", pl.col("worth"), pl.col("cap")),
    )
