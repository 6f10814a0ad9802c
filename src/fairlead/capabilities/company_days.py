"""Which day it is in a company of ours, so that an invoice at the end of a month is of that month.

A company's day is that of the zone of its country's calendar, wherever its people, its client or
the reader are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

_UNKNOWN = "UTC"  #: of a company that is none of ours any more


@dataclass(frozen=True)
class CompanyDays:
    zones: Mapping[str, str]  #: code of a legal entity → IANA zone

    def zone(self, legal_entity: str) -> str:
        return self.zones.get(legal_entity, _UNKNOWN)

    def on(self, moment: datetime, legal_entity: str) -> date:
        """`moment`: with a zone of its own."""
        return moment.astimezone(ZoneInfo(self.zone(legal_entity))).date()

    def first_of(self, moment: datetime, companies: Collection[str] | None) -> date:
        """The earliest day that it is in any of these companies, null: in any of ours: what is over
        on it is over in all."""
        asked = self.zones if companies is None else companies
        return min((self.on(moment, one) for one in asked), default=self.on(moment, ""))
