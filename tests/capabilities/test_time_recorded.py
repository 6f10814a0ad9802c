"""Time that a project system records lands once, and what cannot be matched waits for a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from timekeeping import MONDAY, judging, kinds, launch, rooms, staff

from fairlead.capabilities.handoff.polling import PollDrain
from fairlead.capabilities.time.importing import Imports
from fairlead.capabilities.time.recorded import KIND, Recorded
from fairlead.domain.model.recorded_time import RecordedTime
from fairlead.domain.values import ExternalRef
from fairlead.errors import InvalidInput, SystemUnavailable
from fairlead.flow.engine import Took
from fairlead.flow.ledger import Ledger, LockSession
from fairlead.ports.projects import TimePage
from fairlead.store import inbox, systems, time_entries
from fairlead.store.database import Database
from fairlead.store.time_entries import EVERYTHING, Wanted

AT = datetime.now(UTC) - timedelta(hours=3)  # within what a first poll looks back


def told(id: int, **more: Any) -> RecordedTime:
    values: dict[str, Any] = {
        "ref": ExternalRef(system="kantata", kind="time_entry", id=str(id)),
        "project": ExternalRef(system="kantata", kind="workspace", id="7"),
        "project_name": "TH-1 Ledger migration 1",
        "task_name": "10 Task 10",
        "person": "Ayo Brandt",
        "day": MONDAY,
        "minutes": 90,
        "narrative": f"Mapped the interfaces of carrier {id}",
        "changed_at": AT + timedelta(minutes=id),
    }
    return RecordedTime.model_validate(values | more)


class Sheets:
    """A project system that tells two entries a page, and may break off."""

    def __init__(self, entries: Sequence[RecordedTime], breaks_at: int | None = None) -> None:
        self.entries, self.breaks_at = list(entries), breaks_at

    def time_changed_since(self, since: datetime, cursor: str | None = None) -> TimePage:
        start = int(cursor or 0)
        if self.breaks_at is not None and start >= self.breaks_at:
            raise SystemUnavailable("kantata", "It is down.")
        page = [one for one in self.entries if one.changed_at >= since][start:]
        more = str(start + 2) if len(page) > 2 else None
        newest = max((one.changed_at for one in self.entries), default=since)
        return TimePage(entries=tuple(page[:2]), next_cursor=more, watermark=newest)


@pytest.fixture
def firm(db: Database) -> Database:
    with db.transaction() as tx:
        launch(tx)
        staff(tx, "ayo.brandt")
        systems.register(tx, ["kantata"], ["kantata"])
    return db


def recorded(db: Database) -> Recorded:
    return Recorded(db, Imports(judging(), kinds()), kinds())


def poll(db: Database, sheets: Any) -> Took:
    with db.transaction() as tx:
        tx.execute("UPDATE systems SET poll_at = clock_timestamp()")

    def land(since: datetime) -> datetime:
        return recorded(db).poll("kantata", sheets, since)

    drain = PollDrain(db, tuple, timedelta(minutes=1), lambda: [land])
    with LockSession(db) as session:
        return drain.work("poll:kantata", Ledger(db, session))


def stored(db: Database) -> list[dict[str, Any]]:
    with db.transaction() as tx:
        return time_entries.listed(tx, EVERYTHING, Wanted(), limit=99)


def waiting(db: Database) -> list[dict[str, Any]]:
    with db.transaction() as tx:
        return tx.execute("SELECT message, kind FROM inbox ORDER BY id").fetchall()


def test_what_is_recorded_lands_once(firm: Database) -> None:
    sheets = Sheets([told(n) for n in range(5)])
    assert poll(firm, sheets) is Took.SOME
    assert [row["state"] for row in stored(firm)] == ["submitted"] * 5
    assert {(row["source"], row["role"]) for row in stored(firm)} == {("kantata", "Consultant")}
    before = stored(firm)
    poll(firm, sheets)
    assert stored(firm) == before


def test_a_pass_that_breaks_off_is_made_again_from_the_same_place(firm: Database) -> None:
    sheets = Sheets([told(n) for n in range(5)], breaks_at=2)
    assert poll(firm, sheets) is Took.NOTHING
    assert len(stored(firm)) == 2
    sheets.breaks_at = None
    poll(firm, sheets)
    assert len(stored(firm)) == 5


def test_a_correction_there_changes_it_here(firm: Database) -> None:
    poll(firm, Sheets([told(1)]))
    poll(firm, Sheets([told(1, minutes=120, changed_at=AT + timedelta(hours=2))]))
    (row,) = stored(firm)
    assert (row["minutes"], row["version"]) == (120, 3)


def test_what_cannot_be_matched_waits_for_a_person_and_the_rest_lands(firm: Database) -> None:
    strange = told(2, person="Nobody Known")
    foreign = told(3, project_name="An internal project")
    poll(firm, Sheets([told(1), strange, foreign]))
    assert len(stored(firm)) == 1
    (message,) = waiting(firm)
    assert message["kind"] == KIND
    with firm.transaction() as tx:
        claimed = inbox.claim(tx, "kantata", "worker")
    assert claimed
    take_in = recorded(firm).handle(claimed)
    with pytest.raises(InvalidInput) as refused, firm.transaction() as tx:
        take_in(tx)
    assert refused.value.problems[0].pointer == "/person"
    with firm.transaction() as tx:
        staff(tx, "hr-9", name="Nobody Known")
    with firm.transaction() as tx:
        assert take_in(tx) == "1 added, 0 changed, 0 locked"
    assert len(stored(firm)) == 2


def test_the_sample_firm_reads_time_from_its_project_system() -> None:
    kantata = rooms().systems.get("kantata")
    assert kantata.poll_every_s
