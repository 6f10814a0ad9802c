"""What each deal is set up as: one piece, or a whole and its parts; from the sample alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from fairlead.cli.demo_deals import Book, Deal, DealPhase, Term
from fairlead.domain.model.contract import ContractType
from fairlead.domain.rules.project_setup import ProjectTemplate

Templates = Mapping[str, ProjectTemplate]


@dataclass(frozen=True)
class Unit:
    """One project in the ledger and in the project system."""

    deal: Deal
    phase: DealPhase | None = None  #: null: the deal as a whole

    @property
    def name(self) -> str:
        return f"{self.deal.name}: {self.phase.name}" if self.phase else self.deal.name

    @property
    def ledger(self) -> str:
        return (self.phase or self.deal).ledger

    @property
    def template(self) -> str:
        return (self.phase or self.deal).template

    @property
    def tax(self) -> str:
        return str((self.phase or self.deal).tax)

    @property
    def value(self) -> Decimal:
        return self.phase.value if self.phase else self.deal.value.amount

    @property
    def is_worked_on(self) -> bool:
        """Its work is staffed and billed here; that of a deal in phases is in its parts."""
        return self.phase is not None or not self.deal.phases

    @property
    def lines(self) -> int:
        """How many lines its billing schedule must have."""
        return _lines((self.phase.terms if self.phase else ()) or self.deal.terms)

    @property
    def milestones(self) -> Sequence[str]:
        """What is paid once it is accepted; nothing of work that is paid as worked or by period."""
        kind = (self.phase and self.phase.contract_type) or self.deal.contract_type
        if kind in (ContractType.TIME_AND_MATERIALS, ContractType.MANAGED_SERVICE):
            return ()
        terms = (self.phase.terms if self.phase else ()) or self.deal.terms
        if not terms:
            return ("Fee",)
        return tuple(term.name for term in terms if not term.every_months)

    def roles(self, templates: Templates) -> Iterable[str]:
        """Those that were sold; where none were, the template's."""
        if self.phase is None:
            sold = self.deal.roles
        elif any(phase.roles for phase in self.deal.phases):
            sold = self.phase.roles
        else:
            sold = self.deal.roles
        return [role.role for role in sold or templates[self.template].roles]

    def packages(self, templates: Templates) -> Iterable[str]:
        return [f"{one.code} {one.name}" for one in templates[self.template].packages]

    def parent(self, book: Book, *, within: Literal["ledger", "company"] = "ledger") -> str:
        """What its project is below in the ERP: the whole, where that is in the same ledger, or
        of the same company where an ERP keeps a tree within one; else the client."""
        with_the_whole = (
            self.ledger == self.deal.ledger
            if within == "ledger"
            else self.phase is not None and self.phase.legal_entity == self.deal.legal_entity
        )
        if self.phase is not None and with_the_whole:
            return self.deal.name
        client = book.client(self.deal)
        return client.known_as or client.name


def units(deals: Sequence[Deal]) -> list[Unit]:
    """Everything that is set up for these deals."""
    found: list[Unit] = []
    for deal in deals:
        if deal.is_set_up:
            found += [Unit(deal), *(Unit(deal, phase) for phase in deal.phases)]
    return found


def _lines(terms: Iterable[Term]) -> int:
    return sum(term.instalments for term in terms) or 1
