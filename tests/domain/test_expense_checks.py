"""What the rules say of an expense: each fault by itself, with value and remedy."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from fairlead.domain.ids import EngagementId
from fairlead.domain.model.expense import Expense, Meal
from fairlead.domain.model.finding import Severity
from fairlead.domain.rules.expense_checks import (
    DayAway,
    Distance,
    ExpenseFacts,
    ExpenseTerms,
    Fixed,
    Pays,
    judge,
)
from fairlead.domain.rules.period import booked_in
from fairlead.domain.values import Money, Period

DAY = date(2026, 3, 4)


def euros(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


def an_expense(**more: Any) -> Expense:
    values: dict[str, Any] = {
        "id": UUID(int=1),
        "engagement": EngagementId("e-1"),
        "resource": "ayo.brandt",
        "day": DAY,
        "category": "lodging",
        "quantity": Decimal(2),
        "amount": euros("300"),
        "claimed": euros("300"),
        "merchant": "Hotel Adler",
        "receipt": "ab" * 32,
        "source": "api",
        "source_id": "1",
    }
    return Expense.model_validate(values | more)


TERMS: dict[str, Any] = {
    "allowed": True,
    "because": "within the policy",
    "pays": Pays.COST,
    "unit": "night",
    "limit": Decimal(160),
    "currency": "EUR",
    "receipt_above": Decimal(0),
    "over_limit": Severity.WARNING,
    "client_pays": True,
    "client_because": "expenses are billed",
}


def terms(**more: Any) -> ExpenseTerms:
    return ExpenseTerms.model_validate(TERMS | more)


def facts(**more: Any) -> ExpenseFacts:
    values: dict[str, Any] = {
        "terms": terms(),
        "fixed": None,
        "in_limit_currency": Decimal(300),
        "same_day": Decimal(0),
        "needs_rate": None,
        "engagement": Period(start=date(2026, 1, 1), end=date(2026, 6, 30)),
        "assigned": True,
        "closed_on": None,
        "today": date(2026, 3, 6),
        "books_in": None,
        "twins": (),
    }
    return ExpenseFacts.model_validate(values | more)


def test_an_expense_within_every_rule_has_no_finding() -> None:
    assert judge(an_expense(), facts()) == ()


PER_DIEM = terms(pays=Pays.PER_DIEM, unit="day", limit=None, receipt_above=None)
MILEAGE = terms(pays=Pays.DISTANCE, unit="item", limit=None, receipt_above=None)
FOURTEEN = Fixed(amount=euros("14"), source="§ 9 (4a) EStG")


@pytest.mark.parametrize(
    ("rule", "severity", "expense", "seen", "words"),
    [
        pytest.param("E-01", "error", {}, {"terms": None}, "no expense policy", id="no-policy"),
        pytest.param(
            "E-01", "error", {}, {"terms": terms(allowed=False, because="no category")},
            "lodging: no category", id="not-allowed",
        ),
        pytest.param(
            "E-02", "warning", {}, {"in_limit_currency": Decimal("320.01")},
            "EUR 320.01 for 2 nights is over the limit of EUR 160.00 a night", id="over-the-limit",
        ),
        pytest.param(
            "E-02", "error", {},
            {"in_limit_currency": Decimal(321), "terms": terms(over_limit=Severity.ERROR)},
            "over the limit", id="over-a-hard-limit",
        ),
        pytest.param(
            "E-02", "warning", {},
            {"terms": terms(unit="day", limit=Decimal(310)), "same_day": Decimal("10.01")},
            "EUR 310.01 for 1 day", id="split-over-two-bills",
        ),
        pytest.param(
            "E-02", "warning", {}, {"in_limit_currency": None}, "could not be compared",
            id="limit-in-another-currency",
        ),
        pytest.param("E-03", "error", {}, {"terms": PER_DIEM}, "hours away", id="hours-missing"),
        pytest.param(
            "E-03", "error", {"hours_away": 9, "country": "FR"}, {"terms": PER_DIEM},
            "no per diem is known for FR", id="country-without-a-table",
        ),
        pytest.param(
            "E-03", "error", {"hours_away": 9, "amount": euros("14.01")},
            {"terms": PER_DIEM, "fixed": FOURTEEN}, "paid with EUR 14.00", id="more-than-per-diem",
        ),
        pytest.param(
            "E-04", "error", {"quantity": None}, {"terms": MILEAGE}, "without a distance",
            id="distance-missing",
        ),
        pytest.param(
            "E-04", "error", {"quantity": Decimal(46), "amount": euros("14.40")},
            {"terms": MILEAGE, "fixed": FOURTEEN}, "a distance of 46", id="more-than-mileage",
        ),
        pytest.param(
            "E-05", "error", {"receipt": None}, {"terms": terms(receipt_above=Decimal("299.99"))},
            "needed above EUR 299.99", id="receipt-missing",
        ),
        pytest.param(
            "E-06", "error", {"day": date(2025, 12, 31)}, {}, "outside the engagement",
            id="before-the-engagement",
        ),
        pytest.param(
            "E-06", "error", {}, {"closed_on": date(2026, 3, 3)}, "to 2026-03-03",
            id="closed-since",
        ),
        pytest.param("E-07", "error", {}, {"assigned": False}, "not assigned", id="not-assigned"),
        pytest.param(
            "E-08", "error", {"day": date(2026, 3, 7)}, {}, "after today", id="tomorrow",
        ),
        pytest.param(
            "E-09", "warning", {}, {"books_in": date(2026, 4, 1)}, "booked in 2026-04",
            id="month-closed",
        ),
        pytest.param(
            "E-10", "warning", {}, {"twins": ("lodging of 2026-03-04 (1234)",)}, "looks like",
            id="entered-twice",
        ),
        pytest.param(
            "E-11", "error", {"claimed": None}, {"needs_rate": ("CHF", "EUR")},
            "no exchange rate from CHF to EUR", id="rate-missing",
        ),
        pytest.param(
            "E-12", "error", {}, {"terms": terms(client_pays=False, client_because="it is a fee")},
            "billable, but it is a fee", id="contract-does-not-bill-it",
        ),
        pytest.param(
            "E-13", "error", {}, {"terms": terms(pays=Pays.SUPPLIER)}, "purchase order",
            id="supplier-without-an-order",
        ),
    ],
)  # fmt: skip
def test_each_fault_has_its_rule_its_value_and_a_remedy(
    rule: str, severity: str, expense: dict[str, Any], seen: dict[str, Any], words: str
) -> None:
    (found,) = judge(an_expense(**expense), facts(**seen))

    assert (found.rule, found.severity) == (rule, severity)
    assert words in found.value
    assert found.remedy


def test_four_faults_are_four_findings() -> None:
    found = judge(
        an_expense(receipt=None, day=date(2026, 3, 9)),
        facts(assigned=False, in_limit_currency=Decimal(999)),
    )

    assert [one.rule for one in found] == ["E-02", "E-05", "E-07", "E-08"]


@pytest.mark.parametrize(
    "expense",
    [
        pytest.param({"amount": euros("14"), "hours_away": 9}, id="exactly-what-is-paid"),
        pytest.param({"amount": euros("10"), "hours_away": 9}, id="less-than-is-paid"),
    ],
)
def test_whoever_claims_no_more_than_is_paid_is_right(expense: dict[str, Any]) -> None:
    seen = facts(terms=PER_DIEM, fixed=FOURTEEN)

    assert judge(an_expense(receipt=None, **expense), seen) == ()


def test_what_is_exactly_on_the_limits_is_within_them() -> None:
    seen = facts(
        in_limit_currency=Decimal(320), terms=terms(receipt_above=Decimal(320)),
        today=DAY, closed_on=DAY, engagement=Period(start=DAY, end=DAY),
    )  # fmt: skip

    assert judge(an_expense(receipt=None), seen) == ()


def test_taking_back_is_possible_whatever_the_rules_have_become() -> None:
    back = an_expense(amount=euros("-300"), reverses=UUID(int=2))

    assert judge(back, facts(terms=None, assigned=False)) == ()


@pytest.mark.parametrize(
    ("provided", "paid"),
    [
        ((), "28"),
        ((Meal.BREAKFAST,), "22.40"),
        ((Meal.LUNCH, Meal.DINNER), "5.60"),
        ((Meal.BREAKFAST, Meal.LUNCH, Meal.DINNER), "0"),
        ((Meal.BREAKFAST, Meal.BREAKFAST), "22.40"),
    ],
)
def test_meals_that_others_pay_are_taken_off_down_to_nothing(
    provided: tuple[Meal, ...], paid: str
) -> None:
    day = DayAway(
        amount=Decimal(28), breakfast=Decimal("5.60"), lunch=Decimal("11.20"),
        dinner=Decimal("11.20"), currency="EUR", source="",
    )  # fmt: skip

    assert day.paid(provided) == euros(paid)


def test_half_a_cent_of_a_distance_is_rounded_up() -> None:
    by_car = Distance(rate=Decimal("0.725"), unit="mile", currency="USD", source="IRS")

    assert str(by_car.paid(Decimal(1))) == "USD 0.73"


def test_what_is_late_is_booked_in_the_next_open_month() -> None:
    closed = {date(2026, 3, 1), date(2026, 4, 1), date(2025, 12, 1)}

    assert booked_in(date(2026, 3, 31), closed) == date(2026, 5, 1)
    assert booked_in(date(2025, 12, 31), closed) == date(2026, 1, 1)
    assert booked_in(date(2026, 5, 2), closed) == date(2026, 5, 1)


BRITISH = Distance(
    rate=Decimal("0.55"), unit="mile", currency="GBP", source="HMRC", threshold=Decimal(10_000),
    rate_beyond=Decimal("0.25"), year_begins="04-06",
)  # fmt: skip


@pytest.mark.parametrize(
    ("distance", "before", "paid"),
    [
        pytest.param("10000", "0", "5500.00", id="exactly-at-the-threshold"),
        pytest.param("10001", "0", "5500.25", id="a-mile-beyond"),
        pytest.param("100", "9950", "40.00", id="across"),
        pytest.param("100", "10000", "25.00", id="all-beyond"),
        pytest.param("100", "12000", "25.00", id="long-beyond"),
    ],
)
def test_beyond_the_miles_of_a_year_less_is_paid(distance: str, before: str, paid: str) -> None:
    assert str(BRITISH.paid(Decimal(distance), Decimal(before)).amount) == paid


def test_a_tax_year_begins_on_its_day() -> None:
    assert BRITISH.year_of(date(2026, 4, 5)).start == date(2025, 4, 6)
    year = BRITISH.year_of(date(2026, 4, 6))
    assert (year.start, year.end) == (date(2026, 4, 6), date(2027, 4, 5))


def test_a_threshold_needs_its_rate_and_its_year() -> None:
    said = BRITISH.model_dump() | {"year_begins": None}
    with pytest.raises(ValidationError, match="set together"):
        Distance.model_validate(said)
    with pytest.raises(ValidationError):
        Distance.model_validate(BRITISH.model_dump() | {"year_begins": "13-01"})
