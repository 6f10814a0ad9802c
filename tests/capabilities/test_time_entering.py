"""Who works says so, is told at once what the rules say, and hands in a week."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError
from timekeeping import MONDAY, acting, kinds, launch, package, rooms, said, staff, times

from fairlead.capabilities.time.kinds import Kinds
from fairlead.capabilities.time.staffing import set_assignments, set_resources
from fairlead.config import Serves, SystemConfig
from fairlead.domain.ids import EngagementId
from fairlead.domain.model.assignment import Assignment
from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.domain.model.time_entry import EntryState
from fairlead.domain.values import Money, Period
from fairlead.errors import IllegalMove, InvalidInput, NotAllowed, NotFound, StaleVersion
from fairlead.store import assignments, deliveries, journal, resources, time_entries
from fairlead.store.database import Tx, database_time
from fairlead.store.time_entries import EVERYTHING, Wanted


def rules(tx: Tx, day: Any = MONDAY, who: str = "ayo.brandt") -> dict[str, list[str]]:
    """Narrative → what is found, of one's week."""
    resource = resources.load(tx, [who])[who]
    week = times().week(tx, resource, day)
    return {
        row["narrative"][-1:]: [one.rule for one in week.findings.get(row["id"], [])]
        for row in week.rows
    }


def problems(refused: pytest.ExceptionInfo[InvalidInput]) -> list[str]:
    return [problem.pointer for problem in refused.value.problems]


def test_what_is_left_out_follows_from_assignment_and_task(tx: Tx) -> None:
    launch(tx)
    staff(tx, "ayo.brandt")
    row = times().enter(tx, acting(), said()).row
    assert (row["role"], row["category"], row["billable"]) == ("Consultant", "work", True)
    assert (row["state"], row["version"], row["region"]) == ("draft", 1, "EMEA")
    assert not times().enter(tx, acting(), said(task="90")).row["billable"]
    assert not times().enter(tx, acting(), said(category="training")).row["billable"]
    types = [event["type"] for event in journal.of_chain(tx, "eng-1", limit=9)]
    assert types.count("time.entered") == 3


def test_one_is_found_by_address_where_one_person_has_it(tx: Tx) -> None:
    launch(tx)
    staff(tx, "hr-4711", email="Ayo.Brandt@tarn-holloway.example")
    assert times().enter(tx, acting(), said()).row["resource_id"] == "hr-4711"
    staff(tx, "hr-4712", email="ayo.brandt@tarn-holloway.example")
    with pytest.raises(NotAllowed):
        times().enter(tx, acting(), said())


def test_nobody_books_on_what_they_neither_work_on_nor_see(tx: Tx) -> None:
    launch(tx)
    launch(tx, 2)
    staff(tx, "ayo.brandt")
    for unknown in ("TH-2", "TH-999"):
        with pytest.raises(InvalidInput) as refused:
            times().enter(tx, acting(), said(engagement=unknown))
        assert problems(refused) == ["/engagement"]


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"minutes": 0}, id="nothing"),
        pytest.param({"minutes": 1441}, id="more-than-a-day"),
        pytest.param({"minutes": "60"}, id="text"),
        pytest.param({"begins": 480}, id="no-end"),
        pytest.param({"begins": 480, "ends": 599}, id="too-short-a-time"),
        pytest.param({"narrative": "a\0b"}, id="nul"),
        pytest.param({"day": "1999-12-31"}, id="long-ago"),
    ],
)
def test_what_cannot_be_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        said(**more)


def test_a_change_of_one_entry_judges_the_day_anew(tx: Tx) -> None:
    launch(tx)
    staff(tx, "ayo.brandt")
    times().enter(tx, acting(), said(1, minutes=480))
    second = times().enter(tx, acting(), said(2, minutes=180))
    assert [one.rule for one in second.findings] == ["T-07"]
    assert rules(tx) == {"1": ["T-07"], "2": ["T-07"]}
    id = second.row["id"]
    changed = times().change(tx, acting(), id, said(2, minutes=120), version=1)
    assert (changed.row["version"], changed.findings) == (2, [])
    assert rules(tx) == {"1": [], "2": []}
    with pytest.raises(StaleVersion):
        times().change(tx, acting(), id, said(2), version=1)
    times().delete(tx, acting(), id, version=2)
    assert rules(tx) == {"1": []}


