"""The handoff's gates, policies and messages: pure, over the engagement as it stands."""

from __future__ import annotations

from collections.abc import Callable, Container
from datetime import datetime

from fairlead.capabilities.handoff.firm import Firm
from fairlead.domain.gates import Blocked, Clear
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.rules.deal_terms import in_use, terms
from fairlead.domain.rules.readiness import (
    Required,
    contract_gaps,
    missing,
    not_won,
    together,
    unknown,
)
from fairlead.domain.values import Exact, Value
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


#: Policy → its facts, for approvals that name one.
FACTS: dict[str, Callable[[Engagement], Value]] = {"launch-approval": launch_facts}


def asker(policies: Policies) -> Callable[[str, Call], Decision]:
    """How an approval that names a policy is asked."""

    def ask(policy: str, call: Call) -> Decision:
        return decide(policies.as_of(policy, call.now), FACTS[policy](call.subject), call.now)

    return ask


def register(
    registry: Registry, policies: Policies, firm: Firm, crms: Container[str] = frozenset[str]()
) -> None:
    """Add the gates, conditions and messages of the handoff.

    `crms`: ids of the CRMs that we have a connector to.
    """

    @registry.condition("crm_connected")
    def crm_connected(call: Call) -> bool:
        """Does the deal come from a CRM that can be told?"""
        return call.subject.deal.ref.system in crms

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
            not_won(deal),
            missing(deal, required),
            unknown(deal, {"legal_entity": entities, "region": firm.regions}, given),
        )

    @registry.gate("contract_signed")
    def contract_signed(call: Call) -> Clear | Blocked:
        """A signed contract that says what the deal says (F006)."""
        engagement: Engagement = call.subject
        given = in_use(engagement.deal, engagement.supplied)
        return together(not_won(engagement.deal), contract_gaps(terms(engagement), given))

    @registry.notice("engagement_launched")
    def engagement_launched(call: Call) -> str:
        deal = terms(call.subject)
        client = deal.client.name if deal.client else "the client"
        return (
            f"{call.subject.number} {deal.name} for {client} is launched as "
            f"{call.subject.project_code}: {deal.value}, from {deal.starts_on}."
        )

    @registry.notice("staffing_wanted")
    def staffing_wanted(call: Call) -> str:
        count = len(call.results.get("request_staffing", {}).get("requests", []))
        return f"{call.subject.number} {call.subject.deal.name} wants {count} roles filled."

    for event, words in {
        "project_approved": "its project is approved",
        "timesheet_completed": "a timesheet is complete",
        "milestone_accepted": "a milestone is accepted and may be billed",
        "invoice_released": "an invoice is released",
    }.items():
        _status_notice(registry, event, words)


def _status_notice(registry: Registry, name: str, words: str) -> None:
    @registry.notice(name)
    def notice(call: Call) -> str:
        """What happened, on which engagement, with the sender's reference (F150)."""
        reference = call.input.get("reference")
        about = f" ({reference})" if reference else ""
        return f"{call.subject.number} {call.subject.deal.name}: {words}{about}."


def _required(policies: Policies, engagement: Engagement, now: datetime) -> tuple[Decision, ...]:
    policy = policies.as_of("mandatory-data", now)
    return decide_all(policy, handoff_facts(engagement), now)
