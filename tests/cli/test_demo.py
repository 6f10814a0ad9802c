"""The demo: its deals are what they are said to be, its proof can fail, and it runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import simplejson

from fairlead.bootstrap import Fairlead
from fairlead.cli.demo_deals import Book, Deal, load_deals
from fairlead.cli.demo_faults import declared
from fairlead.cli.demo_ledger import Row
from fairlead.cli.demo_money import Money as WeeksMoney
from fairlead.cli.demo_money_proof import prove_money
from fairlead.cli.demo_people import supplied
from fairlead.cli.demo_proof import prove
from fairlead.cli.demo_proof_places import OWN
from fairlead.cli.demo_seller import plant_deals
from fairlead.cli.world import open_world
from fairlead.config import SAMPLE, Settings
from fairlead.domain.model.contract import ContractType
from fairlead.domain.rules.project_setup import PackageTemplate, ProjectTemplate, RoleTemplate

TEMPLATES = {
    "small": ProjectTemplate(
        id="small",
        packages=(
            PackageTemplate(
                code="10",
                name="All of it",
                effort=Decimal(1),
                from_share=Decimal(0),
                to_share=Decimal(1),
            ),
        ),
        roles=(RoleTemplate(role="Consultant", effort=Decimal(1)),),
        budget_rate=Decimal(100),
    )
}
DEFAULTS: dict[str, Any] = {
    "starts_on": "2027-01-11",
    "ends_on": "2027-09-30",
    "contract_from": "2026-11-01",
    "signed_on": "2026-10-30",
    "signed_late_on": "2026-11-20",
    "closes_on": "2026-11-20",
    "payment_days": 30,
}


def small_book(**more: Any) -> Book:
    """One deal: two billing lines in EMEA."""
    deal = {
        "id": "one-deal",
        "crm": "salesforce-emea",
        "client": "only",
        "name": "The only deal",
        "region": "EMEA",
        "country": "DE",
        "legal_entity": "TH-GMBH",
        "service_line": "Cloud engineering",
        "contract_type": "milestone",
        "template": "small",
        "tax": "DE-STANDARD",
        "value": "EUR 1000.01",
        "terms": [
            {"name": "First", "amount": "400.00", "due_on": "2027-03-01"},
            {"name": "Second", "amount": "600.01", "due_on": "2027-06-01"},
        ],
        **more,
    }
    return Book.model_validate(
        {
            "before": {"currencies": {}, "rate_cards": {}, "ledger_clients": []},
            "clients": {"only": {"name": "Only Client GmbH", "country": "DE", "city": "Ulm"}},
            "defaults": DEFAULTS,
            "deals": [deal],
        }
    )


class Books:
    """The rows of the sandbox's ledger, as its control API gives them."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def add(
        self, system: str, kind: str, id: str, body: dict[str, Any], path: str = "/api"
    ) -> None:
        self._row("create", system, kind, id, body, path)

    def change(self, system: str, kind: str, id: str, body: dict[str, Any]) -> None:
        self._row("update", system, kind, id, body, "/api")

    def without(self, kind: str, id: str) -> None:
        self.rows = [row for row in self.rows if (row["object"], row["id"]) != (kind, id)]

    def _row(
        self, operation: str, system: str, kind: str, id: str, body: dict[str, Any], path: str
    ) -> None:
        self.rows.append(
            {
                "system": system,
                "operation": operation,
                "object": kind,
                "id": id,
                "path": path,
                "body": body,
            }
        )


def a_job(name: str = "The only deal", *, parent: str, tax: str = "DE-STANDARD") -> dict[str, Any]:
    return {
        "companyName": name,
        "parent": {"id": parent},
        "custentity_fairlead_tax_code": tax,
    }


