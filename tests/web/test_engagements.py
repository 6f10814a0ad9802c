"""The list of engagements: who sees what, filters, sorts and pages, the line above, views, CSV."""

from __future__ import annotations

import csv
import io
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from psycopg import Cursor
from psycopg.types.json import Jsonb
from tests.web.conftest import Desk

from fairlead.capabilities.handoff.line import (
    LineFacts,
    StageName,
    StepFact,
    line_of,
    now_at,
    stage_of,
)
from fairlead.domain.ids import EngagementId
from fairlead.domain.model.client import Client
from fairlead.domain.model.contract import ContractType
from fairlead.domain.model.engagement import Engagement, EngagementState
from fairlead.domain.model.opportunity import Opportunity, OpportunityStage
from fairlead.domain.values import ExternalRef, Money
from fairlead.store import bulk, engagements
from fairlead.store.database import Database, Tx
from fairlead.store.engagement_list import (
    SORTS,
    EngagementList,
    Filters,
    Place,
    Reader,
    Sort,
    key_of,
)
from fairlead.store.engagement_page import EngagementViews
from fairlead.store.views import Scope
from fairlead.web.pages.engagement_line import step_facts, wait_facts

ALL = Scope()
NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
READER = Reader("pmo-lead", "pmo@example.org", NOW)
OPEN = ("in_review", "received", "in_setup", "awaiting_launch", "launched")
OVER = ("declined", "cancelled")
STAGES = list(StageName)
STEPS = {
    "commercial_data": "Readiness",
    "make_client": "Client",
    "request_staffing": "Ready",
    "tell": "Tell",
}
CURRENCIES = ("EUR", "USD", None)


def add(
    tx: Tx,
    number: int,
    *,
    region: str = "EMEA",
    entity: str = "DE01",
    state: str = "in_setup",
    name: str | None = None,
    client: str | None = "Alder",
    value: Money | None = None,
    parent: str | None = None,
    opened_at: datetime = NOW,
    launched_at: datetime | None = None,
    **deal: Any,
) -> str:
    ref = ExternalRef(system="crm-emea", kind="opportunity", id=f"x{number}")
    whole = Engagement(
        id=EngagementId(f"x-{number}"),
        number=f"ENG-{number}",
        state=EngagementState(state),
        deal=Opportunity(
            ref=ref,
            revision="1",
            modified_at=NOW,
            name=name or f"Platform {number}",
            stage=OpportunityStage.WON,
            client=Client(
                ref=ExternalRef(system="crm-emea", kind="account", id=f"a{number}"), name=client
            )
            if client
            else None,
            value=value,
            region=region,
            legal_entity=entity,
            **deal,
        ),
        parent=EngagementId(parent) if parent else None,
        opened_at=opened_at,
        launched_at=launched_at,
    )
    assert engagements.add(tx, whole)
    return whole.id


def add_run(tx: Tx, subject: str, states: dict[str, str], *, region: str = "EMEA") -> str:
    """A run of `deal-to-delivery` with these steps: name → state."""
    tx.execute(
        "INSERT INTO playbooks (digest, name, version, body, first_used_at)"
        " VALUES ('dd', 'deal-to-delivery', 1, %s, %s) ON CONFLICT DO NOTHING",
        [Jsonb({"steps": [{"name": n, "stage": s} for n, s in STEPS.items()]}), NOW],
    )
    run = f"run-{subject}"
    over = all(state == "done" for state in states.values())
    bulk.insert(
        tx,
        "runs",
        [
            {
                "id": run,
                "playbook": "deal-to-delivery",
                "digest": "dd",
                "subject_type": "engagement",
                "subject_id": subject,
                "region": region,
                "correlation": "c",
                "input": {},
                "state": "completed" if over else "active",
                "started_at": NOW,
                "ended_at": NOW if over else None,
            }
        ],
    )
    bulk.insert(
        tx,
        "steps",
        [
            {
                "run_id": run,
                "name": name,
                "occurrence": 1,
                "kind": "approval" if state == "waiting" else "action",
                "state": state,
                "owner": "delivery-operations",
                "started_at": NOW,
                "ended_at": NOW if state in ("done", "skipped") else None,
            }
            for name, state in states.items()
        ],
    )
    return run


def add_exception(tx: Tx, number: int, subject: str, due_at: datetime, **more: Any) -> None:
    row: dict[str, Any] = {
        "id": f"ex-{number}",
        "cause": f"c-{number}",
        "class": "missing_data",
        "team": "sales-operations",
        "title": "A gap",
        "detail": "d",
        "remedy": "r",
        "gaps": [],
        "actions": [],
        "subject_id": subject,
        "region": "EMEA",
        "state": "open",
        "opened_at": NOW,
        "due_at": due_at,
    }
    bulk.insert(tx, "exceptions", [row | more])


