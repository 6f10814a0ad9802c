"""How ready an engagement is: what is done makes the figure grow, and each gap has a name."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from books import DAYS, FINANCE, NOW, TODAY, Books, acting, eur, policies
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fairlead.capabilities.billing.crediting import credit
from fairlead.capabilities.billing.readiness import Readiness
from fairlead.capabilities.billing.reviewing import hold
from fairlead.domain.model.charge import ChargeKind
from fairlead.domain.rules import billing_readiness
from fairlead.store.database import Tx


@pytest.fixture
def books(tx: Tx) -> Books:
    books = Books(tx)
    books.open()
    return books


def of(books: Books, on: date = TODAY) -> billing_readiness.Readiness:
    reader = acting(FINANCE).principal
    (found,) = Readiness(policies(), DAYS).of(books.tx, reader, [books.id], on=on)
    return found


def codes(books: Books) -> dict[str, Decimal]:
    return {str(blocker.code): blocker.amount.amount for blocker in of(books).blockers}


def test_nothing_to_bill_is_no_percentage(books: Books) -> None:
    found = of(books)

    assert (found.percent, found.ready, found.held) == (None, eur(0), eur(0))
    assert found.ready_on == TODAY


def test_the_figure_grows_as_things_are_completed_one_by_one(books: Books) -> None:
    entry = books.time(60, state="submitted")
    draft = books.time(60, state="draft")
    books.milestone("300", state="submitted")
    assert (of(books).percent, codes(books)) == (
        0,
        {"time_unapproved": 150, "time_in_draft": 150, "milestone_not_accepted": 300},
    )

    books.tx.execute("UPDATE time_entries SET state = 'approved' WHERE id = %s", [entry])
    assert of(books).percent == 25
    books.tx.execute("UPDATE time_entries SET state = 'approved' WHERE id = %s", [draft])
    assert of(books).percent == 50
    books.tx.execute("UPDATE milestones SET state = 'accepted'")

    found = of(books)
    assert (found.percent, found.ready, found.blockers) == (100, eur("600"), ())


def test_a_correction_takes_off_what_the_next_invoice_does(books: Books) -> None:
    entry, other = books.time(60), books.time(120)
    ((id, _, _),) = books.propose().invoices
    later = books.time(180, state="draft")
    books.take_back(entry)
    books.tx.execute("UPDATE time_entries SET state = 'approved' WHERE id = %s", [later])
    assert of(books).ready == eur("450")  # what it takes back has not gone out

    books.tx.execute(
        "UPDATE invoices SET state = 'released', released_at = now() WHERE id = %s", [id]
    )
    assert of(books).ready == eur("300")
    part = {("time", str(entry)): eur("50"), ("time", str(other)): eur("1")}
    made = credit(
        books.tx, id, acting(FINANCE), reason="Agreed.", dated_on=TODAY, days=DAYS, amounts=part
    )
    assert of(books).ready == eur("450")  # it waits for the credit
    books.tx.execute(
        "UPDATE invoices SET state = 'released', released_at = now() WHERE id = %s", [made["id"]]
    )
    assert of(books).ready == eur("350")
    ((_, _, net),) = books.propose().invoices
    assert net == eur("350")


def test_each_blocker_has_an_owner_an_age_a_remedy_and_a_day(books: Books) -> None:
    since = datetime.combine(TODAY, datetime.min.time(), UTC) - timedelta(days=1)
    books.time(60, state="submitted")
    books.tx.execute("UPDATE time_entries SET submitted_at = %s", [since])

    (blocker,) = of(books).blockers

    assert blocker.words == "1 entry of time waits for approval"
    assert (blocker.team, blocker.people) == ("delivery-operations", ("ayo.brandt",))
    assert (blocker.age_days, blocker.amount) == (1, eur(150))
    assert blocker.remedy == "approve or return the entries"
    assert blocker.expected_on == TODAY + timedelta(days=1)
    assert of(books).ready_on == TODAY + timedelta(days=1)


def test_an_overdue_blocker_needs_its_days_again(books: Books) -> None:
    books.time(60, state="draft")
    books.tx.execute("UPDATE time_entries SET submitted_at = NULL, entered_at = '2026-09-01'")

    assert of(books).ready_on == TODAY + timedelta(days=3)


def test_approval_is_expected_as_it_took_of_late(books: Books) -> None:
    books.time(60, state="submitted")
    books.tx.execute(
        "UPDATE time_entries SET state = 'approved', decided_at = %s, submitted_at = %s",
        [NOW, NOW - timedelta(days=4.2)],
    )
    books.time(60, state="submitted")

    assert of(books).ready_on == TODAY + timedelta(days=5)


def test_a_hold_holds_everything_and_nobody_can_say_how_long(books: Books) -> None:
    books.time(60)
    hold(books.tx, "E1", acting(FINANCE), reason="Client asks to wait.")

    found = of(books)

    assert (found.ready, found.held, found.percent) == (eur(0), eur(150), 0)
    assert [b.words for b in found.blockers] == [f"held by {FINANCE}: Client asks to wait."]
    assert found.ready_on is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"refs": {}}, "no_ledger_record", id="ledger"),
        pytest.param({"cap": eur(100)}, "beyond_cap", id="cap"),
        pytest.param(
            {"purchase_order": "PO", "purchase_order_limit": eur(149)}, "order_exhausted", id="po"
        ),
    ],
)
def test_limits_and_gaps_of_the_whole_are_blockers(
    tx: Tx, changes: dict[str, Any], code: str
) -> None:
    books = Books(tx)
    books.open(**changes)
    books.time(60)

    assert code in codes(books)


def test_what_has_no_rate_no_receipt_or_is_being_corrected_is_named(tx: Tx) -> None:
    books = Books(tx)
    books.open(legal_entity="TH-GMBH")
    books.time(60, role="Architect")
    books.expense("80", receipt=None)
    entry = books.time(60)
    books.take_back(entry, state="submitted")

    assert codes(books) == {"no_rate": 0, "no_receipt": 80, "correction_open": 150}


def test_a_milestone_that_is_not_due_yet_holds_nothing(books: Books) -> None:
    books.milestone("300", state="planned", due_on=TODAY + timedelta(days=1))

    assert of(books).blockers == ()


class Counting:
    """How many statements pass."""

    def __init__(self, tx: Tx) -> None:
        self._tx, self.count = tx, 0

    def execute(self, *args: Any, **more: Any) -> Any:
        self.count += 1
        return self._tx.execute(*args, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)


def test_a_board_of_many_asks_as_often_as_one_of_few(tx: Tx) -> None:
    asked: list[int] = []
    for number in range(40):
        books = Books(tx, f"E{number}")
        books.open()
        books.time(60)
        if number in (0, 39):
            counting = Counting(tx)
            found = Readiness(policies(), DAYS).of(
                counting,  # type: ignore[arg-type]
                acting(FINANCE).principal,
                on=TODAY,
            )
            assert len(found) == number + 1
            asked.append(counting.count)

    assert asked[0] == asked[1] <= 7  # six, and the time


def test_whoever_sees_no_such_region_sees_no_such_engagement(books: Books) -> None:
    reader = acting("dwayne.carter").principal

    assert Readiness(policies(), DAYS).of(books.tx, reader, on=TODAY) == []


_WORK = st.lists(
    st.tuples(st.integers(1, 600), st.sampled_from(["approved", "submitted"])), max_size=5
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(work=_WORK, retainer=st.booleans(), cap=st.none() | st.integers(0, 3000))
def test_what_is_ready_is_what_a_proposal_takes(
    tx: Tx, work: list[tuple[int, str]], retainer: bool, cap: int | None
) -> None:
    with tx.transaction() as savepoint:
        books = Books(tx)
        books.open(cap=None if cap is None else eur(cap))
        for minutes, state in work:
            books.time(minutes, state=state)
        if retainer:
            books.charge("100", kind=ChargeKind.RETAINER)
        ready = of(books).ready
        made = books.propose()
        assert sum((net.amount for _, _, net in made.invoices), Decimal(0)) == ready.amount
        raise psycopg.Rollback(savepoint)
