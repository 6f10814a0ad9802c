"""What is wrong with an expense (F068, F069). Rules E-01 to E-13; pure.

Limits, rates and who pays are the firm's policies; they come in as `ExpenseTerms`. An error keeps
an expense from being submitted. A warning does not, but whoever approves it must look at it by
itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from pydantic import Field, model_validator

from fairlead.domain.model.expense import Expense, Meal
from fairlead.domain.model.finding import Finding, Severity
from fairlead.domain.values import Currency, Exact, Money, Period, Value, minor_units

#: Stable id of each rule → its heading.
NAMES: Mapping[str, str] = {
    "E-01": "Category allowed",
    "E-02": "Within the limit",
    "E-03": "Daily allowance",
    "E-04": "Distance",
    "E-05": "Receipt",
    "E-06": "Within the engagement",
    "E-07": "Assigned",
    "E-08": "Not in the future",
    "E-09": "Period open",
    "E-10": "Claimed once",
    "E-11": "Exchange rate known",
    "E-12": "Billable",
    "E-13": "Supplier's cost ordered",
}


class Pays(StrEnum):
    """By what an expense of a category is paid."""

    COST = "cost"  #: what it cost
    PER_DIEM = "per_diem"  #: a fixed amount for each day away
    DISTANCE = "distance"  #: a fixed amount for each kilometre or mile
    SUPPLIER = "supplier"  #: what another firm charges for work that was ordered


class ExpenseTerms(Value):
    """What the firm's policies say of one expense. Amounts are in `currency`."""

    allowed: bool
    because: str
    pays: Pays
    unit: str  #: what the limit is for: `night`, `day`, `item`…
    limit: Exact | None  #: per unit; null: none
    currency: Currency
    receipt_above: Exact | None  #: a receipt is needed for more than this; null: never
    over_limit: Severity
    client_pays: bool  #: whether the contract lets it be billed
    client_because: str


class DayAway(Value):
    """What a day away is paid with, by the policy `per-diem`; amounts in `currency`."""

    amount: Exact  #: for the hours away
    breakfast: Exact  #: taken off for each meal that somebody else paid for
    lunch: Exact
    dinner: Exact
    currency: Currency
    source: str

    def paid(self, provided: Iterable[Meal]) -> Money:
        """Never less than zero (in Germany § 9 (4a) sentence 8 EStG)."""
        less = {
            Meal.BREAKFAST: self.breakfast,
            Meal.LUNCH: self.lunch,
            Meal.DINNER: self.dinner,
        }
        taken = sum((less[meal] for meal in set(provided)), Decimal(0))
        return Money(amount=max(self.amount - taken, Decimal(0)), currency=self.currency)


class Distance(Value):
    """What a kilometre or a mile is paid with, by the policy `mileage`: all alike, or up to
    `threshold` in a year, and less beyond (in the United Kingdom section 230 ITEPA 2003)."""

    rate: Exact  #: per unit
    unit: str  #: `km` or `mile`
    currency: Currency
    source: str
    threshold: Exact | None = Field(default=None, gt=0)  #: of a person in a year; null: none
    rate_beyond: Exact | None = None  #: per unit beyond the threshold
    year_begins: str | None = Field(default=None, pattern=r"^\d\d-\d\d$")
    """Month and day on which a year begins: `04-06` of a tax year of the United Kingdom."""

    @model_validator(mode="after")
    def _of_a_year(self) -> Distance:
        said = [self.threshold, self.rate_beyond, self.year_begins]
        if None in said and any(one is not None for one in said):
            raise ValueError("threshold, rate_beyond and year_begins are set together")
        if self.year_begins is not None:
            self.year_of(date(2001, 1, 1))
        return self

    def year_of(self, day: date) -> Period:
        """The year of the threshold that a day is in; the calendar year where none begins."""
        month, first = map(int, (self.year_begins or "01-01").split("-"))
        begins = date(day.year, month, first)
        start = begins if begins <= day else date(day.year - 1, month, first)
        return Period(start=start, end=date(start.year + 1, month, first) - timedelta(days=1))

    def paid(self, distance: Decimal, before: Decimal = Decimal(0)) -> Money:
        """Rounded half up to the minor unit. `before`: claimed already in the year."""
        unit = Decimal(1).scaleb(-minor_units(self.currency))
        full, beyond = self._split(distance, before)
        due = self.rate * full + (self.rate_beyond or Decimal(0)) * beyond
        return Money(amount=due.quantize(unit, rounding=ROUND_HALF_UP), currency=self.currency)

    def how(self, distance: Decimal, day: date, before: Decimal = Decimal(0)) -> str:
        """How it was reckoned, in words."""
        full, beyond = self._split(distance, before)
        if not beyond:
            return f"{self.rate} a {self.unit}: {self.source}"
        at_full = f"{_plain(full)} at {self.rate} and " if full else ""
        return (
            f"{at_full}{_plain(beyond)} at {self.rate_beyond} a {self.unit}, "
            f"{_plain(before)} being claimed before since {self.year_of(day).start}: {self.source}"
        )

    def _split(self, distance: Decimal, before: Decimal) -> tuple[Decimal, Decimal]:
        """What is up to the threshold, and what is beyond it."""
        if self.threshold is None:
            return distance, Decimal(0)
        full = min(distance, max(self.threshold - before, Decimal(0)))
        return full, distance - full


