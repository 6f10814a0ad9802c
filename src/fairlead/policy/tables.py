"""Decision tables: facts in, the row that fired and its answer out.

A policy is a JSON file in the JDM format of zen-engine (https://docs.gorules.io/reference/json)
with one decision table, and a key `fairlead` beside the graph:

    {"name": "change-approval", "version": 3, "owner": "finance-operations",
     "effective_from": "2026-07-01", "cases": [{"facts": {…}, "row": "routine", "answer": {…}}]}

Rows are named by their `_id`, because positions move. A table of the hit policy `first` gives one
decision; a `collect` table gives one for each row that fits, perhaps none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, cast

import simplejson
import zen
from pydantic import AwareDatetime, Field, JsonValue, ValidationError

from fairlead.domain.values import Value
from fairlead.errors import InvalidDefinition, NotFound

_MOST_DIGITS = 28  #: zen-engine computes with decimals of 96 bits and rounds what is longer


class Decision(Value):
    """One answer of a policy, stored for ever: it explains, and a back-test replays it."""

    policy: str
    version: int
    row: str  #: the id of the row that fired; ids survive re-ordering, positions do not
    facts: dict[str, JsonValue]  #: decimals as text, exact
    answer: dict[str, JsonValue]  #: in the words that people will see; fractions as text
    at: AwareDatetime


class Case(Value):
    """An example that travels with the policy: these facts, this row (or these, if it collects)."""

    facts: dict[str, Any]
    row: str | None = None
    rows: tuple[str, ...] | None = None  #: for `collect`, in the order of the table
    answer: dict[str, JsonValue] | None = None  #: null: only the row is compared

    @property
    def expected(self) -> tuple[str, ...]:
        return self.rows if self.rows is not None else (self.row,) if self.row else ()


class Header(Value):
    """What Fairlead knows of a policy beside its table."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    version: int = Field(ge=1)
    owner: str = Field(min_length=1)  #: the role or team that answers for it
    effective_from: date  #: from 00:00 UTC of that day
    cases: tuple[Case, ...] = Field(min_length=1)
    otherwise: Literal["row", "refuse"] = "row"
    """What a `first` table does where nothing else fits: its last row has no condition, or the
    policy says aloud that there is no answer."""
    why: str = ""  #: why this version differs from the one before


@dataclass(frozen=True)
class Row:
    id: str
    conditions: Mapping[str, str]  #: fact → cell; an empty cell fits everything
    outputs: Mapping[str, str]  #: word of the answer → expression


@dataclass(frozen=True)
class Policy:
    """One version of one policy: parsed, and compiled once. Safe to share between threads."""

    header: Header
    hit: Literal["first", "collect"]
    inputs: tuple[str, ...]  #: the facts that the table asks for
    outputs: tuple[str, ...]  #: the words of its answer
    rows: tuple[Row, ...]
    graph: dict[str, Any]  #: the JDM document
    file: str = ""  #: for messages

    @property
    def name(self) -> str:
        return self.header.name

    @property
    def version(self) -> int:
        return self.header.version

    @property
    def effective_from(self) -> datetime:
        day = self.header.effective_from
        return datetime(day.year, day.month, day.day, tzinfo=UTC)

    def ask(self, facts: Mapping[str, Any]) -> tuple[tuple[str, dict[str, JsonValue]], ...]:
        """(row id, answer) of each row that fires. `facts` are exact: `Decimal`, never a float."""
        sent = _exact_json(dict(facts))
        found = cast("dict[str, Any]", self._engine.evaluate(_TABLE, sent, {"trace": True}))
        fired: Any = found["trace"][_TABLE].get("traceData")
        result: Any = found["result"]
        if self.hit == "first":
            fired, result = ([fired], [result]) if fired else ([], [])
        return tuple(
            (str(row["rule"]["_id"]), {name: _kept(value) for name, value in answer.items()})
            for row, answer in zip(fired or [], result or [], strict=True)
        )

    @cached_property
    def _engine(self) -> zen.ZenEngine:
        """An engine that holds this table compiled: 9 µs a decision, where one that is made by
        `create_decision` takes 150."""
        return zen.ZenEngine({"loader": {"type": "static", "content": {_TABLE: self.graph}}})


