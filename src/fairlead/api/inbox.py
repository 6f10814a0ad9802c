"""Messages from outside that could not be taken in, and reading one again."""

from __future__ import annotations

from enum import StrEnum

from starlette.responses import Response

from fairlead.api.commands import Commanding, Outcome
from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import IdCursor, Limit, Page, page_by_id
from fairlead.api.reading import reading, views
from fairlead.api.router import Router
from fairlead.api.shapes import At, Filter, MessageId, found
from fairlead.domain.values import Value
from fairlead.errors import IllegalMove
from fairlead.store import inbox, journal
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event


class MessageState(StrEnum):
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    IGNORED = "ignored"
    PARKED = "parked"  #: a dead letter


class MessageView(Value):
    """What is known about a message. Its body is not shown: it may hold anything."""

    id: int
    source: str
    message: str  #: the sender's id
    kind: str
    queue: str
    correlation: str
    deliveries: int
    state: MessageState
    attempt: int
    received_at: At
    ready_at: At
    ended_at: At | None
    outcome: str | None  #: what it led to, or why it is parked
    bytes: int


def add(router: Router) -> None:
    router.get("/inbox", list_inbox, Page[MessageView], tag="inbox")
    router.command("POST", "/inbox/{id}/replay", replay_message, MessageView, tag="inbox")


def list_inbox(
    parts: Parts,
    caller: Caller,
    state: MessageState = MessageState.PARKED,
    queue: Filter = None,
    cursor: IdCursor = None,
    limit: Limit = 50,
) -> Page[MessageView]:
    """Messages, newest first; the parked ones unless another state is asked for."""
    before = int(cursor) if cursor else None
    with reading(parts, caller) as seen:
        rows = seen.inbox(state=state, queue=queue, before=before, limit=limit + 1)
    return page_by_id(rows, limit, lambda row: MessageView(**row))


def replay_message(parts: Parts, caller: Caller, command: Commanding, id: MessageId) -> Response:
    """Read a parked message again."""

    def act(tx: Tx) -> Outcome:
        seen = views(tx, caller)
        message = found(seen.message(id), "message")
        if not inbox.replay(tx, id):
            raise IllegalMove("The message", message["state"], "ready")
        event = Event(
            chain="inbox",
            type="message.replayed",
            at=database_time(tx),
            actor=f"person:{caller.id}",
            attributes={"source": message["source"]},
            objects=[(str(id), "message", "replayed")],
            correlation=message["correlation"],
        )
        journal.append(tx, [event])
        return Outcome(MessageView(**found(seen.message(id), "message")))

    return command.carry_out(act)
