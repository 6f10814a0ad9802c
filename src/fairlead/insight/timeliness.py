"""Approval latency (F073, F228) and submission compliance (F229), from rows alone."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from fairlead.domain.values import Exact, Ratio, Value
from fairlead.store import timeliness
from fairlead.store.database import Tx

_HUNDREDTH = Decimal("0.01")
_SHARE = Decimal("0.0001")


class Latency(Value):
    """How long what was handed in waited for a decision, in hours of the clock."""

    region: str | None
    decided: int  #: approved or returned
    median: Exact
    ninth_decile: Exact  #: nine in ten waited no longer
    longest: Exact


class Compliance(Value):
    """Whether weeks were handed in by when they were due."""

    region: str | None
    due: int
    in_time: int
    late: int
    missing: int
    rate: Ratio  #: `in_time` of `due`


class Timeliness(Value):
    since: date
    until: date
    approval_latency: tuple[Latency, ...]
    submission_compliance: tuple[Compliance, ...]


def measure(
    tx: Tx,
    since: date,
    until: date,
    *,
    regions: Collection[str] | None = None,
    legal_entities: Collection[str] | None = None,
) -> Timeliness:
    """By region. Null: no limit of that kind."""
    scope = (since, until, regions, legal_entities)
    return Timeliness(
        since=since,
        until=until,
        approval_latency=tuple(
            Latency(
                region=row["region"],
                decided=row["decided"],
                median=_hours(row["median"]),
                ninth_decile=_hours(row["ninth"]),
                longest=_hours(row["longest"]),
            )
            for row in timeliness.latency(tx, *scope)
        ),
        submission_compliance=tuple(
            Compliance(**row, rate=(Decimal(row["in_time"]) / row["due"]).quantize(_SHARE))
            for row in timeliness.compliance(tx, *scope)
        ),
    )


def _hours(value: Any) -> Decimal:
    return Decimal(str(value)).quantize(_HUNDREDTH, rounding=ROUND_HALF_UP)
