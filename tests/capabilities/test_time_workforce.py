"""The HR system says who works here and who is away; what it does not know stays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from timekeeping import MONDAY, acting, launch, rooms, said, staff, times

from fairlead.capabilities.time.workforce import Workforce
from fairlead.domain.model.resource import Absence, Resource
from fairlead.domain.values import ExternalRef, Period
from fairlead.store import absences, resources
from fairlead.store.database import Database, database_time


def ref(id: int) -> ExternalRef:
    return ExternalRef(system="bamboohr", kind="employee", id=str(id))


def somebody(id: int, name: str, **more: Any) -> Resource:
    values: dict[str, Any] = {"ref": ref(id), "name": name, "hours_per_week": Decimal("38.5")}
    return Resource.model_validate(values | {"region": "EMEA", "country": "DE"} | more)


class Hr:
    def __init__(self, people: Sequence[Resource], away: Sequence[Absence] = ()) -> None:
        self._people, self._away = people, away

    def ping(self) -> None: ...

    def resources(self) -> Sequence[Resource]:
        return self._people

    def absences(self, start: date, end: date) -> Sequence[Absence]:
        return self._away


def test_people_are_known_by_their_address_and_keep_what_hr_does_not_know(db: Database) -> None:
    ayo = somebody(1, "Ayọ̀ Brandt", email="Ayo.Brandt@tarn-holloway.example")
    work = Workforce(db, rooms().people)
    with db.transaction() as tx:
        launch(tx)
        staff(tx, "hr-7", email="noor@x.example", manager="lea.fontaine")
    people = [ayo, somebody(2, "Noor", email="NOOR@x.example"), somebody(3, "No Address")]
    work.poll("bamboohr", Hr(people))
    work.poll("bamboohr", Hr(people))
    with db.transaction() as tx:
        found = resources.load(tx, ["ayo.brandt", "hr-7", "bamboohr:3"])
    assert {id: (one.name, one.minutes_per_week, one.version) for id, one in found.items()} == {
        "ayo.brandt": ("Ayọ̀ Brandt", 2310, 1),
        "hr-7": ("Noor", 2310, 2),
        "bamboohr:3": ("No Address", 2310, 1),
    }
    assert (found["hr-7"].manager, found["hr-7"].legal_entity) == ("lea.fontaine", "TH-GMBH")


def test_who_is_on_leave_is_told_when_booking(db: Database) -> None:
    work = Workforce(db, rooms().people)
    ayo = somebody(1, "Ayọ̀ Brandt", email="ayo.brandt@tarn-holloway.example")
    with db.transaction() as tx:
        launch(tx)
        staff(tx, "ayo.brandt")
        today = database_time(tx).date()
    day = today - timedelta(days=today.weekday() + 7)  # a Monday that is still read
    leave = Absence(resource=ref(1), period=Period(start=day, end=day), kind="Vacation")
    work.poll("bamboohr", Hr([ayo], [leave]))
    with db.transaction() as tx:
        entered = times().enter(tx, acting(), said(day=day))
        rules = [one.rule for one in entered.findings if one.rule == "T-11"]
        assert rules == ["T-11"]
    work.poll("bamboohr", Hr([ayo]))  # the leave was cancelled
    with db.transaction() as tx:
        assert absences.of(tx, "ayo.brandt", MONDAY - timedelta(days=400), today) == []
        entered = times().enter(tx, acting(), said(1, day=day))
        assert "T-11" not in [one.rule for one in entered.findings]
