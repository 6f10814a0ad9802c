"""From approved work to a proposal: what is in it, at which price, and what is not."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import polars as pl
import pytest
from books import CONTROLLER, FINANCE, TODAY, Books, eur
from psycopg.errors import ForeignKeyViolation

from fairlead.domain.model.charge import ChargeKind
from fairlead.errors import AlreadyBilled
from fairlead.store import invoice_items
from fairlead.store.database import Tx


@pytest.fixture
def books(tx: Tx) -> Books:
    books = Books(tx)
    books.open()
    return books


def amounts(books: Books) -> dict[UUID, Decimal]:
    return {row["item_id"]: row["amount"] for row in books.rows("invoice_items")}


def lines(books: Books) -> list[tuple[str, str, Decimal, str, Decimal, Decimal]]:
    rows = sorted(books.rows("invoice_lines"), key=lambda row: (row["invoice_id"], row["line"]))
    return [
        (r["kind"], r["description"], r["quantity"], r["unit"], r["unit_price"], r["amount"])
        for r in rows
    ]


def test_approved_time_is_billed_at_the_rate_of_its_day(books: Books) -> None:
    books.rate("160", date(2026, 11, 20))
    before, after = books.time(90, date(2026, 11, 19)), books.time(90, date(2026, 11, 20))

    made = books.propose()

    assert [net for _, _, net in made.invoices] == [eur("465.00")]
    assert amounts(books) == {before: Decimal("225"), after: Decimal("240")}
    assert lines(books) == [
        ("time", "Build, Consultant", Decimal("1.5"), "hour", Decimal(150), Decimal(225)),
        ("time", "Build, Consultant", Decimal("1.5"), "hour", Decimal(160), Decimal(240)),
    ]


def test_a_person_s_own_rate_goes_before_the_role_s(books: Books) -> None:
    books.rate("200", date(2026, 1, 1), resource="ayo.brandt")
    own, others = books.time(60), books.time(60, resource="lea.fontaine")

    books.propose()

    assert amounts(books) == {own: Decimal(200), others: Decimal(150)}


def test_what_is_not_approved_not_billable_or_has_no_rate_stays_out(books: Books) -> None:
    books.time(60, state="submitted")
    books.time(60, billable=False)
    books.time(60, role="Architect")
    books.time(60, date(2026, 12, 1))  # behind the last day

    made = books.propose()

    assert made.invoices == []
    assert made.held == {"no_rate": 1}
    assert books.rows("invoice_items") == []


def test_each_entry_is_rounded_by_itself_half_up(books: Books) -> None:
    books.rate("100.10", date(2026, 2, 1))
    entries = [books.time(1), books.time(3)]  # 1.66833, 5.005

    books.propose()

    assert [amounts(books)[entry] for entry in entries] == [Decimal("1.67"), Decimal("5.01")]
    assert lines(books) == [
        (
            "time",
            "Build, Consultant: 0.07 h at 100.1000",
            Decimal(1),
            "piece",
            Decimal("6.68"),
            Decimal("6.68"),
        )
    ]


def test_nothing_is_billed_twice(books: Books) -> None:
    books.time(60)
    assert books.propose().invoices
    made = books.propose()

    assert made.invoices == []
    assert made.words == "nothing to invoice"


def test_an_item_that_is_in_a_live_invoice_is_refused_by_the_table_itself(books: Books) -> None:
    entry = books.time(60)
    ((id, reference, _),) = books.propose().invoices
    row = books.rows("invoice_items")[0]

    with pytest.raises(AlreadyBilled, match=f"time {entry} is in {reference}"):
        _again(books.tx, id, row)


def _again(tx: Tx, id: str, row: dict[str, Any]) -> None:
    item = {
        "invoice_id": "another", "kind": row["kind"], "item": str(row["item_id"]), "line": 1,
        "minutes": 60, "rate": 15000000000, "source": "x", "amount": 15000,
    }  # fmt: skip
    empty = {name: pl.Series([None], dtype=pl.Int64) for name in ("discount", "capped", "drawn")}
    tx.execute(
        "INSERT INTO invoices SELECT (json_populate_record(v, "
        '\'{"id": "another", "reference": "BIL-0"}\')).* FROM invoices v WHERE id = %s',
        [id],
    )
    invoice_items.add(tx, pl.DataFrame([item]).with_columns(**empty), 2)


def test_items_of_an_invoice_that_is_not_there_are_refused(books: Books) -> None:
    books.time(60)
    books.propose()

    with pytest.raises(ForeignKeyViolation, match="invoice nowhere, which is not there"):
        books.tx.execute(
            "INSERT INTO invoice_items (invoice_id, kind, item_id, line, amount, live) "
            "SELECT 'nowhere', kind, item_id, line, amount, false FROM invoice_items"
        )


def test_an_entry_and_what_takes_it_back_before_it_is_billed_never_reach_an_invoice(
    books: Books,
) -> None:
    entry, stays = books.time(60), books.time(30)
    books.take_back(entry)

    books.propose()

    assert amounts(books) == {stays: Decimal(75)}


def test_what_is_about_to_be_taken_back_waits(books: Books) -> None:
    entry = books.time(60)
    books.take_back(entry, state="submitted")

    assert books.propose().invoices == []


def test_a_cap_is_used_up_in_order_and_what_is_beyond_stays_unbilled(tx: Tx) -> None:
    books = Books(tx)
    books.open(cap=eur(400))
    first, crossing = books.time(120, date(2026, 11, 1)), books.time(60, date(2026, 11, 2))
    books.time(60, date(2026, 11, 3))

    made = books.propose()

    assert [net for _, _, net in made.invoices] == [eur("400.00")]
    assert amounts(books) == {first: Decimal(300), crossing: Decimal(150)}
    assert made.held == {"beyond_cap": 1}
    assert lines(books)[-1] == (
        "discount", "Beyond the agreed cap", Decimal(1), "piece", Decimal(-50), Decimal(-50)
    )  # fmt: skip
    assert books.propose().held == {"beyond_cap": 1}


def test_expenses_milestones_and_fees_that_are_due_are_billed(tx: Tx) -> None:
    books = Books(tx)
    books.open(billing_method="milestone")
    books.time(60)  # the fee pays for it
    books.expense("99.90")
    books.milestone("5000")
    books.milestone("7000", number=2, state="planned")
    books.charge("2000")
    books.charge("2000", due_on=date(2026, 12, 1))

    made = books.propose()

    assert [net for _, _, net in made.invoices] == [eur("7099.90")]
    assert [(kind, words, amount) for kind, words, *_, amount in lines(books)] == [
        ("expense", "Lodging", Decimal("99.90")),
        ("milestone", "Milestone 1", Decimal(5000)),
        ("fee", "Fee", Decimal(2000)),
    ]


def test_a_german_client_gets_an_invoice_for_each_month_and_none_for_expenses_without_receipt(
    tx: Tx,
) -> None:
    books = Books(tx)
    books.open(legal_entity="TH-GMBH")
    books.time(60, date(2026, 10, 31))
    books.time(60, date(2026, 11, 1))
    books.expense("50", receipt=None)
    books.expense("28", category="per_diem", receipt=None)

    made = books.propose()

    assert [net for _, _, net in made.invoices] == [eur("150.00"), eur("178.00")]


def test_whoever_approved_the_work_does_not_bill_it(books: Books) -> None:
    books.time(60, by=FINANCE)

    made = books.propose()

    assert made.invoices == []
    assert made.words == f"{FINANCE} approved its work or asked for its prices, so may not bill it"
    assert books.propose(who=CONTROLLER).invoices


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"refs": {}}, "the ledger has no client and no project for it", id="ledger"),
        pytest.param(
            {"purchase_order": "PO-7", "purchase_order_limit": eur(100)},
            "purchase order PO-7 is short of EUR 50.00",
            id="order",
        ),
    ],
)
def test_what_holds_an_engagement_as_a_whole_is_told(
    tx: Tx, changes: dict[str, Any], words: str
) -> None:
    books = Books(tx)
    books.open(**changes)
    books.time(60)

    assert books.propose().words == words
    assert books.rows("invoices") == []


def test_a_closed_month_takes_no_invoice(books: Books) -> None:
    books.time(60)
    books.tx.execute(
        "INSERT INTO periods VALUES ('TH-LTD', %s, 'closed', 'x', now())", [TODAY.replace(day=1)]
    )

    assert books.propose().words == "November 2026 is closed for TH-LTD"


def test_a_retainer_is_billed_as_a_fee_and_pays_once_it_is_posted(books: Books) -> None:
    books.charge("200", kind=ChargeKind.RETAINER)
    ((retainer, _, _),) = books.propose().invoices
    books.time(60, date(2026, 11, 1))
    books.tx.execute("UPDATE invoices SET state = 'posted' WHERE id = %s", [retainer])

    assert [net for _, _, net in books.propose().invoices] == [eur("0.00")]
    books.time(60, date(2026, 11, 2))
    assert [net for _, _, net in books.propose().invoices] == [eur("100.00")]
    assert ("retainer", "Paid by retainer") in {line[:2] for line in lines(books)}
    drawn = sum(row["drawn"] or 0 for row in books.rows("invoice_items"))
    assert drawn == Decimal(-200)
