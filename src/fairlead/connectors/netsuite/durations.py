"""Hours as NetSuite writes them: hours and minutes, `25:45`.

https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_157305090645.html
"""

from __future__ import annotations

import re
from decimal import Decimal

from fairlead.connectors.kit.durations import hours_of, whole_minutes

_DURATION = re.compile(r"(?P<sign>-?)(?P<hours>[0-9]{1,6}):(?P<minutes>[0-5][0-9])")
_NUMBER = re.compile(r"-?[0-9]{1,6}(?:\.[0-9]{1,8})?")


def duration(hours: Decimal) -> str | None:
    """Hours and minutes. None: they are no whole minutes."""
    minutes = whole_minutes(hours)
    if minutes is None:
        return None
    whole, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else ''}{whole}:{rest:02d}"


def decimal_hours(text: str) -> Decimal | None:
    """Hours, from `25:45` or from a decimal. None: it is neither."""
    if found := _DURATION.fullmatch(text):
        minutes = int(found["hours"]) * 60 + int(found["minutes"])
        return hours_of(-minutes if found["sign"] else minutes)
    return Decimal(text) if _NUMBER.fullmatch(text) else None
