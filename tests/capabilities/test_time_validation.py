"""Many entries are judged in parts, by whoever is there, to the same end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from timekeeping import MONDAY, WORDS, acting, judging, launch, staff

from fairlead.capabilities.time.validation import Scope, ValidationDrain, ask, cancel
from fairlead.domain.ids import EngagementId
from fairlead.domain.model.time_entry import EntryState, TimeEntry
from fairlead.domain.values import Period
from fairlead.errors import IllegalMove, InvalidInput
from fairlead.flow.engine import Took
from fairlead.flow.ledger import Ledger, LockSession
from fairlead.store import absences, findings, runs, time_entries, time_validations
from fairlead.store.database import Database, database_time
from fairlead.store.time_columns import Judged

WEEK = Scope(first=MONDAY, last=MONDAY + timedelta(6))


def entry(n: int, who: str, **more: Any) -> TimeEntry:
    values: dict[str, Any] = {
        "id": time_entries.entry_id("import", f"{who}/{n}"),
        "engagement": EngagementId("eng-1"),
        "task": "10",
        "resource": who,
        "day": MONDAY + timedelta(n % 5),
        "minutes": 240,
        "role": "Consultant",
        "narrative": WORDS.format(n),
        "source": "import",
        "source_id": f"{who}/{n}",
        "state": EntryState.SUBMITTED,
    }
    return TimeEntry.model_validate(values | more)


@pytest.fixture
def firm(db: Database) -> Database:
    """Four people with ten entries each; the tenth of everybody is no multiple of 15 minutes."""
    people = [f"p{n}" for n in range(4)]
    with db.transaction() as tx:
        launch(tx)
        staff(tx, *people)
        entries = [
            entry(n, who, minutes=50 if n == 9 else 240) for who in people for n in range(10)
        ]
        time_entries.add(tx, entries, by="system:import", at=database_time(tx))
    return db


def carry(db: Database, part: int) -> int:
    """Until nothing is left; in how many steps."""
    drain, steps = ValidationDrain(db, judging(), part), 0
    with LockSession(db) as session:
        while drain.work("validations", Ledger(db, session)) is not Took.NOTHING:
            steps += 1
    return steps


def kept(db: Database) -> dict[UUID, Any]:
    with db.transaction() as tx:
        rows = tx.execute("SELECT id FROM time_entries").fetchall()
        return findings.of(tx, "time", [row["id"] for row in rows])


@pytest.mark.parametrize(("part", "steps"), [(1, 5), (15, 3), (1000, 2)])
def test_parts_come_to_the_same_as_the_whole(firm: Database, part: int, steps: int) -> None:
    with firm.transaction() as tx:
        asked = ask(tx, acting("hanna.lindqvist"), WEEK)
        assert "validations" in runs.ready_queues(tx)
    assert asked["entries"] == 40
    assert carry(firm, part) == steps
    with firm.transaction() as tx:
        done = time_validations.get(tx, asked["id"])
        assert "validations" not in runs.ready_queues(tx)
    assert done
    assert (done["state"], done["judged"], done["errors"]) == ("done", 40, 4)
    found = kept(firm)
    assert {one.rule for some in found.values() for one in some} == {"T-18"}
    assert carry(firm, part) == 0


def test_a_week_judged_alone_says_what_the_whole_says(firm: Database) -> None:
    with firm.transaction() as tx:
        time_entries.change(tx, [entry(0, "p1", minutes=600)], states=[EntryState.SUBMITTED])
        ask(tx, acting("hanna.lindqvist"), WEEK)
    carry(firm, 1000)
    together = kept(firm)
    assert {one.rule for some in together.values() for one in some} >= {"T-07", "T-18"}
    with firm.transaction() as tx:
        tx.execute("DELETE FROM findings")
        for n in range(4):
            judging().judge(tx, [f"p{n}"], Judged(first=MONDAY, last=MONDAY + timedelta(6)))
    assert kept(firm) == together


def test_who_dies_leaves_the_rest_to_the_next(firm: Database) -> None:
    """Each part is stored with how far it is, so another drain goes on behind it."""
    with firm.transaction() as tx:
        id = ask(tx, acting("hanna.lindqvist"), WEEK)["id"]
    with LockSession(firm) as session:
        ValidationDrain(firm, judging(), 15).work("validations", Ledger(firm, session))
    with firm.transaction() as tx:
        half = time_validations.get(tx, id)
    assert half
    assert (half["state"], half["judged"], half["after"]) == ("running", 20, "p1")
    assert carry(firm, 15) == 2
    with firm.transaction() as tx:
        done = time_validations.get(tx, id)
    assert done
    assert (done["judged"], done["errors"]) == (40, 4)


def test_one_that_is_cancelled_judges_no_more(firm: Database) -> None:
    with firm.transaction() as tx:
        id = ask(tx, acting("hanna.lindqvist"), WEEK)["id"]
        assert cancel(tx, acting("hanna.lindqvist"), id)["state"] == "cancelled"
        with pytest.raises(IllegalMove):
            cancel(tx, acting("hanna.lindqvist"), id)
    assert carry(firm, 15) == 0
    assert kept(firm) == {}


def test_who_sees_a_region_judges_one_engagement_of_it(firm: Database) -> None:
    with firm.transaction() as tx:
        with pytest.raises(InvalidInput):
            ask(tx, acting("ines.moreau"), WEEK)
        with pytest.raises(InvalidInput):
            ask(tx, acting("dwayne.carter"), WEEK.model_copy(update={"engagement": "ENG-1"}))
        one = ask(tx, acting("ines.moreau"), WEEK.model_copy(update={"engagement": "ENG-1"}))
        assert one["scope"]["engagement"] == "eng-1"


def test_an_average_of_weeks_is_the_same_alone_and_in_parts(db: Database) -> None:
    """48 hours on average over 17 weeks (Directive 2003/88/EC); a week of leave is neutral."""
    weeks = [MONDAY - timedelta(7 * n) for n in range(20, -1, -1)]
    with db.transaction() as tx:
        launch(tx)
        staff(tx, "p0", "p1")
        for who, minutes in (("p0", 590), ("p1", 570)):
            entries = [
                entry(7 * n + day, who, day=monday + timedelta(day), minutes=minutes)
                for n, monday in enumerate(weeks)
                for day in range(5)
                if not (who == "p0" and n == 12)
            ]
            time_entries.add(tx, entries, by="system:import", at=database_time(tx))
        away = Period(start=weeks[12], end=weeks[12] + timedelta(6))
        absences.replace(tx, "hr", weeks[0], MONDAY, [("p0", away, "Vacation")])
        ask(tx, acting("hanna.lindqvist"), Scope(first=weeks[0], last=MONDAY + timedelta(6)))
    assert carry(db, 1) == 3
    together = kept(db)
    with db.transaction() as tx:
        tx.execute("DELETE FROM findings")
        for monday in weeks:
            judging().judge(tx, ["p0"], Judged(first=monday, last=monday + timedelta(2)))
            judging().judge(
                tx, ["p0"], Judged(first=monday + timedelta(3), last=monday + timedelta(6))
            )
            judging().judge(tx, ["p1"], Judged(first=monday, last=monday + timedelta(6)))
    assert kept(db) == together
    last = together[entry(7 * 20, "p0").id]
    assert [one.value for one in last if one.rule == "T-08"] == [
        "49 h 10 m a week on average from 2026-03-16 to 2026-07-12, 5 days of leave aside; "
        "the limit is 48 h 00 m."
    ]
    assert "T-08" not in {one.rule for one in together.get(entry(7 * 20, "p1").id, ())}
