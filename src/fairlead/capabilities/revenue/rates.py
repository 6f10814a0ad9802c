"""What one currency is worth in another, as revenue and margin need it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from fairlead.domain.rules.exchange import conversion
from fairlead.store import exchange_rates
from fairlead.store.database import Tx


class DayRates:
    """Reads each rate once. Fulfils `reckoning.Exchange`: null where no rate of the week is known.

    Costs of a month are converted at the rate of its last day, which stands for those of the month
    (IAS 21.22).
    """

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._known: dict[tuple[str, str, date], Decimal | None] = {}

    def __call__(self, source: str, target: str, on: date, /) -> Decimal | None:
        key = (source, target, on)
        if key not in self._known:
            around = exchange_rates.around(self._tx, {source, target}, [on])
            found = conversion(around, source, target, on)
            self._known[key] = found.shown if found else None
        return self._known[key]
