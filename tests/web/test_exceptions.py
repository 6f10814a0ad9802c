"""The board of exceptions: what is shown to whom, what may be done, and what is left standing."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from tests.api.firm import NOW

from fairlead.domain.values import Money
from fairlead.store import exceptions
from fairlead.work.words import CauseClass, ExceptionAction, NewException

from .conftest import Browser, Desk

A = ExceptionAction
XSS = "<script>alert(1)</script>"


def open_one(desk: Desk, cause: str, number: int = 2001, **more: Any) -> str:
    """One more, of a step that stopped; its id."""
    region = "EMEA" if number == 2001 else "AMER"
    given: dict[str, Any] = {
        "cause_class": CauseClass.REFUSED_BY_SYSTEM,
        "team": "integration-operations",
        "title": "ledger: book did not go through",
        "detail": "422 cost centre: no match",
        "remedy": "Correct the value, then retry.",
        "actions": (A.RETRY, A.ASSIGN, A.SKIP),
        "system": f"ledger-{region.lower()}",
        "region": region,
        "at_risk": Money(amount=Decimal(1000), currency="EUR"),
        **more,
    }
    with desk.db.transaction() as tx:
        tx.execute("UPDATE steps SET state = 'failed' WHERE name = 'book'")
        return exceptions.open_one(
            tx,
            NewException(
                cause=cause,
                opened_at=NOW,
                run_id=f"r-{number}",
                step="book",
                occurrence=1,
                subject_id=f"e-{number}",
                **given,
            ),
        )


def the_gate(desk: Desk, number: int = 2001) -> str:
    with desk.db.transaction() as tx:
        row = tx.execute(
            "SELECT id FROM exceptions WHERE cause = %s", [f"gate:r-{number}"]
        ).fetchone()
    assert row is not None
    return row["id"]


def state_of(desk: Desk, id: str) -> dict[str, Any]:
    with desk.db.transaction() as tx:
        row = tx.execute("SELECT * FROM exceptions WHERE id = %s", [id]).fetchone()
    assert row is not None
    return row


def act(b: Browser, id: str, version: int = 1, *, value: str = "", **fields: str) -> Any:
    return b.post(
        f"/exceptions/{id}/act",
        {"version": str(version), "reason": "", "v.starts_on": value, **fields},
        part="pane",
    )


def test_the_board_is_closed_to_who_has_no_part_in_it(shared_desk: Desk) -> None:
    for path in ("/exceptions", "/exceptions/differences", "/exceptions.csv"):
        assert shared_desk.signed_in("consultant").get(path).status_code == 403


def test_only_the_readers_own_region_and_entity_is_on_the_board(shared_desk: Desk) -> None:
    amer = shared_desk.signed_in("pmo-lead.amer").get("/exceptions").text
    gmbh = shared_desk.signed_in("pmo-lead.gmbh").get("/exceptions").text

    assert "ENG-2002" in amer
    assert "ENG-2001" not in amer
    assert "ENG-2001" in gmbh
    assert "ENG-2002" not in gmbh


def test_an_exception_of_another_region_is_not_there_for_any_request(shared_desk: Desk) -> None:
    id, b = the_gate(shared_desk), shared_desk.signed_in("pmo-lead.amer")

    assert b.get(f"/exceptions/{id}").status_code == 404
    assert act(b, id, action="override", reason="x").status_code == 404
    given = b.post(f"/exceptions/{id}/assign", {"person": "pmo-lead.amer", "version": "1"})
    assert given.status_code == 404
    assert state_of(shared_desk, id)["state"] == "open"


def test_totals_are_told_per_currency_and_never_added_up(shared_desk: Desk) -> None:
    page = shared_desk.signed_in("pmo-lead").get("/exceptions").text
    head = re.sub(r"<[^>]+>", " ", page.split('class="head-sub"')[1].split("</span></b>")[0])

    assert re.search(r"EUR\s+250k", head)
    assert re.search(r"USD\s+250k", head)


def test_filters_stand_in_the_address_and_each_can_be_dropped(desk: Desk) -> None:
    open_one(desk, "refused")
    b = desk.signed_in("controller")

    page = b.get("/exceptions?cause=refused_by_system&region=EMEA").text

    assert page.count("<tr data-row") == 1
    assert 'href="/exceptions?region=EMEA"' in page
    assert 'href="/exceptions?cause=refused_by_system"' in page
    assert "<tr data-row" not in b.get("/exceptions?system=nowhere").text


def test_a_filter_that_lets_nothing_through_says_which_to_drop(shared_desk: Desk) -> None:
    page = shared_desk.signed_in("controller").get("/exceptions?region=EMEA&system=none").text

    assert "1 fits without" in page


def test_a_filter_that_does_not_exist_is_left_out(shared_desk: Desk) -> None:
    page = shared_desk.signed_in("controller").get("/exceptions?cause=x&age=9z&sort=y&after=zzz")

    assert page.status_code == 200
    assert page.text.count("<tr data-row") == 2


@pytest.mark.parametrize("sort", ["due", "-due", "risk", "-risk", "age", "-age"])
def test_pages_follow_each_other_without_a_gap_or_a_repeat(desk: Desk, sort: str) -> None:
    for n in range(60):
        currency = "EUR" if n % 3 else "USD"
        risk = Money(amount=Decimal(n % 7 * 100), currency=currency) if n % 5 else None
        due = NOW + timedelta(hours=n % 4) if n % 2 else None
        open_one(desk, f"c{n}", at_risk=risk, due_at=due)
    b = desk.signed_in("controller")

    first = b.get(f"/exceptions?sort={sort}").text
    link = re.search(r'href="([^"]+)" rel="next"', first)
    assert link is not None
    second = b.get(link[1].replace("&amp;", "&")).text

    found = [re.findall(r'<a href="/exceptions/([0-9a-f-]{36})', page) for page in (first, second)]
    assert len(found[0]) == 50
    assert len(set(found[0] + found[1])) == 62


def test_what_others_wrote_is_printed_as_text(desk: Desk) -> None:
    id = open_one(
        desk,
        "x",
        title=XSS,
        detail=XSS,
        remedy=XSS,
        payload={"a": XSS},
        difference={"stage": {"ours": XSS, "theirs": "b"}},
    )
    b = desk.signed_in("controller")

    page = b.get(f"/exceptions/{id}?q=%3Cscript%3E").text

    assert XSS not in page
    assert "&lt;script&gt;" in page


def test_secrets_in_a_payload_are_not_shown(desk: Desk) -> None:
    body = {"api_key": "sk-1", "headers": {"Authorization": "x"}, "note": "Bearer abcdefghijkl"}
    id = open_one(desk, "x", payload=body)

    page = desk.signed_in("controller").get(f"/exceptions/{id}", part="pane").text

    assert "sk-1" not in page
    assert "abcdefghijkl" not in page
    assert "api_key" in page


def test_retrying_lets_the_step_go_on_and_keeps_who_and_why(desk: Desk) -> None:
    id = open_one(desk, "x")
    b = desk.signed_in("integration-operator")

    answer = act(b, id, action="retry", reason="mended")

    assert answer.status_code == 200
    assert 'id="toast"' in answer.text
    row = state_of(desk, id)
    assert (row["state"], row["resolved_by"], row["reason"]) == (
        "resolved",
        "integration-operator",
        "mended",
    )
    assert desk.count("steps", "run_id = 'r-2001' AND name = 'book' AND state = 'ready'") == 1
    assert "“mended”" in b.get(f"/exceptions/{id}").text


def test_a_second_press_changes_nothing_and_tells_who_decided(desk: Desk) -> None:
    id = open_one(desk, "x")
    act(desk.signed_in("integration-operator"), id, action="retry", reason="mended by me")

    late = act(desk.signed_in("controller"), id, action="skip", reason="mine")

    assert late.status_code == 409
    assert late.headers["hx-retarget"] == "#notice"
    assert "Decided by another" in late.text
    assert "mended by me" in late.text
    assert desk.count("events", "type = 'exception.skip'") == 0


def test_what_was_shown_before_a_change_cannot_be_decided_on(desk: Desk) -> None:
    id = open_one(desk, "x")
    open_one(desk, "x")  # the same cause again: version 2

    late = act(desk.signed_in("integration-operator"), id, 1, action="retry")

    assert late.status_code == 409
    assert state_of(desk, id)["state"] == "open"


def test_who_may_not_override_reads_so_before_trying(shared_desk: Desk) -> None:
    id = the_gate(shared_desk)

    finance = shared_desk.signed_in("finance")
    page = finance.get(f"/exceptions/{id}").text

    assert "needs the role Controller or PMO lead" in page
    assert act(finance, id, action="override", reason="x").status_code == 403


def test_skipping_needs_a_reason_and_dismissing_is_no_action_of_a_step(desk: Desk) -> None:
    id = open_one(desk, "x")
    b = desk.signed_in("integration-operator")

    assert act(b, id, action="skip").status_code == 422
    assert act(b, id, action="dismiss", reason="x").status_code == 409
    assert act(b, id, action="burn").status_code == 422
    assert state_of(desk, id)["state"] == "open"


def test_a_value_of_the_wrong_kind_is_told_beside_its_field_and_kept(desk: Desk) -> None:
    id, b = the_gate(desk), desk.signed_in("pmo-lead")

    refused = act(b, id, action="supply", value="soon")

    assert refused.status_code == 422
    assert 'value="soon"' in refused.text
    assert "is a date" in refused.text


def test_a_value_that_fits_is_taken_in(desk: Desk) -> None:
    id, b = the_gate(desk), desk.signed_in("pmo-lead")

    taken = act(b, id, action="supply", value="2026-04-01")

    assert taken.status_code == 200
    assert "The gate looks at what was given" in taken.text, "not the form again"
    assert "v.starts_on" not in taken.text
    assert desk.count("engagements", "body #>> '{supplied,starts_on}' = '2026-04-01'") == 1
    assert "you supplied a value here" in b.get(f"/exceptions/{id}").text


def test_the_heading_counts_anew_when_its_figures_do(shared_desk: Desk) -> None:
    part = shared_desk.signed_in("pmo-lead").get("/exceptions", part="exception-head").text

    assert '<span id="exception-sub" hx-swap-oob="true">' in part


def test_two_records_stand_side_by_side_with_what_each_choice_leads_to(desk: Desk) -> None:
    client = {"name": "Marlowe GmbH", "tax_id": "DE1", "address": {"country": "DE"}}
    candidates = [
        {"id": "7", "name": "Marlowe", "country": "DE", "tax_id": "DE2", "likeness": "0.9"}
    ]
    id = open_one(
        desk,
        "x",
        cause_class=CauseClass.NEEDS_DECISION,
        actions=(A.CHOOSE, A.ASSIGN),
        difference={"client": client, "candidates": candidates},
    )
    b = desk.signed_in("controller")

    page = b.get(f"/exceptions/{id}").text
    assert page.index("Tax id") < page.index("1\N{NO-BREAK SPACE}field the same")
    assert "gets a new client record" in page
    assert act(b, id, action="choose", choice="99").status_code == 422
    assert act(b, id, action="choose", choice="7").status_code == 200
    assert state_of(desk, id)["resolution"] == "choose"


def test_it_is_given_to_who_can_resolve_it_and_can_be_had_back(desk: Desk) -> None:
    id, b = the_gate(desk), desk.signed_in("pmo-lead")

    def give(person: str, version: int) -> Any:
        fields = {"person": person, "version": str(version)}
        return b.post(f"/exceptions/{id}/assign", fields, part="pane")

    for nobody in ("consultant", "finance.amer", "gone", "nobody", XSS):
        assert give(nobody, 1).status_code == 422
    given = give("finance", 1)
    assert "Undo" in given.text
    assert state_of(desk, id)["assignee"] == "finance"
    assert give("", 2).status_code == 200
    assert state_of(desk, id)["assignee"] is None


def test_several_are_retried_each_for_itself(desk: Desk) -> None:
    one, gate = open_one(desk, "x"), the_gate(desk)
    b = desk.signed_in("integration-operator")
    other = {"do": "retry", "reason": "mended", "pick": f"{one}:1"}

    answer = b.send(
        "POST",
        "/exceptions/bulk",
        content=(
            f"csrf={b.token}&do=retry&reason=mended&pick={one}%3A1&pick={gate}%3A1&pick=none%3A1"
        ).encode(),
        headers={
            "content-type": "application/x-www-form-urlencoded",
            "origin": b.url,
            "sec-fetch-site": "same-origin",
            "hx-request": "true",
            "hx-target": "bulk-results",
        },
    )

    assert "1 of 3 done" in answer.text
    assert "nothing to try again" in answer.text
    assert state_of(desk, one)["reason"] == "mended"
    assert state_of(desk, gate)["state"] == "open"
    again = b.post("/exceptions/bulk", other, part="bulk-results")
    assert "0 of 1 done" in again.text


def test_the_file_has_every_row_and_no_formula(desk: Desk) -> None:
    for n in range(55):
        open_one(desk, f"c{n}", title=f"=cmd|'/c calc'!A{n}")
    b = desk.signed_in("pmo-lead.gmbh")

    answer = b.get("/exceptions.csv")

    rows = list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff"))))
    assert answer.headers["content-disposition"] == 'attachment; filename="exceptions.csv"'
    assert len(rows) == 56
    assert all(not row["Title"].startswith("=") for row in rows)
    assert {row["Engagement"] for row in rows} == {"ENG-2001"}
    assert "250000" in {row["At risk"].split(".")[0] for row in rows}


def test_views_are_kept_renamed_and_deleted_by_whom_they_belong_to(desk: Desk) -> None:
    b = desk.signed_in("pmo-lead")
    b.get("/exceptions?region=EMEA")

    kept = b.post(
        "/exceptions/views", {"name": XSS, "query": "?region=EMEA"}, part="exception-views"
    )
    assert "&lt;script&gt;" in kept.text
    assert XSS not in kept.text
    assert 'href="/exceptions?region=EMEA"' in b.get("/exceptions").text
    b.post("/exceptions/views/rename", {"name": XSS, "new": "Ours"})
    assert "Ours" in b.get("/exceptions").text
    assert "Ours" not in desk.signed_in("controller").get("/exceptions").text
    b.post("/exceptions/views/delete", {"name": "Ours"})
    assert desk.count("saved_views") == 0
    assert b.post("/exceptions/views", {"name": " ", "query": ""}).status_code == 422


def test_differences_are_listed_with_both_values_and_a_way_on(desk: Desk) -> None:
    with desk.db.transaction() as tx:
        tx.execute("DELETE FROM differences")
        for number, region in ((2001, "EMEA"), (2002, "AMER")):
            tx.execute(
                "INSERT INTO differences VALUES (%s, 'project.budget', 'ledger', 'fairlead', %s,"
                " %s, %s, 52000, 'EUR', 'ask', now() - interval '2 days', now())",
                [
                    f"e-{number}",
                    Jsonb({"amount": "864000.00", "currency": "EUR"}),
                    Jsonb(f"={XSS}"),
                    region,
                ],
            )
    b = desk.signed_in("pmo-lead.amer")

    page = b.get("/exceptions/differences").text

    assert "864,000.00" in page
    assert "ENG-2002" in page
    assert "ENG-2001" not in page
    assert XSS not in page
    assert "<tr data-row" not in b.get("/exceptions/differences?age=7d").text
    file = b.get("/exceptions/differences.csv").text
    assert "'=" in file
    assert "ENG-2001" not in file
