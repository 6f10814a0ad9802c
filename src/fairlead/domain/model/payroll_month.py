"""A month of one of our companies, as its payroll pays it (F127)."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from pydantic import Field

from fairlead.domain.model import Entity


class PayrollMonth(Entity):
    id: str
    legal_entity: str  #: the company that employs
    month: date  #: its first day
    system: str  #: the payroll system
    emails: dict[str, str] = Field(default_factory=dict[str, str])
    """Resource → e-mail address in small letters, of everybody who has a sheet of this month."""

    @property
    def end(self) -> date:
        """Its last day."""
        return self.month.replace(day=monthrange(self.month.year, self.month.month)[1])


def payroll_month_id(legal_entity: str, month: date) -> str:
    return f"payroll:{legal_entity}:{month:%Y-%m}"
