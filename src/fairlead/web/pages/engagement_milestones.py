"""The milestones tab: what is due, what proves it, who is asked, and what they said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from fairlead.capabilities.milestones import deciding, evidence
from fairlead.capabilities.milestones.submitting import Recipient
from fairlead.domain.model.milestone import Accepts, Evidence, EvidenceKind, Milestone
from fairlead.domain.model.milestone import MilestoneState as S
from fairlead.domain.rules.milestones import OPEN, digest
from fairlead.domain.values import Money, total
from fairlead.errors import InvalidInput, NotFound, Problem
from fairlead.store import milestones
from fairlead.store.milestone_views import MilestoneViews
from fairlead.trust.roles import Permission
from fairlead.web import formats
from fairlead.web.formats import Tone
from fairlead.web.forms import Form, FormWithFiles
from fairlead.web.pages.engagement_documents import size_words
from fairlead.web.pages.engagement_head import Head, head_of, views_of, web_address
from fairlead.web.routing import command, page, upload
from fairlead.web.visit import Visit
from fairlead.web.who_else import name_of

_SUBMIT, _ACCEPT = Permission.MILESTONES_SUBMIT, Permission.MILESTONES_ACCEPT
_MOST = 200  #: of one engagement, on one page

_STATES: Mapping[S, tuple[Tone, str]] = {
    S.PLANNED: ("idle", "Planned"),
    S.SUBMITTED: ("warn", "Waits for acceptance"),
    S.SENT_BACK: ("bad", "Sent back"),
    S.ACCEPTED: ("ok", "Accepted"),
}


@dataclass(frozen=True)
class Row:
    number: int
    name: str
    href: str
    due: str
    late: bool
    amount: Money
    tone: Tone
    state: str
    pieces: int
    chosen: bool


@dataclass(frozen=True)
class Piece:
    id: str
    name: str
    href: str | None
    elsewhere: bool
    kind: str
    seal: str | None  #: the digest of an upload
    by: str
    at: datetime


@dataclass(frozen=True)
class Typed:
    """What a form held that was refused, and what is wrong with it, by field."""

    form: str = ""
    values: Mapping[str, str] | None = None
    faults: Mapping[str, str] | None = None
    trouble: str = ""

    def value(self, name: str) -> str:
        return (self.values or {}).get(name, "")

    def fault(self, name: str) -> str | None:
        return (self.faults or {}).get(name)


@dataclass(frozen=True)
class Chosen:
    """The milestone that is looked at."""

    milestone: Milestone
    path: str  #: of its commands
    tone: Tone
    state: str
    facts: tuple[tuple[str, str], ...]
    pieces: tuple[Piece, ...]
    digest: str
    may_change: bool  #: its evidence
    may_submit: bool
    may_take_back: bool
    may_answer: bool
    hindrance: str  #: why one who might answer it may not, or who answers it
    asks_client: bool  #: by policy, if it were submitted now
    because: str


@dataclass(frozen=True)
class MilestonesTab:
    head: Head
    rows: tuple[Row, ...]
    sums: tuple[Money, ...]
    accepted: tuple[Money, ...]
    chosen: Chosen | None
    typed: Typed


def routes() -> list[Route]:
    path = "/engagements/{number}/milestones"
    one = f"{path}/{{milestone}}"
    return [
        page(path, show, needs=Permission.ENGAGEMENTS_READ),
        page(f"{one}/evidence/{{evidence}}", download, needs=Permission.ENGAGEMENTS_READ),
        upload(f"{one}/upload", add_files, needs=_SUBMIT),
        command(f"{one}/link", add_link, needs=_SUBMIT),
        command(f"{one}/withdraw", withdraw, needs=_SUBMIT),
        command(f"{one}/submit", submit, needs=_SUBMIT),
        command(f"{one}/take-back", take_back, needs=_SUBMIT),
        command(f"{one}/answer", answer, needs=_ACCEPT),
    ]


def show(visit: Visit) -> Response:
    return _shown(visit, visit.query("m", longest=10), Typed())


def download(visit: Visit) -> Response:
    """An uploaded file, to be saved and not shown: a browser runs nothing of it."""
    head_of(visit, views_of(visit), "milestones")
    row = MilestoneViews(visit.tx, visit.scope).evidence(str(visit.request.path_params["evidence"]))
    if row is None or row["body"] is None:
        raise NotFound("There is no such file.")
    name = f"attachment; filename*=UTF-8''{quote(row['name'], safe='')}"
    headers = {"Content-Disposition": name, "Content-Security-Policy": "sandbox"}
    return Response(bytes(row["body"]), media_type=row["media_type"], headers=headers)


def add_files(visit: Visit, form: FormWithFiles) -> Response:
    def act(id: str) -> None:
        if not form.files:
            raise InvalidInput("No file was chosen.", [Problem("/file", "is a file")])
        for file in form.files:
            evidence.add_upload(visit.tx, visit.acting, id, name=file.name, content=file.content)

    return _done(visit, form, "upload", act)


def add_link(visit: Visit, form: Form) -> Response:
    def act(id: str) -> None:
        url, name = form.text("url"), form.text("name", longest=400)
        evidence.add_link(visit.tx, visit.acting, id, name=name, url=url)

    return _done(visit, form, "link", act)


def withdraw(visit: Visit, form: Form) -> Response:
    def act(id: str) -> None:
        piece = form.text("evidence", longest=100)
        evidence.withdraw(visit.tx, visit.acting, id, piece, version=form.version)

    return _done(visit, form, "withdraw", act)


def submit(visit: Visit, form: Form) -> Response:
    def act(id: str) -> None:
        name, email = form.text("recipient/name", longest=400), form.text("recipient/email")
        given = Recipient(name=name or "?", email=email[:320]) if email else None
        visit.parts.milestones.submit(
            visit.tx, visit.acting, id, recipient=given, version=form.version
        )

    return _done(visit, form, "submit", act)


def take_back(visit: Visit, form: Form) -> Response:
    def act(id: str) -> None:
        reason = form.text("reason", longest=2000)
        visit.parts.milestones.take_back(
            visit.tx, visit.acting, id, reason=reason, version=form.version
        )

    return _done(visit, form, "take_back", act)


def answer(visit: Visit, form: Form) -> Response:
    def act(id: str) -> None:
        said = form.text("decision", longest=20)
        if said not in ("accept", "send_back"):
            raise InvalidInput("This form does not say what was decided.")
        deciding.answer(
            visit.tx,
            visit.acting,
            id,
            accepted=said == "accept",
            reason=form.text("reason", longest=2000),
            version=form.version,
        )

    return _done(visit, form, "answer", act)


def _done(visit: Visit, form: Form, name: str, act: Callable[[str], None]) -> Response:
    """Back to the milestone; with what was typed, where it is refused."""
    head = head_of(visit, views_of(visit), "milestones")
    id = str(visit.request.path_params["milestone"])
    row = MilestoneViews(visit.tx, visit.scope).milestone(id) if _is_uuid(id) else None
    if row is None or row["engagement_id"] != head.id:
        raise NotFound("There is no such milestone.")
    number = str(row["number"])
    try:
        with visit.tx.transaction():  # what is refused leaves nothing behind
            act(id)
    except InvalidInput as bad:
        faults = {one.pointer.removeprefix("/"): one.rule for one in bad.problems}
        fields = ("recipient/name", "recipient/email", "url", "name", "reason")
        values = {field: form.secret(field)[:4000] for field in fields}
        return _shown(visit, number, Typed(name, values, faults, bad.detail), status=422)
    return visit.done(f"{head.path}/milestones?m={number}")


def _shown(visit: Visit, number: str, typed: Typed, *, status: int = 200) -> Response:
    """The head in two queries, the tab in two more."""
    head = head_of(visit, views_of(visit), "milestones")
    views = MilestoneViews(visit.tx, visit.scope)
    rows = views.milestones(engagement=head.id, limit=_MOST)
    found = sorted((milestones.read(row) for row in rows), key=lambda one: one.number)
    chosen = _choose(found, number)
    links = views.links(head.id) if chosen else {}
    tab = MilestonesTab(
        head=head,
        rows=tuple(_row(visit, head, one, one is chosen) for one in found),
        sums=_sums(found),
        accepted=_sums([one for one in found if one.state is S.ACCEPTED]),
        chosen=_chosen(visit, head, chosen, links.get(str(chosen.id))) if chosen else None,
        typed=typed,
    )
    return visit.page("pages/engagement_milestones.html", tab, status=status)


def _choose(found: list[Milestone], number: str) -> Milestone | None:
    """The one that is asked for, else the first that is not accepted."""
    wanted = next((one for one in found if str(one.number) == number), None)
    open_ = next((one for one in found if one.state is not S.ACCEPTED), None)
    return wanted or open_ or next(iter(found), None)


def _row(visit: Visit, head: Head, one: Milestone, chosen: bool) -> Row:
    tone, state = _STATES[one.state]
    late = one.state is not S.ACCEPTED and one.due_on < visit.clock.today
    return Row(
        number=one.number,
        name=one.name,
        href=f"{head.path}/milestones?m={one.number}",
        due=visit.clock.date(one.due_on),
        late=late,
        amount=one.amount,
        tone=tone,
        state=state,
        pieces=len(one.evidence),
        chosen=chosen,
    )


def _sums(found: list[Milestone]) -> tuple[Money, ...]:
    """By currency."""
    codes = sorted({one.amount.currency for one in found})
    return tuple(
        total((one.amount for one in found if one.amount.currency == code), code) for code in codes
    )


def _chosen(visit: Visit, head: Head, one: Milestone, link: Mapping[str, Any] | None) -> Chosen:
    tone, state = _STATES[one.state]
    may_submit = visit.who.may(_SUBMIT) and one.state in OPEN
    asked = one.state is S.SUBMITTED and one.accepts is Accepts.INTERNAL
    own = visit.who.id in {one.submitted_by, *(piece.added_by for piece in one.evidence)}
    decision = visit.parts.milestones.foresee(head.engagement, one, visit.now)
    return Chosen(
        milestone=one,
        path=f"{head.path}/milestones/{one.id}",
        tone=tone,
        state=state,
        facts=tuple(_facts(visit, one, link)),
        pieces=tuple(_piece(visit, head, one, piece) for piece in one.evidence),
        digest=one.digest or digest(one),
        may_change=may_submit,
        may_submit=may_submit and bool(one.evidence),
        may_take_back=visit.who.may(_SUBMIT) and one.state is S.SUBMITTED,
        may_answer=asked and visit.who.may(_ACCEPT) and not own,
        hindrance=_hindrance(visit, one, link, asked, own),
        asks_client=decision.answer["accepts"] == Accepts.CLIENT,
        because=str(decision.answer.get("because") or ""),
    )


def _facts(visit: Visit, one: Milestone, link: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    clock = visit.clock
    facts = [
        ("Amount", formats.money_text(one.amount, cents=True)),
        ("Due", clock.date(one.due_on)),
        ("By contract", one.clause or "no clause"),
    ]
    if one.submitted_by and one.submitted_at:
        when = clock.moment(one.submitted_at)
        facts.append(("Submitted", f"by {name_of(visit, one.submitted_by)}, {when}"))
    if link is not None and one.accepts is Accepts.CLIENT:
        facts.append(("Asked", f"{link['name']}, {link['email']}"))
        if one.state is S.SUBMITTED:
            facts.append(("Link expires", clock.moment(link["expires_at"])))
    if one.accepted_by and one.accepted_at:
        who = one.accepted_by.removeprefix("client:")
        who = f"{link['signed_as']}, {who}" if link and link["signed_as"] else name_of(visit, who)
        facts.append(("Accepted", f"by {who}, {clock.moment(one.accepted_at)}"))
    return facts


def _hindrance(
    visit: Visit, one: Milestone, link: Mapping[str, Any] | None, asked: bool, own: bool
) -> str:
    if one.state is not S.SUBMITTED:
        return ""
    if not asked:
        whom = link["name"] if link else "The client"
        return f"{whom} answers by the link that was mailed."
    if own and visit.who.may(_ACCEPT):
        return "You submitted it or gave evidence, so somebody else answers it."
    return "" if visit.who.may(_ACCEPT) else "A role of ours answers it; it waits in their inbox."


def _piece(visit: Visit, head: Head, one: Milestone, piece: Evidence) -> Piece:
    uploaded = piece.kind is EvidenceKind.UPLOAD
    href = (
        f"{head.path}/milestones/{one.id}/evidence/{piece.id}"
        if uploaded
        else web_address(piece.url)
    )
    kinds = {
        EvidenceKind.UPLOAD: f"File, {size_words(piece.size or 0)}",
        EvidenceKind.LINK: "Link",
        EvidenceKind.EVENT: f"Document in {piece.ref.system if piece.ref else 'another system'}",
    }
    return Piece(
        id=piece.id,
        name=piece.name,
        href=href,
        elsewhere=not uploaded,
        kind=kinds[piece.kind],
        seal=piece.digest,
        by=name_of(visit, piece.added_by),
        at=piece.added_at,
    )


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
