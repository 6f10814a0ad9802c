"""The handoff's gates: what must be true, over the engagement as it stands. Pure.

Readiness is the handoff from sales to delivery; `finance_can_bill` and `reporting_is_complete` are
those from delivery to finance and from finance to reporting (F099).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime

from fairlead.capabilities.handoff.firm import Firm
from fairlead.capabilities.handoff.planning import overridden, tax_facts
from fairlead.capabilities.handoff.review import Assessment, capacity_facts
from fairlead.domain.gates import Blocked, Clear, Gap
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.rules.commitment import agreement_gaps, as_signed, committed
from fairlead.domain.rules.deal_terms import in_use, terms
from fairlead.domain.rules.phases import phase_gaps
from fairlead.domain.rules.quote import quote_gaps
from fairlead.domain.rules.readiness import (
    Required,
    contract_gaps,
    missing,
    subcontract_gaps,
    together,
    unknown,
)
from fairlead.domain.rules.tax import TaxTrouble, determine
from fairlead.domain.values import Exact, ExternalRef, Money, Value
from fairlead.flow.calls import Call
from fairlead.flow.registry import Registry
from fairlead.policy.tables import Decision, Policies, decide, decide_all


class HandoffFacts(Value):
    """What `mandatory-data` may ask. A blank is an empty text."""

    contract_type: str
    region: str
    country: str
    service_line: str
    client_tier: str


class LaunchFacts(Value):
    """What `launch-approval` may ask."""

    value: Exact  #: of the contract, in `currency`
    currency: str
    region: str
    contract_type: str


class ChangeFacts(Value):
    """What `contract-change` may ask."""

    fields: str  #: that changed, apart by a comma
    value: Exact
    currency: str
    region: str


def handoff_facts(engagement: Engagement) -> HandoffFacts:
    deal = terms(engagement)
    return HandoffFacts(
        contract_type=deal.contract_type or "",
        region=deal.region or "",
        country=deal.country or "",
        service_line=deal.service_line or "",
        client_tier=deal.client_tier or "",
    )


def launch_facts(engagement: Engagement) -> LaunchFacts:
    deal = terms(engagement)
    assert deal.value is not None  # the readiness gate has seen it
    return LaunchFacts(
        value=deal.value.amount,
        currency=deal.value.currency,
        region=deal.region or "",
        contract_type=deal.contract_type or "",
    )


def _change_facts(call: Call) -> ChangeFacts:
    deal = terms(call.subject)
    at_stake = call.input.get("at_stake")
    value = Money.model_validate_json(json.dumps(at_stake)) if at_stake else deal.value
    assert value is not None
    return ChangeFacts(
        fields=", ".join(call.input.get("fields", [])),
        value=value.amount,
        currency=value.currency,
        region=deal.region or "",
    )


def facts_of(firm: Firm) -> Mapping[str, Callable[[Call], Value]]:
    """Policy → its facts, for approvals that name one."""
    assessment = Assessment(firm)
    return {
        "launch-approval": lambda call: launch_facts(call.subject),
        "rate-approval": lambda call: assessment.rate_facts(call.subject),
        "clause-review": lambda call: assessment.clause_facts(call.subject),
        "country-compliance": lambda call: assessment.country_facts(call.subject),
        "capacity-warning": capacity_facts,
        "delivery-review": lambda call: assessment.review_facts(call.subject),
        "contract-change": _change_facts,
    }


def asker(
    policies: Policies, facts: Mapping[str, Callable[[Call], Value]]
) -> Callable[[str, Call], Decision]:
    """How an approval that names a policy is asked. `facts`: of each policy that one may name."""

    def ask(policy: str, call: Call) -> Decision:
        return decide(policies.as_of(policy, call.now), facts[policy](call), call.now)

    return ask


def register(registry: Registry, policies: Policies, firm: Firm) -> None:
    """Add the gates."""

    @registry.gate("commercial_data")
    def commercial_data(call: Call) -> Clear | Blocked:
        """All data that this kind of engagement must have (F005, F098)."""
        decisions = _required(policies, call.subject, call.now)
        for decision in decisions:
            call.note(decision)
        required = [Required.model_validate(decision.answer) for decision in decisions]
        engagement: Engagement = call.subject
        deal, given = terms(engagement), in_use(engagement.deal, engagement.supplied)
        entities = [entity.code for entity in firm.legal_entities]
        return together(
            committed(engagement.deal, engagement.agreement),
            missing(deal, required),
            unknown(deal, {"legal_entity": entities, "region": firm.regions}, given),
            phase_gaps(deal),
            subcontract_gaps(deal),
        )

    @registry.gate("contract_signed")
    def contract_signed(call: Call) -> Clear | Blocked:
        """A signed contract that says what the deal says (F006, F027, F028)."""
        engagement: Engagement = call.subject
        given = in_use(engagement.deal, engagement.supplied)
        deal = terms(engagement)
        return together(
            committed(engagement.deal, engagement.agreement),
            agreement_gaps(deal, engagement.agreement),
            contract_gaps(as_signed(deal, engagement.agreement), given),
        )

    @registry.gate("quote_agrees")
    def quote_agrees(call: Call) -> Clear | Blocked:
        """The quote, the deal and the contract say the same (F026)."""
        return quote_gaps(terms(call.subject))

    @registry.gate("tax_determined")
    def tax_determined(call: Call) -> Clear | Blocked:
        """One tax treatment follows from entity, client and place (F011)."""
        deal = terms(call.subject)
        if deal.starts_on is None or not any(
            entity.code == deal.legal_entity for entity in firm.legal_entities
        ):
            return Clear()  # what is missing is asked for by its own gate, and this looks again
        found = determine(tax_facts(deal, firm))
        if not isinstance(found, TaxTrouble):
            return Clear()
        asked = _asked_for(policies, call.subject, call.now)
        gaps = tuple(gap for gap in found.gaps if gap.field not in asked)
        return Blocked(gaps=gaps) if gaps else Clear()

    @registry.gate("finance_can_bill")
    def finance_can_bill(call: Call) -> Clear | Blocked:
        """Delivery to finance: all that an invoice will need is in the ledger (F099)."""
        engagement: Engagement = call.subject
        planned = call.results.get("plan_setup", {})
        wanted: dict[str, object] = {
            "the client in the ledger": engagement.refs.get("client"),
            "the project in the ledger": engagement.refs.get("ledger_project"),
            "the tax treatment": planned.get("tax") or overridden(call, "tax_determined"),
            "the billing method": planned.get("billing_method"),
        }
        if not terms(engagement).phases:
            wanted["the billing schedule"] = engagement.refs.get("billing_schedule")
        return _there(wanted, owner="finance-operations", remedy="see the step that makes it")

    @registry.gate("reporting_is_complete")
    def reporting_is_complete(call: Call) -> Clear | Blocked:
        """Finance to reporting: every dimension by which figures are cut is set (F099)."""
        planned = call.results.get("plan_setup", {})
        dimensions = planned.get("dimensions", {})
        wanted: dict[str, object] = {
            f"the dimension {name.replace('_', ' ')}": dimensions.get(name)
            for name in ("legal_entity", "practice", "region", "cost_centre")
        }
        wanted["the revenue method"] = planned.get("revenue_method")
        return _there(
            wanted, owner="finance-operations", remedy="add a row to the dimension policies"
        )


def _there(wanted: Mapping[str, object], *, owner: str, remedy: str) -> Clear | Blocked:
    gaps = tuple(
        Gap(
            field=what.removeprefix("the ").replace(" ", "_"),
            problem=f"{what} is missing",
            owner=owner,
            remedy=remedy,
            suppliable=False,
        )
        for what, found in wanted.items()
        if not found and not isinstance(found, ExternalRef)
    )
    return Blocked(gaps=gaps) if gaps else Clear()


def _asked_for(policies: Policies, engagement: Engagement, now: datetime) -> frozenset[str]:
    """Fields that `commercial_data` misses: a blank is asked for once."""
    required = [Required.model_validate(d.answer) for d in _required(policies, engagement, now)]
    found = missing(terms(engagement), required)
    return frozenset(gap.field for gap in found.gaps) if isinstance(found, Blocked) else frozenset()


def _required(policies: Policies, engagement: Engagement, now: datetime) -> tuple[Decision, ...]:
    policy = policies.as_of("mandatory-data", now)
    return decide_all(policy, handoff_facts(engagement), now)
