"""Billing over HTTP: from what is ready to what is released, each step by who may."""

from __future__ import annotations

import io
from typing import Any

import pypdf
import pytest

from fairlead.bootstrap import Fairlead
from fairlead.capabilities.billing.running import ProposesRuns
from fairlead.config import SAMPLE, Settings
from fairlead.domain.values import ExternalRef
from fairlead.store import bulk, deliveries

from . import firm
from .conftest import Office


@pytest.fixture
def billed(office: Office) -> Office:
    """`e-2001` has two approved hours at 150, and the ledger knows its client."""
    with office.db.transaction() as tx:
        delivery = deliveries.load(tx, ["e-2001"], lock=True)["e-2001"]
        client = ExternalRef(system="ledger-emea", kind="customer", id="7")
        deliveries.save(
            tx, delivery.model_copy(update={"refs": {**delivery.refs, "client": client}})
        )
        tx.execute("DELETE FROM billing_holds")
        rate = {
            "engagement_id": "e-2001", "role": "Consultant", "resource_id": "",
            "valid_from": "2026-01-01", "per_hour": "150", "currency": "EUR",
            "source": "contract C-1",
        }  # fmt: skip
        bulk.insert(tx, "bill_rates", [rate])
        for number, state in ((1, "approved"), (2, "approved"), (3, "submitted")):
            entry: dict[str, Any] = {
                "id": f"00000000-0000-4000-8000-00000000000{number}", "engagement_id": "e-2001",
                "task": "10", "resource_id": "consultant", "day": "2026-03-02", "minutes": 60,
                "role": "Consultant", "category": "work", "billable": True,
                "narrative": "Mapped accounts", "state": state, "source": "test",
                "source_id": str(number), "region": "EMEA", "legal_entity": "DE01",
                "entered_by": "person:consultant", "entered_at": firm.NOW,
                "submitted_at": firm.NOW, "decided_by": "pmo-lead", "decided_at": firm.NOW,
                "version": 1,
            }  # fmt: skip
            bulk.insert(tx, "time_entries", [entry])
    return office


ENTRY = "00000000-0000-4000-8000-000000000001"


def propose(office: Office, **more: Any) -> dict[str, Any]:
    sent = {"engagements": ["ENG-2001"], "dated_on": "2026-03-31", **more}
    answer = office.post("finance", "/api/v1/invoices/propose", json=sent)
    assert answer.status_code == 200, answer.text
    return answer.json()["engagements"][0]


def detail(office: Office, id: str) -> dict[str, Any]:
    return office.get("auditor", f"/api/v1/invoices/{id}").json()


def step(office: Office, who: str, id: str, verb: str, **body: Any) -> Any:
    return office.post(who, f"/api/v1/invoices/{id}/{verb}", json=body)


def test_from_what_is_ready_to_a_released_invoice_and_its_credit(billed: Office) -> None:
    made = propose(billed)
    assert made["items"] == 2
    (draft,) = made["invoices"]
    assert draft["net"] == {"amount": "300.00", "currency": "EUR"}
    id, shown = draft["id"], detail(billed, draft["id"])
    (line,) = shown["lines"]
    assert (line["quantity"], line["unit"], line["unit_price"]["amount"]) == ("2", "hour", "150.00")

    digest = shown["digest"]
    assert step(billed, "finance", id, "review", digest=digest).status_code == 200
    assert step(billed, "finance", id, "release", digest=digest).status_code == 403
    released = step(billed, "controller", id, "release", digest=digest)
    assert released.json()["state"] == "released"
    assert step(billed, "finance", id, "discard", reason="no").status_code == 409

    key = {"kind": "time", "item": ENTRY}
    credited = step(billed, "finance", id, "credit", reason="Agreed.", items=[key])
    assert credited.json()["net"]["amount"] == "-150.00"
    assert detail(billed, id)["credited_by"] == [credited.json()["reference"]]
    again = step(billed, "finance", id, "credit", reason="Agreed.", items=[key])
    assert (again.status_code, again.json()["code"]) == (409, "illegal_move")


def test_an_item_tells_where_it_is_and_an_invoice_what_it_is_made_of(billed: Office) -> None:
    waiting = billed.get("auditor", f"/api/v1/billing/items/{ENTRY[:-1]}3").json()
    assert waiting["stands"] == "it is submitted, not approved"
    (draft,) = propose(billed)["invoices"]

    item = billed.get("auditor", f"/api/v1/billing/items/{ENTRY}").json()
    assert item["stands"] == f"in {draft['reference']}, which is proposed"
    assert [place["amount"]["amount"] for place in item["documents"]] == ["150.00"]
    first = billed.get("auditor", f"/api/v1/invoices/{draft['id']}/items?limit=1").json()
    assert first["items"][0]["approved_by"] == "pmo-lead"
    assert first["items"][0]["rate_source"] == "contract C-1"
    rest = billed.get(
        "auditor", f"/api/v1/invoices/{draft['id']}/items?cursor={first['next']}"
    ).json()
    assert len(rest["items"]) == 1
    assert rest["next"] is None


