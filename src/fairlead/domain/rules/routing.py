"""Which system serves this engagement? By region, country or any other fact of it (F153)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field

from fairlead.domain.values import Value


class Offer(Value):
    """One system serves one port for whatever fits every condition."""

    system: str
    port: str  #: `crm`, `ledger`, `projects`
    where: dict[str, tuple[str, ...]] = Field(default_factory=dict[str, tuple[str, ...]])
    """Fact (`region`, `country`, `version`, …) → the values that fit. A fact that is not named
    does not matter; one that is named and not known does not fit."""
    fallback: bool = False  #: serves only where no other system does, as when that is disabled

    def fits(self, facts: Mapping[str, str | None]) -> bool:
        return all(facts.get(name) in values for name, values in self.where.items())


class Routed(Value):
    system: str


class Unroutable(Value):
    because: str  #: in words for the person who sets up the systems


def route(
    port: str, facts: Mapping[str, str | None], offers: Sequence[Offer]
) -> Routed | Unroutable:
    """Exactly one system must fit: with two, the answer would depend on the order of a file.

    A fallback is looked at only where nobody else fits (F172).
    """
    fit = [offer for offer in offers if offer.port == port and offer.fits(facts)]
    first = [offer for offer in fit if not offer.fallback]
    fitting = sorted({offer.system for offer in first or fit})
    if len(fitting) == 1:
        return Routed(system=fitting[0])
    said = ", ".join(f"{name} {value}" for name, value in sorted(facts.items()) if value)
    if fitting:
        return Unroutable(
            because=f"{' and '.join(fitting)} both serve {port} for {said}; only one may"
        )
    serving = sorted({offer.system for offer in offers if offer.port == port})
    return Unroutable(
        because=f"no system serves {port} for {said}"
        + (f"; {', '.join(serving)} serve it elsewhere" if serving else "")
    )
