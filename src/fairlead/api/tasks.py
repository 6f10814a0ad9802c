"""The work queue: tasks and approvals, and the answers to them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import StrictBool
from starlette.responses import Response

from fairlead.api.commands import Command, Commanding, IfMatch, Outcome, etag_of
from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import Limit, Page, TimeCursor, after, page
from fairlead.api.parts import AppParts
from fairlead.api.reading import reading, views
from fairlead.api.router import Router
from fairlead.api.shapes import At, Id, PersonId, Reason, found, money, without_costs
from fairlead.domain.values import Money, Value
from fairlead.errors import NotFound
from fairlead.store.database import Tx
from fairlead.trust.acting import Acting
from fairlead.trust.principals import Principal
from fairlead.trust.roles import Permission
from fairlead.work.answers import answer_task as take_answer
from fairlead.work.assignment import assign_task as give_to


class TaskState(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"
    DONE = "done"
    CANCELLED = "cancelled"


class TaskView(Value):
    id: str
    kind: Literal["approval", "task"]
    run_id: str
    step: str
    occurrence: int
    subject_id: str
    region: str | None
    title: str
    role: str  #: who may answer
    assignee: str | None  #: a person; null: whoever has the role
    amount: Money | None  #: that the answer commits
    shown: dict[str, Any]  #: what the answer is about
    because: str | None  #: why this role
    decision_id: str | None
    state: TaskState
    answered_by: str | None
    reason: str | None
    opened_at: At
    due_at: At | None
    answered_at: At | None
    version: int


class AnswerTask(Value):
    approved: StrictBool
    reason: Reason = ""  #: required to refuse


class Assign(Value):
    person: PersonId


Mine = Annotated[
    bool,
    Query(description="Only what the caller's roles may answer and nobody else was given."),
]


def add(router: Router) -> None:
    tag = "tasks"
    router.get("/tasks", list_tasks, Page[TaskView], tag=tag)
    router.get("/tasks/{id}", get_task, TaskView, tag=tag, etag=True)
    router.command("POST", "/tasks/{id}/answer", answer_task, TaskView, tag=tag, versioned=True)
    router.command("POST", "/tasks/{id}/assign", assign_task, TaskView, tag=tag, versioned=True)
    router.get("/approvals", list_approvals, Page[TaskView], tag=tag)
    router.command(
        "POST", "/approvals/{id}/answer", answer_approval, TaskView, tag=tag, versioned=True
    )


def list_tasks(
    parts: Parts,
    caller: Caller,
    state: TaskState = TaskState.OPEN,
    kind: Literal["approval", "task"] | None = None,
    mine: Mine = True,
    cursor: TimeCursor = None,
    limit: Limit = 50,
) -> Page[TaskView]:
    """The caller's work queue, most urgent first."""
    with reading(parts, caller) as seen:
        rows = seen.tasks(
            state=state,
            kind=kind,
            roles=caller.roles if mine else None,
            assignee=caller.id if mine else None,
            after=after(cursor),
            limit=limit + 1,
        )
    return page(rows, limit, lambda row: _view(row, caller), at="due_at")


def list_approvals(
    parts: Parts,
    caller: Caller,
    state: TaskState = TaskState.OPEN,
    mine: Mine = True,
    cursor: TimeCursor = None,
    limit: Limit = 50,
) -> Page[TaskView]:
    """The approvals among the caller's tasks, most urgent first."""
    return list_tasks(parts, caller, state, "approval", mine, cursor, limit)


def get_task(parts: Parts, caller: Caller, response: Response, id: Id) -> TaskView:
    """One task or approval."""
    with reading(parts, caller) as seen:
        row = found(seen.task(id), "task")
    response.headers["ETag"] = etag_of(row["version"])
    return _view(row, caller)


def answer_task(
    parts: Parts,
    caller: Caller,
    command: Commanding,
    id: Id,
    answer: AnswerTask,
    if_match: IfMatch = None,
) -> Response:
    """Answer a task, or approve or refuse; its run goes on."""
    return _answered(parts, caller, command, id, answer)


def answer_approval(
    parts: Parts,
    caller: Caller,
    command: Commanding,
    id: Id,
    answer: AnswerTask,
    if_match: IfMatch = None,
) -> Response:
    """Approve or refuse; its run goes on."""
    return _answered(parts, caller, command, id, answer, kind="approval")


def assign_task(
    parts: Parts,
    caller: Caller,
    command: Commanding,
    id: Id,
    wanted: Assign,
    if_match: IfMatch = None,
) -> Response:
    """Give an open task to one person who may answer it."""

    def act(tx: Tx) -> Outcome:
        seen = views(tx, caller)
        found(seen.task(id), "task")
        acting = Acting.of(parts.people, caller)
        give_to(tx, parts.people, id, acting, wanted.person, command.version(required=False))
        row = found(seen.task(id), "task")
        return Outcome(_view(row, caller), version=row["version"])

    return command.carry_out(act)


def _answered(
    parts: AppParts,
    caller: Principal,
    command: Command,
    id: str,
    answer: AnswerTask,
    kind: str | None = None,
) -> Response:
    def act(tx: Tx) -> Outcome:
        seen = views(tx, caller)
        task = found(seen.task(id), "task")
        if kind not in (None, task["kind"]):
            raise NotFound("There is no such task.")
        take_answer(
            tx,
            id,
            Acting.of(parts.people, caller),
            approved=answer.approved,
            reason=answer.reason,
            version=command.version(required=False),
        )
        row = found(seen.task(id), "task")
        return Outcome(_view(row, caller), version=row["version"])

    return command.carry_out(act)


def _view(row: Mapping[str, Any], caller: Principal) -> TaskView:
    shown, because = row["shown"], row["because"]
    if not caller.may(Permission.COSTS_READ) and row["role"] not in caller.roles:
        # Whoever is asked sees what the answer is about; others see costs only with the right to.
        shown = without_costs(shown)
        because = because if len(shown) == len(row["shown"]) else None
    fields = {name: value for name, value in row.items() if name not in ("currency", "amount")}
    more = {"amount": money(row), "shown": shown, "because": because}
    return TaskView.model_validate({**fields, **more})
