"""The log as OCEL 2.0 JSON, which process mining reads
(https://www.ocel-standard.org/specification/formats/json/).

Engagements, runs, tasks, exceptions, systems and their records are objects. Numbers in events are
whole; money is text, because OCEL's `float` would not hold it exactly.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from fairlead.store import mining
from fairlead.store.database import Database
from fairlead.store.mining import Part

#: OCEL's time of an attribute that never changes.
_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
#: Columns of the log that every event has beside its own attributes; they go before one of these
#: names.
_COLUMNS = ("actor", "correlation", "region")
_OCEL_TYPES = {frozenset({"number"}): "integer", frozenset({"boolean"}): "boolean"}

#: Type of object → its attributes that never change, and the columns they come from.
_FIXED: Mapping[str, Mapping[str, str]] = {
    "engagement": {
        "number": "number", "name": "name", "client": "client_name", "region": "region",
        "legal_entity": "legal_entity", "currency": "currency", "value": "value",
        "project_code": "project_code",
    },
    "run": {"playbook": "playbook"},
    "task": {"kind": "kind", "step": "task_step", "role": "role"},
    "exception": {
        "class": "class", "team": "team", "system": "system", "resolution": "resolution",
    },
}  # fmt: skip

#: Type of object → its state, when it began, in which state, and when it ended.
_STATES: Mapping[str, tuple[str, str, str, str]] = {
    "engagement": ("engagement_state", "opened_at", "received", "last_at"),
    "run": ("run_state", "started_at", "active", "ended_at"),
    "task": ("task_state", "asked_at", "open", "answered_at"),
    "exception": ("exception_state", "raised_at", "open", "resolved_at"),
}


@dataclass(frozen=True)
class Exported:
    events: int
    objects: int


def export_ocel(db: Database, path: Path, part: Part | None = None) -> Exported:
    """Write the events of a part of the log, and all objects that they are about.

    Reads one snapshot, in constant memory. Raises `Busy`, `DatabaseAway`, or OSError where the
    file cannot be written.
    """
    part = part or Part()
    with db.transaction() as tx, path.open("w", encoding="utf-8") as file:
        tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        event_types = mining.event_types(tx, part)
        file.write('{"eventTypes": ')
        _dump(file, [_event_type(name, found) for name, found in event_types.items()])
        file.write(',\n"objectTypes": ')
        _dump(file, [_object_type(name) for name in mining.find_objects(tx, part)])
        file.write(',\n"events": ')
        told = {name: _types(found) for name, found in event_types.items()}
        events = _stream(file, (_event(row, told[row["type"]]) for row in mining.events(tx, part)))
        file.write(',\n"objects": ')
        objects = _stream(file, (_object(row) for row in mining.objects(tx)))
        file.write("}\n")
    return Exported(events, objects)


def _types(found: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Attribute → its OCEL type. What is neither number nor truth value is text."""
    types = {name: _OCEL_TYPES.get(frozenset(kinds), "string") for name, kinds in found.items()}
    return types | dict.fromkeys(_COLUMNS, "string")


def _event_type(name: str, found: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    attributes = [{"name": n, "type": t} for n, t in sorted(_types(found).items())]
    return {"name": name, "attributes": attributes}


def _object_type(name: str) -> dict[str, Any]:
    names = [*_FIXED.get(name, {}), *(["state"] if name in _STATES else [])] or ["system"]
    return {"name": name, "attributes": [{"name": n, "type": "string"} for n in names]}


def _event(row: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, Any]:
    values = {**row["attributes"], **{name: row[name] for name in _COLUMNS}}
    return {
        "id": f"event-{row['seq']}",
        "type": row["type"],
        "time": _time(row["at"]),
        "attributes": [
            {"name": name, "value": _value(value, types[name])}
            for name, value in values.items()
            if value is not None
        ],
        "relationships": _related((id, qualifier) for id, _, qualifier in row["objects"]),
    }


def _object(row: Mapping[str, Any]) -> dict[str, Any]:
    type = row["type"]
    attributes = [
        {"name": name, "time": _time(_ALWAYS), "value": row[column]}
        for name, column in _FIXED.get(type, {}).items()
        if row[column] is not None
    ]
    if type in _STATES:
        attributes += _states(row, *_STATES[type])
    elif "/" in row["id"]:  # a record in a system: `system/kind/id`
        system = row["id"].partition("/")[0]
        attributes.append({"name": "system", "time": _time(_ALWAYS), "value": system})
    whole = [(row["whole"], "of")] if row["whole"] else []
    return {
        "id": row["id"],
        "type": type,
        "attributes": attributes,
        "relationships": _related(whole),
    }


def _states(
    row: Mapping[str, Any], state: str, begun: str, first: str, ended: str
) -> list[dict[str, Any]]:
    """The state in which it began and, if it is another by now, that one."""
    if row[begun] is None:
        return []
    found = [{"name": "state", "time": _time(row[begun]), "value": first}]
    if row[state] != first:
        since = row[ended] or row["last_at"]
        found.append({"name": "state", "time": _time(since), "value": row[state]})
    return found


def _related(relations: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"objectId": id, "qualifier": qualifier} for id, qualifier in dict.fromkeys(relations)]


def _value(value: Any, type: str) -> Any:
    if type != "string" or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _stream(file: IO[str], items: Iterable[Mapping[str, Any]]) -> int:
    """A JSON list, an item a line; how many there were."""
    count = 0
    file.write("[")
    for item in items:
        file.write(",\n" if count else "\n")
        _dump(file, item)
        count += 1
    file.write("]")
    return count


def _dump(file: IO[str], item: Any) -> None:
    file.write(json.dumps(item, ensure_ascii=False))
