"""Runs of playbooks, and their steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, StrictStr
from starlette.responses import Response

from fairlead.api.commands import Commanding, Outcome
from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import Limit, Page, TimeCursor, after, page
from fairlead.api.reading import reading, views
from fairlead.api.router import Router
from fairlead.api.shapes import At, Filter, Id, found
from fairlead.domain.values import Value
from fairlead.flow.migrate import migrate_run as migrate
from fairlead.flow.states import RunState, StepState
from fairlead.store.database import Tx


class RunView(Value):
    id: str
    playbook: str
    playbook_version: int
    subject_type: str
    subject_id: str
    region: str | None
    correlation: str
    state: RunState
    started_at: At
    ended_at: At | None


class StepView(Value):
    name: str
    occurrence: int
    kind: str
    state: StepState
    owner: str
    system: str | None
    attempt: int
    started_at: At
    ready_at: At | None  #: not before this
    due_at: At | None
    ended_at: At | None
    because: str | None


class Steps(Value):
    items: tuple[StepView, ...]


class CancelRun(Value):
    reason: Annotated[StrictStr, Field(min_length=1, max_length=2000, pattern=r"\S")]


class MigrateRun(Value):
    reason: Annotated[StrictStr, Field(min_length=1, max_length=2000, pattern=r"\S")]


def add(router: Router) -> None:
    router.get("/runs", list_runs, Page[RunView], tag="runs")
    router.get("/runs/{id}", get_run, RunView, tag="runs")
    router.get("/runs/{id}/steps", list_steps, Steps, tag="runs")
    router.command("POST", "/runs/{id}/cancel", cancel_run, RunView, tag="runs")
    router.command("POST", "/runs/{id}/migrate", migrate_run, RunView, tag="runs")


def list_runs(
    parts: Parts,
    caller: Caller,
    state: RunState | None = None,
    playbook: Filter = None,
    cursor: TimeCursor = None,
    limit: Limit = 50,
) -> Page[RunView]:
    """Runs, newest first."""
    with reading(parts, caller) as seen:
        rows = seen.runs(
            state=state, playbook=playbook, subject=None, after=after(cursor), limit=limit + 1
        )
    return page(rows, limit, shown, at="started_at")


def get_run(parts: Parts, caller: Caller, id: Id) -> RunView:
    """One run."""
    with reading(parts, caller) as seen:
        return shown(found(seen.run(id), "run"))


def list_steps(parts: Parts, caller: Caller, id: Id) -> Steps:
    """Its steps, in the order in which they began."""
    with reading(parts, caller) as seen:
        found(seen.run(id), "run")
        return Steps(items=tuple(StepView(**row) for row in seen.steps(id)))


def cancel_run(
    parts: Parts, caller: Caller, command: Commanding, id: Id, wanted: CancelRun
) -> Response:
    """End a run; what it did in other systems is taken back."""

    def act(tx: Tx) -> Outcome:
        seen = views(tx, caller)
        found(seen.run(id), "run")
        parts.cancel_run(tx, id, by=caller.id, reason=wanted.reason)
        return Outcome(shown(found(seen.run(id), "run")))

    return command.carry_out(act)


def migrate_run(
    parts: Parts, caller: Caller, command: Commanding, id: Id, wanted: MigrateRun
) -> Response:
    """Move an active run to the newest version of its playbook, where it fits."""

    def act(tx: Tx) -> Outcome:
        seen = views(tx, caller)
        found(seen.run(id), "run")
        migrate(tx, parts.library, parts.subjects, id, by=caller.id, reason=wanted.reason)
        return Outcome(shown(found(seen.run(id), "run")))

    return command.carry_out(act)


def shown(row: Mapping[str, Any]) -> RunView:
    return RunView(**row)
