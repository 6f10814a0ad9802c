"""From deal terms to project, billing schedule and staffing requests (F008 to F010, F014)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from fairlead.domain.model.billing_schedule import BillingLine, BillingSchedule
from fairlead.domain.model.contract import BillingTerm, Contract
from fairlead.domain.model.opportunity import Opportunity, RoleDemand
from fairlead.domain.model.project import Dimensions, Project, WorkPackage
from fairlead.domain.model.staffing_request import StaffingRequest
from fairlead.domain.values import Exact, Hours, Money, Name, Ratio, Value, total


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
    budget_rate: Exact  #: amount per hour in the deal's currency, where the deal has no hours


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
    """Shares in quarter hours that add up to exactly all hours; the last takes the rest."""
    quarter = Decimal("0.25")
    parts = [(hours * weight / quarter).to_integral_value() * quarter for weight in weights[:-1]]
    return [*parts, hours - sum(parts, Decimal(0))]


def billing_schedule(deal: Opportunity, *, code: str) -> BillingSchedule:
    """Structured billing from the contract's terms. Its lines add up to the deal's value.

    Raises ValueError where the terms do not; the readiness gate has said so before.
    """
    assert deal.contract is not None
    assert deal.value is not None
    contract, value = deal.contract, deal.value.rounded()
    start, end = _term(deal)
    lines: list[tuple[str, Money, date]] = []
    once = [term for term in contract.billing_terms if term.every_months is None]
    fixed = total((term.amount for term in once if term.amount), value.currency)
    shares = [term.share for term in once if term.share]
    rest = value - fixed
    recurring = [term for term in contract.billing_terms if term.every_months is not None]
    if recurring:
        by_share = total((_share(value, share) for share in shares), value.currency)
        parts = iter([_share(value, share) for share in shares])
        rest = rest - by_share
    else:
        parts = iter(rest.split(shares) if shares else ())
    for term in once:
        lines.append((term.name, term.amount or next(parts), term.due_on or start))
    for term in recurring:
        lines += _instalments(term, start, end, rest)
    if not lines:
        lines = [(name, amount, due) for name, amount, due in _default(contract, value, end)]
    booked = total((amount for _, amount, _ in lines), value.currency)
    if booked != value:
        raise ValueError(f"the billing lines add up to {booked}, not to {value}")
    lines.sort(key=lambda line: line[2])
    return BillingSchedule(
        code=code,
        name=f"{code} {deal.name}",
        currency=value.currency,
        lines=tuple(
            BillingLine(number=number, name=name, amount=amount, due_on=due)
            for number, (name, amount, due) in enumerate(lines, 1)
        ),
        payment_days=contract.payment_days if contract.payment_days is not None else 30,
    )


def _share(value: Money, share: Decimal) -> Money:
    return Money(amount=value.amount * share, currency=value.currency).rounded()


def _instalments(
    term: BillingTerm, start: date, end: date, rest: Money
) -> list[tuple[str, Money, date]]:
    """Equal instalments of what is not billed otherwise, to the cent, until the end."""
    assert term.every_months is not None
    dues: list[date] = []
    months = 0
    first = term.due_on or start
    while (due := add_months(first, months)) <= end:
        dues.append(due)
        months += term.every_months
    if not dues:
        dues = [first]
    amounts = rest.split([Decimal(1)] * len(dues))
    return [
        (f"{term.name} {number}", amount, due)
        for number, (amount, due) in enumerate(zip(amounts, dues, strict=True), 1)
    ]


def _default(contract: Contract, value: Money, end: date) -> list[tuple[str, Money, date]]:
    """Without structured terms the whole fee is due when the work ends."""
    return [(f"Fee of {contract.number}", value, end)]


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
    if not roles:
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