def complete_books() -> Books:
    """Everything that the small book calls for, once."""
    books = Books()
    ledger, projects = "netsuite-emea", "kantata"
    project = {"project": {"id": "5"}}
    books.add(ledger, "customer", "7", {"companyName": "Only Client GmbH"})
    books.add(ledger, "job", "5", a_job(parent="7"))
    books.add(ledger, "projectTask", "1", {"title": "10 All of it", **project})
    lines = [{"milestoneAmount": Decimal("400.00")}, {"milestoneAmount": Decimal("600.01")}]
    books.add(ledger, "billingSchedule", "2", {"milestone": {"items": lines}, **project})
    books.add(projects, "roles", "3", {"name": "Consultant"}, path="")
    workspace = {"title": "TH-2001 The only deal", "archived": False}
    books.add(projects, "workspaces", "4", workspace)
    task = {"workspace_id": 4, "title": "10 All of it", "story_type": "task"}
    books.add(projects, "stories", "6", task)
    for number, name in enumerate(("First", "Second"), 1):
        mark = {"workspace_id": 4, "title": f"{number} {name}", "story_type": "milestone"}
        books.add(projects, "stories", f"6{number}", mark)
    books.add(projects, "workspace_resources", "8", {"workspace_id": 4, "role_id": 3})
    books.add(projects, "workspace_allocations", "9", {"resource_id": 8})
    add_places(books)
    deal = {"Name": "The only deal"}
    books.add("salesforce-emea", "Opportunity", "006", deal, path="/_sandbox/x")
    told = {"Fairlead_Engagement__c": "ENG-2001", "Fairlead_State__c": "launched"}
    books.change("salesforce-emea", "Opportunity", "006", {**deal, **told})
    return books


def add_places(books: Books) -> None:
    title = "Only Client GmbH: The only deal"
    folder = {"name": "TH-2001 Only Client GmbH- The only deal", "folder": True, "parent": "root"}
    books.add("sharepoint", "drive_items", "10", folder)
    purpose = {"value": f"TH-2001 {title} (Fairlead fl-abc)"}
    books.add("slack", "channels", "11", {"purpose": purpose})
    asked, launched = "ENG-1 waits for its launch approval", f"ENG-1 is launched: {title}"
    for number, words in enumerate((asked, launched)):
        post = {"channel": "11", "text": words, "metadata": {"event_type": "fairlead_notice"}}
        books.add("slack", "messages", f"12-{number}", post)
        mail = {
            "subject": words,
            "text": f"{title} is set up.",
            "message_id": f"<{number}@x>",
            "to": [f"ines.moreau{OWN}"],
        }
        books.add("mail", "messages", f"13-{number}", mail)


def proof(books: Books, book: Book | None = None) -> dict[tuple[str, str], Row]:
    rows = prove(book or small_book(), TEMPLATES, books.rows)
    return {(row.system, row.object): row for row in rows}


def broken(books: Books, book: Book | None = None) -> set[tuple[str, str, int, int]]:
    """What does not hold: system, object, duplicates, missing."""
    return {
        (row.system, row.object, row.duplicates, row.missing)
        for row in proof(books, book).values()
        if not row.holds
    }


def test_the_proof_holds_where_everything_is_there_once() -> None:
    rows = proof(complete_books())
    assert [row for row in rows.values() if not row.holds] == []
    assert rows["netsuite-emea", "billing line"].found == 2
    assert rows["salesforce-emea", "write-back"].found == 1


def test_the_proof_sees_a_second_record() -> None:
    books = complete_books()
    books.add("kantata", "workspaces", "40", {"title": "TH-2001 The only deal", "archived": False})
    assert broken(books) == {("kantata", "workspace", 1, 0)}


def test_the_proof_sees_a_second_record_that_was_deleted_again() -> None:
    books = complete_books()
    twice = {"companyName": "Only Client GmbH"}
    books.add("netsuite-emea", "customer", "70", twice)
    books.rows.append({**books.rows[-1], "operation": "delete"})
    assert broken(books) == {("netsuite-emea", "customer", 1, 0)}


def test_the_proof_sees_a_missing_record() -> None:
    books = complete_books()
    books.without("workspace_allocations", "9")
    assert broken(books) == {("kantata", "allocation", 0, 1)}


def test_the_proof_sees_a_cent() -> None:
    books = complete_books()
    schedule = next(row for row in books.rows if row["object"] == "billingSchedule")
    schedule["body"]["milestone"]["items"][0]["milestoneAmount"] = Decimal("399.99")
    assert broken(books) == {("netsuite-emea", "sum of the lines", 1, 1)}


