"""At a month's end an invoice is of the month that its company is in, wherever anybody else is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from books import FINANCE, Books, acting, policies
from office import firm

from fairlead.capabilities.billing.by_itself import DraftsWhatIsReady
from fairlead.capabilities.billing.crediting import credit
from fairlead.capabilities.billing.proposing import Proposing
from fairlead.capabilities.billing.readiness import Readiness
from fairlead.capabilities.billing.running import ProposesRuns, start_run_of
from fairlead.capabilities.company_days import CompanyDays
from fairlead.capabilities.revenue.months import Reckons, note_terms
from fairlead.capabilities.revenue.rates import DayRates
from fairlead.store import leaks
from fairlead.store.billing_standing import standing
from fairlead.store.database import Database, Tx, database_time

#: At any moment the day of the first is one or two days after that of the second.
EAST, WEST = "TH-EAST", "TH-WEST"
FAR = {EAST: "Pacific/Kiritimati", WEST: "Etc/GMT+12"}
DAYS = CompanyDays(FAR)


def today(company: str) -> date:
    return datetime.now(UTC).astimezone(ZoneInfo(FAR[company])).date()


def of_both(tx: Tx) -> tuple[Books, Books]:
    """An engagement of each, with a fee that is due today where the day comes first."""
    east, west = Books(tx, "E1"), Books(tx, "W1")
    for books, company in ((east, EAST), (west, WEST)):
        books.open(legal_entity=company)
        books.charge("100", due_on=today(EAST))
        books.time(60, today(WEST))
    return east, west


@pytest.mark.parametrize(
    ("moment", "company", "day"),
    [
        (datetime(2026, 11, 30, 15, tzinfo=UTC), "TH-KK", date(2026, 12, 1)),
        (datetime(2026, 11, 30, 14, 59, tzinfo=UTC), "TH-KK", date(2026, 11, 30)),
        (datetime(2026, 12, 1, 5, 59, tzinfo=UTC), "TH-INC", date(2026, 11, 30)),
        (datetime(2026, 12, 1, 6, tzinfo=UTC), "TH-INC", date(2026, 12, 1)),
        (datetime(2026, 12, 1, tzinfo=UTC), "GONE", date(2026, 12, 1)),
    ],
)
def test_the_month_turns_with_the_clock_of_the_company(
    moment: datetime, company: str, day: date
) -> None:
    days = CompanyDays({"TH-KK": "Asia/Tokyo", "TH-INC": "America/Chicago"})

    assert days.on(moment, company) == day


def test_a_month_is_over_for_several_companies_when_it_is_over_in_each() -> None:
    days = CompanyDays({"TH-KK": "Asia/Tokyo", "TH-INC": "America/Chicago"})
    moment = datetime(2026, 12, 1, 3, tzinfo=UTC)

    assert days.first_of(moment, None) == date(2026, 11, 30)
    assert days.first_of(moment, {"TH-KK"}) == date(2026, 12, 1)


def test_drafts_of_two_companies_are_each_of_their_own_day(tx: Tx) -> None:
    of_both(tx)

    made = Proposing(policies(), DAYS).propose(
        tx, ["W1", "E1"], acting(FINANCE), dated_on=None, until=None
    )

    rows = tx.execute("SELECT engagement_id, dated_on, net FROM invoices").fetchall()
    assert {row["engagement_id"]: row["dated_on"] for row in rows} == {
        "E1": today(EAST),
        "W1": today(WEST),
    }
    assert {row["engagement_id"]: row["net"] for row in rows} == {"E1": 250, "W1": 150}
    assert sorted(made) == ["E1", "W1"]


def test_what_fairlead_drafts_itself_is_of_the_day_of_the_company(tx: Tx) -> None:
    of_both(tx)

    for id in ("E1", "W1"):
        DraftsWhatIsReady(Proposing(policies(), DAYS))(tx, id)

    rows = tx.execute("SELECT engagement_id, dated_on FROM invoices ORDER BY 1").fetchall()
    assert [row["dated_on"] for row in rows] == [today(EAST), today(WEST)]


def test_a_fee_is_ready_from_its_day_on_where_its_company_is(tx: Tx) -> None:
    of_both(tx)
    reader = acting(FINANCE).principal

    found = Readiness(policies(), DAYS).of(tx, reader, ["E1", "W1"])

    assert [one.ready.amount for one in found] == [250, 150]


def test_a_closed_month_holds_only_the_company_that_is_still_in_it(tx: Tx) -> None:
    of_both(tx)
    for company in (EAST, WEST):
        tx.execute(
            "INSERT INTO periods (legal_entity, month, state, closed_at)"
            " VALUES (%s, '2026-11-01', 'closed', now())",
            [company],
        )

    rows = standing(tx, ["E1", "W1"], date(2026, 12, 1), {WEST: date(2026, 11, 30)})

    assert [row["period_closed_at"] is not None for row in rows] == [False, True]


def test_a_milestone_is_billed_in_the_month_in_which_the_company_saw_it_accepted(tx: Tx) -> None:
    for id, company in (("E1", EAST), ("W1", WEST)):
        books = Books(tx, id)
        books.open(legal_entity=company)
        books.milestone("100", due_on=date(2026, 11, 15))
        tx.execute(
            "UPDATE milestones SET accepted_at = '2026-11-30T11:00Z' WHERE engagement_id = %s", [id]
        )

    Proposing(policies(), DAYS).propose(
        tx, ["E1", "W1"], acting(FINANCE), dated_on=date(2026, 12, 9), until=date(2026, 12, 9)
    )

    rows = tx.execute("SELECT starts_on FROM invoices ORDER BY engagement_id").fetchall()
    assert [row["starts_on"] for row in rows] == [date(2026, 12, 1), date(2026, 11, 29)]


def test_a_run_is_of_the_day_on_which_it_was_asked_for_in_each_company(db: Database) -> None:
    with db.transaction() as tx:
        for id, company in (("E1", EAST), ("W1", WEST)):
            books = Books(tx, id)
            books.open(legal_entity=company)
            books.time(60, date(2026, 11, 29))
        start_run_of(tx, acting(FINANCE), dated_on=None, until=None, region=None, entity=None)
        tx.execute("UPDATE billing_runs SET asked_at = '2026-11-30T11:00Z'")

    ProposesRuns(db, firm().people, Proposing(policies(), DAYS)).sweep()

    with db.transaction() as tx:
        rows = tx.execute("SELECT dated_on FROM invoices ORDER BY engagement_id").fetchall()
    assert [row["dated_on"] for row in rows] == [date(2026, 12, 1), date(2026, 11, 29)]


def test_a_credit_and_a_change_of_the_contract_are_of_the_day_of_the_company(tx: Tx) -> None:
    of_both(tx)
    proposing = Proposing(policies(), DAYS)
    made = proposing.propose(tx, ["E1"], acting(FINANCE), dated_on=None, until=None)
    ((id, _, _),) = made["E1"].invoices
    tx.execute("UPDATE invoices SET state = 'posted', released_at = now() WHERE id = %s", [id])
    reckons = Reckons(policies=policies(), days=DAYS, exchange=DayRates)

    back = credit(tx, id, acting(FINANCE), reason="Agreed.", dated_on=None, days=DAYS)
    note_terms(tx, reckons, leaks.some(tx, ["E1", "W1"]), database_time(tx))
    tx.execute("UPDATE deliveries SET body = jsonb_set(body, '{value,amount}', '\"90000\"')")
    note_terms(tx, reckons, leaks.some(tx, ["E1", "W1"]), database_time(tx))

    assert back["dated_on"] == today(EAST)
    since = tx.execute(
        "SELECT valid_from FROM contract_terms WHERE price = 90000 ORDER BY engagement_id"
    ).fetchall()
    assert [row["valid_from"] for row in since] == [today(EAST), today(WEST)]
