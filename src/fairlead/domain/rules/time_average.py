"""The hours of a week on average, of T-08: Directive 2003/88/EC, Articles 6 (b) and 16 (b).

48 hours are the limit of an average over up to four months, not of each week; the Working Time
Regulations 1998 (United Kingdom), regulation 4, take 17 weeks. The average of a week is that of
the weeks that end with it. By Article 16 (b) leave is neutral: its days are taken from those that
the minutes are spread over, Monday to Friday being a week's. So are days outside the employment
(regulation 4 (4)). All absences count as leave, whatever an HR system calls them, which is at
most stricter than the directive.
"""

from __future__ import annotations

import polars as pl

from fairlead.domain.rules.time_facts import Facts
from fairlead.domain.rules.time_words import day, found, hours

_WEEK_DAYS = 5  #: Monday to Friday
_ONE = ("resource", "week")
_LIMIT, _SPAN = pl.col("average_minutes_per_week"), pl.col("average_weeks")


def long_average(days: pl.DataFrame, judged: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """T-08 of the entries in weeks whose average is over the limit. `days` are those of all entries
    that count, with their minutes `in_day`; the weeks before them are `facts.past`."""
    weeks = days.group_by("resource", pl.col("day").dt.truncate("1w").alias("week")).agg(
        pl.col("in_day").sum().cast(pl.Int64).alias("minutes"), _LIMIT.min(), _SPAN.max()
    )
    limits = weeks.filter(_LIMIT.is_not_null()).select(*_ONE, _LIMIT, _SPAN)
    over = _over(limits, _worked(weeks, facts), facts)
    few = judged.join(over, on="resource", how="semi")
    rows = few.drop("average_minutes_per_week").with_columns(
        pl.col("day").dt.truncate("1w").alias("week")
    )
    leave = (
        pl.when(pl.col("leave") > 0)
        .then(
            pl.format(
                ", {} of leave aside",
                pl.when(pl.col("leave") == 1)
                .then(pl.lit("1 day"))
                .otherwise(pl.format("{} days", pl.col("leave"))),
            )
        )
        .otherwise(pl.lit(""))
    )
    return found(
        rows.join(over, on=_ONE),
        "T-08",
        pl.lit(True),
        pl.format(
            "{} a week on average from {} to {}{}; the limit is {}.",
            hours(pl.col("average")),
            day(pl.col("since")),
            day(pl.col("week").dt.offset_by("6d")),
            leave,
            hours(_LIMIT),
        ),
    )


def _worked(weeks: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """Minutes by person and week, with those of before. A week of which only the last days are
    among the entries is whole in `past`, and taken from there."""
    own = weeks.join(facts.past, on=_ONE, how="anti").select(facts.past.columns)
    return pl.concat([facts.past, own])


def _over(limits: pl.DataFrame, worked: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """Weeks with an `average` over the limit, of the days `since`, `leave` aside."""
    employed = facts.resources.select("resource", "starts_on", "ends_on")
    # an average is over the limit only where a week of it is: most people have none
    alone = worked.join(employed, on="resource").join(facts.leave, on=_ONE, how="left")
    heavy = alone.join(limits.group_by("resource").agg(_LIMIT.min()), on="resource").filter(
        pl.col("minutes") * _WEEK_DAYS
        > _LIMIT * (_days(pl.col("week")) - pl.col("leave").fill_null(0))
    )
    asked = limits.join(heavy, on="resource", how="semi").with_columns(
        (pl.col("week") - pl.duration(weeks=1) * (_SPAN - 1)).alias("first")
    )
    return (
        asked.join(employed, on="resource")
        .with_columns(pl.max_horizontal("first", "starts_on").alias("since"))
        .join(_within(asked, worked, "minutes"), on=_ONE)
        .join(_within(asked, facts.leave, "leave"), on=_ONE, how="left")
        .with_columns(pl.col("leave").fill_null(0))
        .with_columns((_days(pl.col("since")) - pl.col("leave")).alias("days"))
        .filter((pl.col("days") > 0) & (pl.col("minutes") * _WEEK_DAYS > _LIMIT * pl.col("days")))
        .select(
            *_ONE,
            _LIMIT,
            "since",
            "leave",
            # rounded up: what is over a limit never reads as the limit
            (-(-pl.col("minutes") * _WEEK_DAYS // pl.col("days"))).alias("average"),
        )
    )


def _within(asked: pl.DataFrame, weeks: pl.DataFrame, what: str) -> pl.DataFrame:
    """The sum over the weeks that an average is of."""
    return (
        asked.select(*_ONE, "first")
        .join(weeks.rename({"week": "of"}), on="resource")
        .filter(pl.col("of").is_between(pl.col("first"), pl.col("week")))
        .group_by(_ONE)
        .agg(pl.col(what).sum())
    )


def _days(since: pl.Expr) -> pl.Expr:
    """Mondays to Fridays of the employment from a day to the end of the week, `week`."""
    start = pl.max_horizontal(since, pl.col("starts_on"))
    end = pl.min_horizontal(pl.col("week").dt.offset_by("7d"), pl.col("ends_on").dt.offset_by("1d"))
    return pl.business_day_count(start, end).clip(0).cast(pl.Int64)
