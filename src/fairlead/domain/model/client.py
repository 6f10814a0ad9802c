"""Who the firm works for."""

from __future__ import annotations

from fairlead.domain.model import Entity
from fairlead.domain.values import Country, Currency, ExternalRef, Name, Value


class Address(Value):
    street: str | None = None
    city: str | None = None
    region: str | None = None  #: state, province or canton, as written
    postal_code: str | None = None
    country: Country | None = None


class Client(Entity):
    """A client as one system knows it."""

    ref: ExternalRef  #: the record in the system that told us
    name: Name
    tax_id: str | None = None  #: as written, with its prefix where it has one
    domain: str | None = None  #: of its web site, without a scheme
    address: Address = Address()
    currency: Currency | None = None  #: the currency it is invoiced in
    tier: str | None = None  #: `strategic`, `standard`…; the firm's own words
    parent: str | None = None  #: name of the group's head, where the system knows it
    inactive: bool = False


class ClientChanges(Value):
    """What is to be set on a client's record. What is null stays as it is."""

    name: Name | None = None
    tax_id: str | None = None
    domain: str | None = None
    address: Address | None = None  #: whole: a part that it leaves out is cleared
