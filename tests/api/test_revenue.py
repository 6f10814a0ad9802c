"""Revenue through the API: asked for, proposed, approved by another; costs only for who may see."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from fairlead.capabilities.revenue.working import RevenueDrain
from fairlead.flow.engine import Took
from fairlead.flow.ledger import Ledger, LockSession
from fairlead.store import bulk

from . import firm
from .conftest import Office

JAN = "/api/v1/revenue-jobs"


def worked(office: Office, per_hour: int = 150) -> None:
    """10 hours on ENG-2001 in January, at 150 and a cost of 60."""
    with office.db.transaction() as tx:
        rate = {"valid_from": date(2026, 1, 1), "currency": "EUR", "source": "contract"}
        bulk.upsert(
            tx,
            "bill_rates",
            [
                {
                    "engagement_id": "e-2001",
                    "role": "Consultant",
                    "resource_id": "",
                    "per_hour": per_hour,
                }
                | rate
            ],
            keys=("engagement_id", "role", "resource_id", "valid_from"),
        )
        bulk.upsert(
            tx,
            "cost_rates",
            [{"resource_id": "r-1", "per_hour": Decimal(60)} | rate],
            keys=("resource_id", "valid_from"),
        )
        entry = {
            "id": "00000000-0000-4000-8000-000000002001",
            "engagement_id": "e-2001",
            "resource_id": "r-1",
            "day": date(2026, 1, 20),
            "minutes": 600,
            "role": "Consultant",
            "category": "work",
            "billable": True,
            "narrative": "",
            "state": "approved",
            "period": date(2026, 1, 1),
            "source": "test",
            "source_id": "january",
            "entered_by": "person:r-1",
            "entered_at": firm.NOW,
            "version": 1,
        }
        bulk.insert(tx, "time_entries", [entry])


def carry_on(office: Office) -> None:
    drain = RevenueDrain(office.db, firm.parts(office.db).reckons)
    with LockSession(office.db) as session:
        while drain.work("revenue", Ledger(office.db, session)) is not Took.NOTHING:
            pass


def command(office: Office, who: str, path: str, body: Any = None, **headers: str) -> Any:
    return office.post(who, path, json={} if body is None else body, headers=headers)


def test_a_month_goes_from_being_asked_for_to_being_approved(office: Office) -> None:
    worked(office)
    asked = command(office, "finance", JAN, {"month": "2026-01-15"})
    assert asked.status_code == 202
    again = command(office, "finance", JAN, {"month": "2026-01-01"})
    assert again.json()["id"] == asked.json()["id"]
    carry_on(office)

    done = office.get("finance", f"{JAN}/{asked.json()['id']}").json()
    assert done["ended_at"] is not None
    assert done["changed"] >= 1
    (line,) = office.get(
        "finance", "/api/v1/revenue-batches", params={"month": "2026-01-01"}
    ).json()["items"]
    path = f"/api/v1/revenue-batches/{line['id']}"
    proposed = command(office, "finance", f"{path}/propose")
    assert proposed.status_code == 200, proposed.text
    digest = proposed.json()["batch"]["digest"]
    assert command(office, "finance", f"{path}/approve", {"digest": digest}).status_code == 403
    stale = command(office, "controller", f"{path}/approve", {"digest": "0" * 64})
    assert stale.status_code == 412
    approved = command(office, "controller", f"{path}/approve", {"digest": digest})
    assert approved.status_code == 200, approved.text
    assert approved.json()["batch"]["state"] == "approved"
    assert approved.json()["totals"]["EUR"]["amount"].startswith("1500.00")
    assert approved.headers["etag"] == f'"{approved.json()["batch"]["version"]}"'


def test_revenue_is_approved_within_ones_limit(office: Office) -> None:
    worked(office, per_hour=150_000)
    command(office, "finance", JAN, {"month": "2026-01-15"})
    carry_on(office)
    (line,) = office.get(
        "finance", "/api/v1/revenue-batches", params={"month": "2026-01-01"}
    ).json()["items"]
    path = f"/api/v1/revenue-batches/{line['id']}"
    digest = command(office, "finance", f"{path}/propose").json()["batch"]["digest"]

    refused = command(office, "controller", f"{path}/approve", {"digest": digest})

    assert refused.status_code == 403
    told = refused.json()["detail"]
    assert "EUR 1,500,000.00 (EUR 1,000,000.00)" in told
    assert "Ask somebody who is controller." in told


def test_a_month_that_is_not_over_is_refused_by_name(shared_office: Office) -> None:
    answer = command(shared_office, "finance", JAN, {"month": "2999-12-31"})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/month"


def test_costs_are_absent_for_who_may_not_see_them(office: Office) -> None:
    worked(office)
    path, query = "/api/v1/engagements/ENG-2001/revenue", {"on": "2026-01-31"}
    seen = office.get("finance", path, params=query).json()
    hidden = office.get("project-manager", path, params=query).json()

    assert seen["position"] == hidden["position"]
    assert Decimal(seen["position"]["earned"]["amount"]) == 1500
    assert seen["costs"]["margin"]["missing"] == []
    assert seen["costs"]["margin"]["cost"]["amount"] == "600.00"
    assert seen["costs"]["margin"]["ratio"] == "0.6000"
    assert hidden["costs"] is None
    assert "600.00" not in str(hidden)


def test_margin_is_worked_out_again_from_what_is_told(office: Office) -> None:
    worked(office)
    told = office.get(
        "auditor", "/api/v1/engagements/ENG-2001/revenue", params={"on": "2026-01-31"}
    ).json()
    facts, margin = told["costs"]["facts"], told["costs"]["margin"]

    labour = sum(
        Decimal(part["per_hour"]["amount"]) * part["minutes"] / 60 for part in facts["work"]
    )
    cost = labour + sum(
        Decimal(facts[name]["amount"]) for name in ("own_expenses", "repaid_expenses")
    )
    assert Decimal(margin["cost"]["amount"]) == cost
    assert Decimal(margin["margin"]["amount"]) == Decimal(facts["earned"]["amount"]) - cost


def test_every_revision_is_told_with_its_basis(shared_office: Office) -> None:
    (one,) = shared_office.get("auditor", "/api/v1/engagements/e-2001/revenue-entries").json()[
        "items"
    ]

    assert one["entry"]["change"]["revenue"]["amount"].startswith("900")
    assert one["basis"]["method"] == "as_invoiced"


def test_who_leads_the_work_says_what_is_left(office: Office) -> None:
    path = "/api/v1/engagements/ENG-2001/forecast"
    made = command(office, "project-manager", path, {"minutes_left": 1200, "reason": "Two days."})
    assert made.json()["minutes_left"] == 1200
    assert (
        command(office, "project-manager", path, {"minutes_left": 1, "reason": " "}).status_code
        == 422
    )

    told = office.get("finance", "/api/v1/engagements/ENG-2001/revenue").json()
    assert told["costs"]["facts"]["remaining_minutes"] == 1200


def test_what_leaks_is_totalled_and_listed(shared_office: Office) -> None:
    (total,) = shared_office.get("finance", "/api/v1/leakage").json()["items"]
    assert (total["amount"]["amount"], total["count"]) == ("1200.00", 1)
    assert total["aged"]["over 90"]["amount"] in ("1200.00", "0.00")
    (leak,) = shared_office.get("finance", "/api/v1/engagements/ENG-2001/leaks").json()["items"]
    assert leak["kind"] == "unbilled_time"
    none = shared_office.get(
        "finance", "/api/v1/leakage", params={"cursor": "ENG-2001|write_off|x"}
    )
    assert none.json()["items"] == []


def test_what_leaks_is_looked_for_without_waiting_for_the_day(office: Office) -> None:
    worked(office)
    path = "/api/v1/engagements/ENG-2001/leaks"
    assert command(office, "controller", path).status_code == 403

    looked = command(office, "finance", path)

    assert looked.status_code == 200, looked.text
    items = looked.json()["items"]
    assert ("unbilled_time", 600) in {(leak["kind"], leak["minutes"]) for leak in items}
    assert office.get("finance", path).json()["items"] == items
