"""What an hour of each person costs, by date: told by a program that knows it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from fairlead.api.commands import Commanding, Outcome
from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import Limit, Page
from fairlead.api.reading import reading_tx
from fairlead.api.router import Router
from fairlead.api.shapes import Filter
from fairlead.capabilities.time.costing import set_cost_rates
from fairlead.domain.model.cost_rate import CostRate
from fairlead.domain.values import Money, Value
from fairlead.store import cost_rates
from fairlead.store.database import Tx
from fairlead.trust.acting import Acting

_MOST_AT_ONCE = 1000
_Cursor = Annotated[
    str | None,
    Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@~-]{0,250}$", description="`next` of a page."),
]


class SetCostRates(Value):
    rates: Annotated[tuple[CostRate, ...], Field(min_length=1, max_length=_MOST_AT_ONCE)]


class CostRatesSet(Value):
    new: int  #: the rest was there


class CostRateView(Value):
    resource: str
    valid_from: date  #: until the next one's first day
    per_hour: Money
    source: str


def add(router: Router) -> None:
    tag = "staffing"
    router.get("/cost-rates", list_cost_rates, Page[CostRateView], tag=tag)
    router.command("POST", "/cost-rates", put_cost_rates, CostRatesSet, tag=tag)


def list_cost_rates(
    parts: Parts,
    caller: Caller,
    resource: Filter = None,
    cursor: _Cursor = None,
    limit: Limit = 50,
) -> Page[CostRateView]:
    """Cost rates by person and date."""
    with reading_tx(parts) as tx:
        rows = cost_rates.listed(
            tx,
            regions=None if caller.regions is None else sorted(caller.regions),
            entities=None if caller.legal_entities is None else sorted(caller.legal_entities),
            resource=resource,
            after=cursor,
            limit=limit + 1,
        )
    end = rows[limit - 1]["place"] if len(rows) > limit else None
    return Page(items=tuple(_view(row) for row in rows[:limit]), next=end)


def put_cost_rates(
    parts: Parts, caller: Caller, command: Commanding, wanted: SetCostRates
) -> Response:
    """Add rates from a day on; none that is kept is contradicted, no closed month changes."""

    def act(tx: Tx) -> Outcome:
        fresh = set_cost_rates(tx, Acting.of(parts.people, caller), wanted.rates)
        return Outcome(CostRatesSet(new=len(fresh)))

    return command.carry_out(act)


def _view(row: Mapping[str, Any]) -> CostRateView:
    return CostRateView(
        resource=row["resource_id"],
        valid_from=row["valid_from"],
        per_hour=Money(amount=row["per_hour"], currency=row["currency"]),
        source=row["source"],
    )
