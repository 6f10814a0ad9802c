"""One sandbox system's records, and the append-only ledger of every change to them.

SQLite holds them, one file per system; memory holds the same records for reading, so that a
search does not parse JSON. Each change and its ledger row are one SQLite transaction.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock, RLock
from typing import Any, Literal, cast

import simplejson

Operation = Literal["create", "update", "delete"]

_LEDGER = (
    "seq", "at", "operation", "object", "id", "key", "correlation", "method", "path", "body"
)  # fmt: skip

#: How many changes back a stale read can look.
_REMEMBERED_CHANGES = 10_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    nr INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, key TEXT, body TEXT NOT NULL,
    version INTEGER NOT NULL, created_at TEXT NOT NULL, modified_at TEXT NOT NULL,
    UNIQUE (kind, id)
);
CREATE TABLE IF NOT EXISTS counters (kind TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ledger (
    seq INTEGER PRIMARY KEY, at TEXT NOT NULL, operation TEXT NOT NULL, object TEXT NOT NULL,
    id TEXT NOT NULL, key TEXT, correlation TEXT NOT NULL, method TEXT NOT NULL,
    path TEXT NOT NULL, body TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS ledger_keeps_its_rows BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS ledger_rows_do_not_change BEFORE UPDATE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TABLE IF NOT EXISTS pushes (
    nr INTEGER PRIMARY KEY, id TEXT NOT NULL, body TEXT NOT NULL, due REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'waiting'
);
CREATE INDEX IF NOT EXISTS pushes_that_are_due ON pushes (due) WHERE state = 'waiting';
"""


@dataclass(frozen=True)
class Record:
    """One record as it is kept. Times are UTC; `version` counts from 1."""

    kind: str
    id: str
    key: str | None  #: Fairlead's external reference, where the vendor stores one
    body: dict[str, Any]
    version: int
    created_at: datetime
    modified_at: datetime


@dataclass(frozen=True)
class Origin:
    """Which call a change came from, for the ledger."""

    method: str = ""
    path: str = ""
    correlation: str = ""  #: the caller's `x-correlation-id`


#: Set by the kernel around each call.
origin: ContextVar[Origin | None] = ContextVar("origin", default=None)
#: Set around a call that must read the past; None reads the present.
as_of: ContextVar[datetime | None] = ContextVar("as_of", default=None)


class DuplicateKey(Exception):
    """A record of this kind already carries this key (or this id)."""


