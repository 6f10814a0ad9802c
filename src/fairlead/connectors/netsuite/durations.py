"""Hours as NetSuite writes them: hours and minutes, `25:45`.

https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_157305090645.html
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal

_DURATION = re.compile(r"(?P<sign>-?)(?P<hours>[0-9]{1,6}):(?P<minutes>[0-5][0-9])")
_NUMBER = re.compile(r"-?[0-9]{1,6}(?:\.[0-9]{1,8})?")
_PLACES = Decimal("0.00000001")  # of what `Exact` holds: a third of an hour has no end
_NEAR = Decimal("0.0001")  # minutes


def duration(hours: Decimal) -> str | None:
    """Hours and minutes. None: they are no whole minutes."""
    exact = hours * 60
    minutes = exact.quantize(Decimal(1), ROUND_HALF_EVEN)
    if abs(exact - minutes) > _NEAR:
        return None
    whole, rest = divmod(abs(int(minutes)), 60)
    return f"{'-' if minutes < 0 else ''}{whole}:{rest:02d}"


def decimal_hours(text: str) -> Decimal | None:
    """Hours, from `25:45` or from a decimal. None: it is neither."""
    if found := _DURATION.fullmatch(text):
        minutes = int(found["hours"]) * 60 + int(found["minutes"])
        hours = (Decimal(minutes) / 60).quantize(_PLACES)
        return -hours if found["sign"] else hours
    return Decimal(text) if _NUMBER.fullmatch(text) else None
