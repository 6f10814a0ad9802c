"""In which month something is booked. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from fairlead.domain.rules.project_setup import add_months


def month_of(day: date) -> date:
    """Its first day."""
    return day.replace(day=1)


def booked_in(day: date, closed: Collection[date]) -> date:
    """The month of the day or, where that is closed, the next one that is open.

    `closed`: the first days of the closed months of one legal entity.
    """
    month = month_of(day)
    while month in closed:
        month = add_months(month, 1)
    return month
