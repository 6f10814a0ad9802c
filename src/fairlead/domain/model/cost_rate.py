"""What an hour of one person costs the firm, from a day on (F166). Seen with `costs.read` only."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from fairlead.domain.model import Entity
from fairlead.domain.values import Money


class CostRate(Entity):
    """It holds until the first day of the next."""

    resource: Annotated[str, Field(min_length=1, max_length=200)]
    valid_from: date
    per_hour: Money
