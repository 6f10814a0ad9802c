"""From deal terms to project, billing schedule and staffing requests (F008 to F010, F014)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from itertools import accumulate, pairwise

from pydantic import Field, model_validator

from fairlead.domain.model.billing_schedule import BillingLine, BillingSchedule
from fairlead.domain.model.contract import BillingTerm
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.model.project import Dimensions, Project, WorkPackage
from fairlead.domain.model.role_demand import RoleDemand
from fairlead.domain.model.staffing_request import StaffingRequest
from fairlead.domain.values import Exact, Hours, Money, Name, Ratio, Value, minor_units, total


class PackageTemplate(Value):
    """One element of a template's work breakdown structure, in shares of the whole."""

    code: str
    name: Name
    effort: Ratio  #: of all hours; 0.2 means 20 %
    from_share: Ratio  #: where in the engagement's time it begins; 0 is the first day
    to_share: Ratio
    billable: bool = True


class RoleTemplate(Value):
    role: Name
    effort: Ratio  #: of all hours


class ProjectTemplate(Value):
    """How projects of one service line and contract type are built."""

    id: str
    packages: tuple[PackageTemplate, ...]
    roles: tuple[RoleTemplate, ...]
    budget_rate: Exact = Field(gt=0)
    """Amount per hour in the deal's currency, where the deal has no hours."""

    @model_validator(mode="after")
    def _whole(self) -> ProjectTemplate:
        for what, parts in (("packages", self.packages), ("roles", self.roles)):
            if sum((part.effort for part in parts), Decimal(0)) != 1:
                raise ValueError(f"the efforts of the {what} of {self.id} do not add up to 1")
        return self


def project(
    deal: Opportunity,
    *,
    code: str,
    template: ProjectTemplate,
    dimensions: Dimensions,
    rate_card: str | None,
) -> Project:
    """The project as both the project system and the ledger are to hold it."""
    assert deal.value is not None
    start, end = _term(deal)
    hours = hours_of(deal, template)
    return Project(
        code=code,
        name=deal.name,
        template=template.id,
        contract_type=deal.contract_type or "",
        dimensions=dimensions,
        budget=deal.value.rounded(),
        hours=hours,
        starts_on=start,
        ends_on=end,
        work_packages=_packages(template, start, end, hours),
        rate_card=rate_card,
    )


def hours_of(deal: Opportunity, template: ProjectTemplate) -> Hours:
    """What was sold; where the deal names no roles, what its value buys at the budget rate."""
    sold = sum((role.hours for role in deal.roles), Decimal(0))
    if sold or deal.value is None:
        return sold
    return (deal.value.amount / template.budget_rate).quantize(Decimal(1), ROUND_HALF_UP)


def _packages(
    template: ProjectTemplate, start: date, end: date, hours: Hours
) -> tuple[WorkPackage, ...]:
    days = (end - start).days
    shares = _whole_hours(hours, [package.effort for package in template.packages])
    return tuple(
        WorkPackage(
            code=package.code,
            name=package.name,
            hours=share,
            starts_on=start + timedelta(days=int(days * package.from_share)),
            ends_on=start + timedelta(days=int(days * package.to_share)),
            billable=package.billable,
        )
        for package, share in zip(template.packages, shares, strict=True)
    )


def _whole_hours(hours: Hours, weights: Sequence[Decimal]) -> list[Decimal]:
    """Shares in quarter hours, none negative, that add up to exactly all hours."""
    quarter = Decimal("0.25")
    marks = [
        min((hours * upto / quarter).to_integral_value() * quarter, hours)
        for upto in accumulate(weights[:-1], initial=Decimal(0))
    ]
    return [after - before for before, after in pairwise([*marks, hours])]


def billing_schedule(deal: Opportunity, *, code: str) -> BillingSchedule:
    """Structured billing from the contract's terms. Its lines add up to the deal's value.

    Raises `Unbillable` where they cannot; the readiness gate asks this beforehand.
    """
    assert deal.contract is not None
    assert deal.value is not None
    contract, value = deal.contract, deal.value.rounded()
    lines = billing_lines(deal)
    return BillingSchedule(
        code=code,
        name=deal.name,
        currency=value.currency,
        lines=tuple(
            BillingLine(number=number, name=name, amount=amount, due_on=due)
            for number, (name, amount, due) in enumerate(lines, 1)
        ),
        payment_days=contract.payment_days if contract.payment_days is not None else 30,
    )


class Unbillable(ValueError):
    """The billing terms make no schedule. Says why, in words for whoever owns the contract."""


_Line = tuple[str, Money, date]


