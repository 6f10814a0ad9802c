"""Do quote, deal and contract say the same? (F026)

What is compared: totals and currencies of the three, each line's arithmetic, the lines against the
quote's own total, and the roles sold against the lines that sell hours. Whatever differs is named
with both values; nothing is corrected.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import ROUND_HALF_EVEN, Decimal

from fairlead.domain.gates import Blocked, Clear, Gap
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.model.quote import Quote, QuoteLine
from fairlead.domain.values import Money, minor_units, total


def quote_gaps(deal: Opportunity) -> Clear | Blocked:
    """Every mismatch. A deal without a quote has none."""
    quote = deal.quote
    if quote is None:
        return Clear()
    gaps = (
        *_not_accepted(quote),
        *_totals(deal, quote),
        *(gap for number, line in enumerate(quote.lines, 1) for gap in _line(quote, number, line)),
        *_sum(quote),
        *_roles(deal, quote),
    )
    return Blocked(gaps=gaps) if gaps else Clear()


def _not_accepted(quote: Quote) -> tuple[Gap, ...]:
    if quote.accepted:
        return ()
    return (_gap("quote.accepted", f"quote {quote.number} is not accepted by the client"),)


def _totals(deal: Opportunity, quote: Quote) -> tuple[Gap, ...]:
    said = {"the deal": deal.value, "the contract": deal.contract.value if deal.contract else None}
    return tuple(
        _gap("quote.total", f"quote {quote.number} says {quote.total}, {who} {value}")
        for who, value in said.items()
        if value is not None and value.rounded() != quote.total.rounded()
    )


def _line(quote: Quote, number: int, line: QuoteLine) -> tuple[Gap, ...]:
    """A discount may lower a line's total; nothing else may be between it and its price."""
    field, name = f"quote.lines.{number}", f"line {number} ({line.product}) of {quote.number}"
    here, price, said = quote.total.currency, line.unit_price, line.total
    other = [money for money in (price, said) if money.currency != here]
    if other:
        return (_gap(field, f"{name} is in {other[0].currency}, the quote in {here}"),)
    if line.quantity <= 0:
        return (_gap(field, f"{name} has a quantity of {line.quantity:f}"),)
    if price.amount < 0 or said.amount < 0:
        return (_gap(field, f"{name} has a negative price or total: {price}, {said}"),)
    full = _times(line.quantity, price)
    if said.amount - full.amount > _unit(here):  # a unit for how the quoting system rounds
        product = f"{line.quantity:f} × {price} = {full}"
        return (_gap(field, f"{name} says {said}, more than {product}"),)
    return ()


def _sum(quote: Quote) -> tuple[Gap, ...]:
    """Lines with more digits than their currency has may be a unit each apart from the total."""
    currency = quote.total.currency
    if not quote.lines or any(line.total.currency != currency for line in quote.lines):
        return ()
    added = total((line.total for line in quote.lines), currency)
    rough = sum(line.total != line.total.rounded() for line in quote.lines)
    if abs(added.amount - quote.total.amount) <= rough * _unit(currency):
        return ()
    words = f"the lines of quote {quote.number} add up to {added}, its total is {quote.total}"
    return (_gap("quote.total", words),)


def _roles(deal: Opportunity, quote: Quote) -> tuple[Gap, ...]:
    """A line is a role's where it bears its name. Only such lines can be compared by hours, and
    a role without any is a mismatch only where other roles have theirs."""
    sold: dict[str, Decimal] = defaultdict(Decimal)
    names: dict[str, str] = {}
    for role in deal.roles:
        sold[_key(role.role)] += role.hours
        names.setdefault(_key(role.role), role.role)
    quoted: dict[str, Decimal] = defaultdict(Decimal)
    for line in quote.lines:
        if _key(line.product) in sold:
            quoted[_key(line.product)] += line.quantity
    if not quoted:
        return ()
    hours = tuple(
        _gap(
            "roles",
            f"quote {quote.number} has {quoted[key]:f} hours of {names[key]}, the deal {said:f}",
        )
        for key, said in sold.items()
        if quoted[key] != said
    )
    return hours + _prices(deal, quote)


def _prices(deal: Opportunity, quote: Quote) -> tuple[Gap, ...]:
    """The price an hour after discount, to the minor unit, where each side has one price."""
    gaps: list[Gap] = []
    for role in deal.roles:
        lines = [line for line in quote.lines if _key(line.product) == _key(role.role)]
        alone = sum(_key(other.role) == _key(role.role) for other in deal.roles) == 1
        if not alone or len(lines) != 1 or role.rate is None or lines[0].quantity <= 0:
            continue
        line, rate = lines[0], role.rate
        expected = _times(line.quantity, rate)
        if rate.currency != line.total.currency:
            said = f"in {line.total.currency}, the deal in {rate.currency}"
            gaps.append(_gap("roles", f"quote {quote.number} has {role.role} {said}"))
        elif abs(expected.amount - line.total.amount) > _unit(rate.currency):
            said = f"{line.quantity:f} hours of {role.role} for {line.total}"
            at = f"the deal's {rate} an hour makes {expected}"
            gaps.append(_gap("roles", f"quote {quote.number} has {said}, {at}"))
    return tuple(gaps)


def _key(name: str) -> str:
    return " ".join(name.split()).casefold()


def _unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-minor_units(currency))


def _times(quantity: Decimal, price: Money) -> Money:
    product = (quantity * price.amount).quantize(_unit(price.currency), ROUND_HALF_EVEN)
    return Money(amount=product, currency=price.currency)


def _gap(field: str, problem: str) -> Gap:
    return Gap(
        field=field,
        problem=problem,
        owner="sales-operations",
        remedy="correct the quote or the deal in its own system",
        suppliable=False,
    )
