"""The API as one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.responses import JSONResponse

from fairlead.api import (
    billing,
    billing_terms,
    cost_rates,
    decisions,
    deputies,
    differences,
    disputes,
    effects,
    engagements,
    events,
    exceptions,
    exchange_rates,
    expense_imports,
    expenses,
    health,
    hooks,
    inbox,
    invoice_pdf,
    invoices,
    keys,
    leakage,
    me,
    milestones,
    notifications,
    packet,
    payroll,
    periods,
    playbooks,
    problems,
    reconciliation,
    revenue,
    runs,
    staffing,
    systems,
    tasks,
    time_approvals,
    time_entries,
    time_imports,
    time_validations,
    timesheets,
    work_books,
)
from fairlead.api.counters import Counters
from fairlead.api.edge import Edge
from fairlead.api.parts import AppParts
from fairlead.api.problems import ProblemDocument
from fairlead.api.rate import Buckets
from fairlead.api.router import Router

_TITLE, _VERSION = "Fairlead", version("fairlead")
_TEMPLATE = "#/components/schemas/{model}"


def create(app: AppParts) -> FastAPI:
    """Every route, its limits and its refusals. Opens nothing before the first request."""
    readiness = health.Readiness(app.db)
    counters = Counters()
    surface = _surface(tuple(app.event_types.items()))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        yield
        readiness.close()

    api = FastAPI(
        title=_TITLE,
        version=_VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        routes=surface.router.routes,
    )
    api.state.parts = app
    api.state.buckets = Buckets(app.limits.requests_per_s, app.limits.burst)
    api.state.counters = counters
    api.state.readiness = readiness
    api.state.event_types = surface.types
    api.openapi = lambda: surface.document
    problems.register(api)
    api.add_middleware(Edge, counters=counters, at_once=app.limits.at_once)
    return api


@dataclass(frozen=True)
class _Surface:
    """What any API that takes these events looks like from outside, whatever is behind it."""

    types: events.EventTypes
    router: Router

    @cached_property
    def document(self) -> dict[str, Any]:
        """The OpenAPI document."""
        made = get_openapi(title=_TITLE, version=_VERSION, routes=self.router.routes)
        components = made.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        schemas.update(self.router.schemas)
        problem = ProblemDocument.model_json_schema(ref_template=_TEMPLATE, mode="serialization")
        schemas.update(problem.pop("$defs"))
        schemas["ProblemDocument"] = problem
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        return made


@lru_cache(maxsize=4)
def _surface(event_types: tuple[tuple[str, type[BaseModel]], ...]) -> _Surface:
    """Read from the handlers once in a process: that costs a fifth of a second."""
    types, router = events.EventTypes(dict(event_types)), Router()
    events.add(router, types)
    for module in (
        engagements,
        packet,
        runs,
        effects,
        decisions,
        tasks,
        exceptions,
        milestones,
        billing,
        invoice_pdf,
        billing_terms,
        invoices,
        disputes,
        differences,
        reconciliation,
        playbooks,
        systems,
        notifications,
        inbox,
        time_entries,
        time_imports,
        time_validations,
        staffing,
        cost_rates,
        expenses,
        expense_imports,
        exchange_rates,
        time_approvals,
        deputies,
        periods,
        revenue,
        leakage,
        timesheets,
        work_books,
        payroll,
        keys,
        me,
        hooks,
        health,
    ):
        module.add(router)
    router.plain("/api/openapi.json", get_openapi_document, dict[str, Any])
    return _Surface(types, router)


async def get_openapi_document(request: Request) -> JSONResponse:
    """This document."""
    return JSONResponse(request.app.openapi())