def billing_lines(deal: Opportunity) -> list[_Line]:
    """Name, amount and due day of each part of the fee, in order of the due day.

    A part has a share or an amount. A recurring term has an amount for each instalment, or takes
    in equal instalments what is not billed otherwise, to the cent. Raises `Unbillable`.
    """
    assert deal.contract is not None
    assert deal.value is not None
    contract, value = deal.contract, deal.value.rounded()
    start, end = _term(deal)
    terms = contract.billing_terms
    _check(terms, value)
    once = [term for term in terms if term.every_months is None]
    recurring = [(term, _dues(term, start, end)) for term in terms if term.every_months is not None]
    fixed = total((term.amount for term in once if term.amount), value.currency)
    for term, dues in recurring:
        if term.amount:
            fixed = fixed + total([term.amount] * len(dues), value.currency)
    shares = [term.share for term in once if term.share]
    takes_rest = any(term.amount is None for term, _ in recurring)
    if takes_rest or abs(sum(shares) * value.amount + fixed.amount - value.amount) >= _unit(value):
        parts = tuple(_share(value, share) for share in shares)
    else:
        parts = (value - fixed).split(shares) if shares else ()
    rest = value - fixed - total(parts, value.currency)
    if takes_rest and rest.amount <= 0:
        raise Unbillable("the billing terms leave nothing for the recurring term")
    if terms and not takes_rest and rest.amount != 0:
        raise Unbillable(f"the billing terms add up to {value - rest}, not to {value}")
    if any(part.amount < 0 for part in parts):
        raise Unbillable(f"the billing terms add up to more than {value}")
    by_share = iter(parts)
    lines = [(term.name, term.amount or next(by_share), term.due_on or start) for term in once]
    for term, dues in recurring:
        lines += _instalments(term, dues, rest)
    if not terms:  # without structured terms the whole fee is due when the work ends
        lines = [(f"Fee of {contract.number}"[:_LONGEST_NAME], value, end)]
    return sorted(lines, key=lambda line: line[2])


#: Far more than any contract has; a date such as 9999-12-31 must not become 95,000 lines.
_MOST_INSTALMENTS = 600
_LONGEST_NAME = 1000


def _check(terms: Sequence[BillingTerm], value: Money) -> None:
    """Raises `Unbillable` for the first term that says nothing definite, or too much."""
    for term in terms:
        if term.every_months is None and (term.share is None) == (term.amount is None):
            raise Unbillable("each billing term has either a share or an amount")
        if term.every_months is not None and term.share is not None:
            raise Unbillable("a recurring billing term has no share: give an amount, or nothing")
        if term.amount is None:
            continue
        if term.amount.currency != value.currency:
            raise Unbillable(f"a billing term is not in {value.currency}")
        if term.amount.amount <= 0:
            raise Unbillable("a billing term has an amount that is not more than zero")
        if term.amount != term.amount.rounded():
            raise Unbillable(f"a billing term has more decimals than {value.currency} has")
    if sum(term.every_months is not None and term.amount is None for term in terms) > 1:
        raise Unbillable("only one recurring billing term can take what is left")


def _unit(money: Money) -> Decimal:
    return Decimal(1).scaleb(-minor_units(money.currency))


def _share(value: Money, share: Decimal) -> Money:
    """Rounded at once: a fine share of cents has more digits than money can hold."""
    part = (value.amount * share).quantize(_unit(value), rounding=ROUND_HALF_EVEN)
    return Money(amount=part, currency=value.currency)


def _dues(term: BillingTerm, start: date, end: date) -> list[date]:
    """The first day and every so many months after it, until the end; the first at least."""
    assert term.every_months is not None
    first = term.due_on or start
    months = (end.year - first.year) * 12 + end.month - first.month
    if months // term.every_months >= _MOST_INSTALMENTS:
        raise Unbillable(f"a recurring billing term has more than {_MOST_INSTALMENTS} instalments")
    dues = [add_months(first, ahead) for ahead in range(0, months + 1, term.every_months)]
    return [due for due in dues if due <= end] or [first]


def _instalments(term: BillingTerm, dues: Sequence[date], rest: Money) -> list[_Line]:
    amounts = [term.amount] * len(dues) if term.amount else rest.split([Decimal(1)] * len(dues))
    name = term.name[: _LONGEST_NAME - 4]
    return [
        (f"{name} {number}", amount, due)
        for number, (amount, due) in enumerate(zip(amounts, dues, strict=True), 1)
    ]


def add_months(day: date, months: int) -> date:
    """The same day so many months later, or the last day of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    month += 1
    last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month, min(day.day, last))


def staffing_requests(
    deal: Opportunity, *, code: str, template: ProjectTemplate
) -> tuple[StaffingRequest, ...]:
    """One request per role sold; where the deal names none, per role of the template (F031)."""
    start, end = _term(deal)
    roles: Sequence[RoleDemand] = deal.roles
    if not any(role.hours for role in roles):
        hours = hours_of(deal, template)
        shares = _whole_hours(hours, [role.effort for role in template.roles])
        roles = [
            RoleDemand(role=role.role, hours=share)
            for role, share in zip(template.roles, shares, strict=True)
        ]
    return tuple(
        StaffingRequest(
            code=f"{code}-R{number}",
            role=role.role,
            hours=role.hours,
            starts_on=start,
            ends_on=end,
            location=role.location,
            rate=role.rate,
        )
        for number, role in enumerate(roles, 1)
        if role.hours > 0
    )


def _term(deal: Opportunity) -> tuple[date, date]:
    assert deal.starts_on is not None
    assert deal.ends_on is not None
    return deal.starts_on, deal.ends_on