def test_the_proof_sees_a_job_of_another_client() -> None:
    books = complete_books()
    books.add("netsuite-emea", "customer", "71", {"companyName": "Other"}, path="/_sandbox/x")
    books.change("netsuite-emea", "job", "5", a_job(parent="71"))
    assert broken(books) == {("netsuite-emea", "job's parent", 1, 1)}


def test_the_proof_sees_another_tax_code() -> None:
    books = complete_books()
    books.change("netsuite-emea", "job", "5", a_job(parent="7", tax="DE-REVERSE-CHARGE"))
    assert broken(books) == {("netsuite-emea", "job's tax code", 1, 1)}


def test_the_proof_sees_a_second_folder_channel_and_post() -> None:
    books = complete_books()
    for kind in ("drive_items", "channels", "messages"):
        first = next(row for row in books.rows if row["object"] == kind)
        books.add(first["system"], kind, "99", dict(first["body"]))
    assert broken(books) == {
        ("sharepoint", "folder", 1, 0),
        ("slack", "channel", 1, 0),
        ("slack", "post", 1, 0),
    }


def test_a_mail_that_came_twice_under_one_message_id_is_one_mail() -> None:
    books = complete_books()
    mail = next(row for row in books.rows if row["system"] == "mail")
    books.add("mail", "messages", "99", dict(mail["body"]))
    assert not broken(books)
    books.add("mail", "messages", "98", {**mail["body"], "message_id": "<another@x>"})
    assert broken(books) == {("mail", "mail", 1, 0)}


def test_the_proof_sees_a_document_under_another_retention_class() -> None:
    book = small_book(envelope=True, retention="Contracts 10 years")
    books = complete_books()
    filed = {"name": "SOW one-deal.pdf", "folder": False, "parent": "10"}
    books.add("sharepoint", "drive_items", "14", {**filed, "retention": "Contracts 10 years"})
    assert not broken(books, book)
    books.change("sharepoint", "drive_items", "14", {**filed, "retention": "7 years"})
    found = broken(books, book)
    assert found == {("sharepoint", "document and its retention class", 1, 1)}


def test_the_proof_sees_a_requisition_that_is_missing_or_of_another_vendor() -> None:
    needs = [{"role": "Tester", "hours": "10", "cost": "900", "vendor": "H", "bought_from": "H AG"}]
    book, books = small_book(buys=needs), complete_books()
    requisition = "netsuite-emea", "purchaseRequisition"
    assert broken(books, book) == {(*requisition, 0, 1)}
    books.add("netsuite-emea", "vendor", "20", {"companyName": "H AG"}, path="/_sandbox/x")
    line = {"customer": {"id": "5"}, "memo": "Tester, 10 h", "estimatedAmount": Decimal("900.00")}
    full = {"expense": {"items": [{**line, "poVendor": {"id": "20"}}]}}
    books.add(*requisition, "21", full)
    assert not broken(books, book)
    books.change(*requisition, "21", {"expense": {"items": [line]}})
    assert broken(books, book) == {(*requisition, 1, 1)}


def test_the_proof_sees_a_part_that_is_not_below_its_whole() -> None:
    phase = {
        "name": "North", "value": "1000.01", "region": "EMEA", "country": "DE",
        "legal_entity": "TH-GMBH", "template": "small", "tax": "DE-STANDARD",
    }  # fmt: skip
    book, books = small_book(phases=[phase]), complete_books()
    part = "The only deal: North"
    assert ("netsuite-emea", "job", 0, 1) in broken(books, book)
    books.add("netsuite-emea", "job", "50", a_job(part, parent="7"))
    assert ("netsuite-emea", "job's parent", 1, 1) in broken(books, book)
    books.change("netsuite-emea", "job", "50", a_job(part, parent="5"))
    named = {(object, extra, lacks) for _, object, extra, lacks in broken(books, book)}
    assert {words for words in named if words[0].startswith("job")} == set()
    assert ("sub-project", 0, 1) in named  # the project system does not say it is a part
    assert ("billingSchedule", 1, 1) in named  # it is the part that is billed, not the whole


def test_the_proof_sees_what_was_made_for_a_deal_that_waits() -> None:
    waits = {"step": "contract_signed", "owner": "legal"}
    waiting = small_book(ends_as="waiting", tax=None, waits=waits)
    found = broken(complete_books(), waiting)
    assert ("netsuite-emea", "job", 1, 0) in found
    assert ("kantata", "workspace", 1, 0) in found
    assert ("salesforce-emea", "write-back", 1, 0) in found


