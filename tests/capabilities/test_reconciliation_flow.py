"""What the ledger keeps of an engagement is held against what we keep; what differs is told."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from office import Office
from psycopg.types.json import Jsonb
from test_time_booking import launched, spend, told, work

from fairlead.capabilities.reconciliation.comparing import ask_due, compare_now
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.model.invoice import LedgerInvoice, LedgerInvoiceState
from fairlead.domain.model.posting import RevenuePosting
from fairlead.domain.model.requisition import Requisition
from fairlead.domain.rules.project_setup import add_months
from fairlead.domain.values import ExternalRef, Money
from fairlead.store.database import Database
from fairlead.store.reconciliations import our_journals

LEDGER = "netsuite-emea"


@pytest.fixture
def office(db: Database) -> Office:
    return Office(db, "bookkeeping", "invoicing", "procurement")


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
    assert set(known) == {"time", "expense", "invoice", "revenue", "commitment"}
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


def journal(
    office: Office, engagement: Engagement, revenue: str = "1000.00", *, months_ago: int = 1
) -> tuple[str, ExternalRef]:
    """A month's revenue as it was approved and booked; its code and its journal."""
    month = add_months(datetime.now(UTC).date().replace(day=1), -months_ago)
    amount, nothing = (Money(amount=Decimal(one), currency="EUR") for one in (revenue, "0"))
    posting = RevenuePosting(
        code="x", project_code="x", month=month, memo="Revenue", revenue=amount, billed=nothing,
        wip=amount, deferred=nothing,
    )  # fmt: skip
    ref = office.ledgers[LEDGER].add("journal", f"{month}", (posting, None))
    with office.db.transaction() as tx:
        tx.execute(
            "INSERT INTO revenue_batches (id, legal_entity, region, month, number, state,"
            " computed_by, computed_at, posted_at)"
            " VALUES (%(id)s, 'TH-GMBH', 'EMEA', %(month)s, 1, 'posted', '[]', now(), now())",
            {"id": f"B{month}", "month": month},
        )
        tx.execute(
            "INSERT INTO revenue_entries (engagement_id, month, revision, batch_id, state, method,"
            " currency, earned, billed, wip, accrued, deferred, revenue, billed_change, wip_change,"
            " deferred_change, basis, digest, warnings, ref, computed_at)"
            " VALUES (%(engagement)s, %(month)s, 1, %(batch)s, 'posted', 'as_invoiced', 'EUR',"
            " %(amount)s, 0, %(amount)s, 0, 0, %(amount)s, 0, %(amount)s, 0, '{}', 'd', '[]',"
            " %(ref)s, now())",
            {
                "engagement": engagement.id,
                "month": month,
                "batch": f"B{month}",
                "amount": amount.amount,
                "ref": Jsonb(ref.model_dump(mode="json")),
            },
        )
        made = our_journals(tx, engagement.id, month)[ref]
    return made.key, ref


def test_journals_of_revenue_that_agree_are_counted_and_no_difference(office: Office) -> None:
    engagement = launched(office)
    journal(office, engagement)
    journal(office, engagement, "2500.50", months_ago=2)

    assert reconcile(office, engagement) == []

    (known,) = office.rows("reconciliations", kept="revenue")
    assert (known["ours"], known["theirs"]) == (2, 2)
    assert known["our_sum"] == known["their_sum"] == Decimal("3500.50")


def test_a_journal_that_was_deleted_or_changed_in_the_ledger_is_found(office: Office) -> None:
    engagement = launched(office)
    changed, ref = journal(office, engagement, "2500.50", months_ago=2)
    gone, _ = journal(office, engagement)
    books = office.ledgers[LEDGER].entries
    books.pop()
    at = int(ref.id.rpartition("-")[2]) - 1
    kind, key, (posting, project) = books[at]
    less = Money(amount=Decimal(2500), currency="EUR")
    books[at] = (kind, key, (posting.model_copy(update={"revenue": less}), project))

    found = {one["key"]: one for one in reconcile(office, engagement)}

    assert (found[gone]["kind"], found[gone]["ours"]) == ("deleted", Decimal(1000))
    assert (found[changed]["kind"], found[changed]["theirs"]) == ("amount", Decimal(2500))
    assert office.open_exceptions("reconciliation/")


def test_a_journal_from_before_the_last_months_is_not_asked_for(office: Office) -> None:
    engagement = launched(office)
    journal(office, engagement, months_ago=5)
    office.ledgers[LEDGER].entries.pop()

    assert reconcile(office, engagement) == []


def requisition(office: Office, engagement: Engagement, number: int, cost: str) -> ExternalRef:
    """As setting up a deal that leaves work to others makes it."""
    wanted = Requisition(
        code=f"TH-2001-P{number}", project_code="TH-2001", description="Penetration test",
        role="Tester", hours=Decimal(40), cost=Money(amount=Decimal(cost), currency="EUR"),
        needed_on=datetime.now(UTC).date(),
    )  # fmt: skip
    ref = office.ledgers[LEDGER].add("requisition", f"r{number}", (wanted, None))
    with office.db.transaction() as tx:
        tx.execute(
            "INSERT INTO effects (key, run_id, step, occurrence, subject_id, system, operation,"
            " digest, request, state, ref, intended_at, settled_at) VALUES (%s, 'run', 'buy', 1,"
            " %s, %s, 'procurement.create_requisition', 'd', %s, 'confirmed', %s, now(), now())",
            [
                f"r{number}",
                engagement.id,
                LEDGER,
                Jsonb(wanted.model_dump(mode="json")),
                Jsonb(ref.model_dump(mode="json")),
            ],
        )
    return ref


def test_purchase_requisitions_are_counted_and_what_changed_there_is_found(office: Office) -> None:
    engagement = launched(office)
    requisition(office, engagement, 1, "4200.00")
    requisition(office, engagement, 2, "900.00")
    requisition(office, engagement, 3, "50.00")
    assert reconcile(office, engagement) == []
    (known,) = office.rows("reconciliations", kept="commitment")
    assert (known["ours"], known["theirs"], known["our_sum"]) == (3, 3, 5150)

    books = office.ledgers[LEDGER].entries
    books.pop()
    kind, key, (wanted, project) = books.pop()
    dearer = Money(amount=Decimal(950), currency="EUR")
    books.append((kind, key, (wanted.model_copy(update={"cost": dearer}), project)))
    found = reconcile(office, engagement)

    assert {(one["key"], one["kind"], one["difference"]) for one in found} == {
        ("TH-2001-P2", "amount", Decimal(50)),
        ("TH-2001-P3", "deleted", Decimal(-50)),
    }
