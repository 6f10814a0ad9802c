"""What a rule cannot say yes to: rates, clauses, countries and capacity that a person must judge.

`assess` asks every policy and keeps each decision with the row that fired; the approvals that
follow are opened only where a policy names somebody (F013, F016, F024, F025, F105, F106).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from fairlead.capabilities.handoff.firm import Firm
from fairlead.capabilities.handoff.planning import TemplateFacts
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.rules import capacity as capacity_rules
from fairlead.domain.rules.capacity import CapacityAnswer, capacity, demand_of
from fairlead.domain.rules.clauses import in_words, non_standard
from fairlead.domain.rules.deal_terms import terms
from fairlead.domain.rules.project_setup import hours_of
from fairlead.domain.rules.rates import RatesAnswer, deviations
from fairlead.domain.values import Exact, Ratio, Value
from fairlead.flow.calls import Call, Done, OutwardCall
from fairlead.flow.registry import Registry
from fairlead.policy.tables import Decision, Policies, decide

#: What a policy answers where nobody has to be asked.
_NOBODY = "none"

#: A region → role → hours a week that are promised to other engagements.
Commitments = Callable[[str | None], Mapping[str, Decimal]]


class RateFacts(Value):
    """What `rate-approval` may ask."""

    discount: Exact  #: the deepest, of one role; 0.15 means 15 % below the card
    unpriced: int  #: roles whose price no card in force approves
    amount: Exact  #: by which all hours sold fall short of the card, in `currency`
    currency: str
    region: str


class ClauseReviewFacts(Value):
    """What `clause-review` may ask."""

    departing: int  #: clauses that are not in our own wording
    codes: str  #: of these, apart by a comma
    country: str
    contract_type: str


class CountryFacts(Value):
    """What `country-compliance` may ask."""

    country: str  #: of delivery
    client_country: str
    service_line: str
    legal_entity: str


class ReviewFacts(Value):
    """What `delivery-review` may ask."""

    value: Exact
    currency: str
    region: str
    probability: Ratio


class Assessment:
    """The facts of each policy that may call for a person, from the engagement as it stands."""

    def __init__(self, firm: Firm) -> None:
        self._firm = firm

    def rates(self, deal: Opportunity) -> RatesAnswer:
        """Of every role sold, those of its phases too."""
        currency = deal.value.currency if deal.value else ""
        on = deal.starts_on or date.max
        roles = [*deal.roles, *(role for phase in deal.phases for role in phase.roles)]
        return deviations(roles, self._firm.approved_rates, deal.region, currency, on)

    def rate_facts(self, engagement: Engagement) -> RateFacts:
        deal = terms(engagement)
        found = self.rates(deal)
        short = sum(
            (-role.difference.amount for role in found.roles if role.difference.amount < 0),
            Decimal(0),
        )
        return RateFacts(
            discount=found.deepest_discount,
            unpriced=len(found.unapproved) + len(found.other_currency),
            amount=short,
            currency=deal.value.currency if deal.value else "",
            region=deal.region or "",
        )

    def clause_facts(self, engagement: Engagement) -> ClauseReviewFacts:
        deal = terms(engagement)
        found = non_standard(deal.contract)
        return ClauseReviewFacts(
            departing=len(found),
            codes=", ".join(clause.code for clause in found),
            country=deal.country or "",
            contract_type=deal.contract_type or "",
        )

    def country_facts(self, engagement: Engagement) -> CountryFacts:
        deal = terms(engagement)
        client = deal.client
        return CountryFacts(
            country=deal.country or "",
            client_country=(client.address.country if client else None) or "",
            service_line=deal.service_line or "",
            legal_entity=deal.legal_entity or "",
        )

    @staticmethod
    def review_facts(engagement: Engagement) -> ReviewFacts:
        deal = terms(engagement)
        return ReviewFacts(
            value=deal.value.amount if deal.value else Decimal(0),
            currency=deal.value.currency if deal.value else "",
            region=deal.region or "",
            probability=deal.probability if deal.probability is not None else Decimal(0),
        )


def capacity_facts(call: Call | OutwardCall) -> capacity_rules.CapacityFacts:
    """What `capacity-warning` may ask: as `check_capacity` found it."""
    found = call.results.get("check_capacity", {}).get("facts")
    if found is None:
        return capacity_rules.facts_of(CapacityAnswer())
    return capacity_rules.CapacityFacts.model_validate(found)


def register(registry: Registry, policies: Policies, firm: Firm, commitments: Commitments) -> None:
    """Add what looks at a deal before anything is set up."""
    assessment = Assessment(firm)

    @registry.action("check_capacity", on="people", safe="It only reads.")
    def check_capacity(call: OutwardCall) -> Done:
        """Who is there for the roles that the deal needs, week by week (F016)."""
        engagement: Engagement = call.subject
        deal = terms(engagement)
        needed = demand_of(
            deal, _template_roles(policies, firm, deal, call.now), weighted=_only_likely(engagement)
        )
        if not needed:
            return Done({"facts": _plain(capacity_rules.facts_of(CapacityAnswer())), "words": []})
        first = min(part.starts_on for part in needed)
        last = max(part.ends_on for part in needed)
        found = capacity(
            needed,
            call.port.resources(),
            call.port.absences(first, last),
            committed=commitments(deal.region),
            region=deal.region,
        )
        call.tell("capacity.checked", short_roles=sum(1 for role in found.roles if role.short))
        return Done(
            {
                "facts": _plain(capacity_rules.facts_of(found)),
                "words": list(found.words),
                "hours": format(found.needed, "f"),
                "short": format(found.short, "f"),
            }
        )

    @registry.action("assess")
    def assess(call: Call) -> Done:
        """Ask every policy whether a person must look, and keep why."""
        engagement: Engagement = call.subject
        deal = terms(engagement)

        def ask(policy: str, facts: Value) -> Decision:
            return call.note(decide(policies.as_of(policy, call.now), facts, call.now))

        answers = {
            "rates": ask("rate-approval", assessment.rate_facts(engagement)),
            "clauses": ask("clause-review", assessment.clause_facts(engagement)),
            "country": ask("country-compliance", assessment.country_facts(engagement)),
            "capacity": ask("capacity-warning", capacity_facts(call)),
        }
        words: dict[str, list[str]] = {
            "rates": list(assessment.rates(deal).words),
            "clauses": [in_words(clause) for clause in non_standard(deal.contract)],
            "country": [],
            "capacity": list(call.results.get("check_capacity", {}).get("words", [])),
        }
        return Done(
            {
                name: {
                    "role": str(decision.answer["role"]),
                    "because": str(decision.answer["because"]),
                    "words": words[name],
                }
                for name, decision in answers.items()
            }
        )

    @registry.action("weigh_demand")
    def weigh_demand(call: Call) -> Done:
        """Hours and money of a likely deal, as far as it is likely (F002)."""
        deal = terms(call.subject)
        needed = demand_of(deal, _template_roles(policies, firm, deal, call.now), weighted=True)
        return Done(
            {
                "probability": format(deal.probability or Decimal(0), "f"),
                "roles": [{"role": part.role, "hours": format(part.hours, "f")} for part in needed],
                "hours": format(sum((part.hours for part in needed), Decimal(0)), "f"),
            }
        )

    def named(subject: str) -> Callable[[Call], bool]:
        """Does a policy name somebody for this?"""
        return lambda call: (
            call.results.get("assess", {}).get(subject, {}).get("role")
            not in (
                None,
                _NOBODY,
            )
        )

    registry.condition("rates_off_card")(named("rates"))
    registry.condition("clauses_depart")(named("clauses"))
    registry.condition("country_restricted")(named("country"))
    registry.condition("capacity_short")(named("capacity"))

    @registry.notice("demand_weighed")
    def demand_weighed(call: Call) -> str:
        weighed = call.results["weigh_demand"]
        short = call.results.get("check_capacity", {}).get("words", [])
        lacks = f" Short: {'; '.join(short)}." if short else ""
        return (
            f"{call.subject.number} {call.subject.deal.name} is likely to need "
            f"{weighed['hours']} hours, weighted.{lacks}"
        )

    @registry.notice("review_done")
    def review_done(call: Call) -> str:
        return f"{call.subject.number} {call.subject.deal.name}: delivery has reviewed the deal."


def _plain(facts: Value) -> dict[str, Any]:
    return facts.model_dump(mode="json")


def _only_likely(engagement: Engagement) -> bool:
    return engagement.state == "in_review"


def _template_roles(
    policies: Policies, firm: Firm, deal: Opportunity, now: datetime
) -> list[tuple[str, Decimal]]:
    """Roles and hours where the deal names none: those of its template."""
    if deal.roles or deal.value is None:
        return []
    facts = TemplateFacts(
        service_line=deal.service_line or "", contract_type=deal.contract_type or ""
    )
    decision = decide(policies.as_of("project-template", now), facts, now)
    template = firm.template(str(decision.answer["template"]))
    hours = hours_of(deal, template)
    return [(role.role, hours * role.effort) for role in template.roles]
