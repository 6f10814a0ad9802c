"""Where a client's link leads: the milestone, what proves it, and one answer, without an account.

Whoever has the link sees this milestone and nothing else of the firm. Looking changes nothing. The
page runs no script and leads nowhere on its own; its address is a secret, so it is sent to nobody
(`Referrer-Policy`) and stands in no log.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from fairlead.capabilities.milestones import links
from fairlead.capabilities.milestones.links import Asked
from fairlead.domain.model.milestone import Evidence, Milestone, MilestoneState
from fairlead.domain.rules.milestones import LinkEnd, digest
from fairlead.errors import InvalidInput, NotFound
from fairlead.trust.rate import Buckets
from fairlead.web import cross_site, sessions, templating
from fairlead.web.formats import Clock
from fairlead.web.forms import Form
from fairlead.web.pages.engagement_documents import size_words
from fairlead.web.pages.engagement_head import web_address
from fairlead.web.parts import WebParts
from fairlead.web.refusals import CrossSite
from fairlead.web.routing import open_command, open_page, parts_of

#: Of one network address: more than a person does, and too little to keep us busy.
PER_S, BURST = 0.5, 60

_CSP = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _CSP,
    # not `no-referrer`: with that, browsers send our own form without its origin (Fetch, 3.1)
    "Referrer-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}


@dataclass(frozen=True)
class Piece:
    """One piece of evidence. `href`: where it is read; null: nowhere from here."""

    name: str
    what: str
    href: str | None
    elsewhere: bool
    digest: str | None


@dataclass(frozen=True)
class Ended:
    """Why nothing can be answered, and what to do."""

    title: str
    text: str
    icon: str = "s-idle"


@dataclass(frozen=True)
class AcceptancePage:
    firm: str
    path: str
    csrf: str
    clock: Clock
    zone: str
    asks: str  #: who asks
    asked: str  #: who is asked
    milestone: Milestone
    pieces: tuple[Piece, ...]
    digest: str
    expires_at: datetime
    answered_at: datetime | None = None
    accepted: bool = False
    signed_as: str = ""
    name: str = ""  #: typed, and not taken
    reason: str = ""
    name_fault: str | None = None
    reason_fault: str | None = None


@dataclass(frozen=True)
class AcceptanceEnded:
    firm: str
    ended: Ended


def routes() -> list[Route]:
    path = "/accept/{token}"
    return [
        open_page(path, show),
        open_page(f"{path}/evidence/{{evidence}}", evidence_file),
        open_command(path, decide),
    ]


def show(request: Request) -> Response:
    """The question, or what became of it."""
    if limited := _limited(request):
        return limited
    parts = parts_of(request)
    with parts.db.transaction() as tx:
        tx.execute("SET LOCAL transaction_read_only = on")
        try:
            asked = links.look(tx, _token(request))
        except NotFound:
            return _over(parts, _UNKNOWN, 404)
    return _answer(request, asked)


def evidence_file(request: Request) -> Response:
    """An uploaded file, to be saved and not shown: a browser runs nothing of it."""
    if limited := _limited(request):
        return limited
    parts = parts_of(request)
    with parts.db.transaction() as tx:
        tx.execute("SET LOCAL transaction_read_only = on")
        try:
            name, kind, content = links.evidence(
                tx, _token(request), str(request.path_params["evidence"])
            )
        except NotFound:
            return _over(parts, _UNKNOWN, 404)
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    headers = {**_HEADERS, "Content-Disposition": disposition}
    headers["Content-Security-Policy"] = f"sandbox; {_CSP}"
    return Response(content, media_type=kind, headers=headers)


def decide(request: Request, form: Form) -> Response:
    """Take the answer once; whoever answers twice sees what counted."""
    if limited := _limited(request):
        return limited
    parts, token = parts_of(request), _token(request)
    if not sessions.is_csrf_of(token, form.secret(cross_site.FIELD)):
        raise CrossSite("This form is none of ours; nothing was answered. Open the link anew.")
    accepted = form.text("decision", longest=20)
    try:
        if accepted not in ("accept", "send_back"):
            raise InvalidInput("This form does not say what was decided.")
        with parts.db.transaction() as tx:
            asked = links.answer(
                tx,
                token,
                accepted=accepted == "accept",
                name=form.text("name"),
                reason=form.text("reason") if accepted == "send_back" else "",
                digest_seen=form.text("digest", longest=100),
            )
    except NotFound:
        return _over(parts, _UNKNOWN, 404)
    except InvalidInput as bad:
        return _again(request, form, bad)
    if asked.end not in (None, LinkEnd.USED):
        return _answer(request, asked)
    return RedirectResponse(f"/accept/{token}", status_code=303, headers=_HEADERS)


def _again(request: Request, form: Form, bad: InvalidInput) -> Response:
    """The same page, with what was typed and what is wrong with it."""
    parts = parts_of(request)
    with parts.db.transaction() as tx:
        tx.execute("SET LOCAL transaction_read_only = on")
        asked = links.look(tx, _token(request))
    faults = {problem.pointer: problem.rule for problem in bad.problems}
    name_fault = f"A name {faults['/name']}." if "/name" in faults else None
    return _answer(
        request,
        asked,
        status=422,
        name=form.secret("name")[:400],
        reason=form.secret("reason")[:4000],
        name_fault=name_fault,
        reason_fault=None if name_fault else bad.detail,
    )


def _answer(
    request: Request,
    asked: Asked,
    *,
    status: int = 200,
    name: str = "",
    reason: str = "",
    name_fault: str | None = None,
    reason_fault: str | None = None,
) -> Response:
    parts = parts_of(request)
    asks = _name_of(parts, asked.link.made_by)
    if asked.end not in (None, LinkEnd.USED):
        return _over(parts, _ended(asked.end, asks, parts.firm.name), 410)
    link, milestone = asked.link, asked.milestone
    zone = parts.firm.calendars[0].zone
    page = AcceptancePage(
        firm=parts.firm.name,
        path=f"/accept/{_token(request)}",
        csrf=sessions.csrf_of(_token(request)),
        clock=Clock(parts.now(), ZoneInfo(zone)),
        zone=zone.rpartition("/")[2].replace("_", " "),
        asks=asks,
        asked=link.name,
        milestone=milestone,
        pieces=tuple(_piece(_token(request), one) for one in milestone.evidence),
        digest=link.digest if link.used_at else digest(milestone),
        expires_at=link.expires_at,
        answered_at=link.used_at,
        accepted=link.decision == MilestoneState.ACCEPTED,
        signed_as=link.signed_as or "",
        name=name,
        reason=reason if link.used_at is None else (milestone.reason or ""),
        name_fault=name_fault,
        reason_fault=reason_fault,
    )
    return _page("pages/acceptance.html", page, status)


def _piece(token: str, one: Evidence) -> Piece:
    if one.digest is not None:
        what = size_words(one.size or 0)
        return Piece(one.name, what, f"/accept/{token}/evidence/{one.id}", False, one.digest)
    address = web_address(one.url)
    host = address.split("/")[2] if address else "kept in our document system"
    return Piece(one.name, host, address, True, None)


_UNKNOWN = Ended(
    "This link is not known",
    "It may have been broken by a mail program. Open it from the mail again, or copy all of it.",
    "search",
)


def _ended(end: LinkEnd | None, asks: str, firm: str) -> Ended:
    whom = f"{asks} of {firm}"
    match end:
        case LinkEnd.EXPIRED:
            return Ended("This link has expired", f"Ask {whom} for a new one.", "s-wait")
        case LinkEnd.CHANGED:
            return Ended(
                "What you were asked about has changed",
                f"Nothing was answered by this link. If {whom} asks again, you get a new mail.",
                "history",
            )
        case LinkEnd.WITHDRAWN:
            return Ended(
                "This question was taken back, or answered by another link",
                f"You need not do anything. If {whom} asks again, you get a new mail.",
                "history",
            )
        case _:
            return Ended(
                "This was answered already",
                f"Nothing more can be answered by this link. Ask {whom} what was decided.",
                "s-ok",
            )


def _over(parts: WebParts, ended: Ended, status: int) -> Response:
    return _page("pages/acceptance_ended.html", AcceptanceEnded(parts.firm.name, ended), status)


def _page(template: str, page: object, status: int) -> Response:
    made = templating.TEMPLATES.get_template(template)
    text = made.render(templating.names_of(page))
    return HTMLResponse(text, status_code=status, headers=_HEADERS)


def _limited(request: Request) -> Response | None:
    buckets: Buckets = request.app.state.acceptance_buckets
    address = request.client.host if request.client else "unknown"
    wait = buckets.wait_s(address, time.monotonic())
    if not wait:
        return None
    ended = Ended("Too many requests", f"Come back in {wait} seconds.", "s-wait")
    answer = _over(parts_of(request), ended, 429)
    answer.headers["Retry-After"] = str(wait)
    return answer


def _token(request: Request) -> str:
    return str(request.path_params["token"])


def _name_of(parts: WebParts, id: str) -> str:
    try:
        return parts.people.person(id).name
    except NotFound:
        return "your contact"