def decide(policy: Policy, facts: Value, now: datetime) -> Decision:
    """Ask a policy. `facts` is typed and has no defaults, because zen-engine matches no row on a
    text or a gap.

    Raises `InvalidDefinition` where the facts are not those that the table asks for, or where
    no row fits, and ValueError for a number that would lose digits.
    """
    decisions = decide_all(policy, facts, now)
    if len(decisions) != 1:
        raise InvalidDefinition(
            f"{policy.name} version {policy.version} gives {len(decisions)} answers to these"
            " facts; one is needed. Add a row without conditions at its end."
        )
    return decisions[0]


def decide_all(policy: Policy, facts: Value, now: datetime) -> tuple[Decision, ...]:
    """Every row that fires, in the order of the table; see `decide`."""
    faults = _misfit(policy.inputs, type(facts))
    if faults:
        raise InvalidDefinition(
            f"{policy.name} version {policy.version} cannot be asked with {type(facts).__name__}:",
            faults,
        )
    kept = facts.model_dump(mode="json")
    return tuple(
        Decision(
            policy=policy.name,
            version=policy.version,
            row=row,
            facts=kept,
            answer=answer,
            at=now,
        )
        for row, answer in policy.ask(facts.model_dump())
    )


class Policies:
    """Every version of every policy."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        """Raises `InvalidDefinition` where a version is there twice, or takes effect before an
        older one."""
        self._versions: dict[str, list[Policy]] = {}
        for policy in sorted(policies, key=lambda policy: (policy.name, policy.version)):
            self._versions.setdefault(policy.name, []).append(policy)
        faults: list[str] = []
        for name, versions in self._versions.items():
            for older, newer in pairwise(versions):
                if older.version == newer.version:
                    faults.append(
                        f"{newer.file}: {name} version {newer.version} is in {older.file} too"
                    )
                elif newer.effective_from < older.effective_from:
                    faults.append(
                        f"{newer.file}: {name} version {newer.version} takes effect before"
                        f" version {older.version}"
                    )
        if faults:
            raise InvalidDefinition("The policies contradict each other:", faults)

    def __iter__(self) -> Iterator[Policy]:
        for versions in self._versions.values():
            yield from versions

    def names(self) -> Sequence[str]:
        return tuple(self._versions)

    def versions(self, name: str) -> Sequence[Policy]:
        """Oldest first. Raises `NotFound`."""
        if name not in self._versions:
            raise NotFound(f"There is no policy {name}.")
        return tuple(self._versions[name])

    def version(self, name: str, version: int) -> Policy:
        """Raises `NotFound`."""
        for policy in self.versions(name):
            if policy.version == version:
                return policy
        raise NotFound(f"There is no version {version} of the policy {name}.")

    def as_of(self, name: str, at: datetime) -> Policy:
        """The version in effect at `at`: the newest that has begun. Raises `NotFound`."""
        begun = [policy for policy in self.versions(name) if policy.effective_from <= at]
        if not begun:
            raise NotFound(f"No version of the policy {name} was in effect on {at:%Y-%m-%d}.")
        return begun[-1]


def load(path: Path) -> Policy:
    """Read one file. Raises `InvalidDefinition` with every fault of its form; whether it is fit
    to publish is the question of `publish.check`."""
    try:
        return parse(path.read_text("utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as unreadable:
        raise InvalidDefinition("A policy cannot be read:", [f"{path}: {unreadable}"]) from None


def parse(text: str, file: str = "") -> Policy:
    """See `load`."""
    try:
        raw = cast("dict[str, Any]", simplejson.loads(text, use_decimal=True))
        header = Header.model_validate(raw.get("fairlead"))
        nodes = cast("list[dict[str, Any]]", raw["nodes"])
        tables = [node for node in nodes if node["type"] == "decisionTableNode"]
        if len(tables) != 1 or len(nodes) != 3:
            raise ValueError("a policy is one decision table between one input and one output")
        table: dict[str, Any] = tables[0]["content"]
        columns = {
            side: {str(column["id"]): str(column["field"]) for column in table[side]}
            for side in ("inputs", "outputs")
        }
        rows = tuple(_row(row, columns) for row in table["rules"])
        hit: str = table["hitPolicy"]
        if hit not in ("first", "collect"):
            raise ValueError(f"the hit policy is first or collect, not {hit}")
        # The trace names nodes by id; ours is known, whatever the editor called it.
        was = tables[0]["id"]
        tables[0]["id"] = _TABLE
        for edge in raw["edges"]:
            for end in ("sourceId", "targetId"):
                edge[end] = _TABLE if edge[end] == was else edge[end]
    except ValidationError as bad:
        faults = [
            f"{file}: fairlead.{'.'.join(map(str, error['loc']))}: {error['msg']}"
            for error in bad.errors()
        ]
        raise InvalidDefinition("A policy cannot be used:", faults) from bad
    except simplejson.JSONDecodeError as bad:
        fault = f"{file}:{bad.lineno}: {bad.msg}"
        raise InvalidDefinition("A policy cannot be used:", [fault]) from bad
    except (KeyError, TypeError, AttributeError, ValueError) as bad:
        words = f"{bad.args[0]} is missing" if isinstance(bad, KeyError) else str(bad)
        raise InvalidDefinition("A policy cannot be used:", [f"{file}: {words}"]) from bad
    return Policy(
        header=header,
        hit="first" if hit == "first" else "collect",
        inputs=tuple(columns["inputs"].values()),
        outputs=tuple(columns["outputs"].values()),
        rows=rows,
        graph=json.loads(simplejson.dumps({"nodes": nodes, "edges": raw["edges"]})),
        file=file,
    )


_TABLE = "the-table"


def _row(raw: Mapping[str, Any], columns: Mapping[str, Mapping[str, str]]) -> Row:
    identity = raw.get("_id")
    if not isinstance(identity, str) or not identity:
        raise ValueError("every row needs an _id, in words")
    known = {"_id", "_description", *columns["inputs"], *columns["outputs"]}
    if strange := sorted(set(raw) - known):
        raise ValueError(f"row {identity}: no column is called {', '.join(strange)}")
    cells = {
        side: {field: str(raw.get(column) or "").strip() for column, field in fields.items()}
        for side, fields in columns.items()
    }
    return Row(id=identity, conditions=cells["inputs"], outputs=cells["outputs"])


@cache
def _misfit(inputs: tuple[str, ...], facts: type[Value]) -> tuple[str, ...]:
    fields = facts.model_fields
    missing = sorted({name.split(".")[0] for name in inputs} - set(fields))
    optional = sorted(name for name, field in fields.items() if not field.is_required())
    return (
        *(f"the table asks for {name}, which is no fact" for name in missing),
        *(f"{name} has a default; a fact is always said" for name in optional),
    )


def _exact_json(facts: Mapping[str, Any]) -> str:
    """As JSON text: zen-engine reads its numbers as decimals, and takes no `Decimal` itself."""
    return simplejson.dumps(_plain(facts), use_decimal=True, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """Only what JSON can say, and no number that zen-engine would round. Raises ValueError."""
    match value:
        case None | bool():
            return value
        case Enum():
            return value.value
        case Decimal() | int():
            number = Decimal(value)
            if not number.is_finite() or len(number.as_tuple().digits) > _MOST_DIGITS:
                raise ValueError(f"{value} has more digits than a policy can compare")
            return value
        case str():
            return value
        case datetime() | date():
            return value.isoformat()
        case Mapping():
            pairs = cast("Mapping[str, Any]", value)
            return {name: _plain(part) for name, part in pairs.items()}
        case list() | tuple():
            return [_plain(part) for part in cast("Sequence[Any]", value)]
        case set() | frozenset():
            return sorted(_plain(part) for part in cast("frozenset[Any]", value))
        case _:
            raise ValueError(f"a fact is never a {type(value).__name__}")


def _kept(value: Any) -> JsonValue:
    """An answer ready to be stored: a fraction as text, since no float may carry money."""
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    return cast("JsonValue", value)
