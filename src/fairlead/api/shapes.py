"""Types that several answers share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from fastapi import Path, Query
from pydantic import AfterValidator, AwareDatetime, Field, StrictStr

from fairlead.domain.values import Money, Value, minor_units
from fairlead.errors import NotFound

T = TypeVar("T")

_ID = r"^[A-Za-z0-9][A-Za-z0-9._:~-]{0,199}$"
_WORD = r"^[A-Za-z0-9][A-Za-z0-9 ._:~-]{0,99}$"


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


At = Annotated[AwareDatetime, AfterValidator(_utc)]  #: told in UTC
Id = Annotated[str, Path(pattern=_ID)]
MessageId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Filter = Annotated[str | None, Query(pattern=_WORD)]
PersonId = Annotated[StrictStr, Field(pattern=r"^[a-z][a-z0-9.-]{0,62}$")]
#: A day of this century: no sum of days leaves what a calendar can say.
Day = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2100, 1, 1))]
DayFilter = Annotated[Day | None, Query()]
Reason = Annotated[StrictStr, Field(max_length=2000)]


class Ref(Value):
    """A record in another system."""

    system: str
    kind: str
    id: str


def money(row: Mapping[str, Any], amount: str = "amount") -> Money | None:
    """With as many decimals as the currency has, or more where the amount has more."""
    value: Decimal | None = row[amount]
    if value is None or row["currency"] is None:
        return None
    least = -minor_units(row["currency"])
    exponent = min(int(value.normalize().as_tuple().exponent), least)
    return Money(amount=value.quantize(Decimal(1).scaleb(exponent)), currency=row["currency"])


def found(row: T | None, what: str) -> T:
    """Raises `NotFound`, in the same words for what is absent and what is another's."""
    if row is None:
        raise NotFound(f"There is no such {what}.")
    return row


def without_costs(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Without what only holders of `costs.read` may see: cost rates and margins."""
    return {
        name: value
        for name, value in facts.items()
        if not any(word in name.casefold() for word in ("cost", "margin"))
    }
