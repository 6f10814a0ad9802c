"""Exceptions: what cannot go on without a person, and what that person does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr
from starlette.responses import Response
from typing_extensions import TypeAliasType

from fairlead.api.commands import Commanding, IfMatch, Outcome, etag_of
from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import Limit, Page, TimeCursor, after, page
from fairlead.api.reading import reading, views
from fairlead.api.router import Router
from fairlead.api.shapes import At, Filter, Id, PersonId, Reason, found, money
from fairlead.domain.gates import Gap
from fairlead.domain.values import Money, Value
from fairlead.store.database import Tx
from fairlead.trust.acting import Acting
from fairlead.trust.roles import Permission
from fairlead.work import owners
from fairlead.work.words import CauseClass, ExceptionAction

#: What may be supplied. Fractions are written as text, so that no digit is lost.
_Integer = Annotated[StrictInt, Field(ge=-(2**63), le=2**63 - 1)]
Supplied = TypeAliasType(
    "Supplied",
    "StrictStr | StrictBool | _Integer | list[Supplied] | dict[str, Supplied] | None",
)

_FIELD = r"^[a-z][a-z0-9_.]{0,99}$"

#: What an action needs besides `exceptions.resolve`.
_ALSO: Mapping[ExceptionAction, Permission] = {
    ExceptionAction.SUPPLY: Permission.ENGAGEMENTS_CORRECT,
}


class ExceptionView(Value):
    id: str
    cause_class: CauseClass
    team: str  #: its owner
    assignee: str | None
    title: str
    detail: str
    remedy: str
    gaps: tuple[Gap, ...]
    payload: Any  #: what was said, cut and without secrets
    difference: Any  #: what was expected against what is there
    actions: tuple[ExceptionAction, ...]
    system: str | None
    run_id: str | None
    step: str | None
    subject_id: str | None
    region: str | None
    at_risk: Money | None
    times: int
    state: Literal["open", "resolved"]
    opened_at: At
    due_at: At | None
    escalated_at: At | None
    resolved_at: At | None
    resolved_by: str | None
    resolution: str | None  #: the action that ended it, or `by itself`
    reason: str | None
    version: int


class ResolveException(Value):
    action: ExceptionAction
    values: dict[Annotated[StrictStr, Field(pattern=_FIELD)], Supplied] = Field(
        default_factory=dict[str, Any],
        max_length=100,
        json_schema_extra={"additionalProperties": False},
    )
    reason: Reason = ""


class AssignException(Value):
    person: PersonId


def add(router: Router) -> None:
    tag = "exceptions"
    router.get("/exceptions", list_exceptions, Page[ExceptionView], tag=tag)
    router.get("/exceptions/{id}", get_exception, ExceptionView, tag=tag, etag=True)
    for path, call in (("resolve", resolve_exception), ("assign", assign_exception)):
        router.command(
            "POST",
            f"/exceptions/{{id}}/{path}",
            call,
            ExceptionView,
            tag=tag,
            versioned=True,
            also=(428,),
        )


def list_exceptions(
    parts: Parts,
    caller: Caller,
    state: Literal["open", "resolved"] | None = "open",
    team: Filter = None,
    cause_class: CauseClass | None = None,
    cursor: TimeCursor = None,
    limit: Limit = 50,
) -> Page[ExceptionView]:
    """Exceptions, newest first."""
    with reading(parts, caller) as seen:
        rows = seen.exceptions(
            state=state,
            team=team,
            cause_class=cause_class,
            subject=None,
            after=after(cursor),
            limit=limit + 1,
        )
    return page(rows, limit, _view, at="opened_at")


def get_exception(parts: Parts, caller: Caller, response: Response, id: Id) -> ExceptionView:
    """One exception, with what may be done about it."""
    with reading(parts, caller) as seen:
        row = found(seen.exception(id), "exception")
    response.headers["ETag"] = etag_of(row["version"])
    return _view(row)


def resolve_exception(
    parts: Parts,
    caller: Caller,
    command: Commanding,
    id: Id,
    wanted: ResolveException,
    if_match: IfMatch = None,
) -> Response:
    """Act on it: retry, supply, choose, skip, override or dismiss."""

    def act(tx: Tx) -> Outcome:
        seen = views(tx, caller)
        found(seen.exception(id), "exception")
        also = _ALSO.get(wanted.action)
        if also is not None:
            caller.must(also)
        parts.exceptions.resolve(
            tx,
            id,
            Acting.of(parts.people, caller),
            wanted.action,
            values=wanted.values,
            reason=wanted.reason,
            version=command.version(required=True),
        )
        row = found(seen.exception(id), "exception")
        return Outcome(_view(row), version=row["version"])

    return command.carry_out(act)


def assign_exception(
    parts: Parts,
    caller: Caller,
    command: Commanding,
    id: Id,
    wanted: AssignException,
    if_match: IfMatch = None,
) -> Response:
    """Give it to a person who may resolve it."""

    def act(tx: Tx) -> Outcome:
        seen = views(tx, caller)
        row = found(seen.exception(id), "exception")
        about = seen.engagement(row["subject_id"]) if row["subject_id"] else None
        owners.must_be_possible(
            parts.people,
            wanted.person,
            region=row["region"],
            legal_entity=about["legal_entity"] if about else None,
        )
        version = command.version(required=True)
        acting = Acting.of(parts.people, caller)
        parts.exceptions.assign(tx, id, acting, wanted.person, version=version)
        row = found(seen.exception(id), "exception")
        return Outcome(_view(row), version=row["version"])

    return command.carry_out(act)


def _view(row: Mapping[str, Any]) -> ExceptionView:
    left = {
        name: value for name, value in row.items() if name not in ("class", "amount", "currency")
    }
    more = {"cause_class": row["class"], "at_risk": money(row)}
    return ExceptionView.model_validate({**left, **more})
