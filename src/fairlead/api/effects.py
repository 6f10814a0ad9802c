"""The effect ledger: what was meant to happen in other systems, and what did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import Limit, Page, TimeCursor, after, page
from fairlead.api.reading import reading
from fairlead.api.router import Router
from fairlead.api.shapes import At, Filter, Ref
from fairlead.domain.values import Value
from fairlead.flow.states import EffectState


class EffectView(Value):
    key: str
    run_id: str
    step: str
    occurrence: int
    subject_id: str
    system: str
    operation: str
    state: EffectState
    ref: Ref | None  #: the record that it made or changed
    attempts: int
    intended_at: At
    tried_at: At | None  #: the last time that a call may have left us
    settled_at: At | None
    answer: str | None  #: what the other system last said, without secrets


def add(router: Router) -> None:
    router.get("/effects", list_effects, Page[EffectView], tag="effects")


def list_effects(
    parts: Parts,
    caller: Caller,
    state: EffectState | None = None,
    system: Filter = None,
    cursor: TimeCursor = None,
    limit: Limit = 50,
) -> Page[EffectView]:
    """Effects, newest first."""
    with reading(parts, caller) as views:
        rows = views.effects(
            state=state, system=system, subject=None, after=after(cursor), limit=limit + 1
        )
    return page(rows, limit, shown, at="intended_at", id="key")


def shown(row: Mapping[str, Any]) -> EffectView:
    return EffectView(**row)
