"""Who books, on what, and what was booked: kept in sets, once, and as it was expected."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from fairlead.domain.ids import EngagementId
from fairlead.domain.model.assignment import Assignment
from fairlead.domain.model.finding import Finding, Severity
from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.domain.model.time_entry import EntryState, TimeEntry
from fairlead.domain.values import Period
from fairlead.store import assignments, findings, resources, time_entries
from fairlead.store.database import Tx
from fairlead.store.time_entries import EVERYTHING, Sees, Wanted, entry_id

AT = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
MONDAY = date(2026, 6, 29)
DRAFTS = (EntryState.DRAFT, EntryState.RETURNED)


def an_entry(n: int = 0, **said: object) -> TimeEntry:
    values: dict[str, object] = {
        "id": entry_id("web", f"e{n}"),
        "engagement": EngagementId("eng-1"),
        "task": "10",
        "resource": "ayo.brandt",
        "day": MONDAY + timedelta(days=n % 5),
        "minutes": 60,
        "role": "Consultant",
        "narrative": f"work {n}",
        "source": "web",
        "source_id": f"e{n}",
    }
    return TimeEntry.model_validate(values | said)


def add(tx: Tx, *entries: TimeEntry) -> set[UUID]:
    return time_entries.add(tx, entries, by="person:ayo.brandt", at=AT)


def delivery(tx: Tx, engagement: str = "eng-1", region: str = "EMEA", entity: str = "TH") -> None:
    tx.execute(
        "INSERT INTO deliveries (engagement_id, number, code, name, client_name, region,"
        " legal_entity, currency, contract_type, billing_method, revenue_method, starts_on,"
        " ends_on, body, opened_at, version)"
        " VALUES (%s, 'ENG-1', %s, 'n', 'c', %s, %s, 'EUR', 'fixed_fee', 'milestone',"
        " 'point_in_time', '2026-01-01', '2026-12-31', '{}', now(), 1)",
        [engagement, engagement, region, entity],
    )


def test_an_entry_told_twice_is_one(tx: Tx) -> None:
    assert len(add(tx, an_entry(1), an_entry(2))) == 2
    assert add(tx, an_entry(2, minutes=999), an_entry(3)) == {entry_id("web", "e3")}
    assert time_entries.load(tx, [entry_id("web", "e2")])[entry_id("web", "e2")].minutes == 60


def test_an_entry_has_the_region_and_company_of_its_engagement(tx: Tx) -> None:
    delivery(tx)
    add(tx, an_entry())
    (row,) = time_entries.rows_of(tx, [entry_id("web", "e0")])
    assert (row["region"], row["legal_entity"]) == ("EMEA", "TH")


def test_a_change_meets_the_version_that_was_read(tx: Tx) -> None:
    add(tx, an_entry())
    longer = an_entry(minutes=120)
    assert time_entries.change(tx, [longer], states=DRAFTS) == {longer.id}
    assert time_entries.change(tx, [longer], states=DRAFTS) == set()  # it is at version 2 now
    assert not time_entries.delete(tx, longer.id, 1, states=DRAFTS)
    assert time_entries.delete(tx, longer.id, 2, states=DRAFTS)


def test_what_is_approved_stays_as_it_is(tx: Tx) -> None:
    add(tx, an_entry(state=EntryState.SUBMITTED))
    id = entry_id("web", "e0")
    moved = time_entries.move(
        tx, [id], EntryState.APPROVED, froms=[EntryState.SUBMITTED], by="person:lea", at=AT,
        period=date(2026, 6, 1),
    )  # fmt: skip
    assert moved == {id}
    assert not time_entries.change(tx, [an_entry(version=2)], states=DRAFTS)
    assert not time_entries.delete(tx, id, 2, states=DRAFTS)
    again = time_entries.move(
        tx, [id], EntryState.RETURNED, froms=[EntryState.SUBMITTED], by="person:lea", at=AT
    )
    assert again == set()
    (row,) = time_entries.rows_of(tx, [id])
    assert (row["decided_by"], row["period"]) == ("person:lea", date(2026, 6, 1))


def test_an_entry_is_taken_back_once(tx: Tx) -> None:
    add(tx, an_entry(1))
    back = {"minutes": -60, "reverses": entry_id("web", "e1")}
    assert len(add(tx, an_entry(2, **back))) == 1
    assert add(tx, an_entry(3, **back)) == set()


def test_a_list_is_paged_without_gap_or_repeat(tx: Tx) -> None:
    add(tx, *(an_entry(n) for n in range(23)))
    seen: list[UUID] = []
    after: tuple[date, UUID] | None = None
    while page := time_entries.listed(tx, EVERYTHING, Wanted(), after=after, limit=5):
        seen += [row["id"] for row in page]
        after = (page[-1]["day"], page[-1]["id"])
    assert len(seen) == len(set(seen)) == 23


def test_one_sees_ones_own_and_others_within_ones_regions(tx: Tx) -> None:
    delivery(tx)
    delivery(tx, "eng-2", region="AMER")
    add(tx, an_entry(1), an_entry(2, engagement="eng-2"), an_entry(3, resource="somebody"))

    def count(sees: Sees) -> int:
        return len(time_entries.listed(tx, sees, Wanted(), limit=9))

    assert count(Sees()) == 0
    assert count(Sees(own="ayo.brandt")) == 2
    assert count(Sees(others=True, regions=frozenset({"EMEA"}))) == 2
    assert count(Sees(own="ayo.brandt", others=True, regions=frozenset({"EMEA"}))) == 3
    assert count(Sees(others=True, entities=frozenset({"other"}))) == 0


def test_sums_are_by_state_and_billable(tx: Tx) -> None:
    add(tx, an_entry(1), an_entry(2, billable=False), an_entry(3, task="20", minutes=30))
    found = time_entries.sums(tx, EVERYTHING, Wanted(), by="task", limit=100)
    assert [(r["task"], r["billable"], r["minutes"], r["entries"]) for r in found] == [
        ("10", False, 60, 1),
        ("10", True, 60, 1),
        ("20", True, 30, 1),
    ]
    with pytest.raises(KeyError):
        time_entries.sums(tx, EVERYTHING, Wanted(), by="narrative", limit=1)


def test_findings_are_those_of_the_last_judgement(tx: Tx) -> None:
    id = entry_id("web", "e0")
    one = Finding(item=id, rule="T-01", severity=Severity.ERROR, value="v\t\\n", remedy="r")
    findings.replace(tx, "time", [id], [one])
    assert findings.of(tx, "time", [id]) == {id: [one]}
    assert findings.of(tx, "expense", [id]) == {}
    findings.replace(tx, "time", [id], [])
    assert findings.of(tx, "time", [id]) == {}


def test_a_person_of_whom_nothing_new_is_said_keeps_the_version(tx: Tx) -> None:
    ayo = ResourceRecord(id="ayo.brandt", name="Ayọ̀ Brandt", email="A@x.example", source="hr")
    bea = ResourceRecord(id="bea", name="Bea", manager="ayo.brandt", source="hr")
    assert resources.upsert(tx, [ayo, bea]) == ["ayo.brandt", "bea"]
    assert resources.upsert(tx, [ayo, bea.model_copy(update={"region": "EMEA"})]) == ["bea"]
    assert resources.load(tx, ["bea", "none"])["bea"].version == 2
    assert [r.id for r in resources.by_email(tx, ["a@X.example"])["a@x.example"]] == ["ayo.brandt"]
    assert [r.id for r in resources.of_manager(tx, "ayo.brandt")] == ["bea"]
    assert [r.id for r in resources.listed(tx, after="ayo.brandt", limit=5)] == ["bea"]
    assert [r.id for r in resources.listed(tx, regions=["EMEA"], limit=5)] == ["bea"]


def test_assignments_are_found_by_who_and_when(tx: Tx) -> None:
    delivery(tx)
    one = Assignment(
        id="a1",
        engagement=EngagementId("eng-1"),
        resource="ayo.brandt",
        role="Consultant",
        period=Period(start=MONDAY, end=MONDAY + timedelta(days=9)),
        source="person:wei.chen",
    )
    assert assignments.upsert(tx, [one]) == ["a1"]
    assert assignments.upsert(tx, [one]) == []
    assert assignments.load(tx, ["a1"]) == {"a1": one}
    last = MONDAY + timedelta(days=9)
    assert assignments.of_resource(tx, "ayo.brandt", last, last) == [one]
    after = last + timedelta(days=1)
    assert assignments.of_resource(tx, "ayo.brandt", after, after) == []
    assert assignments.listed(tx, others=False, own="ayo.brandt", limit=5) == [one]
    assert assignments.listed(tx, others=True, regions=["AMER"], limit=5) == []