def test_readiness_says_what_is_held_and_by_whom(billed: Office) -> None:
    sent = {"engagement": "ENG-2001", "reason": "The client asks to wait."}
    held = billed.post("finance", "/api/v1/billing/holds", json=sent).json()
    whole = billed.get("project-manager", "/api/v1/billing/engagements/ENG-2001/readiness").json()
    assert [m["waits_for"] for m in whole["milestones"]] == ["submission", "submission"]
    codes = {blocker["code"] for blocker in whole["readiness"]["blockers"]}
    assert {"hold", "time_unapproved"} <= codes
    lift = f"/api/v1/billing/holds/{held['id']}/lift"
    assert billed.post("finance", lift, json={"reason": "They paid."}).json()["lifted_by"]
    whole = billed.get("project-manager", "/api/v1/billing/engagements/ENG-2001/readiness").json()
    assert whole["readiness"]["ready"]["amount"] == "300.00"
    board = billed.get("project-manager", "/api/v1/billing/readiness").json()
    assert whole["readiness"] in board["items"]


def test_what_is_excluded_is_held_and_the_rest_is_made_anew(billed: Office) -> None:
    (draft,) = propose(billed)["invoices"]

    made = step(
        billed, "finance", draft["id"], "exclude", reason="Doubted.",
        items=[{"kind": "time", "item": ENTRY}],
    )  # fmt: skip

    assert made.json()["invoices"][0]["net"]["amount"] == "150.00"
    assert detail(billed, draft["id"])["state"] == "discarded"
    holds = billed.get("finance", "/api/v1/billing/engagements/e-2001/holds").json()["items"]
    assert ENTRY in {hold["item"] for hold in holds}


def test_what_is_no_item_of_the_engagement_is_not_held(billed: Office) -> None:
    path, other = "/api/v1/billing/holds", "00000000-0000-4000-8000-00000000ffff"
    sent = {"engagement": "ENG-2001", "item": {"kind": "time", "item": other}, "reason": "Asked."}
    answer = billed.post("finance", path, json=sent)
    wrong_kind = {**sent, "item": {"kind": "expense", "item": ENTRY}}

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/item/item"
    assert billed.post("finance", path, json=wrong_kind).status_code == 422


def test_what_was_invoiced_is_credited_and_not_held(billed: Office) -> None:
    id = propose(billed)["invoices"][0]["id"]
    digest = detail(billed, id)["digest"]
    step(billed, "finance", id, "review", digest=digest)
    step(billed, "controller", id, "release", digest=digest)
    held = {"engagement": "ENG-2001", "item": {"kind": "time", "item": ENTRY}, "reason": "Asked."}
    answer = billed.post("finance", "/api/v1/billing/holds", json=held)

    assert answer.status_code == 409, answer.text
    assert detail(billed, id)["reference"] in answer.json()["detail"]


@pytest.mark.parametrize("nothing", ["items", "amounts"])
def test_a_credit_of_nothing_is_refused(billed: Office, nothing: str) -> None:
    id = propose(billed)["invoices"][0]["id"]
    digest = detail(billed, id)["digest"]
    step(billed, "finance", id, "review", digest=digest)
    step(billed, "controller", id, "release", digest=digest)
    answer = step(billed, "finance", id, "credit", reason="Agreed.", **{nothing: []})

    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == f"/{nothing}"


def test_a_rate_of_nobody_and_a_run_of_no_company_are_refused(billed: Office) -> None:
    rate = {
        "engagement": "ENG-2001", "role": "Consultant", "resource": "nobody",
        "valid_from": "2026-04-01", "per_hour": {"amount": "160", "currency": "EUR"},
        "reason": "Agreed.",
    }  # fmt: skip
    nobody = billed.post("pmo-lead", "/api/v1/billing/rates", json=rate)
    nowhere = billed.post("finance", "/api/v1/billing/invoice-runs", json={"legal_entity": "XX99"})

    assert (nobody.status_code, nowhere.status_code) == (422, 422)
    assert nobody.json()["errors"][0]["pointer"] == "/resource"
    assert nowhere.json()["errors"][0]["pointer"] == "/legal_entity"