def test_others_entries_are_as_if_there_were_none(tx: Tx) -> None:
    launch(tx)
    staff(tx, "ayo.brandt", "lea.fontaine")
    id = times().enter(tx, acting("lea.fontaine"), said()).row["id"]
    with pytest.raises(NotFound):
        times().change(tx, acting(), id, said(), version=1)
    with pytest.raises(NotFound):
        times().delete(tx, acting(), id, version=1)


def test_a_week_with_an_error_is_not_handed_in(tx: Tx) -> None:
    launch(tx)
    staff(tx, "ayo.brandt")
    times().enter(tx, acting(), said(1))
    short = times().enter(tx, acting(), said(narrative="mapping", day=MONDAY + timedelta(1))).row
    with pytest.raises(InvalidInput) as refused:
        times().submit(tx, acting(), MONDAY + timedelta(6))
    assert problems(refused) == [f"/entries/{short['id']}"]
    assert "T-15" in refused.value.problems[0].rule
    better = said(2, day=MONDAY + timedelta(1))
    times().change(tx, acting(), short["id"], better, version=1)
    week = times().submit(tx, acting(), MONDAY)
    assert [row["state"] for row in week.rows] == ["submitted", "submitted"]
    with pytest.raises(IllegalMove):
        times().delete(tx, acting(), short["id"], version=3)
    again = times().submit(tx, acting(), MONDAY)  # nothing is left to hand in
    assert [row["version"] for row in again.rows] == [row["version"] for row in week.rows]


def test_a_warning_is_for_the_approver_and_keeps_nothing_back(tx: Tx) -> None:
    launch(tx)
    staff(tx, "ayo.brandt")
    times().enter(tx, acting(), said(1, day=MONDAY + timedelta(5)))
    week = times().submit(tx, acting(), MONDAY)
    found = [(one.rule, one.severity) for some in week.findings.values() for one in some]
    assert found == [("T-04", "warning")]


def test_what_is_not_decided_yet_can_be_taken_back(tx: Tx) -> None:
    launch(tx)
    staff(tx, "ayo.brandt")
    one, two = (times().enter(tx, acting(), said(n)).row["id"] for n in (1, 2))
    times().submit(tx, acting(), MONDAY)
    time_entries.move(
        tx, [one], EntryState.APPROVED, froms=[EntryState.SUBMITTED], by="person:lea.fontaine",
        at=database_time(tx), period=MONDAY.replace(day=1),
    )  # fmt: skip
    week = times().take_back(tx, acting(), MONDAY)
    states = {row["id"]: row["state"] for row in week.rows}
    assert states == {one: "approved", two: "draft"}
    types = [event["type"] for event in journal.of_chain(tx, "eng-1", limit=9)]
    assert types[-2:] == ["time.submitted", "time.taken_back"]


def test_plans_and_caps_that_are_used_up_are_said(tx: Tx) -> None:
    cap = Money(amount=Decimal(350), currency="EUR")
    launch(tx, packages=(package("10", 4), package("20")), cap=cap)
    staff(tx, "ayo.brandt")
    tx.execute(
        "INSERT INTO bill_rates VALUES ('eng-1', 'Consultant', '', '2026-01-01', 90, 'EUR', 's'),"
        " ('eng-1', 'Consultant', 'ayo.brandt', '2026-02-01', 100, 'EUR', 's')"
    )
    first = times().enter(tx, acting(), said(1, minutes=210))
    assert [one.rule for one in first.findings] == []  # exactly 350
    second = times().enter(tx, acting(), said(2, minutes=60, day=MONDAY + timedelta(1)))
    assert [(one.rule, one.value) for one in second.findings] == [
        ("T-03", "4 h 30 m are booked on task 10, 4 h 00 m are planned."),
        ("T-21", "EUR 450.00 was worked; the contract is capped at EUR 350.00."),
    ]
    assert rules(tx)["1"] == []  # it came before


def test_an_assignment_that_is_used_up_is_said_from_that_day_on(tx: Tx) -> None:
    launch(tx)
    staff(tx, "ayo.brandt", "lea.fontaine")
    planned = assignments.load(tx, ["eng-1/ayo.brandt"])["eng-1/ayo.brandt"]
    assignments.upsert(tx, [planned.model_copy(update={"minutes": 240})])
    for n in range(3):
        times().enter(tx, acting(), said(n, day=MONDAY + timedelta(n)))
    assert rules(tx) == {"0": [], "1": [], "2": ["T-03"]}
    others = times().enter(tx, acting("lea.fontaine"), said(4, day=MONDAY + timedelta(3)))
    assert others.findings == []


