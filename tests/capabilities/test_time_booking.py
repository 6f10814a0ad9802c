"""Approved time and expenses reach the ledger once, and billing begins when enough is approved."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from memory_systems import MemoryLedger
from office import Office

from books_of import a_delivery, an_id
from fairlead.capabilities.time.events import WORK_APPROVED, say
from fairlead.domain.model.engagement import Engagement, EngagementState
from fairlead.domain.rules.opening import Opening
from fairlead.domain.values import ExternalRef
from fairlead.errors import AnswerLost, SystemUnavailable
from fairlead.store import bulk, deliveries, engagements
from fairlead.store.database import Database

MONDAY = date(2026, 11, 2)
PROJECT = ExternalRef(system="netsuite-emea", kind="job", id="job-1")


@pytest.fixture
def office(db: Database) -> Office:
    return Office(db, "bookkeeping")


def launched(office: Office, **changes: Any) -> Engagement:
    engagement = office.win().model_copy(
        update={"state": EngagementState.LAUNCHED, "refs": {"ledger_project": PROJECT}}
    )
    given = {"billing_method": "as_worked", "contract_type": "time_and_materials", **changes}
    delivery = a_delivery(id=engagement.id, ends_on=date(2026, 12, 31), **given)
    opened = Opening(delivery=delivery, rates=(), milestones=(), charges=())
    with office.db.transaction() as tx:
        tx.execute("DELETE FROM steps")
        tx.execute("UPDATE runs SET state = 'completed', ended_at = clock_timestamp()")
        engagements.save(tx, [engagement])
        deliveries.open_books(tx, opened, engagement.opened_at)
    return engagement


def work(office: Office, engagement: Engagement, count: int = 1, **more: Any) -> list[str]:
    """Approved entries of eight hours, unless said otherwise."""
    ids = [an_id("time") for _ in range(count)]
    common: dict[str, Any] = {
        "engagement_id": engagement.id,
        "task": "10",
        "resource_id": "ayo.brandt",
        "day": MONDAY,
        "minutes": 480,
        "role": "Consultant",
        "category": "travel",
        "billable": True,
        "narrative": "To the client.",
        "state": "approved",
        "period": MONDAY.replace(day=1),
        "source": "test",
        "region": "EMEA",
        "legal_entity": "TH-GMBH",
        "entered_by": "person:ayo.brandt",
        "entered_at": engagement.opened_at,
        "submitted_at": engagement.opened_at,
        "version": 1,
    }
    with office.db.transaction() as tx:
        rows = [{**common, "source_id": id, **more, "id": id} for id in ids]
        bulk.insert(tx, "time_entries", rows)
    return ids


def spend(office: Office, engagement: Engagement, **more: Any) -> str:
    id = an_id("expense")
    row: dict[str, Any] = {
        "id": id,
        "engagement_id": engagement.id,
        "resource_id": "ayo.brandt",
        "day": MONDAY,
        "category": "rail",
        "amount": Decimal("99.90"),
        "currency": "EUR",
        "claimed": Decimal("99.90"),
        "merchant": "DB",
        "note": "",
        "billable": True,
        "travel_day": False,
        "provided": [],
        "state": "approved",
        "period": MONDAY.replace(day=1),
        "source": "test",
        "source_id": id,
        "region": "EMEA",
        "legal_entity": "TH-GMBH",
        "entered_by": "person:ayo.brandt",
        "entered_at": engagement.opened_at,
        "version": 1,
        **more,
    }
    with office.db.transaction() as tx:
        bulk.insert(tx, "expenses", [row])
    return id


def told(office: Office, engagement: Engagement, name: str = "1") -> None:
    """An approval of the week is heard of, and what follows is done."""
    with office.db.transaction() as tx:
        data = {"engagement": engagement.id, "week": str(MONDAY)}
        say(tx, WORK_APPROVED, f"{engagement.id}/{MONDAY}/{name}", data)
    office.settle()


def ledger(office: Office) -> MemoryLedger:
    return office.ledgers["netsuite-emea"]


def test_what_is_approved_is_booked_once_and_what_is_not_never(office: Office) -> None:
    engagement = launched(office)
    (approved,) = work(office, engagement)
    work(office, engagement, state="submitted")
    work(office, engagement, day=MONDAY + timedelta(days=7))
    spent = spend(office, engagement)

    told(office, engagement)
    told(office, engagement, "2")

    ((hours, project),) = ledger(office).of("time")
    ((expense, _),) = ledger(office).of("expense")
    assert (str(hours.id), hours.hours, hours.category) == (approved, Decimal(8), "Travel time")
    assert project == PROJECT
    assert (str(expense.id), str(expense.amount)) == (spent, "EUR 99.90")
    assert {row["key"] for row in office.rows("effects", state="confirmed")} >= {
        f"time/{approved}",
        f"expense/{spent}",
    }


def test_a_message_that_comes_twice_books_nothing_twice(office: Office) -> None:
    engagement = launched(office)
    work(office, engagement, 3)
    told(office, engagement)

    office.tell_ourselves_again()
    office.settle()

    assert len(ledger(office).of("time")) == 3
    assert len(office.runs("book-work", engagement)) == 1


def test_an_answer_that_is_lost_is_looked_up_and_the_rest_goes_on(office: Office) -> None:
    engagement = launched(office)
    work(office, engagement, 3)
    ledger(office).trouble = [None, AnswerLost("netsuite-emea", "")]

    told(office, engagement)
    with office.db.transaction() as tx:
        tx.execute("UPDATE steps SET ready_at = clock_timestamp() WHERE state = 'ready'")
        tx.execute("UPDATE effects SET tried_at = tried_at - interval '1 day'")
    office.settle()

    assert len(ledger(office).of("time")) == 3
    (run,) = office.runs("book-work", engagement)
    assert run["state"] == "completed"


def test_while_the_ledger_is_away_it_waits(office: Office) -> None:
    engagement = launched(office)
    work(office, engagement)
    ledger(office).trouble = [SystemUnavailable("netsuite-emea", "is down")]

    told(office, engagement)

    assert ledger(office).of("time") == []
    (run,) = office.runs("book-work", engagement)
    assert run["state"] == "active"
    assert office.step("book_work") == "ready"


def test_what_is_taken_back_is_booked_with_a_minus(office: Office) -> None:
    engagement = launched(office)
    (first,) = work(office, engagement, minutes=20)
    work(office, engagement, minutes=-20, reverses=first)

    told(office, engagement)

    hours = sorted(posting.hours for posting, _ in ledger(office).of("time"))
    assert hours == [Decimal("-0.33333333"), Decimal("0.33333333")]


@pytest.mark.parametrize(
    ("entries", "day", "waiting", "billed"),
    [
        pytest.param(9, MONDAY, 0, False, id="72-hours"),
        pytest.param(10, MONDAY, 0, True, id="80-hours"),
        pytest.param(10, MONDAY, 1, False, id="80-hours-and-one-that-waits"),
        pytest.param(1, MONDAY - timedelta(days=60), 0, True, id="for-more-than-a-month"),
    ],
)
def test_billing_begins_when_enough_is_approved(
    office: Office, entries: int, day: date, waiting: int, billed: bool
) -> None:
    engagement = launched(office)
    work(office, engagement, entries, day=day)
    work(office, engagement, waiting, state="submitted")

    told(office, engagement)

    tasks = office.rows("tasks", state="open", step="propose_invoice")
    assert len(tasks) == billed
    assert len(office.decided("billing-start", engagement)) == billed


def test_billing_that_is_under_way_is_not_begun_again(office: Office) -> None:
    engagement = launched(office)
    work(office, engagement, 10)

    told(office, engagement)
    told(office, engagement, "2")

    assert len(office.runs("billing-due", engagement)) == 1
    office.answer("tomasz.wojcik", step="propose_invoice")
    told(office, engagement, "3")
    assert len(office.runs("billing-due", engagement)) == 2


def test_a_fixed_fee_is_not_billed_by_the_hour(office: Office) -> None:
    engagement = launched(office, billing_method="milestone", contract_type="fixed_fee")
    work(office, engagement, 100)

    told(office, engagement)

    assert office.rows("tasks", step="propose_invoice") == []
    assert len(ledger(office).of("time")) == 100
