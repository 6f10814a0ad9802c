"""What was offered, line by line, as the quoting system says it (F026)."""

from __future__ import annotations

from fairlead.domain.model import Entity
from fairlead.domain.values import Exact, ExternalRef, Money, Name, Value


class QuoteLine(Value):
    product: Name
    quantity: Exact
    unit_price: Money
    total: Money  #: after discount


class Quote(Entity):
    ref: ExternalRef
    number: str
    accepted: bool = False  #: by the client
    total: Money
    lines: tuple[QuoteLine, ...] = ()
