"""A week that is missing: the person hears of it, then their team, each once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from office import Office

from fairlead.capabilities.time.submission import Submission, declare
from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.errors import IllegalMove
from fairlead.insight.timeliness import measure
from fairlead.store import bulk, resources
from fairlead.store.database import Database

MONDAY = date(2026, 3, 2)
FRIDAY = datetime(2026, 3, 6, 17, tzinfo=UTC)
DUE = datetime(2026, 3, 9, 11, tzinfo=UTC)  # noon in Munich


@pytest.fixture
def office(db: Database) -> Office:
    return Office(db, "mail")


def employ(office: Office, *ids: str, **more: Any) -> None:
    """In Munich, 40 hours a week, unless said otherwise."""
    given = {
        "region": "EMEA",
        "country": "DE",
        "legal_entity": "TH-GMBH",
        "manager": "ines.moreau",
        "source": "test",
        **more,
    }
    with office.db.transaction() as tx:
        resources.upsert(
            tx,
            [
                ResourceRecord.model_validate(
                    {"id": id, "name": id, "email": f"{id}@example.org", **given}
                )
                for id in ids
            ],
        )


def hand_in(office: Office, who: str, minutes: int = 2400, **more: Any) -> None:
    common: dict[str, Any] = {
        "engagement_id": "e-1",
        "resource_id": who,
        "role": "Consultant",
        "category": "work",
        "billable": True,
        "narrative": "",
        "state": "submitted",
        "source": "test",
        "entered_by": f"person:{who}",
        "entered_at": FRIDAY,
        "submitted_at": FRIDAY,
        "version": 1,
        "region": "EMEA",
        "legal_entity": "TH-GMBH",
        **more,
    }
    rows = [
        {
            **common,
            "id": str(uuid4()),
            "source_id": str(uuid4()),
            "day": MONDAY + timedelta(days=n),
            "minutes": minutes // 5,
        }
        for n in range(5)
    ]
    with office.db.transaction() as tx:
        bulk.insert(tx, "time_entries", rows)


def look(office: Office, at: datetime) -> None:
    """The sweep at a moment, and what follows from it."""
    rooms = office.rooms
    with office.db.transaction() as tx:
        Submission(office.db, rooms.policies, rooms.calendars).look(tx, at)
    office.settle()


def mails(office: Office) -> list[tuple[str, str]]:
    return [(to[0], notice.title) for to, notice in office.mail.of("mail")]


def sheet(office: Office, who: str) -> dict[str, Any]:
    (row,) = office.rows("timesheets", resource_id=who, week=MONDAY)
    return row


def test_a_week_that_is_missing_is_told_to_the_person_and_then_to_their_team_once(
    office: Office,
) -> None:
    employ(office, "ayo.brandt")
    look(office, FRIDAY)
    assert mails(office) == []

    for at in (DUE - timedelta(hours=2), DUE - timedelta(hours=1), DUE, DUE + timedelta(hours=1)):
        look(office, at)
    for _ in range(2):
        look(office, DUE + timedelta(days=1, hours=1))

    assert mails(office) == [
        ("ayo.brandt@example.org", "Your time for the week of 2026-03-02 is due soon"),
        ("ayo.brandt@example.org", "Your time for the week of 2026-03-02 is late"),
    ]
    (told,) = office.open_exceptions("timesheets:")
    assert (told["team"], told["times"], told["region"]) == ("delivery-operations", 1, "EMEA")
    assert "ayo.brandt" in told["detail"]


def test_a_week_that_comes_in_ends_what_was_told_of_it(office: Office) -> None:
    employ(office, "ayo.brandt", "mia.roth")
    for at in (FRIDAY, DUE, DUE + timedelta(days=2)):
        look(office, at)
    (told,) = office.open_exceptions("timesheets:")
    assert "missing from 2" in told["title"]

    hand_in(office, "ayo.brandt")
    look(office, DUE + timedelta(days=2, hours=1))
    assert len(office.open_exceptions("timesheets:")) == 1
    hand_in(office, "mia.roth")
    look(office, DUE + timedelta(days=2, hours=2))

    assert office.open_exceptions("timesheets:") == []
    assert sheet(office, "mia.roth")["state"] == "submitted"


@pytest.mark.parametrize(
    ("minutes", "state", "done"),
    [
        pytest.param(2400, "submitted", True, id="all-of-it"),
        pytest.param(2160, "approved", True, id="just-enough"),
        pytest.param(2155, "submitted", False, id="less"),
        pytest.param(2400, "draft", False, id="not-handed-in"),
        pytest.param(2400, "returned", False, id="sent-back"),
    ],
)
def test_whoever_handed_in_what_is_contracted_is_left_alone(
    office: Office, minutes: int, state: str, done: bool
) -> None:
    employ(office, "ayo.brandt")
    look(office, FRIDAY)
    hand_in(office, "ayo.brandt", minutes, state=state)

    look(office, DUE)

    assert (mails(office) == []) == done
    assert sheet(office, "ayo.brandt")["state"] == ("submitted" if done else "open")


def test_leave_and_holidays_are_not_missing(office: Office) -> None:
    employ(office, "ayo.brandt", "mia.roth")
    with office.db.transaction() as tx:
        away = {"source": "hr", "kind": "leave", "starts_on": MONDAY}
        bulk.insert(
            tx,
            "absences",
            [
                {**away, "resource_id": "ayo.brandt", "ends_on": MONDAY + timedelta(days=6)},
                {**away, "resource_id": "mia.roth", "ends_on": MONDAY + timedelta(days=1)},
            ],
        )
    look(office, FRIDAY)
    hand_in(office, "mia.roth", 1440)

    look(office, DUE)

    assert mails(office) == []


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"ends_on": MONDAY - timedelta(days=1)}, id="left-before"),
        pytest.param({"starts_on": MONDAY + timedelta(days=7)}, id="comes-later"),
        pytest.param({"minutes_per_week": 0}, id="no-hours-contracted"),
    ],
)
def test_who_does_not_work_then_owes_no_time(office: Office, more: dict[str, Any]) -> None:
    employ(office, "ayo.brandt", **more)

    look(office, FRIDAY)

    assert office.rows("timesheets", week=MONDAY) == []


def test_a_week_is_due_where_the_person_works(office: Office) -> None:
    employ(office, "ayo.brandt")
    employ(office, "joe.diaz", region="AMER", country="US")
    look(office, FRIDAY)

    look(office, DUE)

    assert {to for to, _ in mails(office)} == {"ayo.brandt@example.org"}
    look(office, DUE + timedelta(hours=6))
    assert {to for to, _ in mails(office)} == {"ayo.brandt@example.org", "joe.diaz@example.org"}


def test_a_person_declares_that_they_worked_less(office: Office) -> None:
    employ(office, "ayo.brandt")
    for at in (FRIDAY, DUE, DUE + timedelta(days=2)):
        look(office, at)

    with office.db.transaction() as tx:
        declare(tx, office.person("ayo.brandt"), MONDAY, "Unpaid leave.")

    assert sheet(office, "ayo.brandt")["declared"] == "Unpaid leave."
    assert office.open_exceptions("timesheets:") == []
    with pytest.raises(IllegalMove), office.db.transaction() as tx:
        declare(tx, office.person("ayo.brandt"), MONDAY, "Again.")


def test_compliance_and_latency_are_computed_from_the_rows(office: Office) -> None:
    employ(office, "ayo.brandt", "mia.roth", "tom.berg")
    look(office, FRIDAY)
    hand_in(office, "ayo.brandt", state="approved", decided_by="person:lea.fontaine",
            decided_at=FRIDAY + timedelta(hours=30))  # fmt: skip
    look(office, DUE)
    hand_in(office, "mia.roth", submitted_at=DUE + timedelta(hours=3))
    look(office, DUE + timedelta(hours=4))

    with office.db.transaction() as tx:
        found = measure(tx, MONDAY, MONDAY + timedelta(days=13))
        nothing = measure(tx, MONDAY, MONDAY + timedelta(days=13), regions=["AMER"])

    (latency,), (compliance,) = found.approval_latency, found.submission_compliance
    assert (latency.decided, str(latency.median), str(latency.longest)) == (5, "30.00", "30.00")
    mondays = (compliance.due, compliance.in_time, compliance.late, compliance.missing)
    assert mondays == (6, 1, 1, 4)
    assert nothing.approval_latency == nothing.submission_compliance == ()