def test_the_law_of_where_one_works_holds(tx: Tx) -> None:
    launch(tx)
    staff(tx, "ayo.brandt", country="US", region="AMER")
    long = times().enter(tx, acting(), said(minutes=720))
    assert long.findings == []
    fourth = times().enter(tx, acting(), said(day=MONDAY.replace(month=5, day=25)))
    assert [one.rule for one in fourth.findings] == ["T-10"]  # Memorial Day, none in Germany


def test_a_kind_without_a_name_in_a_system_stops_the_set_up() -> None:
    system = SystemConfig(id="psa", connector="kantata", serves=(Serves(port="projects"),))
    crm = SystemConfig(id="crm", connector="salesforce", serves=(Serves(port="crm"),))
    assert kinds().missing(rooms().systems.all()) == []
    assert len(kinds().missing([system, crm])) == len(kinds().kinds)
    assert "kind work has no name in psa" in kinds().missing([system])[0]
    named = kinds().named("  PROJECT work ", source="kantata")
    assert named
    assert named.code == "work"
    both = {"billable": True, "systems": {"psa": "Same"}}
    with pytest.raises(ValidationError, match="psa would have two kinds called same"):
        Kinds.model_validate({"kinds": [{"code": c, "name": c, **both} for c in ("one", "two")]})


def test_only_those_who_see_an_engagement_staff_it(tx: Tx) -> None:
    launch(tx)
    launch(tx, 2, region="AMER", legal_entity="TH-INC")
    ada = ResourceRecord(id="ada", name="Ada", region="EMEA", source="x")
    assert set_resources(tx, acting("wei.chen"), [ada]) == ["ada"]
    assert resources.load(tx, ["ada"])["ada"].source == "person:wei.chen"
    work = Assignment(
        id="a1",
        engagement=EngagementId("eng-1"),
        resource="ada",
        role="Architect",
        task="10",
        period=Period(start=MONDAY, end=MONDAY),
        source="x",
    )
    assert set_assignments(tx, acting("wei.chen"), [work]) == ["a1"]
    assert set_assignments(tx, acting("wei.chen"), [work]) == []
    moved = work.model_copy(update={"engagement": EngagementId("eng-2")})
    with pytest.raises(InvalidInput) as refused:  # Inès sees no AMER
        set_assignments(tx, acting("ines.moreau"), [moved])
    assert problems(refused) == ["/assignments/0/engagement"]
    endless = {"period": Period(start=MONDAY), "task": "77", "resource": "nobody"}
    with pytest.raises(InvalidInput) as refused:
        set_assignments(tx, acting("wei.chen"), [work.model_copy(update=endless), work])
    assert problems(refused) == [
        f"/assignments/{place}" for place in ("1/id", "0/task", "0/resource", "0/ends_on")
    ]
    assert assignments.load(tx, ["a1"])["a1"].engagement == "eng-1"


def test_a_closed_engagement_takes_no_more(tx: Tx) -> None:
    launch(tx)
    staff(tx, "ayo.brandt")
    times().enter(tx, acting(), said(1))
    deliveries.close(tx, "eng-1", database_time(tx))
    with pytest.raises(InvalidInput):
        times().submit(tx, acting(), MONDAY)
    rows = time_entries.listed(tx, EVERYTHING, Wanted(state=EntryState.DRAFT), limit=5)
    assert len(rows) == 1


@pytest.mark.parametrize(
    ("calendar", "zone"), [("Singapore", "Asia/Singapore"), ("Chicago", "America/Chicago")]
)
def test_today_is_the_day_where_a_person_works(tx: Tx, calendar: str, zone: str) -> None:
    """Whichever hour this runs at, one of the two has another day than UTC for most of it."""
    launch(tx)
    staff(tx, "ayo.brandt", calendar=calendar)
    who = resources.load(tx, ["ayo.brandt"])["ayo.brandt"]
    assert times().today(tx, who) == database_time(tx).astimezone(ZoneInfo(zone)).date()
