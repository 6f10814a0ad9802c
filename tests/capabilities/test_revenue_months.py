"""A month's revenue: computed from rows, approved by another, never changed once closed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from books_of import Books, a_delivery, close_month, cost_rate
from deals import money
from fairlead.bootstrap import Fairlead
from fairlead.capabilities.company_days import CompanyDays
from fairlead.capabilities.revenue import approving
from fairlead.capabilities.revenue.approving import approve, digest_of, propose, send_back
from fairlead.capabilities.revenue.months import Reckons, ask_for_month, carry_on, note_terms
from fairlead.capabilities.revenue.reckoning import Exchange, Figures, figures
from fairlead.config import SAMPLE, Settings
from fairlead.domain.model.contract import ContractType
from fairlead.domain.model.revenue import RevenueFacts
from fairlead.domain.model.revenue_batch import BatchState, RevenueBatch
from fairlead.domain.rules.revenue import recognise
from fairlead.errors import IllegalMove, InvalidInput, NotAllowed, StaleVersion
from fairlead.flow.library import Library
from fairlead.policy.publish import load_all
from fairlead.store import deliveries, periods, revenue, revenue_jobs
from fairlead.store.database import Tx
from fairlead.trust.acting import Acting

FIRM = Fairlead(Settings(config=SAMPLE))
JAN, FEB, MAR = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
TODAY = date(2026, 11, 28)
PLAYBOOKS = Library(())


def acting(id: str) -> Acting:
    return Acting.of(FIRM.people, FIRM.people.person(id).principal())


FINANCE, CONTROLLER, MANAGER = (
    acting(id) for id in ("tomasz.wojcik", "hanna.lindqvist", "lea.fontaine")
)


def pounds(source: str, target: str, on: date) -> Decimal | None:
    return Decimal("1.16") if (source, target) == ("GBP", "EUR") else None


def of_the_day(tx: Tx) -> Exchange:
    return pounds


def reckons(**changes: Any) -> Reckons:
    given: dict[str, Any] = {
        "policies": load_all([Path(approving.__file__).parent / "policies"]),
        "days": CompanyDays({"TH-GMBH": "Europe/Berlin"}),
        "exchange": of_the_day,
    }
    return Reckons(**given | changes)


def compute(tx: Tx, month: date, *, at_a_time: int = 200) -> list[dict[str, Any]]:
    """Entries of the month that count, by engagement."""
    ask_for_month(tx, FINANCE.principal, month, today=TODAY)
    while carry_on(tx, reckons(), at_a_time=at_a_time):
        pass
    return tx.execute(
        "SELECT * FROM revenue_entries WHERE month = %s ORDER BY engagement_id, revision", [month]
    ).fetchall()


def batch_of(tx: Tx, month: date, state: str = "computed") -> RevenueBatch:
    (row,) = tx.execute(
        "SELECT id FROM revenue_batches WHERE month = %s AND state = %s", [month, state]
    ).fetchall()
    return revenue.batches(tx, [row["id"]])[row["id"]]


def book(tx: Tx, month: date) -> RevenueBatch:
    """Propose and approve what was computed."""
    proposed = propose(tx, FINANCE, batch_of(tx, month).id, version=None)
    assert proposed.digest is not None
    return approve(
        tx, CONTROLLER, proposed.id, digest=proposed.digest, library=PLAYBOOKS, version=None
    )


def by_cost(tx: Tx) -> Books:
    """A tenth of the work is done in January, at 60 an hour."""
    books = Books(tx)
    cost_rate(tx, "60")
    books.time("100", date(2026, 1, 20))
    return books


def test_a_month_is_computed_from_rows(tx: Tx) -> None:
    books = by_cost(tx)
    one = books.milestone(1, "30000", accepted=date(2026, 1, 25))
    books.invoice(date(2026, 1, 31), [("milestone", one, "30000")])

    (entry,) = compute(tx, JAN)
    assert entry["earned"] == Decimal(12_000)  # 6,000 of 60,000 of cost: a tenth of the price
    assert (entry["billed"], entry["deferred"], entry["wip"]) == (30_000, 18_000, 0)
    assert entry["revenue"] == 12_000


def test_what_is_kept_gives_the_figures_again(tx: Tx) -> None:
    by_cost(tx)
    (entry,) = compute(tx, JAN)

    again = recognise(RevenueFacts.model_validate(entry["basis"]))
    assert again.position.earned.amount == entry["earned"]


def test_computing_again_changes_nothing(tx: Tx) -> None:
    by_cost(tx)

    assert compute(tx, JAN) == compute(tx, JAN)
    assert len(tx.execute("SELECT * FROM revenue_batches").fetchall()) == 1


def test_a_job_goes_on_where_it_was_stopped(tx: Tx) -> None:
    cost_rate(tx, "60")
    for number in range(5):
        Books(tx, a_delivery(f"ENG-{number}")).time("10", date(2026, 1, 9))
    job = ask_for_month(tx, FINANCE.principal, JAN, today=TODAY)

    assert carry_on(tx, reckons(), at_a_time=2)
    half = revenue_jobs.get(tx, job.id)
    assert half is not None
    assert (half.engagements, half.expected, half.ended_at) == (2, 5, None)
    assert ask_for_month(tx, FINANCE.principal, JAN, today=TODAY).id == job.id
    while carry_on(tx, reckons(), at_a_time=2):
        pass
    whole = revenue_jobs.get(tx, job.id)
    assert whole is not None
    assert (whole.engagements, whole.changed, whole.held) == (5, 5, 0)
    assert whole.ended_at is not None


def test_a_month_that_is_not_over_is_not_computed(tx: Tx) -> None:
    with pytest.raises(InvalidInput):
        ask_for_month(tx, FINANCE.principal, TODAY, today=TODAY)
    with pytest.raises(NotAllowed):
        ask_for_month(tx, MANAGER.principal, JAN, today=TODAY)


def test_months_add_up_to_what_is_earned(tx: Tx) -> None:
    books = by_cost(tx)
    compute(tx, JAN)
    books.time("150", date(2026, 2, 10))
    (feb,) = compute(tx, FEB)

    assert feb["earned"] == 30_000
    assert feb["revenue"] == 18_000
    assert feb["revenue"] == feb["billed_change"] + feb["wip_change"] - feb["deferred_change"]


def test_whoever_computed_or_proposed_does_not_approve(tx: Tx) -> None:
    by_cost(tx)
    compute(tx, JAN)
    proposed = propose(tx, FINANCE, batch_of(tx, JAN).id, version=None)
    assert proposed.digest is not None

    with pytest.raises(NotAllowed):
        approve(tx, FINANCE, proposed.id, digest=proposed.digest, library=PLAYBOOKS, version=None)
    with pytest.raises(StaleVersion):
        approve(tx, CONTROLLER, proposed.id, digest="0", library=PLAYBOOKS, version=None)
    tx.execute(
        "UPDATE revenue_batches SET computed_by = computed_by || '[\"hanna.lindqvist\"]'::jsonb"
    )
    with pytest.raises(NotAllowed, match="computed or proposed"):
        approve(
            tx, CONTROLLER, proposed.id, digest=proposed.digest, library=PLAYBOOKS, version=None
        )


def test_figures_that_change_after_they_were_proposed_are_proposed_anew(tx: Tx) -> None:
    books = by_cost(tx)
    compute(tx, JAN)
    proposed = propose(tx, FINANCE, batch_of(tx, JAN).id, version=None)
    books.time("10", date(2026, 1, 21))
    compute(tx, JAN)

    assert proposed.digest is not None
    with pytest.raises(IllegalMove):
        approve(
            tx, CONTROLLER, proposed.id, digest=proposed.digest, library=PLAYBOOKS, version=None
        )
    assert batch_of(tx, JAN).proposed_by is None


def test_what_is_sent_back_says_why(tx: Tx) -> None:
    by_cost(tx)
    compute(tx, JAN)
    id = propose(tx, FINANCE, batch_of(tx, JAN).id, version=None).id

    with pytest.raises(InvalidInput):
        send_back(tx, CONTROLLER, id, reason=" ", version=None)
    back = send_back(tx, CONTROLLER, id, reason="The Hamburg time is missing.", version=None)
    assert (back.state, back.reason) == (BatchState.COMPUTED, "The Hamburg time is missing.")


def test_what_was_approved_gets_a_later_revision_that_takes_it_back(tx: Tx) -> None:
    books = by_cost(tx)
    compute(tx, JAN)
    first = book(tx, JAN)
    books.time("50", date(2026, 1, 22))
    before, after = compute(tx, JAN)

    assert (before["revision"], before["state"], before["revenue"]) == (1, "approved", 12_000)
    assert (after["revision"], after["state"], after["revenue"]) == (2, "draft", 18_000)
    second = book(tx, JAN)
    (entry,) = second.entries
    back, new = entry.postings()
    assert (back.revenue, new.revenue) == (money("-12000"), money("18000"))
    assert back.code != new.code
    states = [row["state"] for row in compute(tx, JAN)]
    assert states == ["replaced", "approved"]
    assert first.number + 1 == second.number
    assert second.totals == {"EUR": money("6000")}


def test_a_later_month_counts_from_the_new_figures(tx: Tx) -> None:
    books = by_cost(tx)
    compute(tx, JAN)
    books.time("100", date(2026, 2, 5))
    compute(tx, FEB)
    books.time("50", date(2026, 1, 22))
    compute(tx, JAN)  # February follows by itself

    rows = tx.execute("SELECT month, earned, revenue FROM revenue_entries ORDER BY month")
    assert [(row["earned"], row["revenue"]) for row in rows] == [(18_000, 18_000), (30_000, 12_000)]


def test_a_closed_month_never_changes_and_the_difference_is_of_the_next(tx: Tx) -> None:
    books = by_cost(tx)
    compute(tx, JAN)
    book(tx, JAN)
    close_month(tx, JAN)
    # worked in January, approved after it was closed: booked in February
    books.time("50", date(2026, 1, 22), period=FEB)

    (jan,) = compute(tx, JAN)
    (feb,) = compute(tx, FEB)
    assert (jan["earned"], feb["earned"], feb["revenue"]) == (12_000, 18_000, 6_000)


def test_what_was_not_approved_when_its_month_closed_is_of_the_next_month(tx: Tx) -> None:
    by_cost(tx)
    compute(tx, JAN)
    close_month(tx, JAN)
    (feb,) = compute(tx, FEB)

    assert feb["revenue"] == 12_000
    (jan,) = tx.execute("SELECT state FROM revenue_entries WHERE month = %s", [JAN]).fetchall()
    assert jan["state"] == "lapsed"


def test_a_month_is_not_approved_before_the_one_that_it_counts_from(tx: Tx) -> None:
    books = by_cost(tx)
    compute(tx, JAN)
    books.time("50", date(2026, 2, 22))
    compute(tx, FEB)

    with pytest.raises(IllegalMove, match="2026-01"):
        book(tx, FEB)
    book(tx, JAN)
    waits = batch_of(tx, FEB, "proposed")
    assert waits.digest is not None
    approved = approve(
        tx, CONTROLLER, waits.id, digest=waits.digest, library=PLAYBOOKS, version=None
    )
    assert approved.state is BatchState.APPROVED


def test_a_month_that_is_closed_meanwhile_is_not_booked(tx: Tx) -> None:
    by_cost(tx)
    compute(tx, JAN)
    close_month(tx, JAN)

    with pytest.raises(IllegalMove, match="closed"):
        book(tx, JAN)


def test_a_month_waits_for_revenue_that_is_on_its_way_to_the_ledger(tx: Tx) -> None:
    by_cost(tx)
    compute(tx, JAN)
    assert periods.waiting(tx, "TH-GMBH", JAN)["booking"] == 0
    book(tx, JAN)

    assert periods.waiting(tx, "TH-GMBH", JAN)["booking"] == 1


def test_without_a_cost_rate_an_engagement_is_held_and_others_go_on(tx: Tx) -> None:
    cost_rate(tx, "60")
    Books(tx, a_delivery("ENG-1")).time("10", date(2026, 1, 9), who="newcomer")
    Books(tx, a_delivery("ENG-2")).time("10", date(2026, 1, 9))

    (entry,) = compute(tx, JAN)
    assert entry["engagement_id"] == "eng-2"
    (held,) = tx.execute("SELECT * FROM exceptions").fetchall()
    assert "newcomer has no cost rate" in held["detail"]
    cost_rate(tx, "50", "newcomer")
    assert len(compute(tx, JAN)) == 2
    (settled,) = tx.execute("SELECT state FROM exceptions").fetchall()
    assert settled["state"] == "resolved"


def test_a_contract_of_an_unknown_method_is_held(tx: Tx) -> None:
    Books(tx, a_delivery(revenue_method="by_feeling"))

    assert compute(tx, JAN) == []
    (held,) = tx.execute("SELECT detail FROM exceptions").fetchall()
    assert "by_feeling" in held["detail"]


def test_time_and_materials_count_at_their_rates_and_as_invoiced(tx: Tx) -> None:
    tm = a_delivery(
        contract_type=ContractType.TIME_AND_MATERIALS,
        billing_method="as_worked",
        revenue_method="as_invoiced",
        cap=money("5000"),
    )
    books = Books(tx, tm)
    books.bill_rate("150")
    books.bill_rate("180", resource_id="ayo.brandt", valid_from=date(2026, 1, 15))
    early = books.time("10", date(2026, 1, 9))
    late = books.time("10", date(2026, 1, 20))
    spent = books.expense("200", date(2026, 1, 20))
    books.expense("90", date(2026, 1, 20), billable=False)
    books.time("5", date(2026, 1, 21), billable=False)
    books.time("5", date(2026, 1, 22), state="submitted")

    (entry,) = compute(tx, JAN)
    assert (entry["earned"], entry["accrued"]) == (1_500 + 1_800 + 200, 3_500)

    items = [("time", early, "1500"), ("time", late, "1750"), ("expense", spent, "210")]
    bill = books.invoice(date(2026, 2, 3), [*items, ("discount", "", "-60")])
    books.time("20", date(2026, 2, 4))
    (feb,) = compute(tx, FEB)
    assert (feb["earned"], feb["billed"]) == (5_000, 3_400)  # 7,000 are capped
    assert feb["wip"] == 1_600

    books.invoice(date(2026, 3, 2), [("time", late, "-1750")], kind="credit", credits=bill)
    books.free(late)
    (mar,) = compute(tx, MAR)
    assert (mar["earned"], mar["billed"]) == (5_000, 1_650)


def test_milestones_are_earned_on_the_day_of_the_company_that_they_are_accepted(tx: Tx) -> None:
    books = Books(
        tx, a_delivery(revenue_method="point_in_time", contract_type=ContractType.MILESTONE)
    )
    books.milestone(1, "50000", accepted=date(2026, 1, 15))
    late = books.milestone(2, "70000", accepted=date(2026, 1, 31))
    tx.execute(  # half past eleven at night in London is February in Berlin
        "UPDATE milestones SET accepted_at = %s WHERE id = %s",
        [datetime(2026, 1, 31, 23, 30, tzinfo=UTC), late],
    )

    (entry,) = compute(tx, JAN)
    assert (entry["earned"], entry["accrued"]) == (50_000, 50_000)


def test_a_service_is_earned_by_days_whenever_it_is_billed(tx: Tx) -> None:
    books = Books(tx, a_delivery(revenue_method="straight_line", billing_method="recurring"))
    fee = books.charge("recurring", "60000", JAN, starts_on=JAN, ends_on=date(2026, 3, 31))
    books.invoice(date(2026, 1, 2), [("charge", fee, "60000")])

    (entry,) = compute(tx, JAN)
    assert entry["earned"] == Decimal("20552.49")  # 31 of 181 days
    assert entry["deferred"] == Decimal("39447.51")


def test_a_change_order_counts_from_its_day_as_the_policy_says(tx: Tx) -> None:
    """By cost: caught up. As a series of days: what is left follows the new price."""
    cost_rate(tx, "60")
    fixed, series = (
        Books(tx, a_delivery("ENG-1")),
        Books(tx, a_delivery("ENG-2", revenue_method="straight_line")),
    )
    fixed.time("500", date(2026, 1, 20))
    compute(tx, JAN)
    tx.execute("UPDATE contract_terms SET noted_at = now()")
    for books in (fixed, series):
        books.change(value=money("180000"), budget_minutes=90_000)
        _note(tx, books, date(2026, 3, 2))

    jan = {row["engagement_id"]: row for row in compute(tx, JAN)}
    mar = {row["engagement_id"]: row for row in compute(tx, MAR)}
    assert jan["eng-1"]["earned"] == 60_000  # January is as it was
    assert mar["eng-1"]["earned"] == 60_000  # a third of 180,000
    # 60 days at 120,000 / 181, then 30 days of what is left over 121 days
    first = Decimal(120_000) * 60 / 181
    assert mar["eng-2"]["earned"] == round(first + (180_000 - first) * 30 / 121, 2)


def _note(tx: Tx, books: Books, on: date) -> None:
    rows = tx.execute(
        "SELECT engagement_id, legal_entity, revenue_method, contract_type FROM deliveries "
        "WHERE engagement_id = %s",
        [books.id],
    ).fetchall()
    note_terms(tx, reckons(), rows, datetime(on.year, on.month, on.day, tzinfo=UTC))


def test_costs_in_another_currency_are_converted_and_commitments_count(tx: Tx) -> None:
    books = Books(tx)
    cost_rate(tx, "50", currency="GBP")
    books.time("100", date(2026, 1, 20))
    books.expense("300", date(2026, 1, 20), billable=False)
    tx.execute(
        """
        INSERT INTO effects (key, run_id, step, occurrence, subject_id, system, operation, digest,
            request, state, intended_at)
        VALUES ('k', 'r', 's', 1, %s, 'netsuite-emea', 'procurement.create_requisition', 'd',
            '{"cost": {"amount": "2000", "currency": "EUR"}}', 'confirmed', now())
        """,
        [books.id],
    )
    compute(tx, JAN)

    found = figures(tx, [books.id], date(2026, 1, 31), days=CompanyDays({}), exchange=pounds)[
        books.id
    ]
    assert isinstance(found, Figures)
    assert found.costs.commitments == money("2000.00")
    (stage,) = found.revenue.stages
    assert stage.done == 5_800 + 300
    assert stage.total == 58_000 + 300 + 2_000


def test_a_closed_engagement_has_nothing_left_to_do(tx: Tx) -> None:
    books = by_cost(tx)
    deliveries.close(tx, books.id, datetime(2026, 1, 30, tzinfo=UTC))

    (entry,) = compute(tx, JAN)
    assert entry["earned"] == 120_000


def test_each_engagement_hears_what_it_earned(tx: Tx) -> None:
    books = by_cost(tx)
    compute(tx, JAN)
    batch = book(tx, JAN)

    (event,) = tx.execute("SELECT * FROM events WHERE chain = %s", [books.id]).fetchall()
    assert event["type"] == "revenue.recognised"
    assert event["attributes"]["revenue"] == "12000.00000000"
    kinds = [
        row["type"]
        for row in tx.execute("SELECT type FROM events WHERE chain = %s ORDER BY seq", [batch.id])
    ]
    assert kinds == ["revenue.computed", "revenue.proposed", "revenue.approved"]
    assert batch.digest == digest_of(revenue.batches(tx, [batch.id])[batch.id])
