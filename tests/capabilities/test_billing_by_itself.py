"""Nobody carries work to billing: what is due is drafted by Fairlead, and people release it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from billing_office import Billing
from books import DAYS, Books, acting, policies

from fairlead.capabilities.billing.keeping import KeepsBoard
from fairlead.capabilities.billing.readiness import Readiness
from fairlead.capabilities.billing.reviewing import discard, hold
from fairlead.capabilities.time.billing_start import LooksAtReady
from fairlead.capabilities.time.events import BILLING_DUE, WORK_APPROVED, say
from fairlead.store.database import Database

TODAY = datetime.now(UTC).date()
_ids = itertools.count(10_000)


@pytest.fixture
def billing(db: Database) -> Billing:
    return Billing(db)


def done(billing: Billing, write: Callable[[Books], Any]) -> None:
    with billing.db.transaction() as tx:
        write(Books(tx, _ids=_ids))


def approved(billing: Billing, hours: int, name: str = "1", days_ago: int = 2) -> None:
    """So many hours of one person are approved, and it is heard of."""
    day = TODAY - timedelta(days=days_ago)
    done(billing, lambda books: [books.time(60 * 8, day) for _ in range(hours // 8)])
    with billing.db.transaction() as tx:
        say(tx, WORK_APPROVED, name, {"engagement": "E1", "week": str(day)})
    billing.office.settle()


def looked(billing: Billing) -> list[str]:
    """What became of the messages of one more look at all that is ready."""
    before = len(billing.office.rows("inbox"))
    KeepsBoard(Readiness(policies(), DAYS)).sweep(billing.db)
    LooksAtReady(billing.db).sweep()
    billing.office.settle()
    return [row["outcome"] for row in billing.office.rows("inbox")[before:]]


def drafts(billing: Billing) -> list[dict[str, Any]]:
    return billing.office.rows("invoices", state="proposed")


def test_enough_approved_work_is_drafted_and_finance_hears_of_it(billing: Billing) -> None:
    approved(billing, 80)

    (draft,) = drafts(billing)
    assert (draft["net"], draft["proposed_by"]) == (12000, "fairlead")
    (event,) = [row for row in billing.office.rows("events") if row["type"] == "invoice.proposed"]
    assert event["actor"] == "fairlead"
    (notice,) = billing.office.rows("notifications", about="billing_due")
    assert draft["reference"] in notice["text"]
    assert billing.office.rows("tasks", step="propose_invoice") == []


def test_what_fairlead_drafted_is_released_by_a_person_as_any_draft(billing: Billing) -> None:
    approved(billing, 80)
    (draft,) = drafts(billing)

    billing.release(draft["id"])

    assert billing.row(draft["id"])["state"] == "released"


def test_said_twice_it_is_drafted_once(billing: Billing) -> None:
    approved(billing, 80)

    billing.office.tell_ourselves_again()
    billing.office.settle()

    assert len(drafts(billing)) == 1
    assert len(billing.office.rows("runs", playbook="billing-due")) == 1


def test_a_draft_that_waits_gets_no_second_beside_it(billing: Billing) -> None:
    approved(billing, 80)
    approved(billing, 160, "2")

    assert len(drafts(billing)) == 1

    billing.release(drafts(billing)[0]["id"])
    looked(billing)

    assert [row["net"] for row in drafts(billing)] == [24000]


def test_a_fee_that_falls_due_is_drafted_though_nobody_does_anything(billing: Billing) -> None:
    done(billing, lambda books: books.charge("2000", due_on=TODAY + timedelta(days=1)))
    assert looked(billing) == []

    done(billing, lambda books: books.charge("3000", due_on=TODAY))
    with billing.db.transaction() as tx:
        tx.execute("DELETE FROM readiness_board")  # as a quarter of an hour later
    looked(billing)

    assert [row["net"] for row in drafts(billing)] == [3000]


def test_an_accepted_milestone_is_drafted(billing: Billing) -> None:
    done(billing, lambda books: books.milestone("5000"))

    looked(billing)

    assert [row["net"] for row in drafts(billing)] == [5000]


def test_what_is_not_enough_yet_is_looked_at_once_for_a_day_and_amount(billing: Billing) -> None:
    done(billing, lambda books: books.time(60, TODAY))

    assert looked(billing) == [
        "ENG-E1 is not billed yet: less than 80 hours and less than 30 days are unbilled"
    ]
    assert looked(billing) == []


def test_work_grows_old_while_nothing_more_is_approved(billing: Billing) -> None:
    done(billing, lambda books: books.time(60, TODAY - timedelta(days=30)))

    looked(billing)

    assert [row["net"] for row in drafts(billing)] == [150]


def test_a_draft_that_a_person_gave_up_comes_again_with_new_work_only(billing: Billing) -> None:
    approved(billing, 80)
    with billing.db.transaction() as tx:
        discard(tx, drafts(billing)[0]["id"], acting("tomasz.wojcik"), reason="Not agreed yet.")

    assert looked(billing) == []
    assert drafts(billing) == []

    approved(billing, 8, "2")
    assert [row["net"] for row in drafts(billing)] == [13200]


def test_where_nothing_can_be_drafted_finance_is_asked_and_told_why(billing: Billing) -> None:
    with billing.db.transaction() as tx:
        hold(tx, "E1", acting("tomasz.wojcik"), reason="The client is being sold.")

    approved(billing, 80)

    assert drafts(billing) == []
    billing.office.task("propose_invoice")
    (notice,) = billing.office.rows("notifications", about="billing_due")
    assert "The client is being sold." in notice["text"]


def test_what_the_board_names_already_is_not_asked_about_each_day(billing: Billing) -> None:
    with billing.db.transaction() as tx:
        hold(tx, "E1", acting("tomasz.wojcik"), reason="The client is being sold.")
    done(billing, lambda books: books.time(60, TODAY - timedelta(days=40)))

    looked(billing)

    assert billing.office.rows("runs", playbook="billing-due") == []


def test_where_the_policy_says_so_finance_proposes(billing: Billing) -> None:
    done(billing, lambda books: books.time(60 * 80, TODAY))
    with billing.db.transaction() as tx:
        data = {"engagement": "E1", "because": "80 hours are approved", "then": "bill"}
        say(tx, BILLING_DUE, "1", data)
    billing.office.settle()

    assert drafts(billing) == []
    billing.office.task("propose_invoice")
