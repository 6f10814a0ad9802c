"""What went wrong, as a page or as a note on the page: what failed, what to do, the reference."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from fairlead import trace
from fairlead.errors import (
    Busy,
    DatabaseAway,
    FairleadError,
    IllegalMove,
    InvalidInput,
    Problem,
    StaleVersion,
    SystemTrouble,
)
from fairlead.trust.roles import PERMISSIONS, Permission, Role
from fairlead.web import paths, routing, templating
from fairlead.web.formats import Tone, listed
from fairlead.web.parts import WebParts
from fairlead.web.refusals import NoPermission, NotSignedIn
from fairlead.web.visit import role_words

log = logging.getLogger(__name__)
audit = logging.getLogger("fairlead.audit")

_MOST_NAMED = 3


@dataclass(frozen=True)
class Trouble:
    """What a page about trouble says. `retry`: the same again may work."""

    status: int
    title: str
    text: str
    head: str = "What happened"  #: over the text, in the shell
    icon: str = "octagon"
    tone: Tone = "bad"
    faults: tuple[str, ...] = ()
    retry: bool = False
    reference: str | None = None


@dataclass(frozen=True)
class TroublePage:
    trouble: Trouble


def register(app: Starlette) -> None:
    async def of_ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, FairleadError)
        return await run_in_threadpool(_answer, request, error)

    async def of_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        answer = _plain(request, _of_http(error))
        answer.headers.update(error.headers or {})
        return answer

    app.add_exception_handler(FairleadError, of_ours)
    app.add_exception_handler(HTTPException, of_http)


def failed(request: Request) -> Response:
    """The last resort: our own code failed."""
    trouble = Trouble(
        500,
        "This failed by our own fault",
        "Nothing was changed. Operations find the cause in the log under this reference.",
        retry=True,
        reference=reference(),
    )
    return _plain(request, trouble)


def reference() -> str:
    """As a person reads it out: the first letters of the id under which the log has it."""
    return trace.correlation.get()[:8].upper() or "NONE"


def _answer(request: Request, error: FairleadError) -> Response:
    if isinstance(error, NotSignedIn):
        return _to_sign_in(request)
    if error.status >= 500:
        log.warning("%s: %s", error.code, error.detail)
    elif error.status in (401, 403, 429):
        audit.warning("refused %s %r: %s", request.method, _place(request)[:200], error.code)
    parts: WebParts = request.app.state.parts
    trouble = explain(parts, error)
    if _is_part(request) or isinstance(error, DatabaseAway):
        return _plain(request, trouble)
    try:
        return _in_shell(request, parts, trouble)
    except FairleadError:
        return _plain(request, trouble)


def _place(request: Request) -> str:
    """The path, without a token that is a part of it: who reads the log could use that."""
    token = request.path_params.get("token")
    return request.url.path.replace(str(token), "…") if token else request.url.path


def explain(parts: WebParts, error: FairleadError) -> Trouble:
    """Status, title and words for a person."""
    match error:
        case NoPermission():
            return _denied(parts, error.permission)
        case IllegalMove() | StaleVersion():
            return Trouble(
                409,
                "Decided by another",
                f"{error.detail} What you entered was not saved.",
                icon="history",
                tone="warn",
            )
        case InvalidInput():
            faults = tuple(_fault(problem) for problem in error.problems)
            return Trouble(422, "This cannot be saved", error.detail, faults=faults)
        case DatabaseAway():
            return Trouble(
                503,
                "The database does not answer",
                "Nothing was changed. It usually is back within a minute.",
                retry=True,
                reference=reference(),
            )
        case Busy():
            return Trouble(503, "Somebody works on the same records", error.detail, retry=True)
        case SystemTrouble():
            return Trouble(
                error.status,
                f"{error.system} let us down",
                error.detail,
                retry=error.retry,
                reference=reference(),
            )
        case _:
            title, icon = _TITLES.get(error.status, ("This was refused", "octagon"))
            return Trouble(error.status, title, error.detail, icon=icon)


_TITLES = {
    400: ("This request cannot be read", "octagon"),
    403: ("This is not allowed", "lock"),
    404: ("There is nothing here", "search"),
    413: ("This is too much at once", "octagon"),
    429: ("Too many attempts", "s-wait"),
}


def _denied(parts: WebParts, permission: Permission) -> Trouble:
    """What it is, which role has it, whom to ask."""
    roles = [role for role in Role if permission in PERMISSIONS[role] and role is not Role.SERVICE]
    people = [person.name for role in roles for person in parts.people.holding(role)]
    asked = list(dict.fromkeys(people))[:_MOST_NAMED]
    text = f"{listed([role_words(str(role)) for role in roles], 'or')} can open it."
    if asked:
        text += f" Ask {listed(asked, 'or')}."
    return Trouble(
        403, "This is not open to your role", text, head="Who can", icon="lock", tone="idle"
    )


def _fault(problem: Problem) -> str:
    field = problem.pointer.removeprefix("/").replace("/", ", ").replace("_", " ")
    return f"{field} {problem.rule}".strip()


def _of_http(error: HTTPException) -> Trouble:
    if error.status_code == 404:
        return Trouble(404, "There is nothing here", "The address may be mistyped.", icon="search")
    if error.status_code == 405:
        return Trouble(405, "This address does something else", "Go back and use its buttons.")
    return Trouble(error.status_code, "This was refused", str(error.detail))


def _to_sign_in(request: Request) -> Response:
    """And back to where the person was: of a part of a page, to the page around it."""
    if not _is_part(request):
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        back = here if request.method in ("GET", "HEAD") else paths.HOME
        return RedirectResponse(_sign_in(back), status_code=303)
    around = urlsplit(request.headers.get("hx-current-url", ""))
    back = around.path + (f"?{around.query}" if around.query else "")
    return Response(status_code=401, headers={"HX-Redirect": _sign_in(back)})


def _sign_in(back: str) -> str:
    safe = paths.local(back)
    return "/sign-in" if safe == paths.HOME else f"/sign-in?next={quote(safe, safe='')}"


def _is_part(request: Request) -> bool:
    headers = request.headers
    return "hx-request" in headers and "hx-history-restore-request" not in headers


def _in_shell(request: Request, parts: WebParts, trouble: Trouble) -> Response:
    """Around it the menu of whoever is signed in, so that there is a way on."""
    with parts.db.transaction() as tx:
        visit = routing.enter(request, tx, note=False)
        return visit.page("trouble.html", TroublePage(trouble), status=trouble.status)


def _plain(request: Request, trouble: Trouble) -> Response:
    """Without asking the database; as a note where a part of a page was asked for."""
    names: dict[str, Any] = {"trouble": trouble}
    headers = {"Retry-After": "5"} if trouble.status == 503 else {}
    if _is_part(request):
        text = templating.TEMPLATES.get_template("trouble_note.html").render(names)
        headers |= {"HX-Retarget": "#notice", "HX-Reswap": "innerHTML"}
        return HTMLResponse(text, status_code=trouble.status, headers=headers)
    text = templating.TEMPLATES.get_template("trouble_bare.html").render(names)
    return HTMLResponse(text, status_code=trouble.status, headers=headers)


def elsewhere(request: Request) -> Response:
    """To a name that is not ours: perhaps somebody pointed theirs at us."""
    text = (
        "The pages are served at the configured address only, and without one to this machine "
        "only. Whoever runs Fairlead sets it."
    )
    return _plain(request, Trouble(421, "This is not our address", text))
