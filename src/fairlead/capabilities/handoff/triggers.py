"""When does a deal become work for delivery: now, for a look beforehand, or not yet?

The policy `handoff-trigger` says so, of the deal's stage, probability and contract (F001 to F003).
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from fairlead.domain.model.agreement import Agreement
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.rules.commitment import as_signed
from fairlead.domain.values import Ratio, Value
from fairlead.policy.tables import Decision, Policies, decide


class Then(StrEnum):
    HANDOFF = "handoff"
    REVIEW = "review"
    NONE = "none"


class TriggerFacts(Value):
    """What `handoff-trigger` may ask. A blank is an empty text."""

    stage: str
    stage_name: str  #: as the CRM calls it
    probability: Ratio  #: 0 where the CRM says none
    contract_status: str
    contract_type: str
    region: str


def trigger(
    policies: Policies, deal: Opportunity, agreement: Agreement | None, now: datetime
) -> tuple[Then, Decision]:
    """What follows from a deal as it stands, and the decision that says so."""
    contract = as_signed(deal, agreement).contract
    facts = TriggerFacts(
        stage=deal.stage,
        stage_name=deal.stage_name or "",
        probability=deal.probability if deal.probability is not None else Decimal(0),
        contract_status=contract.status if contract else "",
        contract_type=deal.contract_type or "",
        region=deal.region or "",
    )
    decision = decide(policies.as_of("handoff-trigger", now), facts, now)
    return Then(str(decision.answer["then"])), decision
