"""A company of the firm's own group: it contracts, books and invoices."""

from __future__ import annotations

from fairlead.domain.model import Entity
from fairlead.domain.values import Country, Currency, Name


class LegalEntity(Entity):
    code: str  #: the firm's own, such as `TH-GMBH`
    name: Name
    country: Country
    currency: Currency  #: its book currency
    ledger_id: str  #: its id in the ledger that serves it (a subsidiary's internal id)
