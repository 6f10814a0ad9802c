"""Values that every room speaks: money, periods, ratios, hours, time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)

#: Minor units of the currencies whose count is not two (ISO 4217).
_MINOR_UNITS = {
    "BHD": 3, "BIF": 0, "CLF": 4, "CLP": 0, "DJF": 0, "GNF": 0, "IQD": 3, "ISK": 0, "JOD": 3,
    "JPY": 0, "KMF": 0, "KRW": 0, "KWD": 3, "LYD": 3, "OMR": 3, "PYG": 0, "RWF": 0, "TND": 3,
    "UGX": 0, "UYI": 0, "UYW": 4, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
}  # fmt: skip


class Value(BaseModel):
    """A frozen value object. Unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _exact(raw: Any) -> Any:
    """Money and hours never pass through a binary float."""
    if isinstance(raw, float | bool):
        raise ValueError("give a decimal as text, such as '1200.50', not as a binary number")
    if isinstance(raw, str) and ("_" in raw or not raw.isascii()):  # Python reads 1_000 and １２
        raise ValueError("give a decimal in digits from 0 to 9, such as '1200.50'")
    if isinstance(raw, str | int):  # strictly, pydantic takes neither once a validator has run
        with suppress(InvalidOperation):
            return Decimal(raw)
    return raw


#: A decimal that is written as text, so that no digit is lost on the way.
Exact = Annotated[
    Decimal,
    BeforeValidator(_exact),
    Field(max_digits=24, decimal_places=8),
    PlainSerializer(lambda d: format(d, "f"), return_type=str, when_used="json"),
]
Hours = Annotated[Exact, Field(ge=0)]
Ratio = Annotated[Exact, Field(ge=0, le=1)]  #: 0.35 means 35 %
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]  #: ISO 4217
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]  #: ISO 3166-1 alpha-2
Name = Annotated[str, Field(min_length=1, max_length=1000)]  #: Unicode
Text = Annotated[str, Field(max_length=100_000)]  #: prose, Unicode
Utc = AwareDatetime  #: stored in UTC


def minor_units(currency: str) -> int:
    """How many decimals an amount in this currency has (ISO 4217)."""
    return _MINOR_UNITS.get(currency, 2)


class Money(Value):
    """An exact amount in one currency. Arithmetic refuses to mix currencies."""

    amount: Exact
    currency: Currency

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(amount=self.amount + other.amount, currency=self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(amount=self.amount - other.amount, currency=self.currency)

    def __str__(self) -> str:
        return f"{self.currency} {self.amount:,.{minor_units(self.currency)}f}"

    def rounded(self) -> Money:
        """To the currency's minor unit, half to even."""
        unit = Decimal(1).scaleb(-minor_units(self.currency))
        return Money(
            amount=self.amount.quantize(unit, rounding=ROUND_HALF_EVEN), currency=self.currency
        )

    def split(self, weights: Sequence[Decimal]) -> tuple[Money, ...]:
        """Parts in proportion to `weights` that add up to exactly this amount.

        Each part is rounded to the minor unit; what remains goes, one unit each, to the parts
        with the largest remainder (the first of equals), so no cent is lost or made.

        Raises ValueError where there is no positive weight.
        """
        total = sum(weights, Decimal(0))
        if total <= 0 or any(w < 0 for w in weights):
            raise ValueError("weights must be zero or more, and not all zero")
        unit = Decimal(1).scaleb(-minor_units(self.currency))
        exact = [self.amount * w / total for w in weights]
        parts = [share.quantize(unit, rounding="ROUND_DOWN") for share in exact]
        rest = self.amount - sum(parts, Decimal(0))
        step = unit if rest >= 0 else -unit
        order = sorted(range(len(parts)), key=lambda i: (-abs(exact[i] - parts[i]), i))
        for i in order:
            if abs(rest) < unit:
                break
            parts[i] += step
            rest -= step
        parts[order[0]] += rest  # an amount with more digits than the currency has keeps them
        return tuple(Money(amount=part + 0, currency=self.currency) for part in parts)  # no -0.00

    def _same(self, other: Money) -> None:
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")


def total(parts: Iterable[Money], currency: str) -> Money:
    """The sum of amounts in one currency; zero where there are none."""
    result = Money(amount=Decimal(0), currency=currency)
    for part in parts:
        result = result + part
    return result


class Period(Value):
    """Both days are included. An open end is null."""

    start: date
    end: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Period:
        if self.end is not None and self.end < self.start:
            raise ValueError("the period ends before it starts")
        return self

    def __contains__(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day <= self.end)


class ExternalRef(Value):
    """A record in another system: which system, what kind of record, and its id there."""

    system: Annotated[str, Field(min_length=1, max_length=80)]
    kind: Annotated[str, Field(min_length=1, max_length=80)]
    id: Annotated[str, Field(min_length=1, max_length=400)]

    def __str__(self) -> str:
        return f"{self.system}/{self.kind}/{self.id}"


class Provenance(Value):
    """Where a field's value came from: the system or person that said it, and when (UTC)."""

    source: str  #: a system's id, or `person:` and the person's id
    at: datetime
