"""Which system owns which field at which stage, and where followers differ (F159, F160, F115).

A holder is a port (`crm`, `ledger`, `projects`), or `fairlead` for what both sides accepted. The
owner's value is right; a follower that says something else is a difference, to be settled by the
field's rule. A change never flows from a follower to the owner, so it cannot go in a circle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any, cast

from pydantic import Field, model_validator

from fairlead.domain.model.engagement import Engagement, EngagementState, Reading
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.rules.deal_terms import is_blank, terms
from fairlead.domain.values import Money, Value

FAIRLEAD = "fairlead"  #: the holder of what both sides accepted
_ORDER = (
    EngagementState.IN_REVIEW,
    EngagementState.RECEIVED,
    EngagementState.IN_SETUP,
    EngagementState.AWAITING_LAUNCH,
    EngagementState.LAUNCHED,
)


class OnDifference(StrEnum):
    OWNER_WINS = "owner_wins"  #: the owner's value is carried over
    ASK = "ask"  #: a person decides


class FieldRule(Value):
    """One field: who owns it from which state on, and who follows."""

    field: str = Field(pattern=r"^[a-z]+(\.[a-z_]+)+$")  #: `project.ends_on`, `deal.client_tier`
    owners: dict[EngagementState, str] = Field(min_length=1)
    followers: tuple[str, ...] = ()
    on_difference: OnDifference = OnDifference.ASK

    @model_validator(mode="after")
    def _known_from_the_start(self) -> FieldRule:
        if not {EngagementState.IN_REVIEW, EngagementState.RECEIVED} & self.owners.keys():
            raise ValueError(f"say who owns {self.field} from `received` on")
        return self

    def owner_at(self, state: EngagementState) -> str:
        """Who owns it in a state. One that has ended is as it was when launched."""
        upto = _ORDER[: _ORDER.index(state) + 1] if state in _ORDER else _ORDER
        found = [self.owners[past] for past in upto if past in self.owners]
        return found[-1] if found else next(iter(self.owners.values()))


class Difference(Value):
    """A follower that says something else than the owner."""

    field: str
    owner: str
    owner_value: Any
    holder: str
    value: Any
    rule: OnDifference
    amount: Money | None = None  #: by which they differ, where the field is money

    @property
    def words(self) -> str:
        name = self.field.rpartition(".")[2].replace("_", " ")
        right, said = _shown(self.owner_value), _shown(self.value)
        return f"{name}: {self.owner} says {right}, {self.holder} {said}"


def owns(rules: Sequence[FieldRule], holder: str, field: str, state: EngagementState) -> bool:
    """May this holder change the field at this stage? What nobody declared is Fairlead's once
    the set-up has begun, and the CRM's before."""
    for rule in rules:
        if rule.field == field:
            return rule.owner_at(state) == holder
    before = state in (EngagementState.IN_REVIEW, EngagementState.RECEIVED)
    return holder == ("crm" if before else FAIRLEAD)


def held(engagement: Engagement) -> dict[str, dict[str, Reading]]:
    """Field → holder → what it says: what was read, with the CRM's and the accepted values."""
    found = {field: dict(holders) for field, holders in engagement.readings.items()}
    at = engagement.deal.modified_at
    for holder, deal in (("crm", engagement.deal), (FAIRLEAD, terms(engagement))):
        for field, value in _of_deal(deal).items():
            if not is_blank(value):
                found.setdefault(field, {}).setdefault(holder, Reading(value=value, at=at))
    return found


def _of_deal(deal: Opportunity) -> Mapping[str, Any]:
    """What a deal says of the fields that other systems hold too."""
    raw = deal.model_dump(mode="json")
    client = cast("dict[str, Any]", raw["client"] or {})
    return {
        "project.name": raw["name"],
        "project.starts_on": raw["starts_on"],
        "project.ends_on": raw["ends_on"],
        "project.budget": raw["value"],
        "client.name": client.get("name"),
        "client.tax_id": client.get("tax_id"),
        "client.country": (client.get("address") or {}).get("country"),
    }


def differences(engagement: Engagement, rules: Sequence[FieldRule]) -> tuple[Difference, ...]:
    """Every follower that differs from the owner. One that was not asked yet differs in nothing."""
    known = held(engagement)
    found: list[Difference] = []
    for rule in rules:
        holders = known.get(rule.field, {})
        owner = rule.owner_at(engagement.state)
        right = holders.get(owner)
        if right is None:
            continue
        for follower in rule.followers:
            said = holders.get(follower)
            if follower == owner or said is None or same(right.value, said.value):
                continue
            found.append(
                Difference(
                    field=rule.field,
                    owner=owner,
                    owner_value=right.value,
                    holder=follower,
                    value=said.value,
                    rule=rule.on_difference,
                    amount=_apart(right.value, said.value),
                )
            )
    return tuple(found)


def same(one: Any, other: Any) -> bool:
    """Do two values say the same? Money by amount and currency, text without outer spaces."""
    here, there = _money(one), _money(other)
    if here and there:
        return here.rounded() == there.rounded()
    if isinstance(one, str) and isinstance(other, str):
        return " ".join(one.split()) == " ".join(other.split())
    return one == other


def _money(value: Any) -> Money | None:
    if isinstance(value, Mapping) and set(cast("Mapping[str, Any]", value)) == {
        "amount",
        "currency",
    }:
        raw = cast("Mapping[str, Any]", value)
        return Money(amount=Decimal(str(raw["amount"])), currency=raw["currency"])
    return None


def _apart(one: Any, other: Any) -> Money | None:
    here, there = _money(one), _money(other)
    if here is None or there is None or here.currency != there.currency:
        return None
    return Money(amount=abs(here.amount - there.amount), currency=here.currency)


def _shown(value: Any) -> str:
    money = _money(value)
    return str(money) if money else str(value)
