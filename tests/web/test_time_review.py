"""Time and expenses that wait: what is shown to whom, approved at once or singly, and returned."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx

from fairlead.domain.ids import EngagementId
from fairlead.domain.model.finding import Finding, Severity
from fairlead.domain.model.time_entry import EntryState, TimeEntry
from fairlead.store import bulk, deputies, engagement_managers, findings, time_entries
from fairlead.store.deputies import Deputy
from fairlead.store.time_entries import entry_id

from .conftest import Browser, Desk

MONDAY = date(2026, 3, 2)
AT = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)
LEAD = "pmo-lead"
WARNING, ERROR = Severity.WARNING, Severity.ERROR


def book(
    desk: Desk,
    number: int,
    severity: Severity | None = None,
    *,
    who: str = "consultant",
    day: date = MONDAY,
    engagement: str = "e-2001",
    rule: str = "T-04",
) -> str:
    """Eight hours, handed in; with a finding where one is given. Its id."""
    id = entry_id("test", str(number))
    entry = TimeEntry(
        id=id, engagement=EngagementId(engagement), task="10", resource=who, day=day, minutes=480,
        role="Consultant", narrative="Built <b>the</b> interface.", source="test",
        source_id=str(number),
    )  # fmt: skip
    with desk.db.transaction() as tx:
        by = f"person:{who}"
        time_entries.add(tx, [entry], by=by, at=AT)
        time_entries.move(tx, [id], EntryState.SUBMITTED, froms=[EntryState.DRAFT], by=by, at=AT)
        if severity is not None:
            said = Finding(
                item=id, rule=rule, severity=severity, value="A Saturday.", remedy="Check the day."
            )
            findings.replace(tx, "time", [id], [said])
    return str(id)


def state(desk: Desk, id: str) -> dict[str, Any]:
    with desk.db.transaction() as tx:
        (row,) = time_entries.rows_of(tx, [UUID(id)])
    return row


def states(desk: Desk, *ids: str) -> list[str]:
    return [state(desk, id)["state"] for id in ids]


def clean(b: Browser, page: str | None = None, query: str = "") -> httpx.Response:
    """As the button of the banner sends it."""
    shown = page or b.get(f"/time{query}").text
    until = re.search(r'name="until" value="([^"]+)"', shown)
    assert until is not None, "nothing clean is offered"
    return b.post(f"/time/clean{query}", {"until": until[1]}, part="time-results")


def several(b: Browser, do: str, reason: str, *picks: str) -> httpx.Response:
    body = "&".join([f"pick={pick}" for pick in picks] + [f"do={do}", f"reason={reason}"])
    headers = {
        "origin": b.url, "sec-fetch-site": "same-origin", "x-csrf-token": b.token,
        "content-type": "application/x-www-form-urlencoded", "hx-request": "true",
        "hx-target": "time-results", "hx-current-url": f"{b.url}/time",
    }  # fmt: skip
    return b.send("POST", "/time/bulk", content=body.encode(), headers=headers)


def decide(
    b: Browser, id: str, do: str, reason: str = "", version: int = 2, kind: str = "time"
) -> httpx.Response:
    fields = {"do": do, "reason": reason, "version": str(version)}
    return b.post(f"/time/{kind}/{id}/decide", fields, part="pane")


def test_all_that_is_clean_is_approved_by_one_press_and_the_rest_still_waits(desk: Desk) -> None:
    fine = [book(desk, n, day=MONDAY + timedelta(days=n % 5)) for n in range(7)]
    flagged = book(desk, 10, WARNING)
    b = desk.signed_in(LEAD)

    page = b.get("/time").text
    answer = clean(b, page)

    assert "7 of 8\N{NO-BREAK SPACE}entries passed all checks" in page
    assert "56:00 h" in page
    assert "Approve 7" in page
    assert "Approved 7" in answer.text
    assert set(states(desk, *fine)) == {"approved"}
    assert states(desk, flagged) == ["submitted"]
    assert desk.count("events", "type = 'work.approved'") == 1


def test_what_was_handed_in_since_they_looked_is_not_approved_with_it(desk: Desk) -> None:
    seen = book(desk, 1)
    b = desk.signed_in(LEAD)
    page = b.get("/time").text
    later = book(desk, 2)
    with desk.db.transaction() as tx:
        tx.execute(
            "UPDATE time_entries SET submitted_at = %s WHERE id = %s",
            [AT + timedelta(hours=1), later],
        )

    clean(b, page)

    assert states(desk, seen, later) == ["approved", "submitted"]


def test_filters_limit_what_is_approved_at_once(desk: Desk) -> None:
    one, other = book(desk, 1), book(desk, 2, day=MONDAY + timedelta(days=7))

    clean(desk.signed_in(LEAD), query="?week=2026-03-09")

    assert states(desk, one, other) == ["submitted", "approved"]


def test_nobody_is_shown_or_may_approve_their_own(desk: Desk) -> None:
    own = book(desk, 1, WARNING, who=LEAD)
    b = desk.signed_in(LEAD)

    page, pane = b.get("/time").text, b.get(f"/time/time/{own}").text
    told = decide(b, own, "approve", "It is right.")
    bulk_told = several(b, "approve", "Right", f"time:{own}:2")

    assert "data-row" not in page
    assert "somebody else decides" in pane
    assert told.status_code == 409
    assert "0 of 1 done" in bulk_told.text
    assert states(desk, own) == ["submitted"]


def test_only_the_readers_own_regions_are_shown(desk: Desk) -> None:
    id = book(desk, 1, WARNING)
    amer = desk.signed_in("pmo-lead.amer")

    assert "ENG-2001" not in amer.get("/time").text
    assert amer.get(f"/time/time/{id}").status_code == 404
    assert decide(amer, id, "return", "No").status_code == 404
    assert desk.signed_in("consultant").get("/time").status_code == 403
    assert states(desk, id) == ["submitted"]


def test_who_is_of_one_company_is_shown_and_decides_what_is_its_own(desk: Desk) -> None:
    id, fine = book(desk, 1, WARNING), book(desk, 2)
    own, other = desk.signed_in("pmo-lead.gmbh"), desk.signed_in("pmo-lead.us01")

    assert "ENG-2001" in own.get("/time").text
    assert "ENG-2001" not in other.get("/time").text
    assert other.get(f"/time/time/{id}").status_code == 404
    assert "1 of 2\N{NO-BREAK SPACE}entries passed all checks" in own.get("/time").text
    clean(own)
    assert states(desk, id, fine) == ["submitted", "approved"]


def test_a_deputy_decides_in_the_stead_of_another_but_not_on_what_is_that_persons(
    desk: Desk,
) -> None:
    """Project managers do not approve where another manages; the deputy of a lead does."""
    now, day = datetime.now(UTC), timedelta(days=1)
    since, until = (now - day).date(), (now + day).date()
    theirs, whose = book(desk, 1, WARNING), book(desk, 2, WARNING, who=LEAD)
    with desk.db.transaction() as tx:
        engagement_managers.name(tx, "e-2001", "pmo-lead.gmbh", by="test", now=now)
        tx.execute("UPDATE time_entries SET submitted_at = now() WHERE state = 'submitted'")
    deputy = desk.signed_in("project-manager")

    before = deputy.get("/time").text
    with desk.db.transaction() as tx:
        deputies.add(tx, Deputy("stead-1", LEAD, "project-manager", since, until, LEAD, now))
    page = deputy.get("/time").text
    told = several(deputy, "approve", "Agreed.", f"time:{theirs}:2", f"time:{whose}:2").text

    assert "data-row" not in before
    assert "open" not in _side_bar(before)
    assert 'aria-label="1 open"' in _side_bar(page)
    assert f"open-{theirs}" in page
    assert f"open-{whose}" not in page
    assert "Approved: 1 of 2" in told
    assert states(desk, theirs, whose) == ["approved", "submitted"]


def test_the_pane_tells_what_became_of_its_entry_when_all_are_approved(desk: Desk) -> None:
    id = book(desk, 1)
    b = desk.signed_in(LEAD)

    answer = clean(b, b.get("/time?tab=clean").text, "?tab=clean").text

    assert 'id="pane" hx-swap-oob="true"' in answer
    assert "Nothing is selected" in answer
    assert "Nothing clean waits" in answer
    assert states(desk, id) == ["approved"]


def test_who_only_reads_sees_what_waits_and_has_no_buttons(desk: Desk) -> None:
    id = book(desk, 1, WARNING)
    b = desk.signed_in("finance")

    page = b.get("/time").text

    assert "T-04 Working day" in page
    assert "data-pick" not in page
    assert "Approve once" not in page
    assert decide(b, id, "approve", "x").status_code == 403


def test_a_flagged_entry_is_approved_once_with_its_reason(desk: Desk) -> None:
    id = book(desk, 1, WARNING)
    b = desk.signed_in(LEAD)

    without = decide(b, id, "approve")
    done = decide(b, id, "approve", "Go-live weekend.")

    assert without.status_code == 422
    assert done.status_code == 200
    row = state(desk, id)
    assert (row["state"], row["reason"], row["decided_by"]) == (
        "approved", "Go-live weekend.", f"person:{LEAD}",
    )  # fmt: skip


def test_an_error_can_only_be_returned(desk: Desk) -> None:
    id = book(desk, 1, ERROR)
    b = desk.signed_in(LEAD)

    pane = b.get(f"/time/time/{id}").text
    refused = decide(b, id, "approve", "Never mind.")
    back = decide(b, id, "return", "Wrong task.")

    assert "Approve once" not in pane
    assert refused.status_code == 409
    assert back.status_code == 200
    assert (state(desk, id)["state"], state(desk, id)["reason"]) == ("returned", "Wrong task.")


def test_several_are_decided_with_one_reason_and_each_says_what_became_of_it(desk: Desk) -> None:
    fine, flagged, wrong, gone = (
        book(desk, 1), book(desk, 2, WARNING), book(desk, 3, ERROR), book(desk, 4),
    )  # fmt: skip
    b = desk.signed_in(LEAD)
    decide(desk.signed_in("project-manager"), gone, "return", "Look again.")
    picks = [f"time:{id}:2" for id in (fine, flagged, wrong, gone)]

    without = several(b, "approve", "", *picks)
    answer = several(b, "approve", "Agreed.", *picks)

    assert without.status_code == 422
    assert "2 of 4 done" in answer.text
    assert "it can only be returned" in answer.text
    assert "Decided by another: returned by project_manager" in answer.text
    assert states(desk, fine, flagged, wrong, gone) == [
        "approved", "approved", "submitted", "returned",
    ]  # fmt: skip
    assert state(desk, fine)["reason"] is None
    assert state(desk, flagged)["reason"] == "Agreed."


def test_what_was_changed_since_it_was_shown_is_not_approved(desk: Desk) -> None:
    id = book(desk, 1)
    with desk.db.transaction() as tx:
        tx.execute("UPDATE time_entries SET minutes = 600, version = 4 WHERE id = %s", [id])

    answer = several(desk.signed_in(LEAD), "approve", "", f"time:{id}:2")

    assert "changed since you looked" in answer.text
    assert states(desk, id) == ["submitted"]


def test_two_who_decide_at_once_both_learn_who_was_first(desk: Desk) -> None:
    id = book(desk, 1)
    first, second = desk.signed_in(LEAD), desk.signed_in("project-manager")

    assert decide(first, id, "approve").status_code == 200
    told = decide(second, id, "return", "No.")

    assert told.status_code == 409
    assert "Decided by another: approved by pmo_lead" in told.text
    assert states(desk, id) == ["approved"]


def test_costs_are_hidden_from_who_may_not_see_them(desk: Desk) -> None:
    id = book(desk, 1, WARNING)
    with desk.db.transaction() as tx:
        tx.execute(
            "INSERT INTO cost_rates (resource_id, valid_from, per_hour, currency, source)"
            " VALUES ('consultant', '2026-01-01', 79, 'EUR', 'hr')"
        )

    lead = desk.signed_in(LEAD).get(f"/time/time/{id}").text
    manager = desk.signed_in("project-manager").get(f"/time/time/{id}").text

    assert "632.00" in lead
    assert "632.00" not in manager
    assert "Hidden from your role" in manager


def test_the_pane_shows_the_hours_around_it_what_was_checked_and_no_markup_of_others(
    desk: Desk,
) -> None:
    book(desk, 1, day=MONDAY - timedelta(days=7))
    id = book(desk, 2, WARNING)

    pane = desk.signed_in(LEAD).get(f"/time/time/{id}").text

    assert 'aria-label="Hours a day for four weeks: 8:00 to 8:00 on 1 other days, then' in pane
    assert "The other 21\N{NO-BREAK SPACE}rules found nothing." in pane
    assert "A Saturday." in pane
    assert "Built &lt;b&gt;the&lt;/b&gt; interface." in pane


def expense(desk: Desk) -> str:
    """The taxi of the firm, handed in."""
    with desk.db.transaction() as tx:
        row = tx.execute(
            "UPDATE expenses SET state = 'submitted', submitted_at = %s RETURNING id", [AT]
        ).fetchone()
    assert row is not None
    return str(row["id"])


def test_expenses_wait_beside_time_in_their_own_currency(desk: Desk) -> None:
    book(desk, 1)
    id = expense(desk)
    b = desk.signed_in(LEAD)

    page = b.get("/time?tab=clean").text
    pane = b.get(f"/time/expense/{id}").text
    done = decide(b, id, "approve", version=1, kind="expense")

    assert "Time, 1" in page
    assert "Expense, 1" in page
    assert "18.40" in page
    assert "Taxi München" in pane
    assert done.status_code == 200


def test_a_week_that_is_not_handed_in_is_missing(desk: Desk) -> None:
    with desk.db.transaction() as tx:
        bulk.insert(
            tx,
            "timesheets",
            [{"resource_id": "consultant", "week": MONDAY, "state": "open", "due_at": AT}],
        )

    page = desk.signed_in(LEAD).get("/time?tab=missing&week=2026-03-02").text
    file = desk.signed_in(LEAD).get("/time.csv?tab=missing&week=2026-03-02").text
    amer = desk.signed_in("pmo-lead.amer").get("/time?tab=missing&week=2026-03-02").text

    assert "Week not handed in" in page
    assert "2:00 entered as drafts." in page
    (row,) = csv.DictReader(io.StringIO(file.lstrip("\ufeff")))
    assert (row["Week"], row["Handed in"], row["Drafts"]) == ("2026-03-02", "0.00", "2.00")
    assert "No week is missing" in amer
    narrowed = desk.signed_in(LEAD).get(
        "/time?tab=missing&week=2026-03-02&engagement=ENG-1&kind=time"
    )
    assert "Week not handed in" in narrowed.text  # a week is of a person, whatever they work on
    assert "engagement=ENG-1" not in narrowed.text


def test_what_was_decided_stands_with_who_and_why(desk: Desk) -> None:
    id = book(desk, 1, WARNING)
    b = desk.signed_in(LEAD)
    decide(b, id, "return", "Say more.")

    page = desk.signed_in("auditor").get("/time?tab=decided&week=2026-03-02").text

    assert "Returned" in page
    assert "pmo_lead" in page
    assert "Say more." in page


def test_filters_stand_in_the_address_and_the_file_has_what_they_leave(desk: Desk) -> None:
    book(desk, 1, WARNING, rule="T-11")
    book(desk, 2, WARNING)
    b = desk.signed_in(LEAD)

    page = b.get("/time?rule=T-11&kind=time").text
    rows = list(csv.DictReader(io.StringIO(b.get("/time.csv?rule=T-11").text.lstrip("\ufeff"))))

    assert page.count("<tr data-row") == 1
    assert "T-11 Not on leave" in page
    assert [row["Findings"] for row in rows] == ["T-11 A Saturday."]
    assert rows[0]["Hours"] == str(Decimal("8.00"))
    assert "Nothing fits" in b.get("/time?q=nobody").text


def _side_bar(page: str) -> str:
    link = re.search(r'href="/time"[^>]*class="side.*?</a>|href="/time".*?</a>', page, re.DOTALL)
    assert link is not None
    return link[0]


def test_the_side_bar_counts_what_is_flagged_for_the_reader(desk: Desk) -> None:
    book(desk, 1, WARNING)
    book(desk, 2, WARNING, who=LEAD)
    book(desk, 3)

    def waiting(person: str) -> str:
        return _side_bar(desk.signed_in(person).get("/account").text)

    assert 'aria-label="1 open"' in waiting(LEAD)
    assert 'aria-label="2 open"' in waiting("project-manager")
    assert "open" not in waiting("pmo-lead.amer")
    assert "open" not in waiting("finance")
    for number in range(10, 109):
        book(desk, number, WARNING)
    assert 'aria-label="100 or more open">100+<' in waiting(LEAD)


def test_pages_of_a_long_list_follow_each_other_without_gap_or_repeat(desk: Desk) -> None:
    ids = {book(desk, n, WARNING, day=MONDAY + timedelta(days=n % 7)) for n in range(60)}
    b = desk.signed_in(LEAD)
    seen: list[str] = []
    path: str | None = "/time"
    while path:
        page = b.get(path).text
        seen += re.findall(r'id="open-([0-9a-f-]+)"', page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        path = following[1].replace("&amp;", "&") if following else None

    assert len(seen) == 60
    assert set(seen) == ids
    assert b.get("/time?after=WyJ4IiwieSIsInoiXQ").status_code == 200


def test_a_view_is_kept_renamed_and_forgotten(desk: Desk) -> None:
    b = desk.signed_in(LEAD)
    kept = b.post("/time/views", {"name": "Leave", "query": "?rule=T-11"}, part="time-views")
    assert 'href="/time?rule=T-11"' in kept.text
    renamed = b.post("/time/views/rename", {"name": "Leave", "new": "On leave"}, part="time-views")
    assert "On leave" in renamed.text
    gone = b.post("/time/views/delete", {"name": "On leave"}, part="time-views")
    assert "No view kept yet" in gone.text
