"""What a launched engagement is worked on and billed by: terms, rates, milestones and charges.

Everything follows from what was signed (F029). A term that is due once is a milestone where the
billing method is `milestone`, else a charge; a recurring term is a charge for each of its periods;
and work that is billed as worked has rates. Nothing is guessed: a role that was sold at two prices
or that no card has a price for gets no rate, and what cannot be billed for want of one says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from fairlead.domain.ids import derived
from fairlead.domain.model.bill_rate import BillRate
from fairlead.domain.model.charge import Charge, ChargeKind
from fairlead.domain.model.contract import BillingTerm
from fairlead.domain.model.delivery import Delivery
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.model.milestone import Accepts, Milestone
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.model.project import Project
from fairlead.domain.model.rate_card import RateCard
from fairlead.domain.rules.deal_terms import terms
from fairlead.domain.rules.project_setup import add_months, billing_lines
from fairlead.domain.rules.rates import approved_price
from fairlead.domain.values import Money, Period, Value

_MINUTES = Decimal(60)
_DEFAULT_PAYMENT_DAYS = 30
AS_WORKED = "as_worked"  #: billing method: by the hour, at the role's rate
BY_MILESTONE = "milestone"


class Opening(Value):
    delivery: Delivery
    rates: tuple[BillRate, ...]
    milestones: tuple[Milestone, ...]
    charges: tuple[Charge, ...]


def opening(engagement: Engagement, project: Project, cards: Sequence[RateCard]) -> Opening:
    """`project`: as it was set up. The deal has passed the gates of the handoff."""
    deal = terms(engagement)
    delivery = _delivery(engagement, deal, project)
    due_by_result = _milestone_lines(delivery, deal)
    charges = [line for line in _lines(delivery, deal) if line not in due_by_result]
    return Opening(
        delivery=delivery,
        rates=_rates(delivery, deal, cards),
        milestones=milestones_of(delivery, deal),
        charges=tuple(charges),
    )


def milestones_of(delivery: Delivery, deal: Opportunity) -> tuple[Milestone, ...]:
    """What the contract makes due by result, numbered in its order. A change of the contract keeps
    the ids of those that keep their number."""
    return tuple(
        Milestone(
            id=UUID(derived("milestone", delivery.engagement, str(number))),
            engagement=delivery.engagement,
            number=number,
            name=line.name,
            amount=line.amount,
            due_on=line.due_on,
            accepts=Accepts.CLIENT,
            clause=line.clause,
        )
        for number, line in enumerate(_milestone_lines(delivery, deal), 1)
    )


def _milestone_lines(delivery: Delivery, deal: Opportunity) -> list[Charge]:
    if delivery.billing_method != BY_MILESTONE:
        return []
    return [line for line in _lines(delivery, deal) if line.kind is ChargeKind.SCHEDULED]


def _delivery(engagement: Engagement, deal: Opportunity, project: Project) -> Delivery:
    contract, client = deal.contract, deal.client
    assert deal.contract_type is not None
    assert client is not None
    days = contract.payment_days if contract and contract.payment_days is not None else None
    return Delivery(
        engagement=engagement.id,
        number=engagement.number,
        code=project.code,
        name=project.name,
        client_name=client.name,
        refs=engagement.refs,
        region=deal.region or "",
        country=deal.country,
        legal_entity=project.dimensions.legal_entity,
        subsidiary=project.dimensions.subsidiary,
        contract_type=deal.contract_type,
        contract_number=contract.number if contract else None,
        billing_method=project.billing_method or BY_MILESTONE,
        revenue_method=project.revenue_method or "",
        currency=project.budget.currency,
        value=project.budget,
        cap=project.cap,
        budget_minutes=int(project.hours * _MINUTES),
        payment_days=days if days is not None else _DEFAULT_PAYMENT_DAYS,
        purchase_order=contract.purchase_order if contract else None,
        tax=project.tax,
        time_policy=project.time_policy,
        expense_policy=project.expense_policy,
        starts_on=project.starts_on,
        ends_on=project.ends_on,
        packages=project.work_packages,
    )


def _lines(delivery: Delivery, deal: Opportunity) -> list[Charge]:
    """Each part of the fee, with the period that a recurring one pays for."""
    if delivery.billing_method == AS_WORKED:
        return []
    contract = deal.contract
    assert contract is not None
    recurring = {term.name: term for term in contract.billing_terms if term.every_months}
    found: list[Charge] = []
    for number, (name, amount, due) in enumerate(billing_lines(deal), 1):
        term = _recurring_term(name, recurring)
        found.append(
            Charge(
                id=UUID(derived("charge", delivery.engagement, str(number))),
                engagement=delivery.engagement,
                kind=ChargeKind.RECURRING if term else ChargeKind.SCHEDULED,
                name=name,
                due_on=due,
                period=_period(term, due, delivery.ends_on) if term else None,
                amount=amount,
                clause=f"{contract.number}, {term.name if term else name}",
                source=f"contract {contract.number}",
            )
        )
    return found


def _recurring_term(line: str, recurring: dict[str, BillingTerm]) -> BillingTerm | None:
    """Instalments are called after their term, with a number behind it."""
    name, _, number = line.rpartition(" ")
    if not number.isdigit():
        return None
    return next((term for told, term in recurring.items() if told.startswith(name)), None)


def _period(term: BillingTerm, due: date, ends_on: date) -> Period:
    """From its day to the eve of the next; the last one to the end of the work."""
    assert term.every_months is not None
    until = add_months(due, term.every_months) - timedelta(days=1)
    return Period(start=due, end=max(due, min(until, ends_on)))


def _rates(
    delivery: Delivery, deal: Opportunity, cards: Sequence[RateCard]
) -> tuple[BillRate, ...]:
    """The price that was sold, for the whole of the work; else what the cards say."""
    sold: dict[str, set[Money]] = {}
    for role in deal.roles:
        if role.rate is not None and role.rate.currency == delivery.currency:
            sold.setdefault(role.role, set()).add(role.rate)
    contract = f"contract {delivery.contract_number or delivery.number}"
    found = [
        BillRate(
            engagement=delivery.engagement,
            role=role,
            valid_from=delivery.starts_on,
            per_hour=next(iter(prices)),
            source=contract,
        )
        for role, prices in sold.items()
        if len(prices) == 1
    ]
    return tuple(found + _card_rates(delivery, cards, frozenset(sold)))


def _card_rates(
    delivery: Delivery, cards: Sequence[RateCard], sold: frozenset[str]
) -> list[BillRate]:
    """A row wherever a role's price changes; it holds on where a card ends without a new one."""
    first, last = delivery.starts_on, delivery.ends_on
    changes = sorted({first, *(c.valid.start for c in cards if first < c.valid.start <= last)})
    roles = sorted({rate.role for card in cards for rate in card.rates} - sold)
    found: list[BillRate] = []
    for role in roles:
        before: Money | None = None
        for day in changes:
            price = approved_price(role, cards, delivery.region, delivery.currency, day)
            if price is None or price[0].per_hour == before:
                continue
            before = price[0].per_hour
            found.append(
                BillRate(
                    engagement=delivery.engagement,
                    role=role,
                    valid_from=day,
                    per_hour=before,
                    source=f"card {price[1].name}",
                )
            )
    return found
