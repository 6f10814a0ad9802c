"""Exchange rates by day, for expenses in other currencies than the engagement's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from fairlead.api.commands import Commanding, Outcome
from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import Limit, Page, TimeCursor, after, page
from fairlead.api.reading import reading_tx
from fairlead.api.router import Router
from fairlead.api.shapes import At, DayFilter
from fairlead.domain.model.exchange_rate import ExchangeRate
from fairlead.domain.values import Value
from fairlead.errors import InvalidInput, Problem
from fairlead.store import exchange_rates
from fairlead.store.database import Tx, database_time

_MOST = 2000


class RateView(Value):
    day: date
    from_currency: str
    to_currency: str
    rate: str  #: of `to_currency` for one of `from_currency`, exact
    source: str
    imported_by: str
    imported_at: At


class ImportRates(Value):
    rates: tuple[ExchangeRate, ...] = Field(min_length=1, max_length=_MOST)


class ImportedRates(Value):
    new: int  #: the rest was there


def add(router: Router) -> None:
    tag = "expenses"
    router.get("/exchange-rates", list_exchange_rates, Page[RateView], tag=tag)
    router.command("POST", "/exchange-rates", import_exchange_rates, ImportedRates, tag=tag)


def list_exchange_rates(
    parts: Parts,
    currency: Annotated[str | None, Query(pattern=r"^[A-Z]{3}$")] = None,
    day: DayFilter = None,
    cursor: TimeCursor = None,
    limit: Limit = 50,
) -> Page[RateView]:
    """Rates, newest first."""
    with reading_tx(parts) as tx:
        rows = exchange_rates.page(
            tx, currency=currency, day=day, after=after(cursor), limit=limit + 1
        )
    return page(rows, limit, _view, at="at")


def import_exchange_rates(
    parts: Parts, caller: Caller, command: Commanding, wanted: ImportRates
) -> Response:
    """Add rates. The same again changes nothing; all are refused where one contradicts a rate that
    is kept, because expenses may have been converted by it."""

    def act(tx: Tx) -> Outcome:
        keys = [(one.day, one.from_currency, one.to_currency) for one in wanted.rates]
        twice = [n for n, key in enumerate(keys) if key in keys[:n]]
        _refuse(twice, "comes once")
        by = f"{'person' if caller.kind == 'person' else 'system'}:{caller.id}"
        new, differing = exchange_rates.add(tx, wanted.rates, by=by, now=database_time(tx))
        _refuse(
            [n for n, one in enumerate(wanted.rates) if one in differing],
            "is the rate that is kept for this day",
        )
        return Outcome(ImportedRates(new=new))

    return command.carry_out(act)


def _refuse(numbers: list[int], rule: str) -> None:
    if numbers:
        problems = [Problem(f"/rates/{number}", rule) for number in numbers[:20]]
        raise InvalidInput("These rates cannot be taken.", problems)


def _view(row: Mapping[str, Any]) -> RateView:
    left = {name: value for name, value in row.items() if name not in ("id", "at", "rate")}
    return RateView(**left, rate=format(row["rate"].normalize(), "f"))
