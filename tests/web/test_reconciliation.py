"""Reconciliation: what differs, whose it is, what people may do about it, and a month's books."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import uuid4

import pytest

from fairlead.capabilities.reconciliation.books import LEDGER, LEDGER_INVOICES, LEDGER_TIME
from fairlead.capabilities.reconciliation.comparing import TakesRecords
from fairlead.domain.model.discrepancy import Kept, Record
from fairlead.domain.rules.reconciliation import compare
from fairlead.store import blobs, bulk, payroll, reconciliations
from fairlead.store.inbox import Message

from .conftest import Desk
from .test_billing import XSS, text
from .test_engagement import statements

OURS, THEIRS = "/reconciliation", "ledger-emea"


def told(desk: Desk, *records: Record, number: int = 2001, kept: str = "invoice") -> None:
    """The ledger says what it keeps of an engagement; it is compared with what we keep."""
    now, today = datetime.now(UTC), datetime.now(UTC).date().isoformat()
    said = json.dumps([one.model_dump(mode="json") for one in records]).encode()
    with desk.db.transaction() as tx:
        data = {
            "engagement": f"e-{number}",
            "system": THEIRS if number == 2001 else "ledger-amer",
            "book": LEDGER_TIME if kept == "time" else LEDGER_INVOICES,
            "records": blobs.keep(tx, said, "application/json"),
            "asked_at": now.isoformat(),
            "start": today,
            "end": today,
        }
        TakesRecords(LEDGER)(tx, data, cast("Message", None))


def by_hand(ref: str, amount: str = "250.00", unit: str = "EUR") -> Record:
    """Made in the ledger by somebody: none of ours."""
    return Record(key="", ref=ref, amount=Decimal(amount), unit=unit, on=date(2026, 3, 1))


def launched(desk: Desk) -> None:
    with desk.db.transaction() as tx:
        tx.execute("UPDATE engagements SET state = 'launched' WHERE number = 'ENG-2001'")


def one(desk: Desk, **where: str) -> dict[str, Any]:
    with desk.db.transaction() as tx:
        rows = tx.execute("SELECT * FROM discrepancies ORDER BY first_seen_at, id").fetchall()
    fitting = [row for row in rows if all(row[name] == value for name, value in where.items())]
    return fitting[0]


def asked(desk: Desk) -> Sequence[dict[str, Any]]:
    with desk.db.transaction() as tx:
        query = "SELECT * FROM exceptions WHERE cause LIKE 'reconciliation/%%' ORDER BY opened_at"
        return tx.execute(query, {}).fetchall()


def pane(page: str) -> str:
    return text(page.split('id="pane"')[1].split("</aside>")[0])


@pytest.mark.parametrize(
    "path",
    ["", ".csv", "/comparisons", "/work", "/payroll.csv", "/5c15ead5-dec9-46bc-9197-dab0bbe71421"],
)
def test_it_is_closed_to_who_follows_no_exceptions(shared_desk: Desk, path: str) -> None:
    assert shared_desk.signed_in("consultant").get(f"{OURS}{path}").status_code == 403


def test_hours_of_others_are_for_those_who_may_read_them(shared_desk: Desk) -> None:
    browser = shared_desk.signed_in("sales-operations")

    assert "Payroll hours" not in browser.get(OURS).text
    for path in ("/work", "/work.csv", "/payroll", "/payroll.csv"):
        assert browser.get(f"{OURS}{path}").status_code == 403


def test_where_nothing_differs_it_says_how_often_it_is_compared(shared_desk: Desk) -> None:
    browser = shared_desk.signed_in("finance.amer")

    assert "All that was compared agrees" in browser.get(OURS).text
    assert "Nothing was compared yet" in browser.get(f"{OURS}/comparisons").text
    assert "No approved work in" in browser.get(f"{OURS}/work").text
    assert "No approved hours in" in browser.get(f"{OURS}/payroll").text


def test_a_difference_is_told_with_both_sides_age_owner_and_remedy(desk: Desk) -> None:
    told(desk, by_hand("INV-7"))

    page = desk.signed_in("finance").get(OURS).text

    assert "1 difference, the oldest just now" in text(page)
    assert "EUR 250.00 apart" in text(page).replace("\N{NO-BREAK SPACE}", " ")
    shown = pane(page).replace("\N{NO-BREAK SPACE}", " ")
    assert "Invoice: none of ours" in shown
    assert "INV-7" in shown
    assert "+250.00" in shown
    assert "Find who booked it there" in shown
    assert "Finance operations" in shown
    assert " left" in shown


def test_of_our_record_it_leads_to_where_that_is_shown(desk: Desk) -> None:
    with desk.db.transaction() as tx:
        id = str(uuid4())
        now = datetime.now(UTC) - timedelta(minutes=1)
        row = {
            "id": id, "engagement_id": "e-2001", "task": "10", "resource_id": "worker",
            "day": now.date(), "minutes": 450, "role": "Consultant", "category": "work",
            "billable": True, "narrative": "", "state": "approved", "period": None,
            "source": "test", "source_id": id, "region": "EMEA", "legal_entity": "DE01",
            "entered_by": "person:worker", "entered_at": now, "submitted_at": now,
            "decided_by": "lead", "decided_at": now, "version": 1,
        }  # fmt: skip
        bulk.insert(tx, "time_entries", [row])
    told(desk, kept="time")
    id = str(one(desk, kept="time")["id"])

    shown = desk.signed_in("finance").get(f"{OURS}/{id}").text

    assert "Time entry: never got there" in shown
    (link,) = re.findall(r'href="(/billing/items/[^"]+)"', shown)
    assert desk.signed_in("finance").get(link).status_code == 200
    assert "/billing/items/" not in desk.signed_in("integration-operator").get(f"{OURS}/{id}").text
    assert "7.50" in text(desk.signed_in("integration-operator").get(OURS).text)


def test_one_of_another_region_or_company_is_answered_as_one_that_does_not_exist(
    desk: Desk,
) -> None:
    told(desk, by_hand("INV-7"))
    told(desk, by_hand("INV-8", unit="USD"), number=2002)
    emea, amer = one(desk, region="EMEA"), one(desk, region="AMER")

    for who, theirs, not_theirs in (
        ("finance.amer", amer, emea),
        ("pmo-lead.gmbh", emea, amer),
    ):
        browser = desk.signed_in(who)
        assert browser.get(f"{OURS}/{theirs['id']}").status_code == 200
        page = browser.get(OURS).text + browser.get(f"{OURS}/comparisons").text
        page += browser.get(f"{OURS}.csv").text
        assert f"ENG-{theirs['engagement_id'][2:]}" in page
        assert f"ENG-{not_theirs['engagement_id'][2:]}" not in page
        assert browser.get(f"{OURS}/{not_theirs['id']}").status_code == 404
        for what in ("compare", "dismiss"):
            answer = browser.post(f"{OURS}/{not_theirs['id']}/{what}", {"reason": "No"})
            assert answer.status_code == 404
        number = f"ENG-{not_theirs['engagement_id'][2:]}"
        assert browser.post(f"{OURS}/compare", {"number": number}).status_code == 404
    assert [row["state"] for row in asked(desk)] == ["open", "open"]


def test_filters_find_drop_and_are_kept_under_a_name(desk: Desk) -> None:
    told(desk, by_hand("INV-7"))
    told(desk, by_hand("INV-8", unit="USD"), number=2002)
    browser = desk.signed_in("finance")

    assert "ENG-2002" not in browser.get(f"{OURS}?system={THEIRS}").text
    assert "ENG-2001" not in browser.get(f"{OURS}?q=INV-8").text
    assert "No difference fits" in browser.get(f"{OURS}?kind=twice").text
    assert "No difference fits" in browser.get(f"{OURS}?age=7d").text
    assert "ENG-2001" in browser.get(f"{OURS}?kept=nonsense&after=nonsense&sort=nonsense").text
    kept = browser.post(f"{OURS}/views", {"name": "EMEA books", "query": f"system={THEIRS}"})
    assert kept.status_code == 303
    assert "EMEA books" in browser.get(OURS).text


def test_the_file_has_every_row_and_no_formula(desk: Desk) -> None:
    told(desk, by_hand("=INV-7"), by_hand("INV-8"))

    lines = desk.signed_in("auditor").get(f"{OURS}.csv").text.strip().splitlines()

    assert len(lines) == 3
    assert lines[0].startswith("\ufeffEngagement,Client,Entity,Region,System,Record,Difference")
    assert ",=INV-7," not in "".join(lines)


def test_pages_follow_one_another_and_leave_none_out(desk: Desk) -> None:
    told(desk, *(by_hand(f"INV-{n}") for n in range(60)))
    browser = desk.signed_in("finance")
    for start in (OURS, f"{OURS}?sort=-age"):
        seen = list[str]()
        path: str | None = start
        while path:
            page = browser.get(path, part="recon-list").text
            seen += re.findall(r'<a href="/reconciliation/([0-9a-f-]{36})', page)
            found = re.search(r'href="([^"]+)" rel="next"', page)
            path = found[1].replace("&amp;", "&") if found else None
        assert len(seen) == len(set(seen)) == 60


def test_compare_again_reads_the_records_anew_for_whoever_may_settle(desk: Desk) -> None:
    told(desk, by_hand("INV-7"))
    launched(desk)
    id, before = one(desk)["id"], desk.count("inbox")
    browser = desk.signed_in("finance")

    answer = browser.post(f"{OURS}/{id}/compare", part="pane")

    assert "Being compared" in answer.text
    assert desk.count("inbox") == before + 1
    assert browser.post(f"{OURS}/compare", {"number": "ENG-2001"}).status_code == 303
    assert desk.count("inbox") == before + 2
    auditor = desk.signed_in("auditor")
    assert "Ask " in pane(auditor.get(f"{OURS}/{id}").text)
    assert "Compare again" not in auditor.get(f"{OURS}/{id}").text
    assert auditor.post(f"{OURS}/{id}/compare").status_code == 403
    assert auditor.post(f"{OURS}/{id}/dismiss", {"reason": "No"}).status_code == 403


def test_what_is_not_launched_is_not_compared(desk: Desk) -> None:
    told(desk, by_hand("INV-7"))

    answer = desk.signed_in("finance").post(f"{OURS}/compare", {"number": "ENG-2001"})

    assert answer.status_code == 409


def test_dismissed_with_a_reason_it_stays_listed_and_the_next_comparison_asks_again(
    desk: Desk,
) -> None:
    told(desk, by_hand("INV-7"))
    id = one(desk)["id"]
    browser = desk.signed_in("finance")
    version = str(asked(desk)[0]["version"])

    bare = browser.post(f"{OURS}/{id}/dismiss", {"version": version}, part="pane")
    given = {"version": version, "reason": f"Booked by us {XSS}"}
    done = browser.post(f"{OURS}/{id}/dismiss", given, part="pane")
    again = browser.post(f"{OURS}/{id}/dismiss", given, part="pane")

    assert bare.status_code == 422
    assert done.status_code == 200
    assert "Dismissed, you" in pane(done.text)
    assert XSS not in done.text
    assert 'id="recon-list" hx-swap-oob="true"' in done.text
    assert (again.status_code, again.headers["hx-retarget"]) == (409, "#notice")
    (closed,) = asked(desk)
    assert (closed["state"], closed["resolved_by"]) == ("resolved", "finance")
    assert str(id) in browser.get(OURS).text
    told(desk, by_hand("INV-7"))
    assert [row["state"] for row in asked(desk)] == ["resolved", "open"]


def test_an_open_pane_says_when_both_sides_agree_again(desk: Desk) -> None:
    told(desk, by_hand("INV-7"))
    id = one(desk)["id"]
    browser = desk.signed_in("finance")
    browser.get(f"{OURS}/{id}")

    told(desk)

    assert "Both sides agree now" in browser.get(f"{OURS}/{id}", part="pane").text
    assert browser.get(f"{OURS}/{id}").status_code == 404
    compared = text(browser.get(f"{OURS}/comparisons").text)
    assert "Agrees" in compared


def test_comparisons_tell_counts_and_sums_of_both_sides(desk: Desk) -> None:
    told(desk, by_hand("INV-7"), by_hand("INV-8", "50.50"))

    page = desk.signed_in("finance").get(f"{OURS}/comparisons").text

    shown = text(page).replace("\N{NO-BREAK SPACE}", " ")
    assert re.search(r"EUR 0.00 ?0 records ?EUR 300.50 ?2 records ?EUR \+300.50", shown)
    assert "/reconciliation?kept=invoice&amp;system=ledger-emea&amp;engagement=ENG-2001" in page


def test_a_months_work_and_payroll_hours_stand_beside_what_the_ledger_has(desk: Desk) -> None:
    now = datetime.now(UTC)
    month = now.date().replace(day=1)
    rows = [
        {
            "id": str(uuid4()), "engagement_id": "e-2001", "task": "10", "resource_id": "worker",
            "day": month, "minutes": minutes, "role": "Consultant", "category": "work",
            "billable": True, "narrative": "", "state": "approved", "period": month,
            "source": "test", "source_id": str(uuid4()), "region": "EMEA", "legal_entity": "DE01",
            "entered_by": "person:worker", "entered_at": now, "submitted_at": now,
            "decided_by": "lead", "decided_at": now, "version": 1,
        }
        for minutes in (450, 90)
    ]  # fmt: skip
    with desk.db.transaction() as tx:
        bulk.insert(tx, "time_entries", rows)
        tx.execute(
            "INSERT INTO effects (key, run_id, step, occurrence, subject_id, system, operation,"
            " digest, request, state, attempts, intended_at) VALUES (%s, 'r-2001', 'book_work',"
            " 1, 'e-2001', 'ledger-emea', 'bookkeeping.book_time', 'x', '{}', 'confirmed', 1, %s)",
            [f"time/{rows[0]['id']}", now],
        )
    browser = desk.signed_in("finance")

    def shown(path: str) -> str:
        answer = browser.get(f"{OURS}{path}")
        assert answer.status_code == 200
        return text(answer.text).replace("\N{NO-BREAK SPACE}", " ")

    assert re.search(r"ENG-2001 2 ?1 in the ledger ?9.00 h ?7.50 h in the ledger", shown("/work"))
    assert "The ledger lacks some" in shown("/work?differing=yes")
    assert "No approved work" in shown("/work?month=2025-01")
    assert "ENG-2001" in shown("/work?month=0001-01")  # no month of ours: this one
    assert "worker" in shown("/payroll")
    assert re.search(r"9.00 h 7.50 h [^ ]+1.50 h", shown("/payroll"))
    assert "No hours fit" in shown("/payroll?employer=ELSEWHERE")
    lines = browser.get(f"{OURS}/payroll.csv").text.strip().splitlines()
    assert lines[1].endswith(f"{month:%Y-%m},work,9.00,7.50,0.00")
    assert "ENG-2001" in browser.get(f"{OURS}/work.csv").text
    assert "ENG-2001" not in desk.signed_in("finance.amer").get(f"{OURS}/work").text


@pytest.mark.parametrize("path", ["", "/{id}", "/comparisons", "/work", "/payroll"])
def test_a_page_asks_at_most_five_queries(
    desk: Desk, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside what every page asks."""
    told(desk, *(by_hand(f"INV-{n}") for n in range(30)))
    told(desk, by_hand("INV-8", unit="USD"), number=2002)
    browser, id = desk.signed_in("finance"), one(desk)["id"]
    with statements(monkeypatch) as every_page:
        browser.get("/account")
    with statements(monkeypatch) as found:
        answer = browser.get(f"{OURS}{path.format(id=id)}")

    assert answer.status_code == 200
    assert 0 < len(found) - len(every_page) <= 5


