"""What API and pages need to bill: the commands that ask policies or start runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from fairlead.capabilities.billing.paper import InvoicePaper, paper_of
from fairlead.capabilities.billing.proposing import Proposing
from fairlead.capabilities.billing.readiness import Readiness
from fairlead.capabilities.billing.releasing import Releasing
from fairlead.capabilities.company_days import CompanyDays
from fairlead.domain.model.legal_entity import LegalEntity
from fairlead.flow.library import Library
from fairlead.policy.tables import Policies
from fairlead.store import invoice_views
from fairlead.store.database import Tx, database_time
from fairlead.store.invoices import Sees


@dataclass(frozen=True)
class BillingDesk:
    policies: Policies
    library: Library
    days: CompanyDays
    entities: tuple[LegalEntity, ...] = ()  #: companies of ours, for the names on paper

    @cached_property
    def proposing(self) -> Proposing:
        return Proposing(self.policies, self.days)

    @cached_property
    def releasing(self) -> Releasing:
        return Releasing(self.policies, self.library)

    @cached_property
    def readiness(self) -> Readiness:
        return Readiness(self.policies, self.days)

    def paper(self, tx: Tx, sees: Sees, name: str) -> InvoicePaper | None:
        """An invoice by its id or reference, as it stands on paper; null: none is to be seen."""
        row = invoice_views.one(tx, sees, name, me="", since=database_time(tx))
        if row is None:
            return None
        return paper_of(row, invoice_views.lines(tx, row["id"]), self.entity(row["legal_entity"]))

    def entity(self, code: str) -> LegalEntity | None:
        """Null where it is not known any more."""
        return next((one for one in self.entities if one.code == code), None)
