"""How a client is invoiced, by the policy `invoicing-terms`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from fairlead.domain.rules.billing_terms import InvoicingTerms
from fairlead.domain.values import Value
from fairlead.policy.tables import Policies, decide


class InvoicingFacts(Value):
    """What `invoicing-terms` may ask. A blank is an empty text."""

    client: str  #: its name
    legal_entity: str  #: of ours
    region: str
    currency: str
    contract_type: str
    billing_method: str


class Terms:
    """Asks the policy, once for engagements that are alike."""

    def __init__(self, policies: Policies, now: datetime) -> None:
        self._policy, self._now = policies.as_of("invoicing-terms", now), now
        self._known: dict[InvoicingFacts, InvoicingTerms] = {}

    def of(self, standing: Mapping[str, Any]) -> InvoicingTerms:
        """`standing`: of an engagement, as `store.billing_standing` tells it."""
        facts = InvoicingFacts(
            client=standing["client_name"],
            legal_entity=standing["legal_entity"],
            region=standing["region"] or "",
            currency=standing["currency"],
            contract_type=standing["contract_type"],
            billing_method=standing["billing_method"],
        )
        if facts not in self._known:
            found = decide(self._policy, facts, self._now)
            numbers = {
                name: Decimal(str(found.answer[name]))
                for name in ("expense_mark_up", "discount", "discount_from")
            }
            decided_by = f"{found.policy} version {found.version}, row {found.row}"
            self._known[facts] = InvoicingTerms.model_validate(
                {**found.answer, **numbers, "decided_by": decided_by}
            )
        return self._known[facts]
