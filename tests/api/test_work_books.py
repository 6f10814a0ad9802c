"""Approved hours go to payroll and to the ledger alike, and what the ledger lacks is seen."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from fairlead.domain.model.discrepancy import Kept, Record
from fairlead.domain.model.pay_sheet import PayLine, PaySheet
from fairlead.domain.rules.reconciliation import compare
from fairlead.store import payroll, reconciliations

from .conftest import Office
from .firm import NOW
from .test_time_approvals import approve, book


def take(office: Office, key: str) -> None:
    """The ledger has taken it."""
    with office.db.transaction() as tx:
        tx.execute(
            "INSERT INTO effects (key, run_id, step, occurrence, subject_id, system, operation,"
            " digest, request, state, attempts, intended_at)"
            " VALUES (%s, 'r-2001', 'book_work', 1, 'e-2001', 'ledger-emea',"
            " 'bookkeeping.book_time', 'x', '{}', 'confirmed', 1, %s)",
            [key, NOW],
        )


def books(office: Office, who: str = "finance", **query: str) -> list[dict[str, Any]]:
    answer = office.get(who, "/api/v1/work-reconciliation", params={"month": "2026-03-31"} | query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_what_the_ledger_lacks_is_a_difference_until_it_has_it(office: Office) -> None:
    first, second = book(office, 1), book(office, 2)
    (ride,) = office.get("consultant", "/api/v1/expenses").json()["items"]
    office.post("consultant", "/api/v1/expenses/submit", json={"ids": [ride["id"]]})
    book(office, 3, who="sales-operations")
    approve(office)
    take(office, f"time/{first}")

    (found,) = books(office, differing="true")

    assert (found["entries"], found["booked_entries"], found["agrees"]) == (3, 1, False)
    assert (found["minutes"], found["booked_minutes"]) == (1440, 480)
    assert (found["claimed"]["amount"], found["booked"]["amount"]) == ("18.40", "0.00")
    assert found["without_receipt"] == 1
    for key in (f"time/{second}", f"expense/{ride['id']}"):
        take(office, key)
    third = UUID(book_id(office))
    take(office, f"time/{third}")
    assert books(office, differing="true") == []
    assert books(office)[0]["agrees"] is True
    assert books(office, "finance.amer") == []


def book_id(office: Office) -> str:
    with office.db.transaction() as tx:
        row = tx.execute(
            "SELECT id FROM time_entries WHERE resource_id = 'sales-operations'"
        ).fetchone()
    assert row is not None
    return str(row["id"])


def test_payroll_gets_approved_hours_by_person_less_what_was_taken_back(office: Office) -> None:
    first = book(office, 1)
    book(office, 2)
    book(office, 3, who="sales-operations")
    approve(office)
    book(office, 4)
    said = {"kind": "time", "id": str(first), "reason": "Booked twice."}
    office.post("consultant", "/api/v1/corrections", json=said)
    approve(office, resource="consultant")
    take(office, f"time/{first}")

    with office.db.transaction() as tx:
        of = payroll.form(tx, "DE01", date(2026, 3, 1), "xero-de", NOW)
        assert of is not None
        sheet = PaySheet(
            id="sheet-1",
            resource="consultant",
            start=of.month,
            end=of.end,
            lines=(PayLine(day=of.month, pay="regular", hours=Decimal(8)),),
        )
        payroll.keep(tx, of, [(sheet, [first])])
    assert sent(office) == {"consultant": 0, "sales-operations": 0}
    take(office, "payroll/sheet-1/approve")
    assert sent(office) == {"consultant": 480, "sales-operations": 0}

    def hours(**query: str) -> list[tuple[str, int, int]]:
        answer = office.get(
            "auditor", "/api/v1/payroll-hours", params={"month": "2026-03-01"} | query
        ).json()
        return [
            (one["resource"], one["approved_minutes"], one["booked_minutes"])
            for one in answer["items"]
        ]

    assert hours() == [("consultant", 960, 480), ("sales-operations", 480, 0)]
    assert hours(employer="US01") == []
    assert hours(limit="1", cursor="consultant/work") == [("sales-operations", 480, 0)]


def sent(office: Office) -> dict[str, int]:
    answer = office.get("auditor", "/api/v1/payroll-hours", params={"month": "2026-03-01"}).json()
    return {one["resource"]: one["sent_minutes"] for one in answer["items"]}


def test_what_payroll_holds_otherwise_is_told_with_counts_and_sums(office: Office) -> None:
    month = date(2026, 3, 1)
    with office.db.transaction() as tx:
        of = payroll.form(tx, "DE01", month, "xero-de", NOW)
        assert of is not None
        record = Record(key="consultant/regular", ref="s", amount=Decimal(8), unit="hour")
        reconciliations.note(
            tx, engagement=of.id, region=None, system="xero-de", kept=Kept.PAID, ours=[record],
            theirs=[], found=compare(Kept.PAID, [record], []), unit="hour", at=NOW,
        )  # fmt: skip

    def told(path: str, who: str = "auditor", **query: str) -> list[dict[str, Any]]:
        answer = office.get(who, f"/api/v1/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    (known,) = told("payroll-comparisons", month="2026-03-31", employer="DE01")
    assert (known["ours"], known["theirs"], known["our_hours"]) == (1, 0, "8.00000000")
    assert (known["kept"], known["discrepancies"]) == ("paid", 1)
    (found,) = told("payroll-discrepancies")
    assert (found["employer"], found["month"], found["kind"]) == ("DE01", "2026-03-01", "deleted")
    assert (found["key"], found["difference"]) == ("consultant/regular", "-8.00000000")
    assert found["remedy"]
    assert told("payroll-discrepancies", month="2026-04-01") == []
    assert told("payroll-discrepancies", employer="US01") == []
    assert told("payroll-discrepancies", "finance.amer") == []
    assert told("discrepancies") == []
    wanted = {"legal_entity": "DE01", "month": "2026-03-31"}
    asked = office.post("finance", "/api/v1/payroll-comparisons", json=wanted)
    assert (asked.status_code, asked.json()) == (202, {"employer": "DE01", "month": "2026-03-01"})
    with office.db.transaction() as tx:
        heard = tx.execute("SELECT 1 FROM inbox WHERE message LIKE 'payroll.compare/%%'").fetchall()
    assert len(heard) == 1
    for who, other in (("finance", {"month": "2026-04-01"}), ("finance.amer", {})):
        answer = office.post(who, "/api/v1/payroll-comparisons", json={**wanted, **other})
        assert answer.status_code == 404