class Fixed(Value):
    """What a per diem or a distance comes to, and by which rule."""

    amount: Money
    source: str


class ExpenseFacts(Value):
    """All that the rules look at, beside the expense."""

    terms: ExpenseTerms | None  #: null: no policy was in effect on its day
    fixed: Fixed | None  #: null: it is paid as it cost, or what it needs is not said
    in_limit_currency: Exact | None  #: its amount; null: no rate
    same_day: Exact  #: in the limit's currency: what else was spent so on that day
    needs_rate: tuple[Currency, Currency] | None  #: from and to, where no rate is known
    engagement: Period  #: its days; an expense may fall on one of these
    assigned: bool  #: whether who spent it is assigned to the engagement on that day
    closed_on: date | None  #: nothing is booked on the engagement after it
    today: date  #: where who spent it is
    books_in: date | None  #: the month it will be booked in, where its own is closed
    twins: tuple[str, ...]  #: others with the same amount, day and merchant, or the same receipt


def judge(expense: Expense, facts: ExpenseFacts) -> tuple[Finding, ...]:
    """Every finding, in the order of the rules. What takes another expense back is not judged:
    it must be possible whatever the rules have become."""
    if expense.reverses is not None:
        return ()
    found = [rule(expense, facts) for rule in _RULES]
    return tuple(
        Finding(item=expense.id, rule=f"E-{number:02}", severity=severity, value=value, remedy=does)
        for number, one in enumerate(found, 1)
        if one is not None
        for severity, value, does in [one]
    )


_Found = tuple[Severity, str, str] | None
_ERROR, _WARNING = Severity.ERROR, Severity.WARNING


def _category(expense: Expense, facts: ExpenseFacts) -> _Found:
    if facts.terms is None:
        return (
            _ERROR,
            f"no expense policy is in effect on {expense.day}",
            "Correct the day, or have the policies completed.",
        )
    if facts.terms.allowed:
        return None
    return _ERROR, f"{expense.category}: {facts.terms.because}", "Choose another category."


def _limit(expense: Expense, facts: ExpenseFacts) -> _Found:
    terms = facts.terms
    if terms is None or terms.limit is None or terms.pays in (Pays.PER_DIEM, Pays.DISTANCE):
        return None
    if facts.in_limit_currency is None:
        return (
            _WARNING,
            f"no rate from {expense.amount.currency} to {terms.currency}, so the limit of "
            f"{_money(terms.limit, terms.currency)} a {terms.unit} could not be compared",
            "Have finance import the rate, or look at the limit yourself.",
        )
    units = Decimal(1) if terms.unit == "day" else max(expense.quantity or Decimal(1), Decimal(1))
    spent = facts.in_limit_currency + (facts.same_day if terms.unit == "day" else Decimal(0))
    most = terms.limit * units
    if spent <= most:
        return None
    counted = f"{format(units.normalize(), 'f')} {terms.unit}" + ("s" if units != 1 else "")
    return (
        terms.over_limit,
        f"{_money(spent, terms.currency)} for {counted} is over the limit of "
        f"{_money(terms.limit, terms.currency)} a {terms.unit}",
        f"Claim at most {_money(most, terms.currency)}, or say in the note why it cost more.",
    )


def _per_diem(expense: Expense, facts: ExpenseFacts) -> _Found:
    if facts.terms is None or facts.terms.pays is not Pays.PER_DIEM:
        return None
    if expense.hours_away is None:
        return _ERROR, "a per diem without the hours away", "Give the hours away on that day."
    if facts.fixed is None:
        where = expense.country or "this country"
        return _ERROR, f"no per diem is known for {where}", "Have the policy per-diem completed."
    return _fixed(expense, facts.fixed, f"{expense.hours_away} hours away")


