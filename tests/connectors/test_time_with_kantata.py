"""Time recorded in Kantata: taken in, approved, and held against what Kantata says then."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from contract_projects import a_package, a_project, key
from test_kantata import SYSTEM, KantataBench

from fairlead.capabilities.time.correcting import Correcting
from fairlead.capabilities.time.importing import Imports
from fairlead.capabilities.time.recorded import Recorded
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.model.time_entry import EntryState
from fairlead.domain.values import ExternalRef
from fairlead.errors import InvalidInput
from fairlead.sandbox.process import SandboxProcess
from fairlead.store import engagements, inbox, systems, time_entries
from fairlead.store.database import Database, database_time

sys.path.append(str(Path(__file__).parents[1] / "capabilities"))

# these stand beside the tests of capabilities
from office import Office
from test_reconciliation_flow import reconcile
from test_time_booking import launched
from timekeeping import acting, judging, kinds, package, rooms, staff

START = datetime(2026, 1, 1, tzinfo=UTC)
WORKER = "ayo.brandt"


class Firm:
    """An engagement whose project is in Kantata; `recorded` are its entries there."""

    def __init__(self, db: Database, kantata: KantataBench) -> None:
        self.there, self.office = kantata, Office(db)
        self.office.put_projects(kantata.projects)
        self.project = kantata.projects.create_project(a_project(), client_name="B", key=key(1))
        self.package = kantata.projects.add_work_package(self.project, a_package(), key=key(2))
        self.engagement = self._launched(self.project)
        self.user = int(
            kantata.sandbox.plant(
                SYSTEM,
                "users",
                {
                    "full_name": "Ayo Brandt",
                    "email_address": f"{WORKER}@tarn-holloway.example",
                },
            )["id"]
        )

    def _launched(self, project: ExternalRef) -> Engagement:
        refs = {"psa_project": project}
        made = launched(
            self.office, refs=refs, code="TH-2038", packages=(package("10", name="Discovery"),)
        )
        known = made.model_copy(update={"refs": refs})
        with self.office.db.transaction() as tx:
            engagements.save(tx, [known])
            staff(tx, WORKER, "li.wei", engagement=made.id)
        return known

    def record(self, *minutes: int) -> list[str]:
        """Ayo records so many minutes, an entry each; their ids there."""
        ids = [
            self.there.record_time(
                self.project, self.package, minutes=m, note=f"Mapped the interfaces of carrier {n}"
            )
            for n, m in enumerate(minutes)
        ]
        for id in ids:
            self.there.sandbox.amend(SYSTEM, "time_entries", id, {"user_id": self.user})
        return ids

    def poll(self) -> None:
        """Everything is read, long after it changed; what cannot be taken in is parked."""
        recorded = Recorded(self.office.db, Imports(judging(), kinds()), kinds())
        mark = recorded.poll(SYSTEM, self.there.projects, START)
        with self.office.db.transaction() as tx:
            began = database_time(tx) + timedelta(minutes=5)
            systems.polled(tx, SYSTEM, mark, began)
            while (message := inbox.claim(tx, SYSTEM, "worker-1")) is not None:
                with pytest.raises(InvalidInput) as refused:
                    recorded.handle(message)(tx)
                inbox.end(tx, message, "parked", refused.value.detail)

    def approve(self) -> None:
        with self.office.db.transaction() as tx:
            ids = [row["id"] for row in tx.execute("SELECT id FROM time_entries").fetchall()]
            time_entries.move(
                tx, ids, EntryState.APPROVED, froms=[EntryState.SUBMITTED], by="person:wei.chen",
                at=database_time(tx),
            )  # fmt: skip

    def take_back(self, id: str) -> None:
        with self.office.db.transaction() as tx:
            entry = time_entries.entry_id(SYSTEM, id)
            Correcting(rooms().people).take_back(tx, acting(), "time", entry, "Deleted there.")
        self.approve()

    def differences(self) -> Sequence[dict[str, Any]]:
        return reconcile(self.office, self.engagement)


@pytest.fixture
def firm(db: Database, sandbox: SandboxProcess) -> Firm:
    sandbox.clear()
    return Firm(db, KantataBench(sandbox))


def test_each_planted_difference_is_found_and_none_before_or_after_it_is_settled(
    firm: Firm,
) -> None:
    same, longer, moved, deleted, refused = firm.record(60, 90, 120, 150, 180)
    firm.poll()
    firm.approve()
    assert firm.differences() == []
    (known,) = firm.office.rows("reconciliations", system=SYSTEM, kept="time")
    assert (known["ours"], known["theirs"], known["our_sum"]) == (5, 5, 10)

    other = firm.there.projects.create_project(
        a_project(code="TH-2039"), client_name="B", key=key(3)
    )
    firm.there.correct_time(longer, 100)
    firm.there.move_time(moved, other)
    firm.there.delete_time(deleted)
    firm.there.refuse_time(refused)
    spent = firm.there.record_expense(firm.project, Decimal("12.34"))
    strange = firm.there.record_time(firm.project, firm.package, minutes=30, note="By nobody")
    firm.poll()

    found = {(row["kept"], *row["refs"]): row for row in firm.differences()}

    assert {refs: row["kind"] for refs, row in found.items()} == {
        ("time", longer): "amount", ("time", moved): "place", ("time", deleted): "deleted",
        ("time", refused): "state", ("time", strange): "parked", ("expense", spent): "unknown",
    }  # fmt: skip
    assert ("time", same) not in found
    assert "a person who books time" in found[("time", strange)]["words"]
    assert len(firm.office.open_exceptions("reconciliation/")) == 2  # of time, and of expenses

    for id in (deleted, moved):
        firm.take_back(id)
    firm.there.correct_time(longer, 90)
    firm.there.sandbox.amend(SYSTEM, "time_entries", refused, {"approved": True})
    firm.there.delete_time(strange)
    firm.there.sandbox.control.delete(f"/_sandbox/{SYSTEM}/records/expenses/{spent}")
    firm.poll()

    assert firm.differences() == []
    assert firm.office.open_exceptions("reconciliation/") == []


def test_work_that_goes_on_there_is_no_difference(firm: Firm) -> None:
    firm.record(60)
    firm.poll()
    firm.approve()
    with firm.office.db.transaction() as tx:
        tx.execute("UPDATE systems SET polled_at = now() - interval '1 minute'")
    firm.record(45)

    assert firm.differences() == []
