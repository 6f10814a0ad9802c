"""The log is exported as OCEL 2.0, whole, and by the rules of the standard."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from psycopg.types.json import Jsonb
from tests.flow.small_world import AGREE, LABEL, SEND, Parcel, Person, World, playbook

from fairlead.insight.ocel import Exported, export_ocel
from fairlead.store import journal
from fairlead.store.database import Database
from fairlead.store.journal import Event
from fairlead.store.mining import Part

# Written from https://www.ocel-standard.org/specification/formats/json/
_TEXT = {"type": "string", "minLength": 1}
_TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}
_VALUE = {"type": ["string", "number", "boolean"]}


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object", "properties": properties, "required": sorted(properties),
        "additionalProperties": False,
    }  # fmt: skip


def _list(of: Any) -> dict[str, Any]:
    return {"type": "array", "items": of}


_OCEL_TYPE = {"enum": ["string", "time", "integer", "float", "boolean"]}
_KIND = _object(name=_TEXT, attributes=_list(_object(name=_TEXT, type=_OCEL_TYPE)))
_RELATED = _list(_object(objectId=_TEXT, qualifier=_TEXT))
OCEL = _object(
    eventTypes=_list(_KIND),
    objectTypes=_list(_KIND),
    events=_list(
        _object(
            id=_TEXT, type=_TEXT, time=_TIME, relationships=_RELATED,
            attributes=_list(_object(name=_TEXT, value=_VALUE)),
        )
    ),
    objects=_list(
        _object(
            id=_TEXT, type=_TEXT, relationships=_RELATED,
            attributes=_list(_object(name=_TEXT, time=_TIME, value=_VALUE)),
        )
    ),
)  # fmt: skip
_PYTHON = {"string": str, "integer": int, "boolean": bool}


def checked(path: Path) -> dict[str, Any]:
    """What was exported, after it was held against the standard."""
    log = json.loads(path.read_text("utf-8"))
    jsonschema.validate(log, OCEL)
    events = {kind["name"]: _attributes(kind) for kind in log["eventTypes"]}
    objects = {kind["name"]: _attributes(kind) for kind in log["objectTypes"]}
    known = {found["id"] for found in log["objects"]}
    for found, types in [(e, events) for e in log["events"]] + [
        (o, objects) for o in log["objects"]
    ]:
        declared = types[found["type"]]
        for attribute in found["attributes"]:
            assert type(attribute["value"]) is _PYTHON[declared[attribute["name"]]], attribute
        assert {related["objectId"] for related in found["relationships"]} <= known
    for ids in ([e["id"] for e in log["events"]], [o["id"] for o in log["objects"]]):
        assert len(ids) == len(set(ids))
    return log


def _attributes(kind: dict[str, Any]) -> dict[str, str]:
    return {attribute["name"]: attribute["type"] for attribute in kind["attributes"]}


@pytest.fixture
def world(db: Database) -> World:
    """Two parcels on their way, one of them held up."""
    world = World(db, playbook([{"gate": "weighed"}, LABEL], [SEND], [AGREE]))
    world.start(Parcel("p-1"))
    world.start(Parcel("p-2", grams=None))
    world.settle()
    return world


def test_every_event_of_the_log_is_exported_by_the_rules(world: World, tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    exported = export_ocel(world.db, path)
    log = checked(path)

    rows = world.rows("events")
    assert (len(log["events"]), exported.events) == (len(rows), len(rows))
    assert exported.objects == len(log["objects"])
    assert {event["type"] for event in log["events"]} == {row["type"] for row in rows}
    kinds = {kind["name"] for kind in log["objectTypes"]}
    assert kinds == {"parcel", "run", "task", "exception", "waybill"}


def test_objects_tell_what_they_are_and_what_they_belong_to(world: World, tmp_path: Path) -> None:
    with world.db.transaction() as tx:
        task = tx.execute("SELECT id, run_id FROM tasks").fetchone()
        assert task is not None
        told = Event(
            chain="p-1", type="task.seen", at=datetime.now(UTC), actor=f"person:{Person().id}",
            objects=[(task["id"], "task", "seen"), (task["run_id"], "run", "of")],
        )  # fmt: skip
        journal.append(tx, [told])
    path = tmp_path / "log.json"
    export_ocel(world.db, path)
    found = {thing["id"]: thing for thing in checked(path)["objects"]}

    run, asked = found[task["run_id"]], found[task["id"]]
    values = [(one["name"], one["value"]) for one in asked["attributes"]]
    assert run["relationships"] == [{"objectId": "p-1", "qualifier": "of"}]
    assert asked["relationships"] == [{"objectId": task["run_id"], "qualifier": "of"}]
    assert values == [
        ("kind", "approval"), ("step", "agree"), ("role", "approver"), ("state", "open"),
    ]  # fmt: skip
    assert [one["value"] for one in found["carrier-1/waybill/1"]["attributes"]] == ["carrier-1"]


def test_an_engagement_carries_its_number_money_and_state(db: Database, tmp_path: Path) -> None:
    opened = datetime(2026, 7, 1, 9, tzinfo=UTC)
    with db.transaction() as tx:
        tx.execute(
            "INSERT INTO engagements (id, number, source_system, source_id, state, name, "
            "client_name, region, legal_entity, currency, value, body, opened_at, version) VALUES "
            "('e-1', 'ENG-2001', 'crm', '006', 'ready', 'Éclair', 'Näf AG', 'EMEA', 'GmbH', "
            "'EUR', 1200.5, %s, %s, 1)",
            [Jsonb({}), opened],
        )
        told = Event(
            chain="e-1", type="engagement.ready", at=datetime(2026, 7, 2, tzinfo=UTC),
            actor="fairlead", objects=[("e-1", "engagement", "subject")],
        )  # fmt: skip
        journal.append(tx, [told])
    path = tmp_path / "log.json"
    export_ocel(db, path)

    (engagement,) = checked(path)["objects"]
    assert [(one["name"], one["value"]) for one in engagement["attributes"]] == [
        ("number", "ENG-2001"), ("name", "Éclair"), ("client", "Näf AG"), ("region", "EMEA"),
        ("legal_entity", "GmbH"), ("currency", "EUR"), ("value", "1200.50000000"),
        ("state", "received"), ("state", "ready"),
    ]  # fmt: skip
    assert [one["time"] for one in engagement["attributes"]][-2:] == [
        "2026-07-01T09:00:00.000000Z", "2026-07-02T00:00:00.000000Z",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("part", "chains"),
    [
        (Part(subjects=["p-2"]), {"p-2"}),
        (Part(subjects=["p-9"]), set[str]()),
        (Part(regions=["EMEA"]), {"p-1", "p-2"}),
        (Part(regions=[]), set[str]()),
        (Part(regions=["AMER"], subjects=["p-1"]), set[str]()),
    ],
)
def test_a_part_has_its_events_and_only_what_they_are_about(
    world: World, tmp_path: Path, part: Part, chains: set[str]
) -> None:
    path = tmp_path / "log.json"
    exported = export_ocel(world.db, path, part)
    log = checked(path)

    assert exported.events == sum(row["chain"] in chains for row in world.rows("events"))
    assert {o["id"] for o in log["objects"] if o["type"] == "parcel"} == chains


def test_values_of_every_kind_keep_one_type_per_attribute(db: Database, tmp_path: Path) -> None:
    with db.transaction() as tx:
        for attributes in ({"n": 1, "mixed": 1, "yes": True, "list": ["ü"]}, {"mixed": "one"}):
            told = Event(
                chain="c", type="x", at=datetime.now(UTC), actor="fairlead",
                attributes={**attributes, "nothing": None},
            )  # fmt: skip
            journal.append(tx, [told])
    path = tmp_path / "log.json"
    export_ocel(db, path)
    log = checked(path)

    values = {a["name"]: a["value"] for a in log["events"][0]["attributes"]}
    assert values == {"n": 1, "mixed": "1", "yes": True, "list": '["ü"]', "actor": "fairlead"}


def test_an_empty_log_is_an_empty_export(db: Database, tmp_path: Path) -> None:
    path = tmp_path / "log.json"

    assert export_ocel(db, path) == Exported(0, 0)
    assert checked(path) == {"eventTypes": [], "objectTypes": [], "events": [], "objects": []}
