"""What the ledger keeps of an engagement is held against what we keep; what differs is told."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from office import Office
from psycopg.types.json import Jsonb
from test_time_booking import launched, spend, told, work

from fairlead.capabilities.reconciliation.comparing import ask_due, compare_now
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.model.invoice import LedgerInvoice, LedgerInvoiceState
from fairlead.domain.values import ExternalRef, Money
from fairlead.store.database import Database

LEDGER = "netsuite-emea"


@pytest.fixture
def office(db: Database) -> Office:
    return Office(db, "bookkeeping", "invoicing")


def booked(office: Office, count: int = 3) -> tuple[Engagement, list[str]]:
    """Approved time, which the ledger has."""
    engagement = launched(office)
    ids = work(office, engagement, count)
    told(office, engagement)
    return engagement, ids


def reconcile(office: Office, engagement: Engagement) -> list[dict[str, Any]]:
    with office.db.transaction() as tx:
        compare_now(tx, engagement.id)
    office.settle()
    return office.rows("discrepancies")


def forget(office: Office, number: int) -> str:
    """Somebody deletes a record in the ledger; which entry of ours it was."""
    _, _, (posting, _) = office.ledgers[LEDGER].entries.pop(number)
    return str(posting.id)


def test_books_that_agree_have_no_difference_and_say_when_that_was_seen(office: Office) -> None:
    engagement, _ = booked(office)

    assert reconcile(office, engagement) == []

    known = {row["kept"]: row for row in office.rows("reconciliations")}
    assert set(known) == {"time", "expense", "invoice"}
    assert (known["time"]["ours"], known["time"]["theirs"]) == (3, 3)
    assert known["time"]["our_sum"] == known["time"]["their_sum"] == 24
    assert office.open_exceptions("reconciliation/") == []


def test_what_somebody_deleted_in_the_ledger_is_found_and_asked_of_finance(office: Office) -> None:
    engagement, _ = booked(office)
    deleted = forget(office, 1)

    (found,) = reconcile(office, engagement)

    assert (found["kind"], found["key"]) == ("deleted", deleted)
    assert (found["ours"], found["theirs"], found["difference"]) == (8, None, -8)
    (asked,) = office.open_exceptions("reconciliation/")
    assert asked["team"] == "finance-operations"
    assert asked["title"].endswith(f": time differs from {LEDGER}")


def test_a_difference_keeps_its_age_and_goes_when_both_sides_agree_again(office: Office) -> None:
    engagement, _ = booked(office)
    deleted = office.ledgers[LEDGER].entries[1]
    forget(office, 1)
    (first,) = reconcile(office, engagement)
    (again,) = reconcile(office, engagement)
    assert again["first_seen_at"] == first["first_seen_at"]
    assert again["last_seen_at"] > first["last_seen_at"]

    office.ledgers[LEDGER].entries.insert(1, deleted)

    assert reconcile(office, engagement) == []
    assert office.open_exceptions("reconciliation/") == []


def test_what_is_on_its_way_to_the_ledger_is_no_difference(office: Office) -> None:
    engagement = launched(office)
    work(office, engagement)
    spend(office, engagement)
    with office.db.transaction() as tx:  # its run is under way
        tx.execute(
            "UPDATE runs SET state = 'active', ended_at = NULL, playbook = 'book-work', "
            "ready_at = NULL WHERE subject_id = %s",
            [engagement.id],
        )

    assert reconcile(office, engagement) == []


def test_an_expense_that_never_got_there_is_found(office: Office) -> None:
    engagement = launched(office)
    id = spend(office, engagement)

    (found,) = reconcile(office, engagement)

    assert (found["kept"], found["kind"], found["key"]) == ("expense", "missing", id)
    assert (found["ours"], found["unit"]) == (Decimal("99.90"), "EUR")


def test_a_late_answer_of_the_ledger_does_not_undo_a_later_comparison(office: Office) -> None:
    engagement, _ = booked(office)
    forget(office, 1)
    reconcile(office, engagement)
    before = office.rows("discrepancies")

    outcomes = office.tell_ourselves_again(backwards=True)

    assert any("a later comparison" in words for words in outcomes)
    assert office.rows("discrepancies") == before


def test_an_invoice_that_was_made_by_hand_or_voided_in_the_ledger_is_found(office: Office) -> None:
    engagement = launched(office)
    hundred = Money(amount=Decimal(100), currency="EUR")
    for id, reference, state in (
        ("INV-1", "BIL-1", LedgerInvoiceState.VOID),
        ("INV-2", None, LedgerInvoiceState.POSTED),
        ("INV-3", "BIL-3", LedgerInvoiceState.PAID),
    ):
        office.invoicing[LEDGER].held[id] = LedgerInvoice(
            ref=ExternalRef(system=LEDGER, kind="invoice", id=id),
            reference=reference,
            state=state,
            net=hundred,
            tax=hundred - hundred,
            total=hundred,
        )
        if reference:
            invoice(office, engagement, id, reference)

    found = reconcile(office, engagement)

    assert {(one["kind"], one["key"], tuple(one["refs"])) for one in found} == {
        ("state", "BIL-1", ("INV-1",)),
        ("unknown", "", ("INV-2",)),
    }


def test_each_launched_engagement_has_its_turn_once_a_day(office: Office) -> None:
    engagement, _ = booked(office)
    with office.db.transaction() as tx:
        assert ask_due(tx) == 0  # its first day has not passed
        tx.execute("UPDATE deliveries SET opened_at = opened_at - interval '2 days'")
        assert ask_due(tx) == 1
        assert ask_due(tx) == 0
    office.settle()

    assert office.runs("reconcile-records", engagement, state="completed")


def invoice(office: Office, engagement: Engagement, id: str, reference: str) -> None:
    ref = {"system": LEDGER, "kind": "invoice", "id": id}
    with office.db.transaction() as tx:
        tx.execute(
            "INSERT INTO invoices (id, reference, engagement_id, kind, state, client_name, "
            "legal_entity, region, currency, net, payment_days, dated_on, digest, proposed_by, "
            "proposed_at, posted_at, ref) VALUES (%s, %s, %s, 'invoice', 'posted', 'Client', "
            "'TH-GMBH', 'EMEA', 'EUR', 100, 30, '2026-11-02', 'd', 'tomasz.wojcik', now(), "
            "now() - interval '1 day', %s)",
            [reference, reference, engagement.id, Jsonb(ref)],
        )