def add_task(tx: Tx, number: int, run: str, subject: str, step: str, due_at: datetime) -> None:
    row: dict[str, Any] = {
        "id": f"t-{number}",
        "kind": "approval",
        "run_id": run,
        "step": step,
        "occurrence": 1,
        "subject_id": subject,
        "region": "EMEA",
        "title": "Launch?",
        "role": "pmo_lead",
        "excluded": [],
        "shown": {},
        "state": "open",
        "opened_at": NOW,
        "due_at": due_at,
    }
    bulk.insert(tx, "tasks", [row])


def places(found: EngagementList) -> list[Place]:
    made: list[Place] = []
    for row in found.planned():
        step = StepFact("", row["playbook"], row["stage"] or "", row["step"], "", "", "", NOW)
        made.append(Place(row["digest"], row["step"], STAGES.index(stage_of(step)) + 1))
    return made


def fill_at_random(tx: Tx, chance: random.Random, count: int) -> list[str]:
    """Engagements in every state, with runs, steps, tasks and exceptions; some are parts."""
    ids: list[str] = []
    for n in range(count):
        state = chance.choice((*OPEN, *OVER))
        currency = chance.choice(CURRENCIES)
        id = add(
            tx,
            5000 + n,
            region=chance.choice(("EMEA", "AMER")),
            entity=chance.choice(("DE01", "US01")),
            state=state,
            client=chance.choice(("Alder", "alder", "Birch", None)),
            value=Money(amount=Decimal(chance.randrange(4) * 1000), currency=currency)
            if currency
            else None,
            parent=chance.choice(ids) if ids and chance.random() < 0.2 else None,
            opened_at=NOW + timedelta(minutes=chance.randrange(3)),
            service_line=chance.choice(("Cloud", "Data", None)),
            contract_type=chance.choice((ContractType.FIXED_FEE, None)),
            client_tier=chance.choice(("strategic", None)),
        )
        ids.append(id)
        if chance.random() < 0.7:
            among = ("done", "skipped", "ready", "waiting", "blocked", "failed", "running")
            run = add_run(tx, id, {name: chance.choice(among) for name in STEPS})
            if chance.random() < 0.4:
                due = NOW + timedelta(hours=chance.randrange(-2, 3))
                add_task(tx, n, run, id, chance.choice(list(STEPS)), due)
            if chance.random() < 0.3:
                due = NOW + timedelta(hours=chance.randrange(-2, 3))
                add_exception(tx, n, id, due, run_id=run, step=chance.choice(list(STEPS)))
        elif chance.random() < 0.3:
            add_exception(tx, n, id, NOW + timedelta(hours=chance.randrange(-2, 3)))
    return ids


@pytest.fixture(scope="module")
def crowd(module_db: Database) -> Iterator[tuple[Tx, EngagementList]]:
    """90 at random; the same ones each time."""
    with module_db.transaction() as tx:
        fill_at_random(tx, random.Random(7), 90)
    with module_db.transaction() as tx:
        yield tx, EngagementList(tx, ALL, READER)


def numbers(text: str) -> list[str]:
    """Of the rows of the list, in order."""
    return re.findall(
        r'data-row>\s*<th class="eng" scope="row"><a href="/engagements/(ENG-\d+)', text
    )


FILTERS = (
    Filters(states=(*OPEN, *OVER)),
    Filters(states=OPEN),
    Filters(states=OPEN, region="EMEA", blocked=True),
    Filters(states=OPEN, stage=3),
    Filters(states=OPEN, late=True),
    Filters(states=("launched",), q="ALDER"),
)


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("filters", FILTERS)
def test_pages_neither_skip_nor_repeat_a_row(
    crowd: tuple[Tx, EngagementList], sort: Sort, filters: Filters
) -> None:
    _, found = crowd
    at = places(found)
    whole = [row["id"] for row in found.page(filters, sort, at, after=None, limit=1000)]
    assert whole
    paged: list[str] = []
    after = None
    while rows := found.page(filters, sort, at, after=after, limit=4):
        paged += [row["id"] for row in rows]
        after = key_of(rows[-1], sort)
    assert paged == whole
    assert len(set(whole)) == len(whole)
    assert len(whole) == found.summary(filters, at, set_up=[], review="").listed.count


