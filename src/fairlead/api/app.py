"""The API as one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
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

_TEMPLATE = "#/components/schemas/{model}"


def create(app: AppParts) -> FastAPI:
    """Every route, its limits and its refusals. Opens nothing before the first request."""
    readiness = health.Readiness(app.db)
    counters = Counters()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        yield
        readiness.close()

    api = FastAPI(
        title="Fairlead",
        version=version("fairlead"),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    api.state.parts = app
    api.state.buckets = Buckets(app.limits.requests_per_s, app.limits.burst)
    api.state.counters = counters
    api.state.readiness = readiness
    types = events.EventTypes(app.event_types)
    api.state.event_types = types
    router = Router(api)
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
        exchange_rates,
        time_approvals,
        deputies,
        periods,
        revenue,
        leakage,
        timesheets,
        work_books,
        keys,
        me,
        hooks,
        health,
    ):
        module.add(router)
    _describe(api, router)
    problems.register(api)
    api.add_middleware(Edge, counters=counters, at_once=app.limits.at_once)
    return api


def _describe(api: FastAPI, router: Router) -> None:
    """The OpenAPI document: made once, when it is first asked for."""

    def openapi() -> dict[str, Any]:
        if api.openapi_schema is None:
            made = get_openapi(title=api.title, version=api.version, routes=api.routes)
            components = made.setdefault("components", {})
            schemas = components.setdefault("schemas", {})
            schemas.update(router.schemas)
            problem = ProblemDocument.model_json_schema(
                ref_template=_TEMPLATE, mode="serialization"
            )
            schemas.update(problem.pop("$defs"))
            schemas["ProblemDocument"] = problem
            components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            api.openapi_schema = made
        return api.openapi_schema

    async def get_openapi_document() -> JSONResponse:
        """This document."""
        return JSONResponse(api.openapi())

    api.openapi = openapi
    router.plain("/api/openapi.json", get_openapi_document, dict[str, Any])
