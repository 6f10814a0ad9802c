"""Milestones: what proves them, asking for acceptance, and the answer of a role of ours.

The client's answer has no address here: it is given on the page that the client's link leads to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request
from pydantic import Field, StrictStr
from starlette.responses import Response

from fairlead.api.commands import Command, Commanding, IfMatch, Outcome, etag_of
from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import Limit, Page
from fairlead.api.parts import AppParts
from fairlead.api.reading import reading_tx
from fairlead.api.refusals import InvalidParameters
from fairlead.api.router import Router
from fairlead.api.shapes import At, Id, Reason, found
from fairlead.capabilities.milestones import deciding, evidence
from fairlead.capabilities.milestones.submitting import Recipient
from fairlead.domain.model.milestone import Accepts, EvidenceKind, Milestone, MilestoneState
from fairlead.domain.rules.milestones import digest
from fairlead.domain.values import ExternalRef, Money, Value
from fairlead.errors import NotFound, Problem
from fairlead.store import milestones
from fairlead.store.database import Tx, database_time
from fairlead.store.milestone_views import After, MilestoneViews
from fairlead.store.views import Scope
from fairlead.trust.acting import Acting
from fairlead.trust.principals import Principal

DayCursor = Annotated[
    str | None,
    Query(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\.[0-9a-f-]{36}$", description="`next` of a page."),
]
FileName = Annotated[str, Query(min_length=1, max_length=400, description="Of the file.")]


class EvidenceView(Value):
    id: str
    kind: EvidenceKind
    name: str
    digest: str | None  #: SHA-256, of an upload
    media_type: str | None  #: of an upload, told from its content
    size: int | None  #: bytes
    url: str | None
    ref: ExternalRef | None  #: where a document system holds it
    revision: str | None  #: of what `ref` names
    added_by: str
    added_at: At


class MilestoneView(Value):
    id: UUID
    engagement_id: str
    number: int
    name: str
    amount: Money
    due_on: date
    state: MilestoneState
    accepts: Accepts
    clause: str | None  #: of the contract
    region: str | None
    evidence: tuple[EvidenceView, ...]
    submission: int  #: how often it was submitted
    submitted_by: str | None
    submitted_at: At | None
    accepted_by: str | None  #: a person's id, or `client:` and an address
    accepted_at: At | None
    digest: str  #: of milestone and evidence as they are; once accepted, of what was accepted
    reason: str | None  #: why it was sent back
    version: int


class AddLink(Value):
    url: Annotated[StrictStr, Field(max_length=4000)]
    name: Annotated[StrictStr, Field(max_length=400)] = ""


class SubmitMilestone(Value):
    recipient: Recipient | None = None  #: of the client; needed where the client accepts


class TakeBack(Value):
    reason: Reason = ""


class AcceptMilestone(Value):
    reason: Reason = ""


class SendBack(Value):
    reason: Reason  #: what is missing


class EvidenceFile(Response):
    """As it was uploaded; a browser keeps it and shows nothing of it."""

    media_type = "application/octet-stream"


def add(router: Router) -> None:
    tag = "milestones"
    router.get("/milestones", list_milestones, Page[MilestoneView], tag=tag)
    router.get("/milestones/{id}", get_milestone, MilestoneView, tag=tag, etag=True)
    router.upload("/milestones/{id}/evidence", upload_evidence, MilestoneView, tag=tag)
    for path, call in (
        ("links", add_evidence_link),
        ("submit", submit_milestone),
        ("take-back", take_back_milestone),
        ("accept", accept_milestone),
        ("send-back", send_back_milestone),
    ):
        path = f"/milestones/{{id}}/{path}"
        router.command("POST", path, call, MilestoneView, tag=tag, versioned=True)
    router.get("/evidence/{id}", get_evidence_file, None, tag=tag, response_class=EvidenceFile)
    router.command(
        "DELETE", "/evidence/{id}", withdraw_evidence, MilestoneView, tag=tag, versioned=True
    )


def list_milestones(
    parts: Parts,
    caller: Caller,
    engagement: Annotated[
        str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:~-]{0,199}$", description="Its id.")
    ] = None,
    state: MilestoneState | None = None,
    late: Annotated[bool, Query(description="Only those due before today, in UTC.")] = False,
    cursor: DayCursor = None,
    limit: Limit = 50,
) -> Page[MilestoneView]:
    """Milestones, the first due first."""
    with reading_tx(parts) as tx:
        rows = _views(tx, caller).milestones(
            engagement=engagement,
            state=state,
            late_on=database_time(tx).date() if late else None,
            after=_after(cursor),
            limit=limit + 1,
        )
    shown = rows[:limit]
    end = f"{shown[-1]['due_on'].isoformat()}.{shown[-1]['id']}" if len(rows) > limit else None
    return Page(items=tuple(_of_row(row) for row in shown), next=end)


def get_milestone(parts: Parts, caller: Caller, response: Response, id: Id) -> MilestoneView:
    """One milestone with its evidence."""
    with reading_tx(parts) as tx:
        row = _seen(tx, caller, id)
    response.headers["ETag"] = etag_of(row["version"])
    return _of_row(row)


def get_evidence_file(parts: Parts, caller: Caller, id: Id) -> EvidenceFile:
    """An uploaded file, as it was uploaded."""
    with reading_tx(parts) as tx:
        row = found(_views(tx, caller).evidence(id), "evidence")
    content = found(row["body"], "evidence")
    disposition = f'attachment; filename="evidence-{row["digest"][:12]}"'
    return EvidenceFile(bytes(content), headers={"Content-Disposition": disposition})


def upload_evidence(
    parts: Parts,
    caller: Caller,
    command: Commanding,
    request: Request,
    id: Id,
    name: FileName = "evidence",
) -> Response:
    """Upload evidence: PDF, picture, text, or office document without macros; at most 10 MiB."""

    def act(tx: Tx, who: Acting, version: int | None) -> Milestone:
        content: bytes = request.state.raw
        return evidence.add_upload(tx, who, id, name=name, content=content, version=version)

    return _done(parts, caller, command, id, act)


def add_evidence_link(
    parts: Parts,
    caller: Caller,
    command: Commanding,
    id: Id,
    wanted: AddLink,
    if_match: IfMatch = None,
) -> Response:
    """Give a link as evidence: an address of the web."""

    def act(tx: Tx, who: Acting, version: int | None) -> Milestone:
        return evidence.add_link(tx, who, id, name=wanted.name, url=wanted.url, version=version)

    return _done(parts, caller, command, id, act)


def withdraw_evidence(
    parts: Parts, caller: Caller, command: Commanding, id: Id, if_match: IfMatch = None
) -> Response:
    """Take evidence away, while nobody is asked to accept it."""

    def act(tx: Tx) -> Outcome:
        row = found(_views(tx, caller).evidence(id), "evidence")
        who = Acting.of(parts.people, caller)
        version = command.version(required=False)
        return _outcome(evidence.withdraw(tx, who, str(row["milestone_id"]), id, version=version))

    return command.carry_out(act)


def submit_milestone(
    parts: Parts,
    caller: Caller,
    command: Commanding,
    id: Id,
    wanted: SubmitMilestone,
    if_match: IfMatch = None,
) -> Response:
    """Ask for acceptance, by the client or by a role of ours as the policy says."""

    def act(tx: Tx, who: Acting, version: int | None) -> Milestone:
        return parts.milestones.submit(tx, who, id, recipient=wanted.recipient, version=version)

    return _done(parts, caller, command, id, act)


def take_back_milestone(
    parts: Parts,
    caller: Caller,
    command: Commanding,
    id: Id,
    wanted: TakeBack,
    if_match: IfMatch = None,
) -> Response:
    """Nobody is asked any more: links are dead, and evidence may be changed again."""

    def act(tx: Tx, who: Acting, version: int | None) -> Milestone:
        return parts.milestones.take_back(tx, who, id, reason=wanted.reason, version=version)

    return _done(parts, caller, command, id, act)


def accept_milestone(
    parts: Parts,
    caller: Caller,
    command: Commanding,
    id: Id,
    wanted: AcceptMilestone,
    if_match: IfMatch = None,
) -> Response:
    """Accept it for us, where the client does not; never what one submitted or gave to it."""

    def act(tx: Tx, who: Acting, version: int | None) -> Milestone:
        return deciding.answer(tx, who, id, accepted=True, reason=wanted.reason, version=version)

    return _done(parts, caller, command, id, act)


def send_back_milestone(
    parts: Parts,
    caller: Caller,
    command: Commanding,
    id: Id,
    wanted: SendBack,
    if_match: IfMatch = None,
) -> Response:
    """Do not accept it, and say what is missing."""

    def act(tx: Tx, who: Acting, version: int | None) -> Milestone:
        return deciding.answer(tx, who, id, accepted=False, reason=wanted.reason, version=version)

    return _done(parts, caller, command, id, act)


def _done(
    parts: AppParts,
    caller: Principal,
    command: Command,
    id: str,
    act: Callable[[Tx, Acting, int | None], Milestone],
) -> Response:
    def carry_out(tx: Tx) -> Outcome:
        _seen(tx, caller, id)
        acting = Acting.of(parts.people, caller)
        return _outcome(act(tx, acting, command.version(required=False)))

    return command.carry_out(carry_out)


def _views(tx: Tx, caller: Principal) -> MilestoneViews:
    return MilestoneViews(tx, Scope(regions=caller.regions, legal_entities=caller.legal_entities))


def _seen(tx: Tx, caller: Principal, id: str) -> dict[str, Any]:
    """Raises `NotFound`, in the same words for what is absent and what is another's."""
    try:
        UUID(id)
    except ValueError:
        raise NotFound("There is no such milestone.") from None
    return found(_views(tx, caller).milestone(id), "milestone")


def _after(cursor: str | None) -> After | None:
    if cursor is None:
        return None
    day, _, id = cursor.partition(".")
    try:
        return date.fromisoformat(day), str(UUID(id))
    except ValueError:
        problem = Problem("query:/cursor", "is `next` of a page")
        raise InvalidParameters("The query cannot be accepted.", [problem]) from None


def _outcome(milestone: Milestone) -> Outcome:
    return Outcome(_view(milestone), version=milestone.version)


def _of_row(row: Mapping[str, Any]) -> MilestoneView:
    return _view(milestones.read(row))


def _view(milestone: Milestone) -> MilestoneView:
    fields = milestone.model_dump(exclude={"engagement", "run", "ref", "digest"})
    return MilestoneView.model_validate(
        {
            **fields,
            "engagement_id": milestone.engagement,
            "digest": milestone.digest or digest(milestone),
        }
    )
