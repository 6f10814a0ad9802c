"""What currencies were worth, by day."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from fairlead.domain.model.exchange_rate import ExchangeRate
from fairlead.domain.rules.exchange import OLDEST
from fairlead.store import bulk
from fairlead.store.database import Tx

_KEYS = ("day", "from_currency", "to_currency")

# What holds already, of those that are told.
_KNOWN = """
SELECT r.day, r.from_currency, r.to_currency, r.rate FROM exchange_rates r
JOIN json_to_recordset(%s::json) AS t (day date, from_currency text, to_currency text)
  USING (day, from_currency, to_currency)
"""

# Every rate with one of these currencies in the days before and on any of some days.
_AROUND = """
SELECT day, from_currency, to_currency, rate, source FROM exchange_rates
WHERE day BETWEEN %(first)s AND %(last)s
  AND (from_currency = ANY(%(currencies)s) OR to_currency = ANY(%(currencies)s))
"""

# Newest first. A day is told as its beginning, so that it can be a cursor like any other.
_PAGE = """
SELECT * FROM (
    SELECT day, from_currency, to_currency, rate, source, imported_by, imported_at,
           day || '/' || from_currency || '/' || to_currency AS id,
           day::timestamp AT TIME ZONE 'UTC' AS at
    FROM exchange_rates) AS x
WHERE (%(of)s::text IS NULL OR %(of)s IN (from_currency, to_currency))
  AND (%(day)s::date IS NULL OR day = %(day)s)
  AND (%(at)s::timestamptz IS NULL OR (at, id) < (%(at)s, %(id)s))
ORDER BY at DESC, id DESC LIMIT %(limit)s
"""


def add(
    tx: Tx, rates: Sequence[ExchangeRate], *, by: str, now: datetime
) -> tuple[int, Sequence[ExchangeRate]]:
    """How many are new, and those that contradict one that is kept: these are not taken."""
    keys = [one.model_dump(mode="json", include=set(_KEYS)) for one in rates]
    known = {
        (row["day"], row["from_currency"], row["to_currency"]): row["rate"]
        for row in tx.execute(_KNOWN, [json.dumps(keys)])
    }
    fresh = [one for one in rates if _key(one) not in known]
    differing = [one for one in rates if known.get(_key(one), one.rate) != one.rate]
    bulk.insert(
        tx,
        "exchange_rates",
        [{**one.model_dump(), "imported_by": by, "imported_at": now} for one in fresh],
    )
    return len(fresh), differing


def around(tx: Tx, currencies: Collection[str], days: Collection[date]) -> list[ExchangeRate]:
    """Those that may say what these currencies were worth on these days."""
    if not days:
        return []
    values = {
        "currencies": sorted(currencies),
        "first": min(days) - OLDEST,
        "last": max(days),
    }
    return [ExchangeRate.model_validate(row) for row in tx.execute(_AROUND, values)]


def page(
    tx: Tx,
    *,
    currency: str | None,
    day: date | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Mapping[str, Any]]:
    """Newest first."""
    at, id = after or (None, None)
    values = {"of": currency, "day": day, "at": at, "id": id, "limit": limit}
    return list(tx.execute(_PAGE, values))


def _key(one: ExchangeRate) -> tuple[date, str, str]:
    return one.day, one.from_currency, one.to_currency
