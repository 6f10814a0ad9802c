"""How findings of time are said: hours, days and rules as text, in columns."""

from __future__ import annotations

import polars as pl

from fairlead.domain.rules.time_rules import BY_ID


def hours(minutes: pl.Expr) -> pl.Expr:
    """`9 h 02 m` of minutes."""
    return pl.format(
        "{} h {} m", minutes // 60, (minutes % 60).cast(pl.String).str.pad_start(2, "0")
    )


def day(when: pl.Expr) -> pl.Expr:
    return when.dt.to_string("%Y-%m-%d")


def found(entries: pl.DataFrame, rule: str, when: pl.Expr, value: pl.Expr) -> pl.DataFrame:
    """The findings of one rule: of the rows that `when` is true of, where a policy does not switch
    the rule off. Words are put together for these rows only."""
    said = BY_ID[rule]
    severity = pl.lit("error") if said.fixed else pl.col(rule)
    if not said.fixed:
        when = when & (pl.col(rule) != "off")
    return entries.filter(when).select(
        pl.col("id").alias("item"),
        pl.lit(rule).alias("rule"),
        severity.alias("severity"),
        value.alias("value"),
        pl.lit(said.remedy).alias("remedy"),
    )