def test_the_proof_sees_that_a_declined_set_up_stayed_open() -> None:
    declined = small_book(ends_as="declined", refused_because="too dear")
    assert broken(complete_books(), declined) == {
        ("netsuite-emea", "closed job", 0, 1),
        ("kantata", "archived workspace", 0, 1),
        ("kantata", "milestone", 2, 0),
        ("salesforce-emea", "write-back", 1, 0),
        ("slack", "post", 1, 0),
        ("mail", "mail", 1, 0),
    }


def a_ledger_with(*lines: tuple[str, str], paid: str = "50") -> list[dict[str, Any]]:
    """One invoice of these lines: description and amount."""
    total = sum(Decimal(amount) for _, amount in lines)
    body = {
        "custbody_fairlead_reference": "BIL-1",
        "item": {"items": [{"description": d, "amount": amount} for d, amount in lines]},
        "tranId": "INV-1", "taxTotal": Decimal("19.00"), "total": total + 19,
        "amountPaid": Decimal(paid),
    }  # fmt: skip
    books = Books()
    books.add("netsuite-emea", "invoice", "1", body)
    return books.rows


BOTH = ("a", "BIL-1", "60.00"), ("b", "BIL-1", "40.00")


def billed(*items: tuple[str, str, str], earned: str = "80") -> WeeksMoney:
    """What Fairlead says: one posted invoice of two lines, and items, each of an invoice and for
    an amount; those of BIL-0 are free again."""
    lines = [
        {"description": name, "amount": {"amount": amount}}
        for name, amount in (("Design", "60.00"), ("Build", "40.00"))
    ]
    ref = {"system": "netsuite-emea", "kind": "invoice", "id": "1"}
    amounts = {"earned": earned, "billed": "100", "wip": "0", "deferred": "20"}
    return WeeksMoney(
        invoices=[
            {
                "reference": "BIL-1",
                "state": "posted",
                "ref": ref,
                "lines": lines,
                "number": "INV-1",
                "tax": {"amount": "19"},
                "total": {"amount": "119.00"},
                "paid": {"amount": "50.00"},
            }
        ],
        items=[
            {
                "kind": "time",
                "item": item,
                "live": of != "BIL-0",
                "invoice": of,
                "amount": {"amount": Decimal(amount) + 1},
                "discount": {"amount": "-1"},
                "capped": None,
                "drawn": None,
            }
            for item, of, amount in items
        ],
        statements=[
            {
                "number": "ENG-1",
                "position": {name: {"amount": amount} for name, amount in amounts.items()},
            }
        ],
    )


def money_broken(money: WeeksMoney, rows: list[dict[str, Any]]) -> set[tuple[str, int, int]]:
    found = prove_money(money, rows)
    return {(row.object, row.duplicates, row.missing) for row in found if not row.holds}


def test_the_proof_of_money_holds_where_books_agree_to_the_cent() -> None:
    rows = a_ledger_with(("Design", "60"), ("Build", "40.00"))
    assert money_broken(billed(*BOTH, ("a", "BIL-0", "60.00")), rows) == set()


def test_the_proof_of_money_sees_a_cent() -> None:
    rows = a_ledger_with(("Design", "60.01"), ("Build", "40"))
    assert money_broken(billed(*BOTH), rows) == {
        ("invoice line, to the cent", 1, 1),
        ("invoice = billing events, to the cent", 1, 1),
        ("invoice number, tax and total", 1, 1),
    }


def test_the_proof_of_money_sees_that_more_was_worked_than_billed() -> None:
    rows = a_ledger_with(("Design", "60"), ("Build", "40"))
    worked = billed(*BOTH, ("c", "BIL-1", "0.01"))
    assert money_broken(worked, rows) == {("invoice = billing events, to the cent", 1, 1)}


def test_the_proof_of_money_sees_another_payment() -> None:
    rows = a_ledger_with(("Design", "60"), ("Build", "40"), paid="119")
    assert money_broken(billed(*BOTH), rows) == {("what is paid of an invoice", 1, 1)}