def _distance(expense: Expense, facts: ExpenseFacts) -> _Found:
    if facts.terms is None or facts.terms.pays is not Pays.DISTANCE:
        return None
    if not expense.quantity:
        return _ERROR, "mileage without a distance", "Give the distance as quantity."
    if facts.fixed is None:
        where = expense.country or "this country"
        return _ERROR, f"no rate is known for {where}", "Have the policy mileage completed."
    return _fixed(
        expense, facts.fixed, f"a distance of {format(expense.quantity.normalize(), 'f')}"
    )


def _fixed(expense: Expense, fixed: Fixed, what: str) -> _Found:
    paid = fixed.amount
    if expense.amount.currency == paid.currency and expense.amount.amount <= paid.amount:
        return None
    return (
        _ERROR,
        f"{expense.amount} for {what}, which is paid with {paid} ({fixed.source})",
        f"Claim {paid}; leave the amount out to have it filled in.",
    )


def _receipt(expense: Expense, facts: ExpenseFacts) -> _Found:
    terms = facts.terms
    if terms is None or terms.receipt_above is None or expense.receipt is not None:
        return None
    if terms.pays in (Pays.PER_DIEM, Pays.DISTANCE):
        return None
    amount = facts.in_limit_currency
    if amount is not None and amount <= terms.receipt_above:
        return None
    above = _money(terms.receipt_above, terms.currency)
    return (
        _ERROR,
        f"{expense.amount} without a receipt; one is needed above {above}",
        ("Add the receipt."),
    )


def _in_engagement(expense: Expense, facts: ExpenseFacts) -> _Found:
    days = facts.engagement
    closed = facts.closed_on is not None and expense.day > facts.closed_on
    if expense.day in days and not closed:
        return None
    last = facts.closed_on if closed else days.end
    return (
        _ERROR,
        f"{expense.day} is outside the engagement, {days.start} to {last}",
        "Correct the day, or book it on another engagement.",
    )


def _assigned(expense: Expense, facts: ExpenseFacts) -> _Found:
    if facts.assigned:
        return None
    return (
        _ERROR,
        f"{expense.resource} is not assigned to this engagement on {expense.day}",
        "Have yourself assigned, or book it on another engagement.",
    )


def _future(expense: Expense, facts: ExpenseFacts) -> _Found:
    if expense.day <= facts.today:
        return None
    return _ERROR, f"{expense.day} is after today, {facts.today}", "Enter it when it was spent."


def _period(expense: Expense, facts: ExpenseFacts) -> _Found:
    if facts.books_in is None:
        return None
    return (
        _WARNING,
        f"{expense.day:%Y-%m} is closed; it will be booked in {facts.books_in:%Y-%m}",
        "Nothing, where that is right; else ask a controller to open the month again.",
    )


def _twin(expense: Expense, facts: ExpenseFacts) -> _Found:
    if not facts.twins:
        return None
    return (
        _WARNING,
        f"{expense.amount} on {expense.day} looks like {', '.join(facts.twins)}",
        "Delete it if it is the same; else say in the note what tells them apart.",
    )


def _rate(expense: Expense, facts: ExpenseFacts) -> _Found:
    if facts.needs_rate is None:
        return None
    source, target = facts.needs_rate
    return (
        _ERROR,
        f"no exchange rate from {source} to {target} on {expense.day} or the week before",
        "Have finance import the rate, then submit it again.",
    )


def _billable(expense: Expense, facts: ExpenseFacts) -> _Found:
    if facts.terms is None or not expense.billable or facts.terms.client_pays:
        return None
    return (
        _ERROR,
        f"billable, but {facts.terms.client_because}",
        "Enter it as not billable.",
    )


def _ordered(expense: Expense, facts: ExpenseFacts) -> _Found:
    if facts.terms is None or facts.terms.pays is not Pays.SUPPLIER or expense.purchase_order:
        return None
    return (
        _ERROR,
        "a supplier's cost without a purchase order",
        "Give the number of the purchase order, or have procurement raise one.",
    )


_RULES: Sequence[Callable[[Expense, ExpenseFacts], _Found]] = (
    _category,  # E-01
    _limit,  # E-02
    _per_diem,  # E-03
    _distance,  # E-04
    _receipt,  # E-05
    _in_engagement,  # E-06
    _assigned,  # E-07
    _future,  # E-08
    _period,  # E-09
    _twin,  # E-10
    _rate,  # E-11
    _billable,  # E-12
    _ordered,  # E-13
)


def _plain(number: Decimal) -> str:
    return format(number.normalize(), ",f")


def _money(amount: Decimal, currency: str) -> str:
    return str(Money(amount=amount, currency=currency))
