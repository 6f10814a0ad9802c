"""Duties of billing that stay apart although somebody splits, stands in, or is known otherwise."""

from __future__ import annotations

import logging
from datetime import timedelta
from decimal import Decimal

import pytest
from books import CONTROLLER, DAYS, FINANCE, TODAY, Books, acting, eur, policies
from office import firm

from fairlead.capabilities.billing.charging import add_charge
from fairlead.capabilities.billing.crediting import write_off
from fairlead.capabilities.billing.proposing import Proposing
from fairlead.capabilities.billing.rates import decide_rate, propose_rate
from fairlead.capabilities.billing.releasing import Releasing
from fairlead.capabilities.billing.reviewing import review
from fairlead.capabilities.billing.running import ProposesRuns, start_run_of
from fairlead.domain.model.charge import ChargeKind
from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.domain.rules.billing_amounts import HIGHEST_FEE
from fairlead.domain.values import Period
from fairlead.errors import InvalidInput, NotAllowed
from fairlead.flow.library import Library
from fairlead.store import billing_runs, deputies, invoices, resources
from fairlead.store.database import Database, Tx, database_time
from fairlead.store.deputies import Deputy
from fairlead.trust.principals import People
from fairlead.trust.roles import Role


@pytest.fixture
def books(tx: Tx) -> Books:
    books = Books(tx)
    books.open()
    return books


def release(books: Books, id: str) -> dict[str, object]:
    rooms, digest = firm(), invoices.load(books.tx, [id])[id]["digest"]
    review(books.tx, id, acting(FINANCE), digest=digest)
    library = Library(rooms.library.playbooks, rooms.library.variants)
    return Releasing(policies(), library).release(books.tx, id, acting(CONTROLLER), digest=digest)


def give_up(books: Books, amount: str, number: int) -> str:
    item = books.milestone(amount, number=number)
    made = write_off(
        books.tx, "E1", acting(FINANCE), Proposing(policies(), DAYS), [str(item)],
        reason="Lost.", dated_on=TODAY,
    )  # fmt: skip
    return made.invoices[0][0]


def name_deputy(tx: Tx, person: str, deputy: str) -> None:
    day = database_time(tx).date()
    deputies.add(tx, Deputy("d-1", person, deputy, day, day, person, database_time(tx)))


def test_a_limit_counts_what_was_given_up_before_so_that_splitting_does_not_help(tx: Tx) -> None:
    books = Books(tx)
    books.open(billing_method="milestone", value=eur(20_000_000))
    assert release(books, give_up(books, "6000000", 1))["state"] == "released"

    with pytest.raises(NotAllowed, match="over your limit"):
        release(books, give_up(books, "4000000.01", 2))


def test_whoever_stands_in_for_who_proposed_it_does_not_release_it(books: Books) -> None:
    books.time(60)
    ((id, _, _),) = books.propose().invoices
    name_deputy(books.tx, FINANCE, CONTROLLER)

    with pytest.raises(NotAllowed, match="as deputy"):
        release(books, id)


def test_whoever_stands_in_for_who_asked_for_a_rate_does_not_approve_it(books: Books) -> None:
    row = propose_rate(
        books.tx, "E1", acting(FINANCE), role="Consultant", resource=None, valid_from=TODAY,
        per_hour=eur(170), reason="Agreed.",
    )  # fmt: skip
    name_deputy(books.tx, CONTROLLER, FINANCE)

    with pytest.raises(NotAllowed, match="their deputy"):
        decide_rate(books.tx, row["id"], acting(CONTROLLER), approved=True)


def test_whoever_worked_under_another_id_is_known_by_their_address(books: Books) -> None:
    email = firm().people.person(CONTROLLER).email
    record = ResourceRecord(
        id="hr-77", name="H. Lindqvist", email=email, region="EMEA", source="hr"
    )
    resources.upsert(books.tx, [record])
    books.time(60, resource="hr-77")
    ((id, _, _),) = books.propose().invoices

    with pytest.raises(NotAllowed, match="cannot release"):
        release(books, id)


def _run(db: Database, asked_by: str = FINANCE) -> str:
    with db.transaction() as tx:
        return start_run_of(
            tx, acting(asked_by), dated_on=TODAY, until=TODAY, region=None, entity=None
        )


def _outcomes(db: Database, run: str) -> dict[str, str]:
    with db.transaction() as tx:
        rows = billing_runs.outcomes(tx, run, after=None, limit=9, regions=None, entities=None)
    return {row["engagement_id"]: row["outcome"] for row in rows}


def test_a_run_of_somebody_who_may_not_bill_any_more_bills_nothing(db: Database) -> None:
    with db.transaction() as tx:
        books = Books(tx)
        books.open()
        books.time(60)
    run = _run(db)
    moved = [
        one.model_copy(update={"roles": frozenset({Role.CONSULTANT})}) if one.id == FINANCE else one
        for one in firm().people.all()
    ]
    ProposesRuns(db, People(moved), Proposing(policies(), DAYS)).sweep()

    assert "billing.propose" in _outcomes(db, run)["E1"]


def test_figures_that_no_sum_holds_stop_their_own_engagement_only(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "fairlead.capabilities.billing.running")
    with db.transaction() as tx:
        for id, currency, amount in (("E1", "KWD", "9999999999999999"), ("E2", "EUR", "100")):
            books = Books(tx, id)
            books.open(currency=currency, value=eur(1, currency), billing_method="milestone")
            milestone = books.milestone(amount)
            tx.execute("UPDATE milestones SET currency = %s WHERE id = %s", [currency, milestone])
    first, second = _run(db), _run(db)
    ProposesRuns(db, firm().people, Proposing(policies(), DAYS)).sweep()

    outcomes = _outcomes(db, first)
    assert outcomes["E1"].startswith("could not be worked out")
    assert "EUR 100.00" in outcomes["E2"]
    assert set(_outcomes(db, second)) == {"E1", "E2"}


@pytest.mark.parametrize("kind", list(ChargeKind))
@pytest.mark.parametrize("amount", [HIGHEST_FEE + 1, Decimal("9999999999999999.99999999")])
def test_a_fee_is_no_larger_than_sums_can_hold(
    books: Books, kind: ChargeKind, amount: Decimal
) -> None:
    period = Period(start=TODAY, end=TODAY + timedelta(days=40))

    with pytest.raises(InvalidInput) as refused:
        add_charge(
            books.tx, "E1", acting(FINANCE), kind=kind, name="Fee", amount=eur(str(amount)),
            source="C-1", due_on=TODAY, period=period,
        )  # fmt: skip

    assert [problem.rule for problem in refused.value.problems] == [
        f"must be at most {HIGHEST_FEE}"
    ]
