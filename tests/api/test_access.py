"""Everybody gets exactly their rights, on every route that the running app has."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi.routing import APIRoute

from fairlead.api.app import create
from fairlead.api.permissions import PERMISSIONS, Open
from fairlead.api.sign_in import sign_in
from fairlead.errors import DatabaseAway
from fairlead.store.database import Database
from fairlead.trust.roles import PERMISSIONS as OF_ROLE
from fairlead.trust.roles import Permission, Role

from . import firm
from .conftest import Office

KEYED = [route for route, needed in PERMISSIONS.items() if isinstance(needed, Permission)]


def send(office: Office, who: str | None, route: str, **ids: str) -> Any:
    """With a body that can be read and breaks a rule: nothing is changed by it."""
    method, template = route.split(" ")
    path = re.sub(r"\{(\w+)\}", lambda m: ids.get(m[1], "none"), template)
    return office.call(who, method, path, json={} if method == "POST" else None)


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    app = create(firm.parts(Database("postgresql://nowhere")))
    routes = {
        f"{method} {route.path}"
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }

    assert routes == set(PERMISSIONS)
    assert len(app.routes) == len(PERMISSIONS)


def test_the_openapi_document_lists_the_same_routes(shared_office: Office) -> None:
    paths = shared_office.get(None, "/api/openapi.json").json()["paths"]

    told = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert told == set(PERMISSIONS)


def test_every_list_is_asked_for_by_pages_in_the_same_way(shared_office: Office) -> None:
    told = shared_office.get(None, "/api/openapi.json").json()
    lists = {
        path: {one["name"] for one in methods["get"].get("parameters", ())}
        for path, methods in told["paths"].items()
        if "get" in methods and "/Page_" in str(methods["get"]["responses"]["200"])
    }

    assert len(lists) > 30
    assert [path for path, names in lists.items() if not {"cursor", "limit"} <= names] == []


@pytest.mark.parametrize(
    "route",
    [r for r, needed in PERMISSIONS.items() if needed not in (Open.TO_ALL, Open.TO_SIGNERS)],
)
@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="no-key"),
        pytest.param("Bearer fl_abc_def", id="unknown-key"),
        pytest.param("Bearer nonsense", id="no-key-of-ours"),
        pytest.param("Basic dTpw", id="another-scheme"),
    ],
)
def test_without_a_valid_key_nothing_is_answered(
    shared_office: Office, route: str, header: str | None
) -> None:
    method, path = route.split(" ")
    answer = shared_office.call(
        None, method, path, headers={"authorization": header} if header else {}
    )

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="fairlead"'
    assert answer.json()["code"] == "not_signed_in"


@pytest.mark.parametrize("role", list(Role))
def test_a_role_is_let_in_exactly_where_its_permissions_say(
    shared_office: Office, role: Role
) -> None:
    who = "relay" if role is Role.SERVICE else str(role).replace("_", "-")
    for route in KEYED:
        status = send(shared_office, who, route).status_code

        assert (status == 403) == (PERMISSIONS[route] not in OF_ROLE[role]), route


OBJECTS = {
    "engagements": "e-2001",
    "runs": "r-2001",
    "decisions": "d-2001",
    "tasks": "task",
    "approvals": "task",
    "exceptions": "exception",
    "inbox": "1",
    "systems": "ledger-emea",
    "expenses": "expense",
    "time-entries": "entry",
    "deputies": "deputy-1",
    "milestones": firm.milestone_id(2001, 1),
    "evidence": "evidence",
    "time-validations": "validation",
    "period-moves": "move-1",
    "revenue-batches": "batch-2001",
    "revenue-jobs": "job-2001",
    "invoices": "BIL-1",
    "disputes": "dispute-1",
    "holds": "hold-1",
    "rates": "rate-1",
    "charges": "00000000-0000-4000-8000-0000000000c1",
    "invoice-runs": "invoice-run-1",
    "items": "entry",
}
GOOD: dict[str, Any] = {
    "answer": {"approved": True, "reason": ""},
    "assign": {"person": "pmo-lead"},
    "resolve": {"action": "retry"},
    "cancel": {"reason": "no longer wanted"},
    "migrate": {"reason": "as agreed"},
    "approve": {"digest": "0" * 64},
    "forecast": {"minutes_left": 60, "reason": "as agreed"},
    "time-entries/change": {"engagement": "ENG-2002", "day": "2026-03-02", "minutes": 60},
    "manager": {"person": "pmo-lead.amer"},
    "links": {"url": "https://client.example"},
    "send-back": {"reason": "not yet"},
    "review": {"digest": "0" * 64},
    "release": {"digest": "0" * 64},
    "discard": {"reason": "too early"},
    "exclude": {"items": [{"kind": "time", "item": "0" * 32}], "reason": "doubted"},
    "credit": {"reason": "agreed"},
    "disputes": {"cause": "rate", "detail": "Another price was agreed."},
    "close": {"outcome": "upheld", "answer": "See the contract."},
    "lift": {"reason": "settled"},
    "decide": {"approved": True},
    "change": {
        "engagement": "ENG-2002",
        "day": "2026-03-02",
        "category": "taxi",
        "amount": {"amount": "12.00", "currency": "USD"},
    },
}


@pytest.mark.parametrize("limited_to", ["amer", "us01"])
@pytest.mark.parametrize("route", [route for route in KEYED if "{id}" in route])
def test_what_is_anothers_is_answered_like_what_is_absent(
    shared_office: Office, route: str, limited_to: str
) -> None:
    """Status and body are the same, but for the request's id; nothing is changed."""
    method, template = route.split(" ")
    noun, last = template.split("/")[3], template.split("/")[-1]
    if noun == "billing":
        noun = template.split("/")[4]
    if noun == "keys":
        pytest.skip("keys belong to no region")
    if noun == "systems" and limited_to == "us01":
        pytest.skip("systems serve regions, whatever the company")
    with shared_office.db.transaction() as tx:
        task = tx.execute("SELECT id FROM tasks WHERE region = 'EMEA' LIMIT 1").fetchone()
        exception = tx.execute("SELECT id FROM exceptions WHERE region = 'EMEA'").fetchone()
    assert task
    assert exception
    expense = shared_office.get("consultant", "/api/v1/expenses").json()["items"][0]
    entry = shared_office.get("consultant", "/api/v1/time-entries").json()["items"][0]
    validations = shared_office.get("controller", "/api/v1/time-validations").json()
    (validation,) = validations["items"]
    known = {
        "task": task["id"],
        "exception": exception["id"],
        "expense": expense["id"],
        "entry": entry["id"],
        "validation": validation["id"],
    }
    milestone = f"/api/v1/milestones/{OBJECTS['milestones']}"
    known["evidence"] = shared_office.get("pmo-lead", milestone).json()["evidence"][0]["id"]
    id = known.get(OBJECTS[noun], OBJECTS[noun])
    needed = PERMISSIONS[route]
    role = next(role for role in OF_ROLE if needed in OF_ROLE[role])
    who = f"{str(role).replace('_', '-')}.{limited_to}"
    usual = GOOD.get(last, {} if method == "POST" else None)
    body = GOOD.get(f"{noun}/{last}", usual) if method != "GET" else None
    before = shared_office.count("events")

    answers = [
        shared_office.call(
            who, method, template.replace("{id}", one), json=body, headers={"if-match": '"1"'}
        )
        for one in (id, "99999")
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    foreign, absent = ({**a.json(), "request_id": ""} for a in answers)
    assert foreign == absent
    assert shared_office.count("events") == before


_EUR = {"amount": "10", "currency": "EUR"}
_SAID = {"engagement": "ENG-2001", "reason": "as agreed"}
#: What somebody may do, of which a body names what is of the EMEA company.
_NAMED: list[tuple[Role, str, dict[str, Any]]] = [
    (Role.FINANCE, "invoices/propose", {"engagements": ["ENG-2001"]}),
    (Role.FINANCE, "billing/holds", _SAID),
    (Role.FINANCE, "billing/write-offs", {**_SAID, "items": ["0" * 32]}),
    (Role.FINANCE, "billing/rates",
     {**_SAID, "role": "Consultant", "valid_from": "2026-04-01", "per_hour": _EUR}),
    (Role.FINANCE, "billing/charges",
     {"engagement": "e-2001", "kind": "scheduled", "name": "Fee", "amount": _EUR,
      "due_on": "2026-04-01", "source": "C-1"}),
    (Role.FINANCE, "billing/purchase-orders", {**_SAID, "number": "PO-1"}),
    (Role.FINANCE, "periods/ask",
     {"legal_entity": "DE01", "month": "2026-02-01", "wanted": "closed"}),
    (Role.PROJECT_MANAGER, "time-approvals/approve", {"engagement": "ENG-2001"}),
    (Role.PROJECT_MANAGER, "time-validations",
     {"first": "2026-03-02", "last": "2026-03-02", "engagement": "ENG-2001"}),
    (Role.CONSULTANT, "time-entries",
     {"engagement": "ENG-2001", "task": "10", "day": "2026-03-02", "minutes": 60}),
    (Role.CONSULTANT, "expenses",
     {"engagement": "ENG-2001", "day": "2026-03-02", "category": "taxi", "amount": _EUR}),
    (Role.RESOURCE_MANAGER, "assignments",
     {"assignments": [{"id": "new", "engagement": "ENG-2001", "resource": "consultant",
                       "role": "Consultant", "starts_on": "2026-03-01",
                       "ends_on": "2026-03-31"}]}),
    (Role.RESOURCE_MANAGER, "resources",
     {"resources": [{"id": "consultant", "name": "Stolen", "region": "EMEA",
                     "legal_entity": "DE01"}]}),
]  # fmt: skip


@pytest.mark.parametrize("limited_to", ["amer", "us01"])
@pytest.mark.parametrize(("role", "path", "body"), _NAMED, ids=[path for _, path, _ in _NAMED])
def test_what_is_anothers_is_not_reached_by_naming_it_in_a_body(
    shared_office: Office, role: Role, path: str, body: dict[str, Any], limited_to: str
) -> None:
    who = f"{str(role).replace('_', '-')}.{limited_to}"
    before = shared_office.count("events")

    answer = shared_office.post(who, f"/api/v1/{path}", json=body)

    assert answer.status_code in (403, 404, 422), answer.text
    assert shared_office.count("events") == before


def test_the_same_bodies_are_taken_from_those_without_a_limit(office: Office) -> None:
    for role, path, body in _NAMED:
        answer = office.post(str(role).replace("_", "-"), f"/api/v1/{path}", json=body)
        told = answer.json()
        assert (
            answer.status_code < 400
            or told["code"] == "illegal_move"
            or (path == "billing/write-offs" and "not unbilled items" in told["detail"])
        ), (path, answer.text)


_FOREIGN = {"amer": "EMEA|2001|ledger-emea", "us01": "DE01|2001"}
LISTS = [route for route in KEYED if route.startswith("GET") and "{" not in route]


@pytest.mark.parametrize("route", [r for r in LISTS if "/keys" not in r and "metrics" not in r])
@pytest.mark.parametrize("limited_to", ["amer", "us01"])
def test_no_list_shows_another_region_or_company(
    shared_office: Office, route: str, limited_to: str
) -> None:
    needed, path = PERMISSIONS[route], route.split(" ")[1]
    for role in OF_ROLE:
        if needed in OF_ROLE[role] and role is not Role.SERVICE:
            query = {"mine": "false"} if path.endswith(("/tasks", "/approvals")) else {}
            who = f"{str(role).replace('_', '-')}.{limited_to}"
            answer = shared_office.get(who, path, params=query)

            assert answer.status_code == 200
            assert not re.search(_FOREIGN[limited_to], answer.text), role


def test_a_limit_of_legal_entities_holds_where_rows_have_none(shared_office: Office) -> None:
    def seen(path: str) -> str:
        return shared_office.get("pmo-lead.gmbh", f"/api/v1/{path}").text

    for path in (
        "engagements", "runs", "effects", "decisions", "tasks", "exceptions", "differences",
        "events",
    ):  # fmt: skip
        assert "2001" in seen(path)
        assert "2002" not in seen(path)
    assert shared_office.get("pmo-lead.gmbh", "/api/v1/runs/r-2002").status_code == 404


def test_a_limit_of_legal_entities_holds_for_what_is_about_an_invoice(office: Office) -> None:
    with office.db.transaction() as tx:
        firm.add_run_of_invoice(tx)
    about = ("runs/r-invoice", "decisions/d-invoice", "tasks/t-invoice", "exceptions/x-invoice")

    for path in about:
        assert office.get("pmo-lead.gmbh", f"/api/v1/{path}").status_code == 200, path
        assert office.get("pmo-lead.us01", f"/api/v1/{path}").status_code == 404, path
    for path in ("runs", "effects", "decisions", "tasks", "exceptions", "events"):
        shown = {
            who: "invoice-1" in office.get(who, f"/api/v1/{path}?limit=200").text
            for who in ("pmo-lead", "pmo-lead.gmbh", "pmo-lead.us01", "pmo-lead.amer")
        }
        assert list(shown.values()) == [True, True, False, False], (path, shown)
    answer = {"approved": True, "reason": ""}
    path = "/api/v1/approvals/t-invoice/answer"
    sent = {"json": answer, "headers": {"if-match": '"1"'}}
    assert office.post("pmo-lead.us01", path, **sent).status_code == 404
    assert office.post("pmo-lead.gmbh", path, **sent).status_code == 200


def test_margins_are_withheld_from_those_who_may_not_see_costs(shared_office: Office) -> None:
    told = shared_office.get("procurement", "/api/v1/decisions/d-2001").json()

    assert told["facts"] == {"value": "250000"}
    assert told["answer"] == {"role": "pmo_lead"}
    assert told["withheld"] is True
    whole = shared_office.get("controller", "/api/v1/decisions/d-2001").json()
    assert whole["facts"]["margin"] == "0.31"
    assert "0.31" in whole["answer"]["because"]


def test_a_key_stops_when_it_is_revoked_and_when_its_bearer_goes(office: Office) -> None:
    keys = office.get("administrator", "/api/v1/keys", params={"limit": 200}).json()["items"]
    (key,) = [key for key in keys if key["principal"] == "finance"]
    assert office.get("finance", "/api/v1/me").status_code == 200

    revoked = office.call("administrator", "DELETE", f"/api/v1/keys/{key['id']}")

    assert revoked.json()["revoked_at"] is not None
    assert office.get("finance", "/api/v1/me").status_code == 401


def test_refused_access_is_on_the_audit_log(
    shared_office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    shared_office.get("consultant", "/api/v1/keys")

    (line,) = [record.getMessage() for record in caplog.records if record.name == "fairlead.audit"]
    assert line == "refused GET '/api/v1/keys' to consultant: lacks keys.manage"


def test_without_the_database_nobody_is_let_in() -> None:
    with pytest.raises(DatabaseAway):
        sign_in(Database("postgresql://127.0.0.1:1/x", wait_s=0.2), firm.PEOPLE, "Bearer fl_a_b")


def test_a_program_reads_bills_where_it_is_given_that_and_writes_none(
    shared_office: Office,
) -> None:
    assert shared_office.get("relay", "/api/v1/invoices").status_code == 403
    listed = shared_office.get("reader", "/api/v1/invoices")
    assert (listed.status_code, len(listed.json()["items"])) == (200, 1)
    assert shared_office.get("reader", "/api/v1/leakage").status_code == 200
    discard = "/api/v1/invoices/invoice-1/discard"
    assert shared_office.post("reader", discard, json={"reason": "No."}).status_code == 403
