"""The figures of billing, recomputed by hand from a few rows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from books_of import a_delivery
from fairlead.domain.model.delivery import Delivery
from fairlead.domain.rules.billing_blockers import BlockerCode
from fairlead.domain.rules.billing_readiness import Blocker, Readiness
from fairlead.domain.rules.opening import Opening
from fairlead.domain.values import Money
from fairlead.insight.billing import BillingFigures, aged, measure, outstanding, share
from fairlead.store import bulk, deliveries
from fairlead.store.database import Tx

SINCE, UNTIL = date(2026, 1, 1), date(2026, 3, 31)  # 90 days
OPENED = datetime(2026, 1, 1, tzinfo=UTC)


def eur(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


def at(month: int, day: int) -> datetime:
    return datetime(2026, month, day, tzinfo=UTC)


def invoice(tx: Tx, number: int, **changes: Any) -> None:
    """Over 100, proposed on 2 February, released on the 4th, posted on the 5th, with 19 of tax."""
    row: dict[str, Any] = {
        "id": f"i{number}", "reference": f"BIL-{number}", "engagement_id": "eng-1",
        "kind": "invoice", "credits": None, "state": "posted", "client_name": "Kestrel",
        "legal_entity": "TH-GMBH", "region": "EMEA", "currency": "EUR", "net": "100",
        "payment_days": 30, "dated_on": date(2026, 2, 2), "ends_on": date(2026, 1, 31),
        "digest": "0" * 64, "proposed_by": "tomasz.wojcik", "proposed_at": at(2, 2),
        "released_at": at(2, 4), "posted_at": at(2, 5), "total": "119", "paid": None,
        "paid_at": None, "due_on": date(2026, 3, 4), "version": 1,
    }  # fmt: skip
    bulk.insert(tx, "invoices", [row | changes])


@pytest.fixture
def delivery(tx: Tx) -> Delivery:
    """Worth 120,000, without a fee: its set-up does not add up."""
    delivery = a_delivery()
    opened = Opening(delivery=delivery, rates=(), milestones=(), charges=())
    assert deliveries.open_books(tx, opened, OPENED)
    return delivery


def figures(tx: Tx, **more: Any) -> BillingFigures:
    return measure(tx, [], SINCE, UNTIL, **more)


def test_cycles_are_days_between_moments(tx: Tx, delivery: Delivery) -> None:
    invoice(tx, 1, paid_at=at(3, 4), state="paid")
    invoice(tx, 2, released_at=at(2, 8))
    invoice(tx, 3, released_at=None, posted_at=None, state="proposed")

    found = {one.cycle: one for one in figures(tx).cycles}

    assert (found["release"].invoices, found["release"].median_days) == (2, Decimal("4.0"))
    assert found["billing"].median_days == Decimal("4.0")  # 1 to 5 February
    assert (found["invoice"].invoices, found["invoice"].median_days) == (1, Decimal("30.0"))


def test_rates_are_shares_of_what_was_released(tx: Tx, delivery: Delivery) -> None:
    for number in range(1, 5):
        invoice(tx, number)
    invoice(tx, 5, kind="credit", credits="i1", net="-50", total="-59.5")
    dispute = {
        "id": "d1", "invoice_id": "i2", "engagement_id": "eng-1", "cause": "rate",
        "field": "contract.rates", "detail": "x", "opened_by": "x", "opened_at": at(2, 9),
    }  # fmt: skip
    bulk.insert(tx, "disputes", [dispute])

    found = figures(tx)

    (one,) = found.quality
    assert (one.documents, one.dispute_rate, one.accuracy, one.exception_rate) == (
        5, Decimal("0.2"), Decimal("0.75"), Decimal(0),
    )  # fmt: skip
    assert [(c.cause, c.field, c.disputes) for c in found.causes] == [("rate", "contract.rates", 1)]


def test_backlog_is_what_contracts_leave_to_bill(tx: Tx, delivery: Delivery) -> None:
    invoice(tx, 1, net="20000")
    invoice(tx, 2, kind="credit", credits="i1", net="-5000")
    invoice(tx, 3, net="9999", released_at=None, state="proposed")

    (one,) = figures(tx).backlog

    assert (one.contracted, one.backlog) == (eur("120000"), eur("105000"))


def test_cash_is_what_came_in_and_what_is_due(tx: Tx, delivery: Delivery) -> None:
    invoice(tx, 1, paid="19", due_on=date(2026, 4, 10))
    payment = {
        "invoice_id": "i1", "ref": "P1", "paid_on": date(2026, 3, 1), "amount": "19",
        "currency": "EUR", "read_at": at(3, 2),
    }  # fmt: skip
    bulk.insert(tx, "payments", [payment])

    found = {one.month: one for one in figures(tx).cash}

    assert found[date(2026, 3, 1)].received == eur("19")
    assert found[date(2026, 4, 1)].expected == eur("100")


def test_days_of_sales_outstanding(tx: Tx, delivery: Delivery) -> None:
    invoice(tx, 1)
    invoice(tx, 2, total="238", paid="238", state="paid")
    payment = {
        "invoice_id": "i2", "ref": "P1", "paid_on": date(2026, 3, 1), "amount": "238",
        "currency": "EUR", "read_at": at(3, 2),
    }  # fmt: skip
    bulk.insert(tx, "payments", [payment])

    (one,) = figures(tx).outstanding

    assert (one.owed, one.sold) == (eur("119"), eur("357"))
    assert one.days == Decimal("30.0")  # a third of 90 days


def test_a_set_up_is_accurate_where_its_fees_are_the_contract(tx: Tx, delivery: Delivery) -> None:
    assert figures(tx).set_up[0].accuracy == 0
    fee = {
        "id": "00000000-0000-4000-8000-000000000001", "engagement_id": "eng-1",
        "kind": "scheduled", "name": "Fee", "due_on": date(2026, 6, 30), "amount": "120000",
        "currency": "EUR", "source": "contract", "made_at": OPENED,
    }  # fmt: skip
    bulk.insert(tx, "charges", [fee])

    assert figures(tx).set_up[0].accuracy == 1


def test_who_sees_no_such_region_counts_nothing_of_it(tx: Tx, delivery: Delivery) -> None:
    invoice(tx, 1)

    found = figures(tx, regions={"AMER"})

    assert (found.cycles, found.quality, found.backlog, found.outstanding) == ((), (), (), ())


def test_what_is_held_counts_once_at_the_age_of_its_oldest_blocker() -> None:
    def ready(money: str, held: str, *blockers: tuple[BlockerCode, int, str]) -> Readiness:
        return Readiness(
            engagement="e", number="n", name="x", client="c", region=None, legal_entity="l",
            percent=None, ready=eur(money), held=eur(held), ready_on=None,
            blockers=tuple(
                Blocker(
                    code=code, words="w", amount=eur(amount), team="t", age_days=age, remedy="r"
                )
                for code, age, amount in blockers
            ),
        )  # fmt: skip

    (found,) = aged(
        [
            ready("300", "100", (BlockerCode.HOLD, 31, "100"), (BlockerCode.NO_RATE, 2, "100")),
            ready("0", "50", (BlockerCode.TIME_UNAPPROVED, 30, "50")),
            ready("50", "0"),
        ]
    )

    assert (found.percent, found.ready, found.held) == (70, eur("350"), eur("150"))
    assert found.held_by_age == (eur("50"), eur("100"), eur("0"), eur("0"))
    assert found.leaking == eur("100")


def test_a_share_of_nothing_is_none() -> None:
    assert share(0, 0) is None
    assert share(1, 3) == Decimal("0.3333")
    assert outstanding({"owed": None, "sold": None, "currency": "EUR"}, 90).days is None
