"""What the firm's policies say of an expense, as of the day on which it was spent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from fairlead.domain.model.delivery import Delivery
from fairlead.domain.model.expense import Expense
from fairlead.domain.rules.expense_checks import (
    DayAway,
    Distance,
    ExpenseTerms,
    Fixed,
    Pays,
)
from fairlead.domain.values import Value
from fairlead.errors import NotFound
from fairlead.policy.tables import Policies, decide
from fairlead.store.mileage import Journey

_QUOTED = re.compile(r"['\"]([a-z][a-z_]{0,39})['\"]")


class ExpenseFacts(Value):
    """All that the policy `expense-policy` may ask. No defaults: a missing fact skips rows."""

    expense_policy: str  #: of the engagement; empty: none was set
    category: str
    country: str  #: where it was spent; empty: not known
    contract_type: str


class BillingFacts(Value):
    """All that the policy `expense-billing` may ask."""

    contract_type: str
    category: str


class DayAwayFacts(Value):
    """All that the policy `per-diem` may ask."""

    country: str
    hours: int  #: away on that day; 24 is all of it
    travel_day: bool  #: the first or last day of a journey with a night


class MileageFacts(Value):
    """All that the policy `mileage` may ask."""

    country: str


class ExpensePolicies:
    """Asks the policies that expenses are held to."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies

    def terms(self, expense: Expense, delivery: Delivery) -> ExpenseTerms | None:
        """Null where no policy was in effect on its day."""
        country = _country(expense, delivery)
        facts = ExpenseFacts(
            expense_policy=delivery.expense_policy or "",
            category=expense.category,
            country=country,
            contract_type=delivery.contract_type,
        )
        billing = BillingFacts(contract_type=delivery.contract_type, category=expense.category)
        own = self._asked("expense-policy", facts, expense.day)
        client = self._asked("expense-billing", billing, expense.day)
        if own is None or client is None:
            return None
        return ExpenseTerms(
            allowed=own["allowed"],
            because=own["because"],
            pays=own["pays"],
            unit=own["unit"],
            limit=_amount(own.get("limit")),
            currency=own["currency"],
            receipt_above=_amount(own.get("receipt_above")),
            over_limit=own["over_limit"],
            client_pays=client["client_pays"],
            client_because=client["because"],
        )

    def categories(self, now: datetime) -> Sequence[str]:
        """What expenses may be of: all that the policy names, in its order; none without one."""
        try:
            policy = self._policies.as_of("expense-policy", now)
        except NotFound:
            return ()
        named = (
            name
            for row in policy.rows
            for name in _QUOTED.findall(row.conditions.get("category", ""))
        )
        return tuple(dict.fromkeys(named))

    def fixed(
        self, expense: Expense, delivery: Delivery, pays: Pays, before: Decimal | None
    ) -> Fixed | None:
        """What a per diem or a distance comes to; null where it is paid otherwise, where a fact is
        missing, and where no table has the country. `before`: the distance claimed
        in the year already, of a `journey`."""
        country, before = _country(expense, delivery), before or Decimal(0)
        if pays is Pays.PER_DIEM and expense.hours_away is not None:
            facts = DayAwayFacts(
                country=country, hours=expense.hours_away, travel_day=expense.travel_day
            )
            found = self._asked("per-diem", facts, expense.day)
            if found and "amount" in found:
                day = DayAway.model_validate(found)
                return Fixed(amount=day.paid(expense.provided), source=day.source)
        if pays is Pays.DISTANCE and expense.quantity:
            distance = self._distance(country, expense.day)
            return distance and Fixed(
                amount=distance.paid(expense.quantity, before),
                source=distance.how(expense.quantity, expense.day, before),
            )
        return None

    def journey(self, expense: Expense, delivery: Delivery, pays: Pays) -> Journey | None:
        """Where a distance is paid by what its person claimed in the year before it: what to
        count."""
        if pays is not Pays.DISTANCE or not expense.quantity:
            return None
        country = _country(expense, delivery)
        distance = self._distance(country, expense.day)
        if distance is None or distance.threshold is None:
            return None
        year = distance.year_of(expense.day)
        assert year.end is not None
        return Journey(
            id=expense.id,
            resource=expense.resource,
            category=expense.category,
            country=country,
            since=year.start,
            until=year.end,
            day=expense.day,
            distance=expense.quantity,
        )

    def _distance(self, country: str, day: date) -> Distance | None:
        found = self._asked("mileage", MileageFacts(country=country), day)
        return Distance.model_validate(found) if found and "rate" in found else None

    def _asked(self, name: str, facts: Value, day: date) -> dict[str, Any] | None:
        at = datetime.combine(day, time(0), UTC)
        try:
            policy = self._policies.as_of(name, at)
        except NotFound:
            return None
        return {
            word: value
            for word, value in decide(policy, facts, at).answer.items()
            if value is not None
        }


def _country(expense: Expense, delivery: Delivery) -> str:
    return expense.country or delivery.country or ""


def _amount(text: Any) -> Decimal | None:
    return None if text is None else Decimal(str(text))
