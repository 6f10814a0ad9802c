"""A released invoice reaches the ledger once, whatever happens on the way, and comes back paid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from billing_office import LEDGER, Billing
from books import CONTROLLER, FINANCE, Books, acting, eur, policies

from fairlead.capabilities.billing.payments import HearsLedger
from fairlead.capabilities.billing.releasing import Releasing
from fairlead.capabilities.billing.reviewing import discard, hold
from fairlead.domain.values import ExternalRef
from fairlead.errors import AnswerLost, Held, SystemUnavailable
from fairlead.flow.cancel import cancel_run
from fairlead.store.database import Database
from fairlead.work.words import ExceptionAction


def away() -> SystemUnavailable:
    """Nobody tries again before a test hurries."""
    return SystemUnavailable(LEDGER, "503", retry_after=timedelta(hours=1))


@pytest.fixture
def billing(db: Database) -> Billing:
    return Billing(db)


def test_the_ledger_numbers_taxes_and_posts_it(billing: Billing) -> None:
    id = billing.propose()
    billing.release(id)
    billing.office.settle()

    row = billing.row(id)
    assert (row["state"], row["number"]) == ("posted", "R101")
    assert (row["tax"], row["total"]) == (Decimal("28.5"), Decimal("178.5"))
    assert row["due_on"].isoformat() == "2026-12-28"
    assert billing.told() == [
        "invoice.proposed", "invoice.reviewed", "invoice.released", "invoice.posted",
    ]  # fmt: skip
    ((invoice, credited),) = billing.invoicing.made.values()
    assert (invoice.net, invoice.lines[0].tax_code, credited) == (eur("150.00"), "EU-S", None)


def test_whoever_acts_on_a_released_invoice_hears_of_it(billing: Billing) -> None:
    billing.release(billing.propose())
    billing.office.settle()

    assert billing.office.runs("invoice-released")


def test_a_ledger_that_is_away_is_waited_for(billing: Billing) -> None:
    billing.invoicing.trouble = [away()]
    id = billing.propose()
    billing.release(id)
    billing.office.settle()
    assert billing.row(id)["state"] == "released"

    billing.office.hurry()
    billing.office.settle()
    assert billing.row(id)["state"] == "posted"


def test_an_answer_that_is_lost_makes_no_second_invoice(billing: Billing) -> None:
    create = billing.invoicing.create_invoice

    def lost(*args: Any, **more: Any) -> Any:
        create(*args, **more)
        raise AnswerLost(LEDGER, "timed out")

    billing.invoicing.create_invoice = lost  # type: ignore[method-assign]
    id = billing.propose()
    billing.release(id)
    billing.office.settle()
    billing.office.hurry()
    billing.office.settle()

    assert billing.row(id)["state"] == "posted"
    assert len(billing.invoicing.made) == 1


def test_an_invoice_that_is_sent_again_is_made_once(billing: Billing) -> None:
    id = billing.propose()
    billing.invoicing.trouble = [None, away()]
    billing.release(id)
    billing.office.settle()
    (run,) = billing.office.runs("invoice-to-ledger")
    with billing.db.transaction() as tx:
        cancel_run(tx, run["id"], by="omar.haddad", reason="Stuck.")
    billing.office.hurry()
    billing.office.settle()
    with billing.db.transaction() as tx:
        Releasing(policies(), billing.office.library).send_again(tx, id, acting(CONTROLLER))
    billing.office.settle()

    assert billing.row(id)["state"] == "posted"
    assert billing.invoicing.calls.count("create") == 1


def test_a_credit_waits_for_the_invoice_that_it_takes_back(billing: Billing) -> None:
    billing.invoicing.trouble = [away()]
    id = billing.propose()
    billing.release(id)
    billing.office.settle()
    back = billing.credit(id)
    billing.release(back)
    billing.office.settle()
    assert billing.row(back)["state"] == "released"

    billing.office.hurry()
    billing.office.settle()
    assert billing.row(back)["state"] == "posted"
    (_, credited) = list(billing.invoicing.made.values())[-1]
    assert str(credited) == f"{LEDGER}/invoice/INV-1"


def test_a_large_invoice_wants_a_second_word(db: Database) -> None:
    billing = Billing(db, billing_method="milestone", value=eur(2_000_000))
    with db.transaction() as tx:
        books = Books(tx)
        books.milestone("1000000")
        ((id, _, _),) = books.propose().invoices
    billing.release(id)
    billing.office.settle()

    task = billing.office.task("second_release")
    assert (task["role"], task["amount"]) == ("pmo_lead", Decimal(1_000_000))
    assert {FINANCE, CONTROLLER} <= set(task["excluded"])
    assert billing.told()[-1] == "invoice.release_asked"
    assert billing.invoicing.made == {}
    billing.office.answer("ines.moreau", step="second_release")
    assert billing.row(id)["state"] == "posted"
    assert billing.told()[-2:] == ["invoice.released", "invoice.posted"]


def test_a_second_word_that_is_no_puts_it_back(db: Database) -> None:
    billing = Billing(db, billing_method="milestone", value=eur(2_000_000))
    with db.transaction() as tx:
        books = Books(tx)
        books.milestone("1000000")
        ((id, _, _),) = books.propose().invoices
    billing.release(id)
    billing.office.settle()
    billing.office.answer(
        "ines.moreau", step="second_release", approved=False, reason="Not accepted after all."
    )

    assert billing.row(id)["state"] == "reviewed"
    with db.transaction() as tx:
        discard(tx, id, acting(FINANCE), reason="Refused.")
    assert billing.invoicing.made == {}


def test_sending_again_does_not_replace_the_second_word(db: Database) -> None:
    billing = Billing(db, billing_method="milestone", value=eur(2_000_000))
    with db.transaction() as tx:
        books = Books(tx)
        books.milestone("1000000")
        ((id, _, _),) = books.propose().invoices
    billing.release(id)
    billing.office.settle()
    (run,) = billing.office.runs("invoice-to-ledger")
    with db.transaction() as tx:
        cancel_run(tx, run["id"], by="omar.haddad", reason="Too slow.")
    billing.office.settle()
    with db.transaction() as tx:
        Releasing(policies(), billing.office.library).send_again(tx, id, acting(CONTROLLER))
    billing.office.settle()

    assert billing.invoicing.made == {}
    assert billing.row(id)["released_at"] is None
    billing.office.answer("ines.moreau", step="second_release")
    assert billing.row(id)["state"] == "posted"
    assert billing.told()[-2:] == ["invoice.released", "invoice.posted"]


def test_what_is_held_meanwhile_is_not_sent_again_while_its_second_word_is_out(
    db: Database,
) -> None:
    billing = Billing(db, billing_method="milestone", value=eur(2_000_000))
    with db.transaction() as tx:
        books = Books(tx)
        books.milestone("1000000")
        ((id, _, _),) = books.propose().invoices
    billing.release(id)
    billing.office.settle()
    (run,) = billing.office.runs("invoice-to-ledger")
    with db.transaction() as tx:
        cancel_run(tx, run["id"], by="omar.haddad", reason="Too slow.")
    billing.office.settle()
    again = Releasing(policies(), billing.office.library).send_again
    with db.transaction() as tx:
        hold(tx, "E1", acting(FINANCE), reason="The client is being sold.")
        tx.execute(
            "INSERT INTO periods (legal_entity, month, state, closed_at)"
            " VALUES ('TH-LTD', '2026-11-01', 'closed', now())"
        )

    with pytest.raises(Held) as held, db.transaction() as tx:
        again(tx, id, acting(CONTROLLER))

    assert len(held.value.reasons) == 2
    with db.transaction() as tx:
        tx.execute("UPDATE billing_holds SET lifted_at = now()")
        tx.execute("DELETE FROM periods")
        again(tx, id, acting(CONTROLLER))
    billing.office.settle()
    assert billing.office.task("second_release")["state"] == "open"


def test_a_second_word_lets_nothing_out_that_is_held_by_then(db: Database) -> None:
    billing = Billing(db, billing_method="milestone", value=eur(2_000_000))
    with db.transaction() as tx:
        books = Books(tx)
        books.milestone("1000000")
        ((id, _, _),) = books.propose().invoices
    billing.release(id)
    billing.office.settle()
    with db.transaction() as tx:
        hold(tx, "E1", acting(FINANCE), reason="The client is being sold.")

    billing.office.answer("ines.moreau", step="second_release")

    assert (billing.row(id)["released_at"], billing.invoicing.made) == (None, {})
    (asked,) = billing.office.open_exceptions()
    assert asked["team"] == "finance-operations"
    assert "The client is being sold." in asked["detail"]

    with db.transaction() as tx:
        tx.execute("UPDATE billing_holds SET lifted_at = now()")
    billing.office.resolve(FINANCE, ExceptionAction.RETRY)
    billing.office.settle()
    assert billing.row(id)["state"] == "posted"


def posted(billing: Billing) -> str:
    id = billing.propose()
    billing.release(id)
    billing.office.settle()
    return id


def poll(billing: Billing) -> None:
    since = datetime(2026, 11, 1, tzinfo=UTC)
    HearsLedger(billing.db).poll(LEDGER, billing.invoicing, since)


def test_payments_are_read_back_and_the_last_one_pays_it(billing: Billing) -> None:
    id = posted(billing)

    billing.invoicing.pay("INV-1", "100.00")
    poll(billing)
    assert (billing.row(id)["state"], billing.row(id)["paid"]) == ("posted", Decimal(100))
    billing.invoicing.pay("INV-1", "100.00", "78.50")
    poll(billing)
    poll(billing)
    billing.office.settle()

    assert (billing.row(id)["state"], billing.row(id)["paid"]) == ("paid", Decimal("178.5"))
    assert len(billing.office.rows("payments", invoice_id=id)) == 2
    assert billing.told()[-3:] == ["invoice.posted", "invoice.part_paid", "invoice.paid"]


def test_a_payment_that_is_told_before_the_invoice_is_read_back_is_heard_again(
    billing: Billing,
) -> None:
    read, since = billing.invoicing.invoice, datetime(2026, 11, 1, tzinfo=UTC)

    def unread(ref: ExternalRef) -> None:
        raise away()

    billing.invoicing.invoice = unread  # type: ignore[method-assign, assignment]
    id = posted(billing)
    billing.invoicing.pay("INV-1", "178.50")
    hears = HearsLedger(billing.db)
    assert hears.poll(LEDGER, billing.invoicing, since) == since
    assert billing.row(id)["state"] == "released"

    billing.invoicing.invoice = read  # type: ignore[method-assign]
    billing.office.hurry()
    billing.office.settle()
    assert billing.row(id)["state"] == "posted"
    assert hears.poll(LEDGER, billing.invoicing, since) > since
    assert billing.row(id)["state"] == "paid"


def test_a_payment_that_is_taken_back_opens_it_again(billing: Billing) -> None:
    id = posted(billing)
    billing.invoicing.pay("INV-1", "178.50")
    poll(billing)

    billing.invoicing.pay("INV-1")
    poll(billing)

    row = billing.row(id)
    assert (row["state"], row["paid"], row["paid_at"]) == ("posted", 0, None)
    assert billing.told()[-1] == "invoice.payment_taken_back"


def test_an_invoice_that_was_voided_in_the_ledger_is_put_before_a_person(billing: Billing) -> None:
    id = posted(billing)
    billing.invoicing.void("INV-1")
    poll(billing)
    poll(billing)

    (opened,) = billing.office.open_exceptions(f"invoice:{id}")
    assert (opened["class"], opened["team"]) == ("conflict", "finance-operations")
    assert billing.row(id)["state"] == "posted"
