"""CloudEvents in, one at a time, and the log as a feed of them for any number of readers.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, cast

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from jsonschema import Draft202012Validator
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictStr,
    ValidationError,
    create_model,
)

from fairlead import trace
from fairlead.api import strict_json
from fairlead.api.edge import correlation_of
from fairlead.api.guard import Caller, Parts, canonical
from fairlead.api.paging import FeedCursor, Limit
from fairlead.api.reading import reading
from fairlead.api.router import Router
from fairlead.api.shapes import At
from fairlead.domain.values import Value
from fairlead.errors import InvalidInput, KeyReused, Problem
from fairlead.store import inbox
from fairlead.store.database import Tx

_TEXT = r"^[!-~]+$"
_RFC3339 = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})$"
)


def _moment(text: str) -> str:
    try:
        datetime.fromisoformat(text.upper())
    except ValueError:
        raise ValueError("is no moment that exists") from None
    return text


class CloudEvent(BaseModel):
    """One event in structured mode. `type` and `data` are added for each known type."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    specversion: Literal["1.0"]
    id: Annotated[StrictStr, Field(pattern=_TEXT, max_length=200)]
    source: Annotated[StrictStr, Field(pattern=_TEXT, max_length=500)]
    time: (
        Annotated[
            StrictStr,
            Field(pattern=_RFC3339, json_schema_extra={"format": "date-time"}),
            AfterValidator(_moment),
        ]
        | None
    ) = None
    subject: Annotated[StrictStr, Field(min_length=1, max_length=500)] | None = None
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: Annotated[StrictStr, Field(pattern=_TEXT, max_length=500)] | None = None
    traceparent: Annotated[StrictStr, Field(max_length=100)] | None = None


class Accepted(Value):
    """It is stored. What follows from it is seen in the log."""

    id: str  #: of the event
    duplicate: bool  #: we had it already, the same


class ObjectOut(Value):
    """OCEL 2.0: an event relates to objects, each with a qualifier."""

    id: str
    type: str
    qualifier: str


class EventData(Value):
    chain: str  #: an engagement's id, or the name of another log
    position: int  #: in its chain, from 1
    actor: str  #: `person:…`, `system:…` or `fairlead`
    region: str | None
    attributes: dict[str, Any]
    objects: tuple[ObjectOut, ...]
    hash: str  #: SHA-256 over this event and the one before in its chain, in hex


class EventOut(Value):
    """An event of the log, as a CloudEvent."""

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: Literal["/fairlead"] = "/fairlead"
    type: str
    time: At
    subject: str
    datacontenttype: Literal["application/json"] = "application/json"
    correlationid: str | None
    data: EventData


class Feed(Value):
    """A part of the log. `next` is always there: ask again with it for what comes later."""

    items: tuple[EventOut, ...]
    next: str


class EventTypes:
    """The events that we take: for each known `type`, the model of the whole event."""

    def __init__(self, types: Mapping[str, type[BaseModel]]) -> None:
        self._events = {name: _event(name, data) for name, data in types.items()}
        self._schemas = {
            event: Draft202012Validator(event.model_json_schema())
            for event in self._events.values()
        }

    def schema(self, schemas: dict[str, Any]) -> dict[str, Any]:
        """The schema of a body; what it refers to is added to `schemas`."""
        for event in self._events.values():
            made = event.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(made.pop("$defs", {}))
            schemas[event.__name__] = made
        names = [event.__name__ for event in self._events.values()]
        return {"oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]}

    def check(self, sent: Any, raw: bytes) -> CloudEvent:
        """Raises `InvalidInput` for an unknown type, `RequestValidationError` for the rest."""
        if not isinstance(sent, dict):
            raise InvalidInput("The body is no CloudEvent.", [Problem("", "is an object")])
        whole = cast("dict[str, Any]", sent)
        name = whole.get("type")
        event = self._events.get(name) if isinstance(name, str) else None
        if event is None:
            known = ", ".join(sorted(self._events)) or "none is set up"
            raise InvalidInput("This type is not known.", [Problem("/type", f"one of {known}")])
        try:
            checked = event.model_validate_json(raw)
        except ValidationError as bad:
            faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in bad.errors()]
            raise RequestValidationError(faults) from None
        # pydantic also takes a number for a time; the schema that we publish does not.
        places = [fault.absolute_path for fault in self._schemas[event].iter_errors(whole)]
        if places:
            rule = "has the type that the schema gives"
            problems = [
                Problem("".join(f"/{strict_json.escaped(str(part))}" for part in place), rule)
                for place in places
            ]
            raise InvalidInput("The event is not of its schema.", problems)
        return checked


def _event(name: str, data: type[BaseModel]) -> type[CloudEvent]:
    fields: dict[str, Any] = {"type": (Literal[name], ...), "data": (data, ...)}
    title = "CloudEvent_" + "".join(sign if sign.isalnum() else "_" for sign in name)
    return create_model(title, __base__=CloudEvent, **fields)


def add(router: Router, types: EventTypes) -> None:
    router.get("/events", read_feed, Feed, tag="events")
    router.command(
        "POST",
        "/events",
        send_event,
        Accepted,
        tag="events",
        status=202,
        schema=types.schema(router.schemas),
    )


def read_feed(parts: Parts, caller: Caller, cursor: FeedCursor = "0-0", limit: Limit = 50) -> Feed:
    """The log, oldest first, as CloudEvents. Each reader keeps its own cursor."""
    tx, _, seq = cursor.partition("-")
    with reading(parts, caller) as views:
        rows, end = views.feed(after=(int(tx), int(seq)), limit=limit)
    return Feed(items=tuple(shown(row) for row in rows), next=f"{end[0]}-{end[1]}")


def send_event(request: Request, parts: Parts, caller: Caller) -> Accepted:
    """Store one CloudEvent. Repeats are recognised by `source` and `id`."""
    types: EventTypes = request.app.state.event_types
    sent = request.state.sent
    event = types.check(sent, request.state.raw)
    correlation = (
        correlation_of({"traceparent": event.traceparent or ""}) or trace.correlation.get()
    )
    with parts.db.transaction() as tx:
        put = inbox.put(
            tx,
            # The sender is part of it: nobody can take another's ids, or those of a system.
            source=f"{caller.id}:{event.source}",
            message=event.id,
            kind="event",
            queue="events",
            correlation=correlation,
            headers={
                "principal": caller.id,
                **({"regions": ",".join(sorted(caller.regions))} if caller.regions else {}),
            },
            body=request.state.raw,
        )
        if not put.new and not put.same and _earlier(tx, put.id) != canonical(sent):
            raise KeyReused("An event with this source and id but another content came before.")
    return Accepted(id=event.id, duplicate=not put.new)


def _earlier(tx: Tx, id: int) -> bytes:
    """The stored body in the form in which two that say the same are equal."""
    row = tx.execute("SELECT body FROM inbox WHERE id = %s", [id]).fetchone()
    assert row is not None
    return canonical(strict_json.read(bytes(row["body"])))


def shown(row: Mapping[str, Any]) -> EventOut:
    objects = tuple(
        ObjectOut(id=id, type=type, qualifier=qualifier) for id, type, qualifier in row["objects"]
    )
    data = EventData(
        chain=row["chain"],
        position=row["position"],
        actor=row["actor"],
        region=row["region"],
        attributes=row["attributes"],
        objects=objects,
        hash=bytes(row["hash"]).hex(),
    )
    return EventOut(
        id=str(row["seq"]),
        type=row["type"],
        time=row["at"],
        subject=row["chain"],
        correlationid=row["correlation"],
        data=data,
    )
