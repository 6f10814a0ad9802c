"""Pages and commands: what is checked before either runs, and its one transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fairlead.store.database import Tx
from fairlead.trust.roles import Permission
from fairlead.web import cross_site, forms, sessions
from fairlead.web.forms import Form, FormWithFiles
from fairlead.web.parts import WebParts
from fairlead.web.refusals import CrossSite, NotSignedIn
from fairlead.web.visit import Visit

Show = Callable[[Visit], Response]
Do = Callable[[Visit, Form], Response]
AForm = TypeVar("AForm", bound=Form)

# A filter that takes longer is too expensive to be asked for; it is answered as `busy`. What a page
# reads is read by one process: to start more costs more than they save.
_READ_ONLY = (
    "SET LOCAL transaction_read_only = on; SET LOCAL statement_timeout = '5s';"
    " SET LOCAL max_parallel_workers_per_gather = 0"
)

#: Set by our script on requests that no hand began, so that an open page does not keep a session.
BACKGROUND = "x-fairlead-background"


def page(path: str, show: Show, *, needs: Permission | None) -> Route:
    """A page at `path`, for whoever has the permission; null: for everybody who is signed in.

    `show` runs in a thread, in a transaction that cannot write.
    """

    def look(request: Request) -> Response:
        with parts_of(request).db.transaction() as tx:
            visit = enter(request, tx, note=BACKGROUND not in request.headers)
            tx.execute(_READ_ONLY)
            if needs is not None:
                visit.must(needs)
            return show(visit)

    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(look, request)

    return Route(path, endpoint, methods=["GET"])


def command(path: str, do: Do, *, needs: Permission | None) -> Route:
    """Something that changes, at `path`; as `page`, but it writes, and only our own pages may ask.

    What `do` raises undoes everything; the answer is sent after the commit.
    """
    return Route(path, _of_form(_act(do, needs), forms.read), methods=["POST"])


def upload(
    path: str, do: Callable[[Visit, FormWithFiles], Response], *, needs: Permission
) -> Route:
    """As `command`, of a form with files. Who asks is known before a file is read."""

    async def read(request: Request) -> FormWithFiles:
        await run_in_threadpool(_admit, request, needs)
        return await forms.read_with_files(request)

    return Route(path, _of_form(_act(do, needs), read), methods=["POST"])


def open_command(path: str, do: Callable[[Request, Form], Response]) -> Route:
    """For those who are not signed in yet: `do` proves the page itself, and opens its own
    transactions."""
    return Route(path, _of_form(do, forms.read), methods=["POST"])


def open_page(path: str, show: Callable[[Request], Response]) -> Route:
    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(show, request)

    return Route(path, endpoint, methods=["GET"])


def parts_of(request: Request) -> WebParts:
    return request.app.state.parts


def enter(request: Request, tx: Tx, *, note: bool) -> Visit:
    """Raises `NotSignedIn`. `note`: the person did something just now."""
    parts = parts_of(request)
    now = parts.now()
    session = sessions.find(tx, parts.people, sessions.id_of(request), now, note=note)
    if session is None:
        raise NotSignedIn("Sign in to see this.")
    return Visit(request, parts, session, tx, now)


def _admit(request: Request, needs: Permission) -> None:
    """Raises `NotSignedIn`, `NoPermission`."""
    with parts_of(request).db.transaction() as tx:
        enter(request, tx, note=False).must(needs)


def _act(
    do: Callable[[Visit, AForm], Response], needs: Permission | None
) -> Callable[[Request, AForm], Response]:
    def act(request: Request, form: AForm) -> Response:
        with parts_of(request).db.transaction() as tx:
            visit = enter(request, tx, note=True)
            token = request.headers.get(cross_site.HEADER) or form.secret(cross_site.FIELD)
            if not sessions.is_csrf_of(visit.session.id, token):
                raise CrossSite(
                    "This form is of another session; nothing was changed. Load it anew."
                )
            if needs is not None:
                visit.must(needs)
            return do(visit, form)

    return act


def _of_form(
    act: Callable[[Request, AForm], Response], read: Callable[[Request], Awaitable[AForm]]
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        cross_site.must_be_our_page(request.headers, parts_of(request).origin)
        form = await read(request)
        return await run_in_threadpool(act, request, form)

    return endpoint
