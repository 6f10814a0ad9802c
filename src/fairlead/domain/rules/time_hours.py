"""Rules of time that look at a person's days and weeks: T-04, 07 to 11, 19 and 22.

Daily and weekly limits are figures of a policy. What it says for Germany follows the
Arbeitszeitgesetz: 10 hours a day at most (§ 3), 11 hours of rest between two days (§ 5), Sundays
and holidays off (§ 9). The average of a week's hours is in `time_average`. Whoever works in several
engagements works for one employer: all entries of a person count, whatever engagement they are
judged for.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from fairlead.domain.rules.time_average import long_average
from fairlead.domain.rules.time_facts import Facts
from fairlead.domain.rules.time_words import day, found, hours

_DAY = 1440  #: minutes


def hours_worked(
    entries: pl.DataFrame, judged: pl.DataFrame, facts: Facts
) -> Iterator[pl.DataFrame]:
    """Findings of each rule. `entries` are all that count, `judged` those that are judged."""
    yield from _days_off(judged, facts.days_off)
    yield _on_leave(judged, facts.absences)
    days = entries.group_by("resource", "day").agg(
        pl.col("minutes").sum().alias("in_day"),
        pl.col("minutes_per_day").min(),
        pl.col("rest_minutes").max(),
        pl.col("minutes_per_week").min(),
        pl.col("average_minutes_per_week").min(),
        pl.col("average_weeks").max(),
        pl.col("overtime_percent").min(),
        pl.col("contracted").min(),
    )
    yield from _long_days(days, judged)
    of_week, overtime = _long_weeks(days, judged)
    yield _as_one(of_week, long_average(days, judged, facts))
    yield overtime
    yield from _rest(entries, days, judged)


def _days_off(judged: pl.DataFrame, days_off: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """T-04 and T-10: no working day of the person's calendar."""
    off = judged.join(days_off, on=("calendar", "day"))
    yield found(
        off,
        "T-10",
        pl.col("holiday"),
        pl.format("{} is a public holiday ({}).", day(pl.col("day")), pl.col("calendar")),
    )
    yield found(
        off,
        "T-04",
        ~pl.col("holiday"),
        pl.format(
            "{} is a {}, no working day ({}).",
            day(pl.col("day")),
            pl.col("day").dt.to_string("%A"),
            pl.col("calendar"),
        ),
    )


def _on_leave(judged: pl.DataFrame, absences: pl.DataFrame) -> pl.DataFrame:
    return found(
        judged.join(absences, on=("resource", "day")),
        "T-11",
        pl.lit(True),
        pl.format("The HR system shows {} on {}.", pl.col("absence"), day(pl.col("day"))),
    )


def _long_days(days: pl.DataFrame, judged: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """T-07 and T-19."""
    long = days.filter(
        (pl.col("in_day") > pl.col("minutes_per_day")) | (pl.col("in_day") > _DAY)
    ).select("resource", "day", "in_day")
    rows = judged.join(long, on=("resource", "day"))
    yield found(
        rows,
        "T-07",
        pl.col("in_day") > pl.col("minutes_per_day"),
        pl.format(
            "{} on {}; the limit is {}.",
            hours(pl.col("in_day")),
            day(pl.col("day")),
            hours(pl.col("minutes_per_day")),
        ),
    )
    yield found(
        rows,
        "T-19",
        pl.col("in_day") > _DAY,
        pl.format("{} are booked on {}.", hours(pl.col("in_day")), day(pl.col("day"))),
    )


def _long_weeks(days: pl.DataFrame, judged: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """T-08 and T-22. A week begins on Monday."""
    allowed = pl.col("contracted") * (100 + pl.col("overtime_percent")) // 100
    weeks = (
        days.group_by("resource", pl.col("day").dt.truncate("1w").alias("week"))
        .agg(
            pl.col("in_day").sum().alias("in_week"),
            pl.col("minutes_per_week").min(),
            pl.col("overtime_percent").min(),
            pl.col("contracted").min(),
        )
        .filter(
            (pl.col("in_week") > pl.col("minutes_per_week"))
            | ((pl.col("in_week") > allowed) & (pl.col("contracted") > 0))
        )
        .select("resource", "week", "in_week")
    )
    few = judged.join(weeks, on="resource", how="semi")
    rows = few.with_columns(pl.col("day").dt.truncate("1w").alias("week")).join(
        weeks, on=("resource", "week")
    )
    of_week = found(
        rows,
        "T-08",
        pl.col("in_week") > pl.col("minutes_per_week"),
        pl.format(
            "{} in the week of {}; the limit is {}.",
            hours(pl.col("in_week")),
            day(pl.col("week")),
            hours(pl.col("minutes_per_week")),
        ),
    )
    overtime = found(
        rows,
        "T-22",
        (pl.col("in_week") > allowed) & (pl.col("contracted") > 0),
        pl.format(
            "{} in the week of {}; {} are contracted.",
            hours(pl.col("in_week")),
            day(pl.col("week")),
            hours(pl.col("contracted")),
        ),
    )
    return of_week, overtime


def _as_one(of_week: pl.DataFrame, average: pl.DataFrame) -> pl.DataFrame:
    """T-08 once for an entry, of the week itself and of the average."""
    if not average.height:
        return of_week
    both = pl.concat([of_week, average]).group_by(
        "item", "rule", "severity", "remedy", maintain_order=True
    )
    return both.agg(pl.col("value").str.join(" ")).select(of_week.columns)


def _rest(
    entries: pl.DataFrame, days: pl.DataFrame, judged: pl.DataFrame
) -> Iterator[pl.DataFrame]:
    """T-09. Where hours of the day are known, the rest since the day before; where they are not,
    what the sum of a day leaves: 14 hours in a day leave no 11 of rest, however they lie."""
    crowded = days.filter(
        (pl.col("in_day") > _DAY - pl.col("rest_minutes")) & (pl.col("in_day") <= _DAY)
    ).select("resource", "day", (_DAY - pl.col("in_day")).alias("rest"))
    timed = entries.filter(pl.col("begins").is_not_null() & pl.col("ends").is_not_null())
    if timed.height:
        spans = timed.group_by("resource", "day").agg(
            pl.col("begins").min(), pl.col("ends").max(), pl.col("rest_minutes").max()
        )
        before = spans.select(
            "resource", pl.col("day").dt.offset_by("1d"), pl.col("ends").alias("ended")
        )
        short = (
            spans.join(before, on=("resource", "day"))
            .with_columns((pl.col("begins") + _DAY - pl.col("ended")).clip(0).alias("rest"))
            .filter(pl.col("rest") < pl.col("rest_minutes"))
            .select("resource", "day", "rest")
        )
        crowded = pl.concat(
            [short, crowded.join(short, on=("resource", "day"), how="anti")], how="vertical_relaxed"
        )
    yield found(
        judged.join(crowded, on=("resource", "day")),
        "T-09",
        pl.col("rest") < pl.col("rest_minutes"),
        pl.format(
            "At most {} of rest beside the work of {}; {} are due.",
            hours(pl.col("rest")),
            day(pl.col("day")),
            hours(pl.col("rest_minutes")),
        ),
    )
