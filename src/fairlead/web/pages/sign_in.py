"""Signing in with a password of ours, and signing out."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from fairlead.store import journal
from fairlead.store.journal import Event
from fairlead.trust.accounts import Attempt, NotRecognised, TooSoon, recognise
from fairlead.trust.principals import Person
from fairlead.web import cross_site, paths, sessions, templating
from fairlead.web.forms import Form
from fairlead.web.refusals import CrossSite
from fairlead.web.routing import command, open_command, open_page, parts_of
from fairlead.web.visit import Visit

_GATE_LASTS = timedelta(hours=1)
_CHAIN = "sign-ins"


@dataclass(frozen=True)
class SignInPage:
    firm: str
    csrf: str
    next: str
    name: str = ""
    trouble: str | None = None  #: why the last attempt failed
    ended: bool = False  #: a session was there, and is over


def routes() -> list[Route]:
    return [
        open_page("/sign-in", show),
        open_command("/sign-in", sign_in),
        command("/sign-out", sign_out, needs=None),
    ]


def show(request: Request) -> Response:
    """The form, bound to this browser before anybody is known."""
    gate = sessions.id_of(request, sessions.GATE_COOKIE) or sessions.new_gate()
    ended = sessions.id_of(request) is not None and "next" in request.query_params
    page = SignInPage(
        firm=parts_of(request).firm.name,
        csrf=sessions.csrf_of(gate),
        next=paths.local(request.query_params.get("next")),
        ended=ended,
    )
    answer = _page(page)
    sessions.set_cookie(answer, sessions.GATE_COOKIE, gate, _GATE_LASTS)
    return answer


def sign_in(request: Request, form: Form) -> Response:
    """Begin a session under a new id. The same answer for whoever is unknown and whoever errs."""
    gate = sessions.id_of(request, sessions.GATE_COOKIE)
    if gate is None or not sessions.is_csrf_of(gate, form.secret(cross_site.FIELD)):
        raise CrossSite("This form is too old, or of another browser. Load the sign-in page anew.")
    parts, now = parts_of(request), parts_of(request).now()
    next, name = paths.local(form.text("next")), form.text("name", longest=320)
    address = request.client.host if request.client else "unknown"
    attempt = Attempt(name, form.secret("password"), address)
    again = SignInPage(parts.firm.name, sessions.csrf_of(gate), next, name)
    try:
        person = recognise(parts.db, parts.people, attempt, now)
    except NotRecognised as refused:
        return _refused(again, refused.detail, 401)
    except TooSoon as refused:
        answer = _refused(again, refused.detail, 429)
        answer.headers["Retry-After"] = str(math.ceil(refused.wait_s))
        return answer
    with parts.db.transaction() as tx:
        before = sessions.id_of(request)
        id = sessions.begin(tx, person, now, instead_of=before)
        journal.append(tx, [_event("session.started", person, now)])
    answer = RedirectResponse(next, status_code=303)
    sessions.set_cookie(answer, sessions.COOKIE, id, sessions.ABSOLUTE)
    sessions.drop_cookie(answer, sessions.GATE_COOKIE)
    return answer


def sign_out(visit: Visit, _: Form) -> Response:
    """End this session, and forget what the browser kept of it."""
    sessions.end(visit.tx, visit.session.id)
    journal.append(visit.tx, [_event("session.ended", visit.person, visit.now)])
    answer = visit.done("/sign-in")
    answer.headers["Clear-Site-Data"] = '"storage"'
    sessions.drop_cookie(answer, sessions.COOKIE)
    return answer


def _refused(page: SignInPage, why: str, status: int) -> Response:
    return _page(replace(page, trouble=why), status)


def _page(page: SignInPage, status: int = 200) -> Response:
    template = templating.TEMPLATES.get_template("pages/sign_in.html")
    return HTMLResponse(template.render(templating.names_of(page)), status_code=status)


def _event(type: str, person: Person, at: datetime) -> Event:
    return Event(
        chain=_CHAIN,
        type=type,
        at=at,
        actor=f"person:{person.id}",
        objects=[(person.id, "person", "signed in")],
    )
