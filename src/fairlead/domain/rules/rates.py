"""Are the roles of a deal sold at approved prices? (F013)

A price is looked for in every card that is in force on the day and in the deal's currency: one for
the role in the deal's region first, then one for the role in every region. Of several cards the
one that came into force last counts, and of those the one whose name comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from fairlead.domain.model.rate_card import Rate, RateCard
from fairlead.domain.model.role_demand import RoleDemand
from fairlead.domain.values import Exact, Hours, Money, Name, Value, minor_units

#: Ratios are rounded to so many decimals, half to even.
_PLACES = Decimal("0.0001")


class RoleRate(Value):
    """One role as sold, beside what is approved for it."""

    role: Name
    hours: Hours
    sold: Money  #: per hour
    approved: Money  #: per hour
    card: Name
    deviation: Exact  #: of the approved price; -0.1 means sold 10 % below it
    difference: Money  #: over all hours; negative: that much less than approved

    def __str__(self) -> str:
        side = "below" if self.deviation < 0 else "above"
        share = f"{abs(self.deviation) * 100:.2f}".rstrip("0").rstrip(".")
        return (
            f"{self.role} is sold at {self.sold} an hour, {share} % {side} the {self.approved}"
            f" of {self.card}"
        )


class RatesAnswer(Value):
    roles: tuple[RoleRate, ...] = ()  #: those with both prices, in the deal's order
    unapproved: tuple[Name, ...] = ()  #: sold at a price, and no card in force has one
    unpriced: tuple[Name, ...] = ()  #: without a sold price: they are billed at the card's
    other_currency: tuple[Name, ...] = ()  #: sold in another currency than the deal's
    because: str = ""  #: why no card could be asked at all; empty where one was

    @property
    def deepest_discount(self) -> Decimal:
        """0.1 means that a role is sold 10 % below its price; 0 where none is."""
        return max((-role.deviation for role in self.roles), default=Decimal(0)).max(0)

    @property
    def words(self) -> tuple[str, ...]:
        """Each role that is not sold as approved, in words; the deepest discount first."""
        off = sorted((role for role in self.roles if role.deviation), key=lambda r: r.deviation)
        return (
            *((self.because,) if self.because else ()),
            *(str(role) for role in off),
            *(f"no approved price for {role}" for role in self.unapproved),
            *(f"{role} is sold in another currency" for role in self.other_currency),
        )


def deviations(
    roles: Sequence[RoleDemand],
    cards: Sequence[RateCard],
    region: str | None,
    currency: str,
    on: date,
) -> RatesAnswer:
    """Compare each role's sold price with the price approved for it on that day."""
    in_force = _in_force(cards, currency, on)
    priced = [role for role in roles if role.rate is not None]
    ours = [role for role in priced if role.rate and role.rate.currency == currency]
    found: list[RoleRate] = []
    unapproved: list[str] = []
    for role in ours:
        price = _price(role.role, in_force, region, currency)
        if price is None:
            unapproved.append(role.role)
        else:
            found.append(_compare(role, *price))
    return RatesAnswer(
        roles=tuple(found),
        unapproved=tuple(dict.fromkeys(unapproved)),
        unpriced=tuple(dict.fromkeys(role.role for role in roles if role.rate is None)),
        other_currency=tuple(dict.fromkeys(role.role for role in priced if role not in ours)),
        because="" if in_force or not priced else _no_card(cards, currency, on),
    )


def approved_price(
    role: str, cards: Sequence[RateCard], region: str | None, currency: str, on: date
) -> tuple[Rate, RateCard] | None:
    """What a role may be sold at on a day, and the card that says so."""
    return _price(role, _in_force(cards, currency, on), region, currency)


def _in_force(cards: Sequence[RateCard], currency: str, on: date) -> list[RateCard]:
    """The newest first."""
    valid = [card for card in cards if card.currency == currency and on in card.valid]
    return sorted(valid, key=lambda card: (-card.valid.start.toordinal(), card.name, str(card.ref)))


def _price(
    role: str, cards: Sequence[RateCard], region: str | None, currency: str
) -> tuple[Rate, RateCard] | None:
    wanted = _key(role)
    for where in dict.fromkeys((region, None)):
        for card in cards:
            for rate in card.rates:
                same = _key(rate.role) == wanted and rate.region == where
                if same and rate.per_hour.currency == currency and rate.per_hour.amount > 0:
                    return rate, card
    return None


def _key(role: str) -> str:
    return " ".join(role.split()).casefold()


def _compare(role: RoleDemand, rate: Rate, card: RateCard) -> RoleRate:
    assert role.rate is not None
    apart = role.rate - rate.per_hour
    ratio = (apart.amount / rate.per_hour.amount).quantize(_PLACES, ROUND_HALF_EVEN)
    difference = Money(amount=_to_cents(apart, role.hours), currency=apart.currency)
    return RoleRate(
        role=role.role,
        hours=role.hours,
        sold=role.rate,
        approved=rate.per_hour,
        card=card.name,
        deviation=ratio + 0,  # no -0
        difference=difference,
    )


def _to_cents(apart: Money, hours: Decimal) -> Decimal:
    """Rounded at once: a product of two exact numbers may have more digits than money can."""
    unit = Decimal(1).scaleb(-minor_units(apart.currency))
    return (apart.amount * hours).quantize(unit, ROUND_HALF_EVEN) + 0


def _no_card(cards: Sequence[RateCard], currency: str, on: date) -> str:
    same = [card for card in cards if card.currency == currency]
    if not same:
        return f"no rate card is in {currency}"
    nearest = max(same, key=lambda card: (card.valid.end or date.max, card.name))
    start, end = nearest.valid.start, nearest.valid.end
    holds = f"holds from {start}" if on < start else f"ended on {end}"
    return f"no rate card in {currency} is in force on {on}: {nearest.name} {holds}"
