"""Hours of ours as whole minutes of systems that keep those, and back."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

_PLACES = Decimal("0.00000001")  # of what `Exact` holds: a third of an hour has no end
_NEAR = Decimal("0.0001")  # minutes


def whole_minutes(hours: Decimal) -> int | None:
    """None: they are no whole minutes."""
    exact = hours * 60
    minutes = exact.quantize(Decimal(1), ROUND_HALF_EVEN)
    return int(minutes) if abs(exact - minutes) <= _NEAR else None


def hours_of(minutes: int) -> Decimal:
    """To eight decimals."""
    return (Decimal(minutes) / 60).quantize(_PLACES)