def test_the_proof_of_money_sees_an_entry_that_was_billed_twice() -> None:
    rows = a_ledger_with(("Design", "60"), ("Build", "40"))
    twice = billed(*BOTH, ("a", "BIL-2", "60.00"))
    assert money_broken(twice, rows) == {("item in a live invoice", 1, 0)}


def test_the_proof_of_money_sees_hours_that_payroll_did_not_pay() -> None:
    money = billed(*BOTH)
    money.paid = {"ayo@th.example": Decimal("15.50")}
    books = Books()
    books.rows = a_ledger_with(("Design", "60"), ("Build", "40.00"))
    books.add("xero-uk", "employees", "e-1", {"email": "ayo@th.example"}, "/_sandbox/xero-uk")
    sheet = {"employeeID": "e-1", "totalHours": Decimal("15.5"), "status": "Approved"}
    books.add("xero-uk", "timesheets", "s-1", sheet)
    assert money_broken(money, books.rows) == {("hours of a person, paid", 0, 1)}
    books.change("xero-uk", "timesheets", "s-1", {**sheet, "status": "Completed"})
    assert money_broken(money, books.rows) == set()
    books.add("xero-uk", "timesheets", "s-2", {**sheet, "status": "Completed"})
    assert money_broken(money, books.rows) == {("hours of a person, paid", 1, 0)}


def test_the_proof_of_money_sees_revenue_that_does_not_reconcile() -> None:
    rows = a_ledger_with(("Design", "60"), ("Build", "40"))
    broken = money_broken(billed(*BOTH, earned="81"), rows)
    assert broken == {("earned - billed = WIP - deferred", 0, 1)}


def test_phases_that_do_not_add_up_are_refused() -> None:
    phase = {
        "name": "North", "value": "1000.00", "region": "EMEA", "country": "DE",
        "legal_entity": "TH-GMBH", "template": "small", "tax": "DE-STANDARD",
    }  # fmt: skip
    with pytest.raises(ValueError, match="phases do not add up"):
        small_book(phases=[phase])


def test_billing_terms_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="do not add up"):
        small_book(value="EUR 1000.02")


def of(book: Book, **fields: Any) -> list[Deal]:
    return [d for d in book.deals if all(getattr(d, n) == v for n, v in fields.items())]


def test_the_deals_are_of_every_kind() -> None:
    book = load_deals()
    assert len(book.deals) >= 40
    assert {deal.contract_type for deal in book.deals} == set(ContractType)
    assert {deal.region for deal in book.deals} == {"EMEA", "AMER", "APAC"}
    assert {deal.crm for deal in book.deals} == {"salesforce-emea", "salesforce-amer"}
    assert {deal.ledger for deal in book.deals} == {"netsuite-emea", "netsuite-amer"}
    currencies = {deal.value.currency for deal in book.deals}
    assert currencies == {"EUR", "GBP", "USD", "CAD", "SGD", "AUD", "JPY", "CHF"}


def test_the_deals_are_awkward_in_every_way() -> None:
    book = load_deals()
    for told in ("repeated", "late", "never"):
        assert of(book, told=told), told
    assert len({field for deal in book.deals for field in deal.blank}) >= 8
    assert [deal for deal in of(book, ends_as="waiting") if deal.blank]
    assert [deal for deal in of(book, ends_as="waiting") if deal.contract_says]
    assert of(book, contract="signed_later")
    assert of(book, ends_as="declined")
    assert of(book, ends_as="awaiting_launch")
    assert [deal for deal in book.deals if deal.chosen_by]
    crms_of = {deal.client: {d.crm for d in of(book, client=deal.client)} for deal in book.deals}
    assert any(len(crms) == 2 for crms in crms_of.values()), "one new client from two CRMs"


def test_six_ways_are_told() -> None:
    told = [deal for deal in load_deals().deals if deal.story]
    assert {deal.story for deal in told} == set("abcdef")
    assert {phase.ledger for deal in told for phase in deal.phases} == {
        "netsuite-emea", "netsuite-amer",
    }  # fmt: skip
    assert {deal.retention for deal in told if deal.envelope} == {
        "Contracts 10 years", "Engagement records 7 years",
    }  # fmt: skip
    for what in ("quote", "phases", "buys", "clauses", "reviewed_first", "judged", "blank"):
        assert any(getattr(deal, what) for deal in told), what


