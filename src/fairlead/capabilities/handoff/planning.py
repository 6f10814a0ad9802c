"""Deciding how an engagement is set up: template, code, dimensions, tax, methods, rules of time.

Every choice is a policy's; each decision is kept with the row that fired (F008 to F011, F014, F015,
F022).
"""

from __future__ import annotations

from fairlead.capabilities.handoff.changes import moved
from fairlead.capabilities.handoff.events import LAUNCHED
from fairlead.capabilities.handoff.firm import Firm
from fairlead.domain.model.engagement import Engagement, EngagementState
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.model.project import Dimensions, Project
from fairlead.domain.model.tax import TaxTreatment
from fairlead.domain.rules.deal_terms import terms
from fairlead.domain.rules.project_setup import project
from fairlead.domain.rules.tax import TaxFacts, TaxTrouble, determine
from fairlead.domain.values import Value
from fairlead.errors import InvalidDefinition
from fairlead.flow.calls import Call, Done, OutwardCall
from fairlead.flow.registry import Registry
from fairlead.policy.tables import Decision, Policies, decide


class TemplateFacts(Value):
    """What `project-template` may ask."""

    service_line: str
    contract_type: str


class PracticeFacts(Value):
    """What `practice-dimensions` may ask."""

    service_line: str
    region: str


class RegionFacts(Value):
    """What `region-dimensions` may ask."""

    region: str


class RevenueFacts(Value):
    """What `revenue-method` may ask."""

    contract_type: str
    legal_entity: str


class TimeFacts(Value):
    """What `time-expense` may ask."""

    country: str
    region: str
    contract_type: str


def tax_facts(deal: Opportunity, firm: Firm) -> TaxFacts:
    """Whose tax may be due. The deal has an entity, a client and a first day."""
    assert deal.starts_on is not None
    client = deal.client
    return TaxFacts(
        our_country=firm.legal_entity(deal.legal_entity or "").country,
        client_country=client.address.country if client else None,
        client_tax_id=client.tax_id if client else None,
        client_region=client.address.region if client else None,
        delivery_country=deal.country,
        delivery_region=None,
        service=firm.service_kind(deal.service_line),
        on=deal.starts_on,
    )


class Setup:
    """The project of an engagement, built again the same from what `plan_setup` decided."""

    def __init__(self, firm: Firm) -> None:
        self._firm = firm

    def project(self, call: Call | OutwardCall) -> Project:
        engagement: Engagement = call.subject
        planned = call.results["plan_setup"]
        deal = terms(engagement)
        currency = deal.value.currency if deal.value else ""
        made = project(
            deal,
            code=planned["code"],
            template=self._firm.template(planned["template"]),
            dimensions=Dimensions.model_validate(planned["dimensions"]),
            rate_card=self._firm.rate_card(deal.region, currency),
        )
        return made.model_copy(
            update={
                "parent_code": planned["parent_code"],
                "billing_method": planned["billing_method"],
                "revenue_method": planned["revenue_method"],
                "cap": deal.contract.cap if deal.contract else None,
                "tax": planned["tax"] and TaxTreatment.model_validate(planned["tax"]),
                "time_policy": planned["time_policy"],
                "expense_policy": planned["expense_policy"],
            }
        )

    def tell_delivery(self, call: Call) -> None:
        """Have the books of what was launched opened: what time is booked on and billed by."""
        project = self.project(call).model_dump(mode="json")
        call.send(LAUNCHED, engagement=call.subject.id, project=project)


def register(registry: Registry, policies: Policies, firm: Firm) -> None:
    @registry.action("plan_setup")
    def plan_setup(call: Call) -> Done:
        """Decide all that the set-up follows from, by rule."""
        engagement: Engagement = call.subject
        deal = terms(engagement)
        line, region = deal.service_line or "", deal.region or ""
        kind, country = deal.contract_type or "", deal.country or ""

        def ask(policy: str, facts: Value) -> Decision:
            return call.note(decide(policies.as_of(policy, call.now), facts, call.now))

        entity = firm.legal_entity(deal.legal_entity or "")
        template = ask("project-template", TemplateFacts(service_line=line, contract_type=kind))
        practice = ask("practice-dimensions", PracticeFacts(service_line=line, region=region))
        place = ask("region-dimensions", RegionFacts(region=region))
        money = ask("revenue-method", RevenueFacts(contract_type=kind, legal_entity=entity.code))
        rules = ask("time-expense", TimeFacts(country=country, region=region, contract_type=kind))
        tax = determine(tax_facts(deal, firm))
        if isinstance(tax, TaxTrouble) and not overridden(call, "tax_determined"):
            # the readiness gate has seen it; the law changed since
            raise InvalidDefinition("; ".join(gap.problem for gap in tax.gaps))
        code = f"{firm.project_codes}-{engagement.number.removeprefix('ENG-')}"
        dimensions = Dimensions(
            legal_entity=entity.code,
            subsidiary=entity.ledger_id,
            practice=str(practice.answer["practice"]),
            region=str(place.answer["region_id"]),
            cost_centre=str(practice.answer["cost_centre"]),
        )
        return Done(
            {
                "code": code,
                "parent_code": _parent_code(code, engagement),
                "template": str(template.answer["template"]),
                "dimensions": dimensions.model_dump(),
                "billing_method": str(money.answer["billing_method"]),
                "revenue_method": str(money.answer["revenue_method"]),
                "tax": tax.model_dump(mode="json") if isinstance(tax, TaxTreatment) else None,
                "time_policy": str(rules.answer["time_policy"]),
                "expense_policy": str(rules.answer["expense_policy"]),
            },
            moved(EngagementState.IN_SETUP, project_code=code),
        )


def overridden(call: Call, gate: str) -> bool:
    """Did a person with the authority let it pass? Then they answer for what follows."""
    return "overridden_by" in call.results.get(gate, {})


def _parent_code(code: str, engagement: Engagement) -> str | None:
    """`TH-2038` of its part `TH-2038-1`."""
    return code.rpartition("-")[0] if engagement.parent is not None else None
