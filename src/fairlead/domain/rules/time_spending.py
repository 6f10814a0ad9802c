"""From which day on more is booked than was planned, or worked than may be billed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from fairlead.domain.rules.time_facts import CAPS, OVERRUNS
from fairlead.domain.values import Money

_ONE = ["engagement", "task", "resource", "role", "plan"]


def overruns(booked: pl.DataFrame) -> pl.DataFrame:
    """`booked`: minutes by day of each plan, with `planned`; as `OVERRUNS`, with `day`, `minutes`
    and `plan` (what tells two plans of the same scope apart) in place of `from` and `booked`."""
    days = booked.sort(*_ONE, "day").with_columns(
        pl.col("minutes").cum_sum().over(_ONE).alias("so_far")
    )
    return (
        days.group_by(_ONE)
        .agg(
            pl.col("day").filter(pl.col("so_far") > pl.col("planned")).min().alias("from"),
            pl.col("minutes").sum().alias("booked"),
            pl.col("planned").first(),
        )
        .filter(pl.col("from").is_not_null())
        .select(OVERRUNS.names())
        .cast(OVERRUNS)
    )


def beyond_caps(worked: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """`worked`: by engagement and day, in order: `engagement`, `day`, `worth` (minutes times the
    rate of an hour, exact), `cap` and `currency`. As `CAPS`."""
    so_far: dict[str, Decimal] = {}
    begun: dict[str, date] = {}
    caps: dict[str, Money] = {}
    for row in worked:
        engagement: str = row["engagement"]
        so_far[engagement] = so_far.get(engagement, Decimal(0)) + row["worth"]
        caps[engagement] = Money(amount=row["cap"], currency=row["currency"])
        if so_far[engagement] > row["cap"] * 60:
            begun.setdefault(engagement, row["day"])
    found = [
        (name, since, str(_money(so_far[name], caps[name])), str(caps[name]))
        for name, since in begun.items()
    ]
    return pl.DataFrame(found, schema=CAPS, orient="row")


def _money(minutes_times_rate: Decimal, cap: Money) -> Money:
    amount = (minutes_times_rate / 60).quantize(Decimal("0.00000001"))
    return Money(amount=amount, currency=cap.currency).rounded()
