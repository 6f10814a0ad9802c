"""The controls, under `/_sandbox`: what a rehearsal sees and does behind the systems' backs."""

from __future__ import annotations

import heapq
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from itertools import chain, repeat
from typing import Annotated, Any

import simplejson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fairlead.errors import FairleadError, InvalidInput, NotFound, Problem
from fairlead.sandbox.books import DuplicateKey, Origin, Record, origin
from fairlead.sandbox.dialect import Deny
from fairlead.sandbox.faults import Rule, drawn
from fairlead.sandbox.push import Receiver
from fairlead.sandbox.system import System

_PAGE = 1_000
_LONGEST_PAGE = 100_000
_RULES = TypeAdapter(list[Rule])


class _Webhook(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: str | None  #: null: send nothing
    secret: str = ""


class _Again(BaseModel):
    model_config = ConfigDict(extra="forbid")

    body: dict[str, Any] | None = None
    bodies: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])
    id: Annotated[str, Field(pattern=r"^[!-~]{1,200}$")] | None = (
        None  #: the delivery id; null: one new id per body, the same for its copies
    )
    times: Annotated[int, Field(ge=1, le=10_000)] = 1
    shuffle: bool = False
    seed: int = 0


class Controls:
    """The handlers. Each takes a request and its body, and answers with JSON."""

    def __init__(self, systems: Mapping[str, System]) -> None:
        self._systems = systems

    def app(self) -> Starlette:
        def route(path: str, method: str, handler: Callable[[Request, bytes], Any]) -> Route:
            async def answer(request: Request) -> Response:
                body = await request.body()
                return await run_in_threadpool(_answered, handler, request, body)

            return Route(f"/_sandbox{path}", answer, methods=[method])

        record = "/{system}/records/{kind}/{id:path}"
        return Starlette(
            routes=[
                route("/systems", "GET", self.systems),
                route("/ledger", "GET", self.ledger),
                route("/calls", "GET", self.calls),
                route("/reset", "POST", self.reset),
                route("/{system}/faults", "PUT", self.set_faults),
                route("/{system}/faults", "GET", self.faults),
                route("/{system}/faults", "DELETE", self.clear_faults),
                route("/{system}/webhook", "PUT", self.set_webhook),
                route("/{system}/push", "POST", self.push),
                route("/{system}/pushes", "GET", self.pushes),
                route("/{system}/records/{kind}", "GET", self.records),
                route("/{system}/records/{kind}", "POST", self.plant),
                route(record, "GET", self.record),
                route(record, "PATCH", self.amend),
                route(record, "DELETE", self.discard),
            ]
        )

    def systems(self, request: Request, body: bytes) -> Any:
        return {
            "systems": [
                {"id": system.spec.id, "dialect": system.spec.dialect}
                | ({"port": system.port} if system.port else {})
                for system in self._systems.values()
            ]
        }

    def ledger(self, request: Request, body: bytes) -> Any:
        """Rows of one or all systems in one order; `next` is the `after` of the next page."""
        query = request.query_params
        after = _number(query.get("after"), 0, "after")
        limit = min(_number(query.get("limit"), _PAGE, "limit"), _LONGEST_PAGE)
        chosen = self._chosen(request)
        with ExitStack() as nothing_changes:  # else a row could appear behind the page's end
            for system in sorted(chosen, key=lambda system: system.spec.id):
                nothing_changes.enter_context(system.books.lock)
            found = [
                system.books.ledger(after=after, limit=limit + 1, object=query.get("object"))
                for system in chosen
            ]
        rows = list(heapq.merge(*found, key=lambda row: row["seq"]))[: limit + 1]
        more = len(rows) > limit
        rows = rows[:limit]
        return {"rows": rows, "next": rows[-1]["seq"] if more and rows else None}

    def calls(self, request: Request, body: bytes) -> Any:
        return {
            "systems": {
                system.spec.id: {"counts": system.calls.counts(), "last": system.calls.last()}
                for system in self._chosen(request)
            }
        }

    def reset(self, request: Request, body: bytes) -> Any:
        for system in self._chosen(request):
            system.reset()
        return {}

    def set_faults(self, request: Request, body: bytes) -> Any:
        system = self._named(request)
        system.faults.set(_RULES.validate_python(_json(body)))
        return {"rules": system.faults.shown()}

    def faults(self, request: Request, body: bytes) -> Any:
        return {"rules": self._named(request).faults.shown()}

    def clear_faults(self, request: Request, body: bytes) -> Any:
        self._named(request).faults.set(())
        return {"rules": []}

    def set_webhook(self, request: Request, body: bytes) -> Any:
        """Until the server ends; the world says where webhooks go after a start."""
        wanted = _Webhook.model_validate(_json(body))
        receiver = Receiver.of(wanted.url, wanted.secret) if wanted.url else None
        self._named(request).pushes.send_to(receiver)
        return {}

    def push(self, request: Request, body: bytes) -> Any:
        wanted = _Again.model_validate(_json(body))
        bodies = wanted.bodies + ([wanted.body] if wanted.body is not None else [])
        named = [(wanted.id or f"msg_{uuid.uuid4().hex}", body) for body in bodies]
        sent = list(chain.from_iterable(repeat(one, wanted.times) for one in named))
        if wanted.shuffle:
            order = sorted(range(len(sent)), key=lambda nr: drawn(wanted.seed, nr))
            sent = [sent[nr] for nr in order]
        self._named(request).pushes.again(sent)
        return {"ids": [id for id, _ in sent]}

    def pushes(self, request: Request, body: bytes) -> Any:
        return {"pushes": self._named(request).pushes.shown()}

    def records(self, request: Request, body: bytes) -> Any:
        """Those of a kind; `key` and any other parameter (a field's value as text) narrow it."""
        wanted = dict(request.query_params)

        def fits(record: Record) -> bool:
            return all(
                (record.key if name == "key" else str(record.body.get(name))) == value
                for name, value in wanted.items()
            )

        kind = request.path_params["kind"]
        return {"records": [_shown(one) for one in self._named(request).books.list(kind, fits)]}

    def record(self, request: Request, body: bytes) -> Any:
        kind, id = request.path_params["kind"], request.path_params["id"]
        found = self._named(request).books.read(kind, id)
        if found is None:
            raise NotFound(f"There is no {kind} {id}.")
        return _shown(found)

    def plant(self, request: Request, body: bytes) -> Any:
        return _shown(
            self._named(request).dialect.plant(request.path_params["kind"], _object(body))
        )

    def amend(self, request: Request, body: bytes) -> Any:
        kind, id = request.path_params["kind"], request.path_params["id"]
        return _shown(self._named(request).dialect.amend(kind, id, _object(body)))

    def discard(self, request: Request, body: bytes) -> Any:
        kind, id = request.path_params["kind"], request.path_params["id"]
        self._named(request).dialect.discard(kind, id)
        return {}

    def _named(self, request: Request) -> System:
        return self._system(request.path_params["system"])

    def _chosen(self, request: Request) -> list[System]:
        """The system that the query names, or all of them."""
        name = request.query_params.get("system")
        return [self._system(name)] if name else list(self._systems.values())

    def _system(self, name: str) -> System:
        if name not in self._systems:
            raise NotFound(f"There is no sandbox system {name}.")
        return self._systems[name]


