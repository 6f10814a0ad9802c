"""Gathers routes, each with every answer that it may give."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fastapi import APIRouter
from starlette.routing import BaseRoute

from fairlead.api.guard import JSON_TYPES, Guarded, GuardedBytes, GuardedJson, GuardedUpload
from fairlead.api.permissions import PERMISSIONS, Open
from fairlead.api.problems import MEDIA_TYPE, TITLES

PREFIX = "/api/v1"
_ETAG = {"ETag": {"description": "Its version.", "schema": {"type": "string"}}}


class Router:
    """`permissions.PERMISSIONS` must have a row for each route."""

    def __init__(self) -> None:
        self._routes = APIRouter()
        self.schemas: dict[str, Any] = {}  #: for the OpenAPI document, by name

    @property
    def routes(self) -> list[BaseRoute]:
        """For an app, in the order in which they were added."""
        return self._routes.routes

    def get(
        self,
        path: str,
        call: Callable[..., Any],
        answer: Any,
        *,
        tag: str,
        etag: bool = False,
        response_class: Any = None,
    ) -> None:
        """A read under `/api/v1`. `response_class`: of what is not JSON."""
        full = PREFIX + path
        self._add(
            "GET",
            full,
            call,
            answer,
            200,
            tag,
            errors=(),
            etag=etag,
            response_class=response_class,
        )

    def command(
        self,
        method: str,
        path: str,
        call: Callable[..., Any],
        answer: Any,
        *,
        tag: str,
        status: int = 200,
        versioned: bool = False,
        schema: Mapping[str, Any] | None = None,
        also: Iterable[int] = (),
    ) -> None:
        """Something that changes. `schema`: of a body that the handler validates itself."""
        body = (408, 413, 415) if method == "POST" else ()
        versions = (412,) if versioned else ()
        errors = (409, *body, *versions, *also)
        full = PREFIX + path
        if schema is None:
            self._add(method, full, call, answer, status, tag, errors, etag=versioned)
            return
        content: dict[str, Any] = {media: {"schema": schema} for media in JSON_TYPES}
        extra = {"requestBody": {"required": True, "content": content}}
        self._add(method, full, call, answer, status, tag, errors, kind=GuardedJson, extra=extra)

    def upload(
        self, path: str, call: Callable[..., Any], answer: Any, *, tag: str, versioned: bool = False
    ) -> None:
        """A command whose body is a file, as it is; the handler finds it at `request.state.raw`."""
        content: dict[str, Any] = {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
        }
        extra = {"requestBody": {"required": True, "content": content}}
        errors = (408, 409, 413, *((412,) if versioned else ()))
        full = PREFIX + path
        self._add(
            "POST",
            full,
            call,
            answer,
            200,
            tag,
            errors,
            etag=versioned,
            kind=GuardedUpload,
            extra=extra,
        )

    def hook(self, path: str, call: Callable[..., Any], answer: Any) -> None:
        content: dict[str, Any] = {
            "application/json": {"schema": {}},
            "application/octet-stream": {"schema": {}},
        }
        extra = {"requestBody": {"required": True, "content": content}}
        errors = (401, 404, 408, 413)
        self._add(
            "POST", path, call, answer, 200, "webhooks", errors, kind=GuardedBytes, extra=extra
        )

    def plain(
        self,
        path: str,
        call: Callable[..., Any],
        answer: Any,
        *,
        errors: Iterable[int] = (),
        response_class: Any = None,
    ) -> None:
        self._add(
            "GET", path, call, answer, 200, "operation", errors, response_class=response_class
        )

    def _add(
        self,
        method: str,
        path: str,
        call: Callable[..., Any],
        answer: Any,
        status: int,
        tag: str,
        errors: Iterable[int],
        *,
        etag: bool = False,
        kind: type[Guarded] = Guarded,
        extra: Mapping[str, Any] | None = None,
        response_class: Any = None,
    ) -> None:
        needed = PERMISSIONS[f"{method} {path}"]
        keyed = needed is Open.TO_KEYS or not isinstance(needed, Open)
        statuses = {400, 422, 500, 503, *errors}
        if keyed:
            statuses |= {401, 403, 429}
        if "{" in path:
            statuses.add(404)
        responses: dict[int | str, dict[str, Any]] = {
            code: _problem(code) for code in sorted(statuses)
        }
        if etag:
            responses[status] = {"headers": _ETAG}
        more = {} if response_class is None else {"response_class": response_class}
        self._routes.add_api_route(
            path,
            call,
            methods=[method],
            response_model=answer,
            status_code=status,
            responses=responses,
            operation_id=call.__name__,
            summary=(call.__doc__ or "").partition("\n")[0].rstrip("."),
            tags=[tag],
            openapi_extra={**(extra or {}), "security": [{"key": []}] if keyed else []},
            route_class_override=kind,
            **more,
        )


def _problem(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    headers: dict[str, Any] = {}
    if status in (429, 503):
        headers["Retry-After"] = {"description": "Seconds.", "schema": {"type": "string"}}
    if status == 401:
        headers["WWW-Authenticate"] = {"description": "How to.", "schema": {"type": "string"}}
    return {
        "description": TITLES[status],
        "content": {MEDIA_TYPE: {"schema": schema}},
        **({"headers": headers} if headers else {}),
    }
