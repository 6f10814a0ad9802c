"""How one country and one company of ours tax what we invoice (F011)."""

from __future__ import annotations

from enum import StrEnum

from fairlead.domain.values import Country, Ratio, Value


class TaxKind(StrEnum):
    STANDARD = "standard"  #: we charge our own country's rate
    REVERSE_CHARGE = "reverse_charge"  #: the client accounts for it
    EXPORT = "export"  #: outside the scope of our country's tax, or zero-rated
    DOMESTIC_EXEMPT = "domestic_exempt"  #: services that the place does not tax


class TaxTreatment(Value):
    """`code` is what the ledger calls it; `basis` names the law or rule that it rests on."""

    kind: TaxKind
    code: str
    rate: Ratio  #: 0.19 means 19 %
    country: Country  #: whose tax it is
    client_tax_id: str | None = None  #: as it was validated; null: none is needed
    basis: str