def test_a_rate_is_approved_by_somebody_else_and_prices_what_comes_after(billed: Office) -> None:
    sent = {
        "engagement": "ENG-2001", "role": "Consultant", "valid_from": "2026-03-01",
        "per_hour": {"amount": "160.00", "currency": "EUR"}, "reason": "Agreed in March.",
    }  # fmt: skip
    asked = billed.post("pmo-lead", "/api/v1/billing/rates", json=sent)
    assert asked.status_code == 201, asked.text
    path = f"/api/v1/billing/rates/{asked.json()['id']}/decide"
    assert billed.post("pmo-lead", path, json={"approved": True}).status_code == 403
    assert billed.post("controller", path, json={"approved": True}).json()["state"] == "approved"
    assert billed.post("controller", path, json={"approved": True}).status_code == 409

    (draft,) = propose(billed)["invoices"]
    assert draft["net"]["amount"] == "320.00"


def test_a_run_drafts_for_every_engagement_that_one_sees(billed: Office) -> None:
    asked = billed.post("finance", "/api/v1/billing/invoice-runs", json={"dated_on": "2026-03-31"})
    assert asked.status_code == 202
    run = asked.json()
    assert (run["engagements"], run["done"]) == (2, 0)

    rooms = Fairlead(Settings(config=SAMPLE))
    ProposesRuns(billed.db, firm.PEOPLE, rooms.billing.proposing).sweep()

    path = f"/api/v1/billing/invoice-runs/{run['id']}"
    done = billed.get("finance", path).json()
    assert (done["done"], done["invoices"], done["items"]) == (2, 1, 2)
    assert done["ended_at"]
    outcomes = billed.get("finance", f"{path}/outcomes").json()["items"]
    assert [row["number"] for row in outcomes] == ["ENG-2001", "ENG-2002"]
    assert "BIL-" in outcomes[0]["outcome"]


def test_a_dispute_that_is_pressed_twice_is_one(billed: Office) -> None:
    (draft,) = propose(billed)["invoices"]
    digest = detail(billed, draft["id"])["digest"]
    step(billed, "finance", draft["id"], "review", digest=digest)
    step(billed, "controller", draft["id"], "release", digest=digest)
    path = f"/api/v1/invoices/{draft['id']}/disputes"
    body = {"cause": "rate", "detail": "150 was never agreed."}

    first, second = (billed.post("finance", path, json=body) for _ in range(2))
    other = billed.post("finance", path, json={**body, "detail": "The hours are wrong, too."})

    assert first.json()["id"] == second.json()["id"] != other.json()["id"]
    assert len(billed.get("finance", path).json()["items"]) == 2


def test_items_that_are_unknown_are_named(billed: Office) -> None:
    strange = "00000000-0000-4000-8000-0000000000ff"

    answer = billed.post(
        "finance",
        "/api/v1/invoices/propose",
        json={"engagements": ["ENG-2001"], "items": [ENTRY, strange]},
    )

    assert answer.status_code == 422
    assert strange in answer.json()["detail"]
    assert ENTRY not in answer.json()["detail"]
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/items/1"]


def test_a_run_for_a_region_that_is_none_of_ours_is_refused(shared_office: Office) -> None:
    answer = shared_office.post("finance", "/api/v1/billing/invoice-runs", json={"region": "EMAE"})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/region"


def test_whose_hand_is_needed_is_told(billed: Office) -> None:
    draft = propose(billed)["invoices"][0]
    digest = detail(billed, draft["id"])["digest"]

    refused = step(billed, "finance", draft["id"], "release", digest=digest)

    assert refused.status_code == 403
    assert "Ask somebody who is controller." in refused.json()["detail"]


def test_a_dispute_names_what_it_goes_back_to(billed: Office) -> None:
    (draft,) = propose(billed)["invoices"]
    sent = {"cause": "rate", "detail": "140 was agreed.", "field": "contract.rates"}
    path = f"/api/v1/invoices/{draft['id']}/disputes"
    assert billed.post("finance", path, json=sent).status_code == 409
    digest = detail(billed, draft["id"])["digest"]
    step(billed, "finance", draft["id"], "review", digest=digest)
    step(billed, "controller", draft["id"], "release", digest=digest)

    opened = billed.post("finance", path, json=sent).json()
    close = f"/api/v1/disputes/{opened['id']}/close"
    closed = billed.post("finance", close, json={"outcome": "upheld", "answer": "See C-1."})

    assert closed.json()["outcome"] == "upheld"
    assert [d["field"] for d in billed.get("auditor", path).json()["items"]] == ["contract.rates"]