def _answered(handler: Callable[[Request, bytes], Any], request: Request, body: bytes) -> Response:
    correlation = request.headers.get("x-correlation-id", "")
    came_from = origin.set(Origin(request.method, request.url.path, correlation))
    try:
        return _response(200, handler(request, body))
    except Deny as denied:
        return _response(denied.answer.status, denied.answer.body)
    except DuplicateKey as duplicate:
        return _response(409, {"code": "duplicate", "detail": f"There is a {duplicate} already."})
    except KeyError as missing:
        return _response(404, {"code": "not_found", "detail": f"There is no {missing}."})
    except ValidationError as bad:
        problems = [
            {"pointer": "/" + "/".join(map(str, one["loc"])), "rule": one["msg"]}
            for one in bad.errors(include_url=False, include_input=False)
        ]
        return _response(422, {"code": InvalidInput.code, "problems": problems})
    except FairleadError as refused:
        return _response(refused.status, {"code": refused.code, "detail": refused.detail})
    finally:
        origin.reset(came_from)


def _response(status: int, body: Any) -> Response:
    text = simplejson.dumps(body, use_decimal=True)
    return Response(text, status, media_type="application/json")


def _json(body: bytes) -> Any:
    try:
        return simplejson.loads(body, use_decimal=True)
    except ValueError as bad:
        raise InvalidInput("The body is not JSON.") from bad


def _object(body: bytes) -> dict[str, Any]:
    return TypeAdapter(dict[str, Any]).validate_python(_json(body))


def _number(text: str | None, otherwise: int, name: str) -> int:
    if text is None:
        return otherwise
    if not text.isdecimal():
        rule = "a whole number, nought or more"
        raise InvalidInput(f"{name}: {rule}", [Problem(f"/{name}", rule)])
    return int(text)


def _shown(record: Record) -> dict[str, Any]:
    return {
        "kind": record.kind,
        "id": record.id,
        "key": record.key,
        "version": record.version,
        "created_at": record.created_at.isoformat(),
        "modified_at": record.modified_at.isoformat(),
        "body": record.body,
    }
