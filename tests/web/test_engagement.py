"""The pages of one engagement: who sees what of it, in which words, at what cost."""

from __future__ import annotations

import csv
import io
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from fairlead.domain.ids import EngagementId
from fairlead.domain.model.agreement import Agreement, AgreementStatus, Signer
from fairlead.domain.model.client import Client
from fairlead.domain.model.document import FiledDocument
from fairlead.domain.model.engagement import Engagement, EngagementState, Reading
from fairlead.domain.model.opportunity import Opportunity, OpportunityStage
from fairlead.domain.values import ExternalRef, Money
from fairlead.store import bulk, engagements, journal
from fairlead.store.journal import Event
from fairlead.web.csv_table import harmless

from .conftest import Desk

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TABS = ("", "/line", "/packet", "/timeline", "/systems", "/decisions", "/documents")
XSS = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def add(desk: Desk, number: int, state: EngagementState, **more: Any) -> Engagement:
    """An engagement that was just opened, in EMEA: no run, no task, no event."""
    deal = Opportunity(
        ref=ExternalRef(system="crm-emea", kind="opportunity", id=f"006#{number}"),
        revision="1",
        modified_at=NOW,
        name=more.pop("name", f"Warehouse {number}"),
        stage=OpportunityStage.WON,
        client=Client(
            ref=ExternalRef(system="crm-emea", kind="account", id="001"),
            name=more.pop("client", "Kestrel Logistics"),
        ),
        value=Money(amount=Decimal(864_000), currency="EUR"),
        region="EMEA",
        legal_entity="DE01",
    )
    made = Engagement(
        id=EngagementId(f"e-{number}"),
        number=f"ENG-{number}",
        state=state,
        deal=deal,
        opened_at=NOW,
        **more,
    )
    with desk.db.transaction() as tx:
        assert engagements.add(tx, made)
    return made


def run(desk: Desk, id: str, subject: str, playbook: str, *steps: dict[str, Any]) -> None:
    """A run under way, of a playbook whose one stage is Readiness."""
    planned = [{"name": one["name"], "stage": "Readiness", "stage_index": 0} for one in steps]
    with desk.db.transaction() as tx:
        tx.execute(
            "INSERT INTO playbooks (digest, name, version, body, first_used_at)"
            " VALUES (%s, %s, 1, %s, %s)",
            [f"digest of {id}", playbook, Jsonb({"steps": planned}), NOW],
        )
        told: dict[str, Any] = {
            "id": id,
            "playbook": playbook,
            "digest": f"digest of {id}",
            "subject_type": "engagement",
            "subject_id": subject,
            "region": "EMEA",
            "correlation": "c",
            "input": {},
            "state": "active",
            "started_at": NOW,
        }
        bulk.insert(tx, "runs", [told])
        plain = {"run_id": id, "occurrence": 1, "owner": "legal", "started_at": NOW}
        bulk.insert(tx, "steps", [{**plain, **one} for one in steps])


def tell(desk: Desk, chain: str, type: str, actor: str = "fairlead", **attributes: str) -> None:
    with desk.db.transaction() as tx:
        journal.append(tx, [Event(chain, type, NOW, actor, attributes)])