@pytest.mark.parametrize("today", ["2026-11-28", "2027-02-28", "2030-01-01"])
def test_work_has_gone_on_for_some_weeks_whenever_the_demo_is_played(today: str) -> None:
    book, moved = load_deals(), load_deals().begun(date.fromisoformat(today))

    weeks = (date.fromisoformat(today) - moved.defaults.starts_on).days / 7
    assert 4 <= weeks <= 10
    assert [deal.id for deal in moved.deals] == [deal.id for deal in book.deals]
    for before, now in zip(book.deals, moved.deals, strict=True):
        assert now.signed_on <= now.starts_on < now.ends_on
        assert now.lines == before.lines
        assert [term.due_on is None for term in now.terms] == [
            term.due_on is None for term in before.terms
        ]


def test_whoever_supplies_a_value_knows_it() -> None:
    book = load_deals()
    for deal in book.deals:
        assert all(supplied(book, deal).values()), deal.id


def test_every_deal_names_what_the_firm_has(tmp_path: Path) -> None:
    firm = Fairlead(Settings(data=tmp_path, config=SAMPLE)).firm
    for deal in load_deals().deals:
        for place in (deal, *deal.phases):
            assert firm.template(place.template).packages
            assert firm.legal_entity(place.legal_entity)


def test_lost_answers_are_declared_for_every_kind_of_system() -> None:
    rules = declared(load_deals())
    lost = {system for system, named in rules.items() for name in named if "answer lost" in name}
    assert lost | {"mail", "docusign"} == set(rules)  # mail is cut off; nothing is signed by us


def test_deals_are_planted_once_per_data_directory(tmp_path: Path) -> None:
    book = load_deals()
    world = open_world(tmp_path, "http://127.0.0.1:1")
    try:
        assert plant_deals(world.sandbox, book) == len(book.deals)
        planted = len(world.sandbox.ledger())
        assert plant_deals(world.sandbox, book) == 0
        assert len(world.sandbox.ledger()) == planted
    finally:
        world.stop()


def _stays_at(said: str) -> str | None:
    found = re.search(r"All of it is at (\S+)\. .*Password: \S+\n", said)
    return found[1] if found else None


@pytest.mark.slow
@pytest.mark.takes(80)
def test_the_demo_proves_itself_and_stays_to_be_looked_at(tmp_path: Path) -> None:
    result_file, said_file = tmp_path / "result.json", tmp_path / "said.txt"
    with result_file.open("w") as result_to, said_file.open("w") as said_to:
        demo = subprocess.Popen(
            [sys.executable, "-m", "fairlead.cli.main", "demo", "--json", "--stay"],
            env={**os.environ, "FAIRLEAD_DATA": str(tmp_path)},
            stdout=result_to,
            stderr=said_to,
        )
    try:
        ends, stays = time.monotonic() + 400, None
        while demo.poll() is None and stays is None:
            assert time.monotonic() < ends
            time.sleep(0.2)
            stays = _stays_at(said_file.read_text())
        assert demo.poll() is None, said_file.read_text()[-3000:]
        assert httpx.get(f"{stays}/sign-in").status_code == 200
        demo.terminate()  # as Ctrl-C
        assert demo.wait(60) == 0, said_file.read_text()[-3000:]
    finally:
        demo.kill()
        demo.wait()
    result = simplejson.loads(result_file.read_text("utf-8"))
    assert set(result) == {"accounts", "engagements", "effects", "faults", "proof"}
    assert len(result["engagements"]) == len(load_deals().deals)
    for one in result["engagements"]:
        assert set(one) == {"deal", "state", "waiting_on", "seconds"}
        assert all(set(wait) == {"step", "owner", "reason"} for wait in one["waiting_on"])
    assert result["effects"].keys() == {"confirmed", "refused", "unknown"}
    assert result["effects"]["confirmed"] > 300
    assert all(times > 0 for times in result["faults"].values())
    columns = {"system", "object", "expected", "found", "duplicates", "missing"}
    for row in result["proof"]:
        assert set(row) == columns
        assert row["expected"] == row["found"]
        assert row["duplicates"] == row["missing"] == 0
    assert not (tmp_path / "demo" / "postgres" / "postmaster.pid").exists()
