"""Word to open pages that something changed (`GET /live`, server-sent events).

One thread of the process listens to the database and wakes whoever is connected; a page then asks
for its parts again. Events are named `changed` for whatever the reader may see,
`changed-<engagement id>` for one engagement, `anything` where it is not known what changed (a part
that shows one engagement asks again then too), and `ended` where the session is over.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field

import psycopg
from psycopg import sql
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from fairlead.errors import Busy, FairleadError
from fairlead.store import counts
from fairlead.store.database import Database
from fairlead.store.journal import CHANGED
from fairlead.trust.principals import Principal
from fairlead.web import sessions
from fairlead.web.parts import WebParts
from fairlead.web.refusals import NotSignedIn

log = logging.getLogger(__name__)

_EACH = 6  #: connections of one person: as many tabs as a browser keeps open to one host
_ALL = 300
_QUEUE = 64  #: changes that a slow reader may have ahead; then they are told of "anything"
_HEARTBEAT_S = 15.0
_TOGETHER_S = 0.25  #: what changes within this is told at once
_LISTEN_S = 2.0  #: how often the listener looks whether it shall end
_AGAIN_S = 1.0
_HEARD_S = 3.0  #: how long a page waits until somebody listens for it

ANYTHING = "*"
_STILL_HERE = ": still here\n\n"


class TooManyOpen(Busy):
    """More pages of one person, or of all, than are kept up to date."""


@dataclass(eq=False)
class Reader:
    """One connected page. Filled by the listener's thread, emptied by the event loop."""

    person: str
    loop: asyncio.AbstractEventLoop
    _ready: asyncio.Event = field(default_factory=asyncio.Event)
    _chains: set[str] = field(default_factory=set[str])

    def tell(self, chains: Iterable[str]) -> None:
        self.loop.call_soon_threadsafe(self._take, frozenset(chains))

    async def changed(self, timeout_s: float) -> frozenset[str]:
        """The chains that changed; none where nothing did in time."""
        try:
            await asyncio.wait_for(self._ready.wait(), timeout_s)
        except TimeoutError:
            return frozenset()
        await asyncio.sleep(_TOGETHER_S)
        self._ready.clear()
        told, self._chains = frozenset(self._chains), set()
        return told

    def _take(self, chains: frozenset[str]) -> None:
        self._chains |= chains
        if len(self._chains) > _QUEUE:
            self._chains = {ANYTHING}
        self._ready.set()


class Changes:
    """The readers of this process, and the thread that hears for them."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._readers: set[Reader] = set()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._listening = threading.Event()
        self._listener: threading.Thread | None = None

    @property
    def closed(self) -> bool:
        return self._closed.is_set()

    @contextmanager
    def reader(self, person: str) -> Generator[Reader]:
        """Raises `TooManyOpen`."""
        reader = Reader(person, asyncio.get_running_loop())
        with self._lock:
            open_pages = Counter(one.person for one in self._readers)
            if open_pages[person] >= _EACH or len(self._readers) >= _ALL:
                raise TooManyOpen("Too many pages are kept up to date at once. Close some.")
            self._readers.add(reader)
            if self._listener is None:
                self._listener = threading.Thread(target=self._listen, name="live", daemon=True)
                self._listener.start()
        try:
            yield reader
        finally:
            with self._lock:
                self._readers.discard(reader)

    def wait(self) -> None:
        """Until the database is listened to, or is away for too long: the listener tells everybody
        of anything when it comes back."""
        self._listening.wait(_HEARD_S)

    def close(self) -> None:
        """End every connection, so that the process can end. Safe from any thread."""
        self._closed.set()
        self._tell([ANYTHING])

    def _listen(self) -> None:
        while not self.closed:
            try:
                with self._db.lock_connection() as session:
                    session.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANGED)))
                    self._listening.set()
                    self._tell([ANYTHING])  # whatever was said while nobody listened
                    while not self.closed:
                        for heard in session.notifies(timeout=_LISTEN_S):
                            self._tell(chains_of(heard.payload))
            except (FairleadError, psycopg.Error) as away:
                log.warning("the listener for changes begins anew: %s", away)
                self._listening.clear()
                self._closed.wait(_AGAIN_S)

    def _tell(self, chains: Iterable[str]) -> None:
        with self._lock:
            readers = list(self._readers)
        for reader in readers:
            try:
                reader.tell(chains)
            except RuntimeError:  # its loop has ended
                continue


def chains_of(payload: str) -> list[str]:
    """What `store.journal.append` said."""
    if payload == ANYTHING:
        return [ANYTHING]
    return [str(chain) for chain in json.loads(payload)]


def routes() -> list[Route]:
    return [Route("/live", live, methods=["GET"])]


async def live(request: Request) -> Response:
    parts: WebParts = request.app.state.parts
    changes: Changes = request.app.state.changes
    id = sessions.id_of(request)
    reader = await run_in_threadpool(_principal, parts, id)
    if reader is None:
        raise NotSignedIn("Sign in to see this.")
    stream = _events(request, parts, changes, reader.id, id)
    first = await anext(stream)  # so that a refusal is an answer and not a broken stream
    return StreamingResponse(
        _after(first, stream),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def _after(first: str, rest: AsyncGenerator[str]) -> AsyncGenerator[str]:
    async with aclosing(rest):
        yield first
        async for text in rest:
            yield text


async def _events(
    request: Request, parts: WebParts, changes: Changes, person: str, id: str | None
) -> AsyncGenerator[str]:
    with changes.reader(person) as reader:
        await run_in_threadpool(changes.wait)
        yield "retry: 3000\n\n"
        while not changes.closed and not await request.is_disconnected():
            chains = await reader.changed(_HEARTBEAT_S)
            if changes.closed:
                return
            text = await run_in_threadpool(_news, parts, id, chains)
            if text is None:
                yield _event("ended")
                return
            yield text


def _news(parts: WebParts, id: str | None, chains: frozenset[str]) -> str | None:
    """What this reader is told; null where the session is over."""
    try:
        with parts.db.transaction() as tx:
            session = sessions.find(tx, parts.people, id, parts.now(), note=False)
            if session is None:
                return None
            who = session.principal
            if not chains:
                return _STILL_HERE
            seen = counts.visible_engagements(
                tx, chains, regions=who.regions, legal_entities=who.legal_entities
            )
    except Busy:
        return _event("changed") + _event(
            "anything"
        )  # the page asks, and is told itself what is wrong
    told = [f"changed-{chain}" for chain in sorted(seen)]
    if ANYTHING in chains:
        told.append("anything")
    if not told and (who.regions is not None or who.legal_entities is not None):
        return _STILL_HERE
    return "".join(_event(name) for name in ("changed", *told))


def _principal(parts: WebParts, id: str | None) -> Principal | None:
    with parts.db.transaction() as tx:
        session = sessions.find(tx, parts.people, id, parts.now(), note=False)
    return session.principal if session else None


def _event(name: str) -> str:
    return f"event: {name}\ndata: 1\n\n"