@contextmanager
def statements(monkeypatch: pytest.MonkeyPatch) -> Generator[list[str]]:
    """What the driver is asked while the block runs."""
    asked: list[str] = []
    whole = psycopg.Cursor.execute

    def counted(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(str(query))
        return whole(self, query, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(psycopg.Cursor, "execute", counted)
        yield asked


@pytest.mark.parametrize("tab", [*TABS, "/packet.pdf", "/packet.json", "/timeline.csv"])
def test_whoever_may_not_read_engagements_is_told_so(shared_desk: Desk, tab: str) -> None:
    answer = shared_desk.signed_in("consultant").get(f"/engagements/ENG-2001{tab}")

    assert answer.status_code == 403


@pytest.mark.parametrize("tab", [*TABS, "/packet.pdf", "/packet.json", "/timeline.csv"])
def test_one_of_another_region_is_answered_as_one_that_does_not_exist(
    shared_desk: Desk, tab: str
) -> None:
    browser = shared_desk.signed_in("pmo-lead.amer")

    foreign = browser.get(f"/engagements/ENG-2001{tab}")
    absent = browser.get(f"/engagements/ENG-9999{tab}")

    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert foreign.text.replace("ENG-2001", "") == absent.text.replace("ENG-9999", "")


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_of_an_engagement_under_way(shared_desk: Desk, tab: str) -> None:
    answer = shared_desk.signed_in("pmo-lead").get(f"/engagements/ENG-2001{tab}")

    assert answer.status_code == 200
    assert 'aria-current="page"' in answer.text
    assert "Ledger migration 2001" in answer.text


@pytest.mark.parametrize("state", list(EngagementState))
def test_every_tab_of_one_just_opened_in_every_state(desk: Desk, state: EngagementState) -> None:
    add(desk, 2500, state)
    browser = desk.signed_in("pmo-lead")

    answers = {tab: browser.get(f"/engagements/ENG-2500{tab}") for tab in TABS}

    assert {tab: answer.status_code for tab, answer in answers.items()} == dict.fromkeys(TABS, 200)
    assert "No run yet" in answers["/line"].text
    assert "Nothing has happened yet" in answers["/timeline"].text
    assert "Nothing was written yet" in answers["/systems"].text
    assert "No rule was asked yet" in answers["/decisions"].text
    assert "Nothing is filed yet" in answers["/documents"].text


@pytest.mark.parametrize("tab", TABS)
def test_a_tab_asks_at_most_six_queries(
    shared_desk: Desk, tab: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside what every page asks. The packet has six of its own, and the head's two."""
    browser = shared_desk.signed_in("pmo-lead")
    with statements(monkeypatch) as every_page:
        browser.get("/account")
    with statements(monkeypatch) as asked:
        browser.get(f"/engagements/ENG-2001{tab}")

    assert 0 < len(asked) - len(every_page) <= (8 if tab == "/packet" else 6)


@pytest.mark.parametrize("tab", TABS)
def test_words_from_outside_are_printed_as_text(desk: Desk, tab: str) -> None:
    document = FiledDocument(
        ref=ExternalRef(system="files", kind="file", id="1"),
        kind="statement_of_work",
        name=XSS,
        media_type="application/pdf",
        sha256="a" * 64,
        size=1_400_000,
        url="javascript:alert(3)",
        filed_at=NOW,
    )
    readings = {"project.name": {"ledger": Reading(value=XSS, at=NOW)}}
    add(desk, 2501, EngagementState.IN_SETUP, name=XSS, client=XSS,
        documents=(document,), readings=readings)  # fmt: skip
    gate = {"name": "gate", "kind": "gate", "state": "blocked", "because": XSS}
    run(desk, "r-2501", "e-2501", "deal-to-delivery", gate)
    tell(desk, "e-2501", "exception.override", "person:pmo-lead", reason=XSS)
    tell(desk, "e-2501", XSS, XSS)

    text = desk.signed_in("pmo-lead").get(f"/engagements/ENG-2501{tab}").text

    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "javascript:" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_the_line_names_who_holds_it_up_what_depends_on_it_and_the_way_there(
    shared_desk: Desk,
) -> None:
    page = shared_desk.signed_in("pmo-lead").get("/engagements/ENG-2001").text

    assert "It lacks a start date" in page
    assert "Waits on Sales operations" in page
    assert "Supply it." in page
    assert 'href="/exceptions/' in page
    assert 'href="/inbox/task-' in page
    assert "In set-up, blocked" in page


def test_steps_that_are_over_fold_away_until_asked_for(desk: Desk) -> None:
    add(desk, 2502, EngagementState.RECEIVED)
    over = {"name": "quote_agrees", "kind": "gate", "state": "done", "ended_at": NOW}
    waits = {"name": "contract_signed", "kind": "gate", "state": "blocked"}
    run(desk, "r-2502", "e-2502", "deal-to-delivery", over, waits)
    browser = desk.signed_in("pmo-lead")

    folded = browser.get("/engagements/ENG-2502").text
    unfolded = browser.get("/engagements/ENG-2502?steps=all").text

    assert "1 done" in folded
    assert "Quote agrees" not in folded
    assert "Contract signed" in folded
    assert "Quote agrees" in unfolded


def test_a_whole_shows_its_parts_and_a_part_its_whole(desk: Desk) -> None:
    whole = add(desk, 2503, EngagementState.IN_SETUP)
    add(desk, 2504, EngagementState.RECEIVED, parent=whole.id)
    browser = desk.signed_in("pmo-lead")

    assert 'href="/engagements/ENG-2504"' in browser.get("/engagements/ENG-2503").text
    part = browser.get("/engagements/ENG-2504").text
    assert part.count('href="/engagements/ENG-2503"') == 2  # the crumbs, and the table


def test_a_refresh_brings_the_block_and_the_state_beside_it(shared_desk: Desk) -> None:
    browser = shared_desk.signed_in("pmo-lead")

    answer = browser.get("/engagements/ENG-2001/systems", part="engagement-now").text

    assert answer.lstrip().startswith('<div id="engagement-now"')
    assert 'hx-get="/engagements/ENG-2001/systems"' in answer
    assert 'id="engagement-state" hx-swap-oob="true"' in answer
    assert "<html" not in answer


def test_the_timeline_tells_known_events_in_words_and_others_by_name(desk: Desk) -> None:
    add(desk, 2505, EngagementState.IN_SETUP)
    tell(desk, "e-2505", "approval.approved", "person:finance", step="rate_exception", reason="Ok")
    tell(desk, "e-2505", "moon.rose", "system:ledger-emea")
    browser = desk.signed_in("pmo-lead")

    page = browser.get("/engagements/ENG-2505/timeline").text

    assert "approved “Rate exception”" in page
    assert "moon.rose" in page
    assert page.index("moon.rose") < page.index("approved “Rate exception”")  # newest first
    only = browser.get("/engagements/ENG-2505/timeline?kind=people").text
    assert "approved “Rate exception”" in only
    assert "moon.rose" not in only
    none = browser.get("/engagements/ENG-2505/timeline?actor=person:legal").text
    assert "Nothing in the log fits" in none


def test_the_timeline_goes_on_behind_its_first_page(desk: Desk) -> None:
    add(desk, 2506, EngagementState.IN_SETUP)
    for n in range(60):
        tell(desk, "e-2506", f"event.n{n}")
    browser = desk.signed_in("auditor")

    first = browser.get("/engagements/ENG-2506/timeline").text
    second = browser.get("/engagements/ENG-2506/timeline?before=11").text

    assert "event.n59" in first
    assert "event.n9<" not in first
    assert "before=11" in first
    assert "event.n9<" in second
    assert "event.n10<" not in second


@pytest.mark.parametrize("reason", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1"])
def test_no_cell_of_the_csv_is_a_formula(desk: Desk, reason: str) -> None:
    add(desk, 2507, EngagementState.IN_SETUP)
    tell(desk, "e-2507", "exception.skip", "person:pmo-lead", reason=reason)

    answer = desk.signed_in("auditor").get("/engagements/ENG-2507/timeline.csv")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert rows[1][5] == f"'{reason}"


def test_a_plain_cell_stays_as_it_is() -> None:
    assert harmless("7 days") == "7 days"


def test_decisions_name_table_version_and_row_and_have_an_address(shared_desk: Desk) -> None:
    page = shared_desk.signed_in("pmo-lead").get("/engagements/ENG-2001/decisions").text

    assert 'id="d-2001"' in page
    assert "Launch approval v1, row" in page
    assert 'class="is-sel"' in page  # the row that fired, in the table as it was
    assert "margin 0.31 is enough" in page


def test_margins_are_withheld_from_those_who_may_not_see_them(shared_desk: Desk) -> None:
    page = shared_desk.signed_in("legal").get("/engagements/ENG-2001/decisions").text

    assert "0.31" not in page
    assert "Hidden" in page


def test_the_systems_tab_says_what_each_holds_how_old_it_is_and_what_differs(desk: Desk) -> None:
    said = {
        "ledger": Reading(value="2026-09-30", at=desk.now() - timedelta(hours=14)),
        "projects": Reading(value="2026-10-31", at=desk.now()),
    }
    ref = ExternalRef(system="ledger-emea", kind="job", id="100-20384")
    add(desk, 2508, EngagementState.LAUNCHED, refs={"ledger_project": ref},
        readings={"project.ends_on": said})  # fmt: skip

    page = desk.signed_in("pmo-lead").get("/engagements/ENG-2508/systems").text

    assert "30 Sep 2026" in page
    assert "14\N{NO-BREAK SPACE}h old" in page
    assert "100-20384" in page
    assert "Differs" in page


def test_effects_are_for_those_who_may_read_them(shared_desk: Desk) -> None:
    seen = shared_desk.signed_in("auditor").get("/engagements/ENG-2001/systems").text
    hidden = shared_desk.signed_in("project-manager").get("/engagements/ENG-2001/systems").text

    assert "r-2001/book/1" in seen
    assert "r-2001/book/1" not in hidden
    assert "Needs the permission to read effects" in hidden


def test_documents_show_digest_retention_and_who_signed(desk: Desk) -> None:
    document = FiledDocument(
        ref=ExternalRef(system="files", kind="file", id="1"),
        kind="statement_of_work",
        name="SOW-2038-v3.pdf",
        media_type="application/pdf",
        sha256="c0ffee" + "0" * 58,
        size=1_400_000,
        retention="contracts-10-years",
        url="https://files.example/1",
        filed_at=NOW,
    )
    agreement = Agreement(
        ref=ExternalRef(system="docusign", kind="envelope", id="env-1"),
        title="Statement of work",
        status=AgreementStatus.SENT,
        revision="1",
        signers=(Signer(name="Anke Dressler", signed_at=NOW), Signer(name="Jonas Weiss")),
    )
    add(desk, 2509, EngagementState.LAUNCHED, documents=(document,), agreement=agreement)

    page = desk.signed_in("auditor").get("/engagements/ENG-2509/documents").text

    for words in ("SOW-2038-v3.pdf", "c0ffee", "Contracts 10 years", "1.4\N{NO-BREAK SPACE}MB"):
        assert words in page
    assert 'href="https://files.example/1"' in page
    assert "Waits for signatures" in page
    assert "Not signed" in page


def test_the_packet_is_given_as_pdf_and_json_to_be_saved(shared_desk: Desk) -> None:
    browser = shared_desk.signed_in("auditor")

    pdf = browser.get("/engagements/ENG-2001/packet.pdf")
    told = browser.get("/engagements/ENG-2001/packet.json")

    assert pdf.content.startswith(b"%PDF")
    assert told.json()["head"]["number"] == "ENG-2001"
    assert "attachment" in told.headers["content-disposition"]


def test_an_auditor_reads_and_is_offered_nothing_to_do(shared_desk: Desk) -> None:
    browser = shared_desk.signed_in("auditor")

    page = browser.get("/engagements/ENG-2001").text

    assert "/engagements/ENG-2001/cancel" not in page
    assert "/engagements/ENG-2001/compare" not in page
    assert browser.post("/engagements/ENG-2001/compare").status_code == 403
    cancelled = {"run": "r-2001", "reason": "x", "version": "1"}
    assert browser.post("/engagements/ENG-2001/cancel", cancelled).status_code == 403


def test_a_comparison_is_asked_for_once(desk: Desk) -> None:
    ref = ExternalRef(system="ledger-emea", kind="job", id="1")
    add(desk, 2510, EngagementState.LAUNCHED, refs={"ledger_project": ref})
    browser = desk.signed_in("pmo-lead")
    assert "Compare systems now" in browser.get("/engagements/ENG-2510").text

    first = browser.post("/engagements/ENG-2510/compare", part="compare")
    run(desk, "r-2510", "e-2510", "compare-systems")
    again = browser.post("/engagements/ENG-2510/compare", part="compare")

    assert first.status_code == 200
    assert "being asked" in first.text
    assert desk.count("inbox", "message LIKE 'compare/e-2510/%'") == 1
    assert again.status_code == 409


def test_nothing_is_compared_before_there_is_a_project(shared_desk: Desk) -> None:
    browser = shared_desk.signed_in("pmo-lead")

    assert browser.post("/engagements/ENG-2001/compare").status_code == 422


def test_a_run_is_cancelled_with_a_reason_and_only_as_it_was_read(desk: Desk) -> None:
    browser = desk.signed_in("pmo-lead")
    path, fields = "/engagements/ENG-2001/cancel", {"run": "r-2001", "version": "1"}

    assert browser.post(path, fields).status_code == 422
    assert browser.post(path, {**fields, "reason": "x", "version": "7"}).status_code == 409
    other = {**fields, "reason": "x", "run": "r-2002"}
    assert browser.post(path, other).status_code == 404
    assert desk.count("runs", "state = 'active'") == 2

    assert browser.post(path, {**fields, "reason": "The client left"}).status_code == 303
    assert desk.count("runs", "id = 'r-2001' AND state = 'active'") == 0