def test_what_payroll_paid_otherwise_stands_below_with_age_and_remedy(desk: Desk) -> None:
    month = datetime.now(UTC).date().replace(day=1)
    with desk.db.transaction() as tx:
        of = payroll.form(tx, "DE01", month, "xero-de", datetime.now(UTC))
        assert of is not None
        record = Record(
            key="worker/regular", ref="sheet-1", amount=Decimal(9), unit="hour", on=month,
            whose="worker@th.example",
        )  # fmt: skip
        less = record.model_copy(update={"amount": Decimal("7.5")})
        reconciliations.note(
            tx, engagement=of.id, region=None, system="xero-de", kept=Kept.PAID, ours=[record],
            theirs=[less], found=compare(Kept.PAID, [record], [less]), unit="hour",
            at=datetime.now(UTC),
        )  # fmt: skip
    shown = text(desk.signed_in("finance").get(f"{OURS}/payroll").text)
    shown = shown.replace("\N{NO-BREAK SPACE}", " ")
    assert re.search(r"DE01 Paid xero-de 9.00 h ?1 line ?7.50 h ?1 line [^ ]+1.50 h 1 diff", shown)
    assert "worker@th.example" in shown
    assert "7.5 h there, 9 h here" in shown
    assert "Have it corrected there" in shown
    other = desk.signed_in("finance.amer").get(f"{OURS}/payroll").text
    assert "worker@th.example" not in other
    asked = desk.signed_in("finance").post(f"{OURS}/payroll/compare", {"employer": "DE01"})
    assert asked.status_code == 303
    part = desk.signed_in("finance").post(
        f"{OURS}/payroll/compare", {"employer": "DE01"}, part="recon-payroll"
    )
    assert part.status_code == 200
    assert part.text.lstrip().startswith('<div id="recon-payroll"')
    assert desk.count("inbox", "message LIKE 'payroll.compare/payroll:DE01:%%'") == 2
    gone = desk.signed_in("finance").post(f"{OURS}/payroll/compare", {"employer": "US01"})
    assert gone.status_code == 404
    assert "xero-de" not in desk.signed_in("finance").get(f"{OURS}/comparisons").text