def test_the_query_and_the_line_of_one_agree_where_each_stands(
    crowd: tuple[Tx, EngagementList],
) -> None:
    tx, found = crowd
    filters = Filters(states=OPEN)
    at = places(found)
    views = EngagementViews(tx, ALL)
    compared = 0
    for stage, name in enumerate(STAGES, start=1):
        chosen = Filters(states=OPEN, stage=stage)
        rows = found.page(chosen, "opened", at, after=None, limit=1000)
        assert len(rows) == found.summary(filters, at, set_up=[], review="").stages[stage].count
        for row in rows:
            facts = LineFacts(
                state=row["state"],
                opened_at=row["opened_at"],
                steps=step_facts(views.steps_of([row["id"]])),
                waits=wait_facts(views.waits_of([row["id"]])),
            )
            here = now_at(line_of(facts, now=NOW))
            if here.state in ("bad", "warn", "run"):  # else nothing of it is open
                assert (here.name, here.state) == (
                    name,
                    {1: "bad", 2: "warn", 3: "run"}[row["rank"] // 10],
                )
                compared += 1
    assert compared > 30


def test_a_filter_leaves_only_what_fits(crowd: tuple[Tx, EngagementList]) -> None:
    _, found = crowd
    at = places(found)
    wanted = (
        (Filters(states=OPEN, region="AMER"), "region", "AMER"),
        (Filters(states=OPEN, entity="US01"), "legal_entity", "US01"),
        (Filters(states=OPEN, line="Cloud"), "service_line", "Cloud"),
        (Filters(states=OPEN, tier="strategic"), "client_tier", "strategic"),
        (Filters(states=OPEN, type="fixed_fee"), "contract_type", "fixed_fee"),
    )
    for filters, column, value in wanted:
        rows = found.page(filters, "opened", at, after=None, limit=1000)
        assert rows
        assert {row[column] for row in rows} == {value}
    late = found.page(Filters(states=OPEN, late=True), "due", at, after=None, limit=1000)
    assert late
    assert all(row["due_at"] <= NOW for row in late)


def test_sums_are_per_currency_and_of_each_row_once(crowd: tuple[Tx, EngagementList]) -> None:
    _, found = crowd
    at = places(found)
    filters = Filters(states=OPEN)
    rows = found.page(filters, "opened", at, after=None, limit=1000)
    summed = {
        code: sum(row["value"] for row in rows if row["currency"] == code)
        for code in ("EUR", "USD")
    }
    listed = found.summary(filters, at, set_up=[], review="").listed
    assert {one.currency: one.amount for one in listed.totals} == summed


def test_only_engagements_of_the_readers_region_and_entity_are_there(desk: Desk) -> None:
    everybody = desk.signed_in("pmo-lead").get("/engagements").text
    assert set(numbers(everybody)) == {"ENG-2001", "ENG-2002"}
    for person, number in (("pmo-lead.amer", "ENG-2002"), ("pmo-lead.gmbh", "ENG-2001")):
        browser = desk.signed_in(person)
        answer = browser.get("/engagements?state=all")
        assert numbers(answer.text) == [number]
        assert ">1</span>" in answer.text  # the line counts no more than that
        lines = browser.get("/engagements.csv").text.splitlines()
        assert [line.split(",")[0].strip('"') for line in lines[1:]] == [number]


def test_without_the_permission_there_is_no_list(desk: Desk) -> None:
    browser = desk.signed_in("consultant")
    for path in ("/engagements", "/engagements.csv"):
        assert browser.get(path).status_code == 403
    assert browser.post("/engagements/views", {"name": "x", "query": ""}).status_code == 403


def test_an_auditor_reads_and_has_nothing_to_press(desk: Desk) -> None:
    answer = desk.signed_in("auditor").get("/engagements")
    assert answer.status_code == 200
    posts = set(re.findall(r'<form[^>]*method="post"[^>]*action="([^"?]+)', answer.text))
    assert {p for p in posts if p.startswith("/engagements")} == {"/engagements/views"}


def test_filters_stay_in_the_address_and_can_be_dropped(desk: Desk) -> None:
    browser = desk.signed_in("pmo-lead")
    text = unescape(browser.get("/engagements?region=EMEA&blocked=yes&sort=client&colour=red").text)
    assert numbers(text) == ["ENG-2001"]
    assert 'href="/engagements?blocked=yes&sort=client"' in text  # drops the region
    assert 'href="/engagements?region=EMEA&sort=client"' in text
    assert 'aria-sort="ascending"' in text
    assert "colour" not in text


def test_a_list_that_nothing_fits_says_which_filter_to_drop(desk: Desk) -> None:
    browser = desk.signed_in("pmo-lead")
    text = unescape(browser.get("/engagements?region=EMEA&q=nobody").text)
    assert "1 fits without “nobody”" in text
    assert 'href="/engagements?region=EMEA"' in text


def test_a_firm_without_engagements_says_when_the_next_comes(desk: Desk) -> None:
    text = desk.signed_in("pmo-lead").get("/engagements?state=cancelled").text
    assert "No engagement fits" in text


def test_parts_fold_under_their_whole_and_stand_alone_where_it_is_not_in_the_list(
    desk: Desk,
) -> None:
    with desk.db.transaction() as tx:
        whole = add(tx, 3001, client="Whole", value=Money(amount=Decimal(300), currency="EUR"))
        part = Money(amount=Decimal(100), currency="EUR")
        add(tx, 3002, client="Whole", parent=whole, value=part)
        add(tx, 3003, client="Whole", parent=whole, region="AMER", entity="US01", value=part)
    browser = desk.signed_in("pmo-lead")
    text = browser.get("/engagements?q=whole").text
    assert numbers(text) == ["ENG-3001"]
    assert "ENG-3002" in text
    assert "ENG-3003" in text
    assert "300" in text  # and not 500
    assert numbers(browser.get("/engagements?q=whole&region=AMER").text) == ["ENG-3003"]
    assert numbers(desk.signed_in("pmo-lead.amer").get("/engagements?q=whole").text) == ["ENG-3003"]
    gmbh = desk.signed_in("pmo-lead.gmbh").get("/engagements?q=whole").text
    assert numbers(gmbh) == ["ENG-3001"]
    assert "ENG-3003" not in gmbh


def test_what_outsiders_wrote_is_printed_as_text(desk: Desk) -> None:
    evil = "<img src=x onerror=alert(1)>"
    with desk.db.transaction() as tx:
        id = add(tx, 3001, client=evil, name=evil, service_line=evil, client_tier='"><script>')
        add_exception(tx, 1, id, NOW, title=evil)
    text = desk.signed_in("pmo-lead").get(f"/engagements?q={evil}").text
    assert numbers(text) == ["ENG-3001"]
    assert "<img src=x" not in text
    assert "><script>" not in text.replace('"></script>', "")
    assert "&lt;img src=x" in text


def test_no_cell_of_the_file_is_run_as_a_formula(desk: Desk) -> None:
    with desk.db.transaction() as tx:
        for n, client in enumerate(("=1+1", "@SUM(A1)", "-2", "\tx", 'a,"b"')):
            add(
                tx,
                3001 + n,
                client=client,
                name="+cmd",
                value=Money(amount=Decimal(-5), currency="EUR"),
            )
    answer = desk.signed_in("pmo-lead").get("/engagements.csv?q=ENG-3&sort=opened")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff"))))
    assert len(rows) == 5
    assert {row["Client"] for row in rows} >= {"'=1+1", "'@SUM(A1)", "'-2", 'a,"b"'}
    assert {row["Name"] for row in rows} == {"'+cmd"}
    assert {Decimal(row["Value"]) for row in rows} == {Decimal(-5)}  # a figure of ours


def test_a_view_is_kept_under_a_name_opened_renamed_and_deleted(desk: Desk) -> None:
    browser = desk.signed_in("pmo-lead")
    browser.get("/engagements?region=EMEA&sort=due")
    kept = {"name": "My <b>", "query": "?region=EMEA&sort=due&after=x"}
    answer = browser.post("/engagements/views?region=EMEA&sort=due", kept, part="engagements-views")
    assert answer.status_code == 200
    assert 'href="/engagements?region=EMEA&amp;sort=due"' in answer.text
    assert "My &lt;b&gt;" in answer.text
    assert numbers(browser.get("/engagements?region=EMEA&sort=due").text) == ["ENG-2001"]
    renamed = {"name": "My <b>", "new": "Ours", "query": ""}
    assert browser.post("/engagements/views/rename", renamed).status_code == 303
    assert desk.count("saved_views", "page = '/engagements' AND name = 'Ours'") == 1
    assert "Ours" not in desk.signed_in("finance").get("/engagements").text
    assert browser.post("/engagements/views", {"name": " ", "query": ""}).status_code == 422
    browser.post("/engagements/views/delete", {"name": "Ours", "query": ""})
    assert desk.count("saved_views") == 0


def test_mine_are_those_that_i_sold_or_was_given(desk: Desk) -> None:
    with desk.db.transaction() as tx:
        add(tx, 3001, region="AMER", entity="US01", owner="PMO_lead@example.org")
        given = add(tx, 3002, region="AMER", entity="US01", owner="other@example.org")
        add_exception(tx, 1, given, NOW, assignee="pmo-lead.amer", region="AMER")
        add(tx, 3003, region="AMER", entity="US01", owner="other@example.org")
    text = desk.signed_in("pmo-lead.amer").get("/engagements?mine=yes&sort=client").text
    assert set(numbers(text)) == {"ENG-3001", "ENG-3002"}


def test_figures_tell_how_long_a_launch_took_from_the_deal_that_was_won(desk: Desk) -> None:
    now = desk.now()
    with desk.db.transaction() as tx:
        for n, days in enumerate((2, 4, 9)):
            opened = now - timedelta(days=days + 1)
            add(
                tx,
                3001 + n,
                state="launched",
                opened_at=opened,
                launched_at=opened + timedelta(days=days),
            )
        add(
            tx,
            3010,
            state="launched",
            opened_at=now - timedelta(days=200),
            launched_at=now - timedelta(days=91),
        )
    text = desk.signed_in("pmo-lead").get("/engagements").text
    assert re.search(r'kpi-v">4\.0<small>d', text)
    assert "3\xa0launches in 90 days" in text
    # 2001 and 2002 wait, each with its own currency
    assert re.search(r"Waiting on us</div><div class=\"kpi-v\">2<", text)


def test_a_review_before_the_deal_was_won_does_not_count_as_set_up(desk: Desk) -> None:
    now = desk.now()
    with desk.db.transaction() as tx:
        opened = now - timedelta(days=30)
        id = add(tx, 3001, state="launched", opened_at=opened, launched_at=now)
        add_run(tx, id, dict.fromkeys(STEPS, "done"))
        tx.execute(
            "UPDATE runs SET started_at = %s WHERE subject_id = %s", [now - timedelta(days=3), id]
        )
        tx.execute(
            "INSERT INTO runs SELECT (jsonb_populate_record(r, jsonb_build_object("
            "'id', 'review', 'playbook', 'delivery-review', 'started_at', %s::timestamptz))).*"
            " FROM runs r WHERE subject_id = %s",
            [opened, id],
        )
    text = desk.signed_in("pmo-lead").get("/engagements").text
    assert re.search(r'kpi-v">3\.0<small>d', text)


def test_a_cursor_of_another_sort_or_made_up_begins_the_list_anew(desk: Desk) -> None:
    browser = desk.signed_in("pmo-lead")
    for after in ("x", "WzFd", "WyJ4IiwieSJd", "WyJFVVIiLCJOYU4iLCJ4Il0"):
        for sort in SORTS:
            answer = browser.get(f"/engagements?sort={sort}&after={after}")
            assert answer.status_code == 200
            if sort not in ("client", "-client"):
                assert len(numbers(answer.text)) == 2


@pytest.mark.parametrize("name", ["Client", "株式会社" * 60], ids=["short", "long"])
def test_the_next_page_goes_on_where_the_last_ended(desk: Desk, name: str) -> None:
    with desk.db.transaction() as tx:
        for n in range(120):
            add(tx, 3001 + n, client=f"{name} {n % 7}")
    browser = desk.signed_in("pmo-lead")
    seen: list[str] = []
    path: str | None = "/engagements?sort=client"
    while path:
        text = browser.get(path).text
        seen += numbers(text)
        assert len(seen) == len(set(seen))
        found = re.search(r'href="([^"]+)" rel="next"', text)
        path = unescape(found[1]) if found else None
    assert len(seen) == 122


def test_the_whole_page_asks_few_queries_however_many_rows(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk.db.transaction() as tx:
        for n in range(60):
            add_run(tx, add(tx, 3001 + n), {"commercial_data": "done", "make_client": "ready"})
    asked: list[Any] = []
    execute = Cursor.execute

    def counted(self: Cursor[Any], query: Any, *args: Any, **more: Any) -> Any:
        asked.append(query)
        return execute(self, query, *args, **more)

    monkeypatch.setattr(Cursor, "execute", counted)
    browser = desk.signed_in("pmo-lead")
    asked.clear()
    assert len(numbers(browser.get("/engagements").text)) == 50
    page = len(asked)
    asked.clear()
    browser.get("/account")
    account = len(asked)
    assert page - account <= 6


def test_a_refresh_asks_for_a_part_only(desk: Desk) -> None:
    browser = desk.signed_in("pmo-lead")
    part = browser.get("/engagements?region=EMEA", part="engagements-list").text
    assert part.strip().startswith('<div id="engagements-list"')
    assert numbers(part) == ["ENG-2001"]
    head = browser.get("/engagements", part="engagements-head").text
    assert head.strip().startswith('<div id="engagements-head"')
