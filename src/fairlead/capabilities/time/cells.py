"""One's week as a grid: what stands in one cell, said anew, as often as it is sent (F067).

A cell is the work of one day on one task of one kind. Whoever sends it says what they saw: an entry
with its version, or nothing. The same sent twice is one; what another changed meanwhile is told and
not overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from fairlead.capabilities.time.entering import OWN, TimeInput, Times
from fairlead.capabilities.time.whose import resource_of
from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.domain.values import Value
from fairlead.errors import InvalidInput, Problem
from fairlead.store import time_columns, time_weeks
from fairlead.store.database import Tx
from fairlead.trust.acting import Acting


class Row(Value):
    """A line of the grid. Where one day has several entries of a kind, each has a line."""

    engagement: Annotated[str, Field(min_length=1, max_length=200)]  #: its id
    task: Annotated[str, Field(max_length=100)] | None = None
    category: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
    nth: Annotated[int, Field(ge=0, le=99)] = 0


class More(Value):
    """What a cell has beside its minutes."""

    narrative: Annotated[str, Field(max_length=4000)] = ""
    begins: int | None = None  #: minutes from midnight
    ends: int | None = None


class Cell(Value):
    """What somebody says of a cell. Minutes null: there is nothing to book."""

    row: Row
    day: Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2100, 1, 1))]
    minutes: Annotated[int, Field(ge=1, le=1440)] | None
    more: More | None = None  #: null: as it is
    entry: UUID | None = None  #: the entry that was seen there; null: the cell was empty
    version: int | None = None


@dataclass(frozen=True)
class Saved:
    """What stands in the cell now. `conflict`: it is not what was seen, and nothing was changed."""

    row: Mapping[str, Any] | None
    conflict: bool = False


def save(tx: Tx, acting: Acting, times: Times, said: Cell) -> Saved:
    """Enter, change or delete what is in a cell of one's own week.

    Raises `InvalidInput`, `NotAllowed`.
    """
    who = resource_of(tx, acting)
    time_columns.hold(tx, [who.id])
    there = _there(tx, who, said)
    if _is_so(there, said):
        return Saved(there)
    seen = None if there is None else (there["id"], there["version"])
    if seen != (None if said.entry is None else (said.entry, said.version)):
        return Saved(there, conflict=True)
    if there is not None and (there["state"] not in OWN or there["reverses"] is not None):
        return Saved(there, conflict=True)
    if said.minutes is None:
        assert there is not None  # else the cell is as it was said to be
        times.delete(tx, acting, there["id"], there["version"])
        return Saved(None)
    wanted = _wanted(there, said, said.minutes)
    if there is None:
        return Saved(times.enter(tx, acting, wanted, source="web").row)
    return Saved(times.change(tx, acting, there["id"], wanted, there["version"]).row)


def _there(tx: Tx, who: ResourceRecord, said: Cell) -> Mapping[str, Any] | None:
    row = said.row
    held = time_weeks.cell(tx, who.id, said.day, row.engagement, row.task, row.category)
    if said.entry is not None:
        return next((one for one in held if one["id"] == said.entry), None)
    return held[row.nth] if row.nth < len(held) else None


def _is_so(there: Mapping[str, Any] | None, said: Cell) -> bool:
    """Whether it stands there as it is said already: sent twice, or said by both alike."""
    if there is None or said.minutes is None:
        return there is None and said.minutes is None
    same = there["minutes"] == said.minutes
    if said.more is None:
        return same
    return same and said.more == More.model_construct(
        narrative=there["narrative"], begins=there["begins"], ends=there["ends"]
    )


def _wanted(there: Mapping[str, Any] | None, said: Cell, minutes: int) -> TimeInput:
    kept: Mapping[str, Any] = there or {}
    more = said.more or More.model_construct(
        narrative=kept.get("narrative", ""), begins=kept.get("begins"), ends=kept.get("ends")
    )
    problems = _hours_problems(more, minutes)
    if problems:
        raise InvalidInput("The cell cannot be saved.", problems)
    return TimeInput(
        engagement=said.row.engagement,
        task=said.row.task,
        day=said.day,
        minutes=minutes,
        role=kept.get("role"),
        category=said.row.category,
        billable=kept.get("billable"),
        narrative=more.narrative,
        begins=more.begins,
        ends=more.ends,
    )


def _hours_problems(more: More, minutes: int) -> Sequence[Problem]:
    if more.begins is None and more.ends is None:
        return []
    if more.begins is None or more.ends is None:
        return [Problem("/begins", "is given together with the end")]
    if not (0 <= more.begins < 1440 and more.begins < more.ends <= 2880):
        return [Problem("/ends", "is after the beginning")]
    if more.ends - more.begins < minutes:
        return [Problem("/minutes", "are no more than between begin and end")]
    return []