class Order:
    """Numbers for ledger rows: 1, 2, 3 … Systems that share it have one order over all of them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._last = 0

    def go_beyond(self, seq: int) -> None:
        """Give no number that is not above `seq`."""
        with self._lock:
            self._last = max(self._last, seq)

    def next(self) -> int:
        with self._lock:
            self._last += 1
            return self._last


@dataclass(frozen=True)
class _Held:
    record: Record  # never handed out, so that no caller can change it
    text: str  # its body as JSON

    def copy(self) -> Record:
        return replace(self.record, body=simplejson.loads(self.text, use_decimal=True))


@dataclass(frozen=True)
class _Change:
    at: datetime
    kind: str
    id: str
    before: _Held | None


class Books:
    """Records by kind and id. Threads may share it; each change is atomic.

    Bodies are JSON with exact numbers (`Decimal`). What is handed out is the caller's to change.
    """

    def __init__(
        self, system: str, path: Path | None = None, *, order: Order | None = None
    ) -> None:
        """`path`: the SQLite file, or None to forget everything at the end."""
        self.system = system
        self.lock = RLock()  #: held while something changes
        self._order = order or Order()
        self._db = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False
        )
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._depth = 0
        self._undo: list[_Change] = []
        self._held: dict[str, dict[str, _Held]] = {}
        self._keyed: dict[tuple[str, str], dict[str, None]] = {}
        self._last: dict[str, int] = {}
        self._changes: deque[_Change] = deque(maxlen=_REMEMBERED_CHANGES)
        self._load()
        self._order.go_beyond(self.last_seq())

    def close(self) -> None:
        with self.lock:
            self._db.close()

    # -- changing --------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """All changes inside happen together or, where it raises, not at all. May be nested:
        then the outermost decides."""
        with self.lock:
            if self._depth == 0:
                self._db.execute("BEGIN IMMEDIATE")
                self._undo = []
            self._depth += 1
            try:
                yield self._db
                if self._depth == 1:
                    self._db.execute("COMMIT")
            except BaseException:
                if self._depth == 1:
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                    self._take_back()
                raise
            finally:
                self._depth -= 1

    def create(
        self,
        kind: str,
        body: dict[str, Any],
        *,
        id: str | None = None,
        key: str | None = None,
        unique_key: bool = False,
    ) -> Record:
        """A new record; without `id` it gets the next number of its kind.

        Raises `DuplicateKey` where the id is taken, or with `unique_key` where the key is.
        """
        with self.transaction():
            if unique_key and key is not None and self._keyed.get((kind, key)):
                raise DuplicateKey(f"{kind} with key {key}")
            id = id if id is not None else str(self.next_id(kind))
            if id in self._held.get(kind, {}):
                raise DuplicateKey(f"{kind} {id}")
            now = datetime.now(UTC)
            held = _hold(Record(kind, id, key, body, 1, now, now))
            self._write("create", held)
            return held.copy()

    def update(
        self,
        kind: str,
        id: str,
        changes: dict[str, Any],
        *,
        replace: bool = False,
        key: str | None = None,
        unique_key: bool = False,
    ) -> Record:
        """Lay `changes` over the body, or with `replace` put them in its place.

        `key` None leaves the key as it is. Raises KeyError where there is no such record, and
        `DuplicateKey` as `create` does.
        """
        with self.transaction():
            before = self._held.get(kind, {})[id].record
            others = set(self._keyed.get((kind, key or ""), ())) - {id}
            if unique_key and key is not None and others:
                raise DuplicateKey(f"{kind} with key {key}")
            held = _hold(
                Record(
                    kind=kind,
                    id=id,
                    key=key if key is not None else before.key,
                    body=changes if replace else {**before.body, **changes},
                    version=before.version + 1,
                    created_at=before.created_at,
                    modified_at=datetime.now(UTC),
                )
            )
            self._write("update", held)
            return held.copy()

    def remove(self, kind: str, id: str) -> None:
        """Raises KeyError where there is no such record."""
        with self.transaction():
            self._write("delete", self._held.get(kind, {})[id])

    def next_id(self, kind: str) -> int:
        """1, 2, 3 … per kind; a number is never given twice, even where a change is taken back."""
        with self.transaction() as db:
            self._last[kind] = self._last.get(kind, 0) + 1
            db.execute(
                "INSERT INTO counters (kind, last) VALUES (?, ?)"
                " ON CONFLICT (kind) DO UPDATE SET last = excluded.last",
                (kind, self._last[kind]),
            )
            return self._last[kind]

    # -- reading ---------------------------------------------------------------------------

    def read(self, kind: str, id: str) -> Record | None:
        with self.lock:
            past = self._past(kind)
            held = past[id] if id in past else self._held.get(kind, {}).get(id)
            return held.copy() if held else None

    def find(self, kind: str, *, key: str) -> list[Record]:
        """The records of a kind that carry `key`, oldest first."""
        with self.lock:
            if as_of.get() is not None:
                return self.list(kind, lambda record: record.key == key)
            ids = self._keyed.get((kind, key), ())
            return _in_order([self._held[kind][id] for id in ids])

    def list(self, kind: str, where: Callable[[Record], bool] | None = None) -> list[Record]:
        """The records of a kind, by `created_at` and id. `where` must not change what it sees."""
        with self.lock:
            past = self._past(kind)
            now = self._held.get(kind, {})
            all_held = [held for id, held in now.items() if id not in past]
            all_held += [held for held in past.values() if held]
            return _in_order([held for held in all_held if where is None or where(held.record)])

    def kinds(self) -> list[str]:
        """The kinds of which there are records."""
        with self.lock:
            return sorted(kind for kind, held in self._held.items() if held)

    def ledger(
        self, *, after: int = 0, limit: int | None = None, object: str | None = None
    ) -> list[dict[str, Any]]:
        """Ledger rows with a number above `after`, in order. `limit` None gives all of them."""
        with self.lock:
            rows = self._db.execute(
                "SELECT seq, at, operation, object, id, key, correlation, method, path, body"
                " FROM ledger WHERE seq > ? AND (? IS NULL OR object = ?) ORDER BY seq LIMIT ?",
                (after, object, object, -1 if limit is None else limit),
            ).fetchall()
        found: list[dict[str, Any]] = [dict(zip(_LEDGER, row, strict=True)) for row in rows]
        for row in found:
            row["system"] = self.system
            row["body"] = simplejson.loads(row["body"], use_decimal=True)
        return found

    def last_seq(self) -> int:
        """The number of the newest ledger row; 0 where there is none."""
        with self.lock:
            return int(self._db.execute("SELECT coalesce(max(seq), 0) FROM ledger").fetchone()[0])

    def reset(self) -> None:
        """Forget records, ledger, counters and waiting pushes, as if the account were new."""
        with self.lock:
            self._db.executescript(
                "BEGIN; DROP TABLE records; DROP TABLE counters; DROP TABLE ledger;"
                f" DROP TABLE pushes; {_SCHEMA} COMMIT;"
            )
            self._held, self._keyed, self._last = {}, {}, {}
            self._changes.clear()

    # -- inside ----------------------------------------------------------------------------

    def _load(self) -> None:
        for kind, id, key, text, version, created, modified in self._db.execute(
            "SELECT kind, id, key, body, version, created_at, modified_at FROM records ORDER BY nr"
        ):
            body = cast("dict[str, Any]", simplejson.loads(text, use_decimal=True))
            times = datetime.fromisoformat(created), datetime.fromisoformat(modified)
            self._put(kind, id, _Held(Record(kind, id, key, body, version, *times), text))
        self._last = dict(self._db.execute("SELECT kind, last FROM counters"))

    def _write(self, operation: Operation, held: _Held) -> None:
        record = held.record
        now = datetime.now(UTC) if operation == "delete" else record.modified_at
        kept = (record.key, held.text, record.version, _stamp(record.modified_at))
        match operation:
            case "create":
                self._db.execute(
                    "INSERT INTO records (kind, id, created_at, key, body, version, modified_at)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (record.kind, record.id, _stamp(record.created_at), *kept),
                )
            case "update":
                self._db.execute(
                    "UPDATE records SET key = ?, body = ?, version = ?, modified_at = ?"
                    " WHERE kind = ? AND id = ?",
                    (*kept, record.kind, record.id),
                )
            case "delete":
                self._db.execute(
                    "DELETE FROM records WHERE kind = ? AND id = ?", (record.kind, record.id)
                )
        call = origin.get() or Origin()
        self._db.execute(
            "INSERT INTO ledger (seq, at, operation, object, id, key, correlation, method, path,"
            " body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self._order.next(), _stamp(now), operation, record.kind, record.id, record.key,
                call.correlation, call.method, call.path, held.text,
            ),
        )  # fmt: skip
        change = _Change(
            now, record.kind, record.id, self._held.get(record.kind, {}).get(record.id)
        )
        self._undo.append(change)
        self._changes.append(change)
        self._put(record.kind, record.id, None if operation == "delete" else held)

    def _take_back(self) -> None:
        """Bring memory back to where the transaction began."""
        for change in reversed(self._undo):
            self._put(change.kind, change.id, change.before)
            if self._changes and self._changes[-1] is change:
                self._changes.pop()

    def _put(self, kind: str, id: str, held: _Held | None) -> None:
        by_id = self._held.setdefault(kind, {})
        before = by_id.pop(id, None)
        if before and before.record.key is not None:
            self._keyed[kind, before.record.key].pop(id, None)
        if held:
            by_id[id] = held
            if held.record.key is not None:
                self._keyed.setdefault((kind, held.record.key), {})[id] = None

    def _past(self, kind: str) -> dict[str, _Held | None]:
        """What `as_of` must see instead of the present: records that changed since."""
        moment = as_of.get()
        seen: dict[str, _Held | None] = {}
        if moment is not None:
            for change in reversed(self._changes):
                if change.at <= moment:
                    break
                if change.kind == kind:
                    seen[change.id] = change.before
        return seen


def _hold(record: Record) -> _Held:
    """The body is kept as its JSON says, so that nobody outside shares it with us."""
    text = simplejson.dumps(record.body, use_decimal=True)
    return _Held(replace(record, body=simplejson.loads(text, use_decimal=True)), text)


def _in_order(found: list[_Held]) -> list[Record]:
    found.sort(key=lambda held: (held.record.created_at, held.record.id))
    return [held.copy() for held in found]


def _stamp(when: datetime) -> str:
    """Fixed width, so that text order is time order."""
    return when.isoformat(timespec="microseconds")