def test_a_recurring_fee_is_a_charge_for_each_month_with_parts_by_days(billed: Office) -> None:
    sent = {
        "engagement": "ENG-2001", "kind": "recurring", "name": "Run", "source": "change CO-2",
        "amount": {"amount": "900.00", "currency": "EUR"},
        "starts_on": "2026-04-15", "ends_on": "2026-06-10",
    }  # fmt: skip
    made = billed.post("pmo-lead", "/api/v1/billing/charges", json=sent)
    assert made.status_code == 201, made.text
    fees = [one for one in made.json()["items"] if one["kind"] == "recurring"]
    assert [(one["name"], one["amount"]["amount"]) for one in fees] == [
        ("Run 2026-04 (part)", "480.00"),  # 16 of 30 days
        ("Run 2026-05", "900.00"),
        ("Run 2026-06 (part)", "300.00"),  # 10 of 30 days
    ]
    path = f"/api/v1/billing/charges/{fees[2]['id']}/cancel"
    assert billed.post("pmo-lead", path, json={"reason": "Ends in May."}).status_code == 200
    assert billed.post("pmo-lead", path, json={"reason": "again"}).status_code == 409


def test_a_purchase_order_that_pays_for_too_little_stops_the_draft(billed: Office) -> None:
    sent = {
        "engagement": "ENG-2001", "number": "PO-9", "reason": "Mail of 2 March.",
        "limit": {"amount": "299.99", "currency": "EUR"},
    }  # fmt: skip
    assert billed.post("finance", "/api/v1/billing/purchase-orders", json=sent).status_code == 200

    made = propose(billed)

    assert made["stopped"] == ["purchase order PO-9 is short of EUR 0.01"]


def test_a_preview_is_printed_and_says_that_it_is_no_tax_document(shared_office: Office) -> None:
    answer = shared_office.get("finance", "/api/v1/invoices/BIL-1.pdf")

    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == 'attachment; filename="BIL-1.pdf"'
    said = pypdf.PdfReader(io.BytesIO(answer.content)).pages[0].extract_text()
    assert "Not a tax document until posted" in said
    assert "Vantor Logistics" in said
    assert shared_office.get("finance.amer", "/api/v1/invoices/BIL-1.pdf").status_code == 404


@pytest.mark.parametrize("day", ["0001-01-01", "1999-12-31", "2100-01-01", "9999-12-31"])
def test_days_that_no_calendar_of_ours_has_are_refused(shared_office: Office, day: str) -> None:
    fee = {"amount": {"amount": "1", "currency": "EUR"}, "source": "C-1", "name": "Fee"}
    of = {"engagement": "ENG-2001", "reason": "x"}
    said: dict[str, dict[str, Any]] = {
        "invoices/propose": {"engagements": ["ENG-2001"], "dated_on": day},
        "invoices/BIL-1/credit": {"reason": "x", "dated_on": day},
        "billing/invoice-runs": {"until": day},
        "billing/write-offs": {**of, "items": [ENTRY], "dated_on": day},
        "billing/charges": {
            "engagement": "ENG-2001", "kind": "recurring", **fee, "starts_on": day, "ends_on": day
        },
        "billing/rates": {
            **of, "role": "Consultant", "valid_from": day, "per_hour": fee["amount"]
        },
    }  # fmt: skip

    for path, body in said.items():
        answer = shared_office.post("finance", f"/api/v1/{path}", json=body)
        assert answer.status_code == 422, path
        assert answer.json()["errors"], path
    for name in ("since", "until"):
        path = f"/api/v1/billing/figures?{name}={day}"
        assert shared_office.get("auditor", path).status_code == 422


@pytest.mark.parametrize("amount", ["1_000", "１２", "1e400", "NaN", "-0"])
def test_amounts_that_are_written_otherwise_than_in_plain_digits_are_refused(
    shared_office: Office, amount: str
) -> None:
    fee = {"kind": "scheduled", "name": "Fee", "source": "C-1", "due_on": "2026-03-01"}
    sent = {"engagement": "ENG-2001", "amount": {"amount": amount, "currency": "EUR"}, **fee}

    assert shared_office.post("finance", "/api/v1/billing/charges", json=sent).status_code == 422


def test_a_cursor_that_was_made_up_is_refused(shared_office: Office) -> None:
    for path in ("discrepancies", "milestones", "invoices", "reconciliations"):
        answer = shared_office.get("auditor", f"/api/v1/{path}", params={"cursor": "1.made-up"})
        assert answer.status_code in (200, 400, 422), path
