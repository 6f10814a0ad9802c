"""The board of billing and an invoice: what is shown to whom, and who may do what with it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from fairlead.domain.ids import EngagementId
from fairlead.domain.model.bill_rate import BillRate
from fairlead.domain.model.contract import ContractType
from fairlead.domain.model.delivery import Delivery
from fairlead.domain.model.project import WorkPackage
from fairlead.domain.model.tax import TaxKind, TaxTreatment
from fairlead.domain.rules.opening import Opening
from fairlead.domain.values import ExternalRef, Money
from fairlead.store import bulk, deliveries
from fairlead.store.database import Tx

from .conftest import Desk
from .test_engagement import statements

XSS = "<script>alert(1)</script>"


def a_delivery(number: int, **changes: Any) -> Delivery:
    start, end = datetime.now(UTC).date() - timedelta(days=60), datetime.now(UTC).date()
    given: dict[str, Any] = {
        "engagement": EngagementId(f"b-{number}"),
        "number": f"ENG-{number}",
        "code": f"TH-{number}",
        "name": f"Data platform {number}",
        "client_name": "Alder GmbH",
        "refs": {
            name: ExternalRef(system="netsuite-emea", kind=kind, id=f"{name}-{number}")
            for name, kind in (("client", "customer"), ("ledger_project", "job"))
        },
        "region": "EMEA",
        "country": "DE",
        "legal_entity": "TH-LTD",
        "subsidiary": "1",
        "contract_type": ContractType.TIME_AND_MATERIALS,
        "contract_number": "C-1",
        "billing_method": "as_worked",
        "revenue_method": "as_invoiced",
        "currency": "EUR",
        "value": Money(amount=Decimal(100000), currency="EUR"),
        "budget_minutes": 60000,
        "payment_days": 30,
        "tax": TaxTreatment(
            kind=TaxKind.STANDARD, code="S", rate=Decimal("0.19"), country="DE", basis="UStG 12"
        ),
        "starts_on": start,
        "ends_on": end + timedelta(days=100),
        "packages": (
            WorkPackage(
                code="10", name="Build", hours=Decimal(500), starts_on=start,
                ends_on=end + timedelta(days=100),
            ),
        ),
    }  # fmt: skip
    return Delivery.model_validate(given | changes)


def open_books(tx: Tx, delivery: Delivery) -> None:
    rate = BillRate(
        engagement=delivery.engagement,
        role="Consultant",
        valid_from=delivery.starts_on,
        per_hour=Money(amount=Decimal(150), currency=delivery.currency),
        source="contract C-1",
    )
    now = datetime.now(UTC)
    opened = Opening(delivery=delivery, rates=(rate,), milestones=(), charges=())
    assert deliveries.open_books(tx, opened, now)


def worked(
    tx: Tx, delivery: Delivery, minutes: int = 60, *, state: str = "approved", by: str = "lead",
    narrative: str = "Interfaces",
) -> str:  # fmt: skip
    id, now = str(uuid4()), datetime.now(UTC)
    row = {
        "id": id, "engagement_id": delivery.engagement, "task": "10", "resource_id": "worker",
        "day": now.date() - timedelta(days=2), "minutes": minutes, "role": "Consultant",
        "category": "work", "billable": True, "narrative": narrative, "state": state,
        "source": "test", "source_id": id, "region": delivery.region,
        "legal_entity": delivery.legal_entity, "entered_by": "person:worker", "entered_at": now,
        "submitted_at": now, "decided_by": by if state == "approved" else None,
        "decided_at": now if state == "approved" else None, "version": 1,
    }  # fmt: skip
    bulk.insert(tx, "time_entries", [row])
    return id


def launch(desk: Desk, number: int, *minutes: int, state: str = "approved", **changes: Any) -> str:
    """An engagement with approved work, on the board; the id of its last entry."""
    with desk.db.transaction() as tx:
        delivery = a_delivery(number, **changes)
        open_books(tx, delivery)
        entry = [worked(tx, delivery, one, state=state) for one in minutes or (60,)][-1]
        desk.parts.board.keep(tx, [delivery.engagement])
    return entry


def draft(desk: Desk, number: int, who: str = "finance") -> str:
    """By the page; its reference."""
    browser = desk.signed_in(who)
    browser.get("/billing")
    answer = browser.post("/billing/draft", {"number": f"ENG-{number}"})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("card=")[2]


def row_of(desk: Desk, reference: str) -> dict[str, Any]:
    with desk.db.transaction() as tx:
        row = tx.execute("SELECT * FROM invoices WHERE reference = %s", [reference]).fetchone()
    assert row is not None
    return row


def act(
    desk: Desk, who: str, reference: str, what: str, *, htmx: bool = False, **fields: str
) -> Any:
    browser, row = desk.signed_in(who), row_of(desk, reference)
    given = {"version": str(row["version"]), "digest": row["digest"], **fields}
    path = f"/billing/invoices/{reference}/{what}"
    return browser.post(path, given, part="invoice" if htmx else None)


def text(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def lane(page: str, name: str) -> str:
    return page.split(f'data-lane="{name}"')[1].split('<div class="lane"')[0].split("</section>")[0]


@pytest.mark.parametrize(
    "path",
    ["/billing", "/billing.csv", "/billing/invoices", "/billing/invoices.csv",
     "/billing/invoices/BIL-1", "/billing/invoices/BIL-1.pdf", "/billing/preview/ENG-1"],
)  # fmt: skip
def test_billing_is_closed_to_who_has_no_part_in_it(shared_desk: Desk, path: str) -> None:
    assert shared_desk.signed_in("consultant").get(path).status_code == 403


def test_an_empty_board_says_what_comes_here(shared_desk: Desk) -> None:
    browser = shared_desk.signed_in("finance.amer")

    assert "Nothing to bill yet" in browser.get("/billing").text
    assert "No invoices yet" in browser.get("/billing/invoices").text


def test_what_is_ready_blocked_and_drafted_stands_in_its_lane(desk: Desk) -> None:
    launch(desk, 3001, 60)
    launch(desk, 3002, 120, state="submitted")
    launch(desk, 3003, 180)
    reference = draft(desk, 3003)

    page = desk.signed_in("finance").get("/billing").text

    assert "Data platform 3001" in lane(page, "ready")
    assert "1 entry of time waits for approval" in lane(page, "blocked")
    assert f"card={reference}" in lane(page, "drafted")
    assert "Draft 1 ready" in page


def test_sums_are_per_currency_and_never_added_up(desk: Desk) -> None:
    launch(desk, 3001, 600)
    usd = Money(amount=Decimal(1), currency="USD")
    launch(desk, 3002, 1200, currency="USD", value=usd)

    head = text(lane(desk.signed_in("finance").get("/billing").text, "ready"))

    assert re.search(r"EUR 2k ?, USD 3k", head)


def test_the_tabs_are_the_companies_that_the_reader_sees(desk: Desk) -> None:
    launch(desk, 3001)
    launch(desk, 3002, legal_entity="TH-GMBH")
    browser = desk.signed_in("finance")

    page, one = browser.get("/billing").text, browser.get("/billing?entity=TH-GMBH").text

    assert "TH-GMBH" in page
    assert "TH-INC" not in page
    assert "Data platform 3002" in one
    assert "Data platform 3001" not in one
    foreign = desk.signed_in("finance.amer").get("/billing?entity=TH-LTD").text
    assert "Data platform" not in foreign


def test_one_of_another_region_is_answered_as_one_that_does_not_exist(desk: Desk) -> None:
    entry = launch(desk, 3001)
    launch(desk, 3004)
    reference = draft(desk, 3001)
    browser = desk.signed_in("finance.amer")

    for path in (
        f"/billing/invoices/{reference}",
        f"/billing/invoices/{reference}.pdf",
        f"/billing/items/{entry}",
        "/billing/preview/ENG-3001",
    ):
        assert browser.get(path).status_code == 404
    assert "It is not on the board" in browser.get(f"/billing?card={reference}").text
    assert "It is not on the board" in browser.get("/billing?card=ENG-3004").text
    assert browser.post("/billing/draft", {"number": "ENG-3004"}).status_code == 404
    hold = {"number": "ENG-3004", "reason": "x"}
    assert browser.post("/billing/hold", hold).status_code == 404


def test_the_preview_says_what_drafting_would_make_and_marks_the_tax_as_an_estimate(
    desk: Desk,
) -> None:
    launch(desk, 3001, 60, 90)
    shown = text(desk.signed_in("finance").get("/billing/preview/ENG-3001", part="paper").text)

    assert "Not a tax document until posted" in shown
    assert "2 entries 2.5 h 150.00 375.00" in shown
    assert "Net 375.00" in shown
    assert "Tax 19 % estimate 71.25" in shown
    assert "To pay estimate 446.25" in shown

    reference = draft(desk, 3001)
    assert row_of(desk, reference)["net"] == Decimal(375)


def test_why_it_is_blocked_names_who_settles_what_and_where(desk: Desk) -> None:
    launch(desk, 3001, 60, state="submitted", refs={})

    page = desk.signed_in("finance").get("/billing?card=ENG-3001").text

    assert "18 of 20 checks passed" in text(page)
    assert 'href="/engagements/ENG-3001/systems"' in page
    assert "The ledger knows client and project: no." in text(page)


def test_finance_drafts_and_reviews_and_the_controller_releases(desk: Desk) -> None:
    launch(desk, 3001)
    reference = draft(desk, 3001)

    assert act(desk, "finance", reference, "review").status_code == 303
    assert row_of(desk, reference)["state"] == "reviewed"
    assert act(desk, "controller", reference, "release").status_code == 303
    row = row_of(desk, reference)
    assert (row["state"], row["released_by"]) == ("released", "controller")


def test_who_may_not_is_told_why_and_whom_to_ask(desk: Desk) -> None:
    launch(desk, 3001)
    reference = draft(desk, 3001)
    act(desk, "finance", reference, "review")
    path = f"/billing?card={reference}"

    finance, lead = (desk.signed_in(who).get(path).text for who in ("finance", "pmo-lead"))

    assert "Release: Controller only. Ask controller." in text(finance)
    assert "Draft this one" not in lead
    assert f'action="/billing/invoices/{reference}' not in lead
    assert act(desk, "finance", reference, "release").status_code == 403
    assert act(desk, "pmo-lead", reference, "discard", reason="x").status_code == 403
    assert row_of(desk, reference)["state"] == "reviewed"


def test_who_had_a_hand_in_it_or_has_no_such_limit_is_told_before_they_press(desk: Desk) -> None:
    with desk.db.transaction() as tx:
        delivery = a_delivery(3001)
        open_books(tx, delivery)
        worked(tx, delivery, by="controller")
        desk.parts.board.keep(tx, [delivery.engagement])
    launch(desk, 3002, 1400, currency="CHF", value=Money(amount=Decimal(1), currency="CHF"))
    mine, dear = draft(desk, 3001), draft(desk, 3002)
    act(desk, "finance", mine, "review")
    act(desk, "finance", dear, "review")
    browser = desk.signed_in("controller")

    assert "Not by you: you did, entered or approved its work." in text(
        browser.get(f"/billing?card={mine}").text
    )
    assert "Over your limit: CHF 3,500.00" in text(browser.get(f"/billing/invoices/{dear}").text)
    assert act(desk, "controller", mine, "release").status_code == 403
    assert act(desk, "controller", dear, "release").status_code == 403


def test_what_changed_meanwhile_is_refused_beside_the_form(desk: Desk) -> None:
    launch(desk, 3001)
    reference = draft(desk, 3001)
    act(desk, "finance", reference, "review")

    again = act(desk, "finance", reference, "review", htmx=True)
    old = act(desk, "finance", reference, "discard", htmx=True, version="1", reason="Mine")

    for answer in (again, old):
        assert answer.status_code == 409
        assert answer.headers["HX-Retarget"] == "#notice"
        assert "Decided by another" in answer.text


def test_what_holds_a_release_is_told_one_by_one(desk: Desk) -> None:
    launch(desk, 3001)
    reference = draft(desk, 3001)
    act(desk, "finance", reference, "review")
    held = {"number": "ENG-3001", "reason": "The client is angry."}
    assert desk.signed_in("finance").post("/billing/hold", held).status_code == 303

    answer = act(desk, "controller", reference, "release", htmx=True)

    assert answer.status_code == 409
    assert "The client is angry." in answer.text


def test_a_hold_is_placed_and_let_go_with_a_reason(desk: Desk) -> None:
    launch(desk, 3001)
    b = desk.signed_in("finance")
    assert b.post("/billing/hold", {"number": "ENG-3001", "reason": ""}).status_code == 422
    b.post("/billing/hold", {"number": "ENG-3001", "reason": "Client asks."})

    page = b.get("/billing?card=ENG-3001").text
    assert "Held by you" in page
    assert "Client asks." in lane(page, "blocked")
    hold = re.search(r'name="hold" value="([^"]+)"', page)
    assert hold is not None
    lifted = {"number": "ENG-3001", "hold": hold[1], "reason": "They agree."}
    assert b.post("/billing/lift", lifted).status_code == 303

    assert "Data platform 3001" in lane(b.get("/billing").text, "ready")
    assert b.post("/billing/lift", lifted).status_code == 409


def test_drafting_all_says_what_came_of_each_and_can_be_undone(desk: Desk) -> None:
    launch(desk, 3001)
    launch(desk, 3002)
    b = desk.signed_in("finance")

    answer = b.post("/billing/draft", {"number": ""}, part="board")

    assert answer.status_code == 200
    references = re.findall(r"/billing/invoices/(BIL-\d+)/discard", answer.text)
    assert len(set(references)) == 2
    undo = {"version": "1", "reason": "Undone at once", "from": "board"}
    b.post(f"/billing/invoices/{references[0]}/discard", undo, part="board")
    assert row_of(desk, references[0])["state"] == "discarded"
    assert lane(b.get("/billing").text, "ready").count("data-card") == 1


def test_an_invoice_names_what_each_line_is_made_of(desk: Desk) -> None:
    entry = launch(desk, 3001, 60, 90)
    reference = draft(desk, 3001)
    page = desk.signed_in("finance").get(f"/billing/invoices/{reference}").text
    told = text(page)

    assert f'href="/billing/items/{entry}"' in page
    assert "2 entries of 1 person" in told
    assert "EUR 150.00 an hour" in told
    assert "contract C-1" in told
    assert "Drafted, you" in told
    where = text(desk.signed_in("finance").get(f"/billing/items/{entry}").text)
    assert f"In {reference}, which is proposed." in where


def test_items_are_left_out_with_a_reason_and_the_rest_is_drafted_anew(desk: Desk) -> None:
    entry = launch(desk, 3001, 60, 90)
    reference = draft(desk, 3001)

    answer = act(desk, "finance", reference, "exclude", pick=f"time:{entry}", reason="Not agreed")

    assert answer.status_code == 303
    made = answer.headers["location"].rpartition("/")[2]
    assert row_of(desk, reference)["state"] == "discarded"
    assert row_of(desk, made)["net"] == Decimal(150)
    assert act(desk, "finance", made, "exclude", reason="x").status_code == 422


def test_what_was_released_is_credited_and_disputed_not_edited(desk: Desk) -> None:
    launch(desk, 3001)
    reference = draft(desk, 3001)
    act(desk, "finance", reference, "review")
    assert act(desk, "finance", reference, "credit", reason="x").status_code == 409
    act(desk, "controller", reference, "release")

    disputed = act(
        desk, "finance", reference, "dispute", cause="hours", reason="We doubt it.", amount="100.50"
    )
    assert disputed.status_code == 303
    assert act(desk, "finance", reference, "dispute", cause="x", reason="y").status_code == 422
    credit = act(desk, "finance", reference, "credit", reason="Agreed with the client")
    assert credit.status_code == 303

    shown = text(desk.signed_in("finance").get(f"/billing/invoices/{reference}").text)
    assert "Dispute Hours We doubt it." in shown
    assert "EUR 100.50" in shown
    assert "Agreed with the client" in shown
    assert act(desk, "finance", reference, "discard", reason="x").status_code == 409


def test_the_print_is_a_pdf_of_what_the_reader_sees(desk: Desk) -> None:
    launch(desk, 3001)
    reference = draft(desk, 3001)
    answer = desk.signed_in("auditor").get(f"/billing/invoices/{reference}.pdf")

    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert (
        answer.content
        == desk.signed_in("auditor").get(f"/billing/invoices/{reference}.pdf").content
    )


def test_the_list_filters_sorts_and_pages(desk: Desk) -> None:
    for number in range(3001, 3004):
        launch(desk, number, 60 * (number - 3000), client_name=f"Client {number}")
        draft(desk, number)
    b = desk.signed_in("finance")

    page = b.get("/billing/invoices?state=proposed&q=Client+3002").text
    falling = b.get("/billing/invoices?sort=-net").text

    assert page.count("<tr data-row") == 1
    assert 'href="/billing/invoices?q=Client+3002"' in page
    assert falling.index("Client 3003") < falling.index("Client 3001")
    assert "<tr data-row" not in b.get("/billing/invoices?state=paid").text
    assert (
        b.get("/billing/invoices?state=x&after=zzz&kind=q&q=Client").text.count("<tr data-row") == 3
    )


@pytest.mark.parametrize("sort", ["proposed", "-net", "net", "due", "-due", "client", "-client"])
def test_a_page_of_the_list_goes_on_where_the_last_one_ended(
    desk: Desk, sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3001, 3004):
        launch(desk, number, client_name=f"Client {number}")
        draft(desk, number)
    monkeypatch.setattr("fairlead.web.listing.PAGE", 1)
    b, path, seen = (
        desk.signed_in("finance"),
        f"/billing/invoices?q=Client&sort={sort}",
        list[str](),
    )

    for _ in range(3):
        page = b.get(path).text
        seen += re.findall(r'<tr data-row>\s*<th[^>]*><a href="([^"]+)"', page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        path = following[1].replace("&amp;", "&") if following else path

    assert len(seen) == len(set(seen)) == 3


def test_files_hold_every_row_and_nothing_that_a_spreadsheet_runs(desk: Desk) -> None:
    launch(desk, 3001, client_name="=cmd()")
    launch(desk, 3002, client_name="=cmd()")
    draft(desk, 3001)
    b = desk.signed_in("finance")

    assert "'=cmd()" in b.get("/billing/invoices.csv").text
    assert "'=cmd()" in b.get("/billing.csv").text


def test_filters_are_kept_under_a_name(desk: Desk) -> None:
    b = desk.signed_in("finance")
    b.get("/billing/invoices")
    b.post("/billing/invoices/views", {"name": "Mine", "query": "?state=open&after=x"})

    page = b.get("/billing/invoices").text

    assert 'href="/billing/invoices?state=open"' in page
    b.post("/billing/invoices/views/rename", {"name": "Mine", "new": "Ours"})
    b.post("/billing/invoices/views/delete", {"name": "Ours"})
    assert "No view kept yet" in b.get("/billing/invoices").text


def test_words_from_outside_are_printed_as_text(desk: Desk) -> None:
    with desk.db.transaction() as tx:
        delivery = a_delivery(3001, name=XSS, client_name=XSS, purchase_order=XSS)
        open_books(tx, delivery)
        entry = worked(tx, delivery, narrative=XSS)
        desk.parts.board.keep(tx, [delivery.engagement])
    b = desk.signed_in("finance")
    before = [b.get(path).text for path in ("/billing", "/billing/preview/ENG-3001")]
    reference = draft(desk, 3001)
    act(desk, "finance", reference, "discard", reason=XSS)

    after = [
        b.get(path).text
        for path in (
            f"/billing?card={reference}",
            f"/billing/invoices/{reference}",
            f"/billing/items/{entry}",
            "/billing/invoices",
        )
    ]

    assert not [page for page in before + after if XSS in page]


def test_the_side_bar_counts_what_waits_for_the_reader(desk: Desk) -> None:
    """One draft is there already."""
    launch(desk, 3001)
    launch(desk, 3002)
    reference = draft(desk, 3002)
    act(desk, "finance", reference, "review")

    def waiting(who: str) -> str | None:
        page = desk.signed_in(who).get("/side").text
        found = re.search(r'href="/billing".*?</a>', page, re.S)
        assert found is not None
        number = re.search(r'aria-label="(\d+) open"', found[0])
        return number and number[1]

    assert (waiting("finance"), waiting("controller"), waiting("pmo-lead")) == ("2", "1", None)


def test_an_old_board_says_so(desk: Desk) -> None:
    launch(desk, 3001)
    with desk.db.transaction() as tx:
        tx.execute("UPDATE readiness_board SET computed_at = computed_at - interval '150 minutes'")

    page = text(desk.signed_in("finance").get("/billing").text)
    assert "What is blocked or ready is 2 h old." in page


@pytest.mark.parametrize(
    "path",
    ["/billing", "/billing?card={ready}", "/billing?card={drafted}", "/billing/invoices",
     "/billing/invoices/{drafted}"],
)  # fmt: skip
def test_a_page_asks_at_most_six_queries(
    desk: Desk, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside what every page asks."""
    launch(desk, 3001)
    launch(desk, 3002)
    drafted = draft(desk, 3002)
    act(desk, "finance", drafted, "review")
    browser = desk.signed_in("controller")
    with statements(monkeypatch) as every_page:
        browser.get("/account")
    with statements(monkeypatch) as asked:
        answer = browser.get(path.format(ready="ENG-3001", drafted=drafted))

    assert answer.status_code == 200
    assert 0 < len(asked) - len(every_page) <= 6


def test_a_press_on_a_card_brings_only_what_is_below_the_board(desk: Desk) -> None:
    launch(desk, 3001)
    answer = desk.signed_in("finance").get("/billing?card=ENG-3001", part="preview")

    assert answer.text.lstrip().startswith('<div id="preview"')
    assert "data-board" not in answer.text
