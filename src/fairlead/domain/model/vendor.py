"""A firm that we buy from, as the procurement system or the ledger knows it."""

from __future__ import annotations

from fairlead.domain.model import Entity
from fairlead.domain.values import Country, ExternalRef, Name


class Vendor(Entity):
    ref: ExternalRef
    name: Name
    country: Country | None = None
    tax_id: str | None = None
    approved: bool = False  #: we may order from it
