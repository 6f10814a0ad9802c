"""What one currency was worth in another on a day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import Field, model_validator

from fairlead.domain.model import Entity
from fairlead.domain.values import Currency, Exact, Name


class ExchangeRate(Entity):
    day: Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2100, 1, 1))]
    from_currency: Currency
    to_currency: Currency
    rate: Annotated[Exact, Field(ge=Decimal("0.000001"), le=10**6)]
    """Of `to_currency` for one of `from_currency`."""
    source: Name  #: who published it, such as `ECB`

    @model_validator(mode="after")
    def _of_two(self) -> ExchangeRate:
        if self.from_currency == self.to_currency:
            raise ValueError("a rate is between two currencies")
        return self
