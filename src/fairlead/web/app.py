"""The pages as one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from types import ModuleType

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fairlead.trust.rate import Buckets
from fairlead.web import live, static_files, troubles
from fairlead.web.edge import Edge
from fairlead.web.live import Changes
from fairlead.web.nav import Entry, open_to
from fairlead.web.pages import (
    acceptance,
    account,
    approve,
    billing,
    engagement,
    engagements,
    exceptions,
    find,
    inbox,
    integrations,
    invoices,
    my_time,
    reconciliation,
    revenue,
    sign_in,
    time_review,
)
from fairlead.web.parts import WebParts
from fairlead.web.routing import page
from fairlead.web.visit import Visit

#: Every page. Those with an `ENTRY` stand in the side bar, in this order.
PAGES: Sequence[ModuleType] = (
    sign_in,
    account,
    find,
    inbox,
    my_time,
    engagements,
    engagement,
    approve,
    acceptance,
    exceptions,
    time_review,
    billing,
    invoices,
    revenue,
    reconciliation,
    integrations,
)


def create(parts: WebParts) -> Starlette:
    """Opens nothing before the first request."""
    changes = Changes(parts.db)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        yield
        changes.close()

    routes: list[Route] = [
        page("/", _home, needs=None),
        page("/side", _side, needs=None),
        *static_files.routes(),
        *live.routes(),
    ]
    for module in PAGES:
        routes += module.routes()
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Edge, origin=parts.origin)],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.parts = parts
    app.state.changes = changes
    app.state.acceptance_buckets = Buckets(acceptance.PER_S, acceptance.BURST)
    app.state.entries = entries()
    troubles.register(app)
    return app


def entries() -> tuple[Entry, ...]:
    return tuple(module.ENTRY for module in PAGES if hasattr(module, "ENTRY"))


def _home(visit: Visit) -> Response:
    """The first page that the person may open: for nearly everybody the inbox."""
    first = next(iter(open_to(visit.entries, visit.who)), None)
    return RedirectResponse(first.path if first else "/account", status_code=303)


def _side(visit: Visit) -> Response:
    """The side bar again: what waits has changed."""
    return visit.page("side_nav.html", {})
