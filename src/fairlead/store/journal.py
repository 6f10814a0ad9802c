"""The event log: append-only, hash-chained, written in the transaction of the change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from fairlead.domain.chain import START, link, root_of
from fairlead.store import bulk
from fairlead.store.database import Tx

#: Whoever listens on this channel hears which chains grew: a JSON list of their names, or `*` where
#: there are many. It is heard when the transaction commits.
CHANGED = "fairlead_changed"
_MOST_NAMED = 20
_LONGEST_WORD = 7000  #: bytes; PostgreSQL takes fewer than 8000

#: (id, type, qualifier): an object that the event is about, and how (OCEL 2.0).
Relation = tuple[str, str, str]


@dataclass(frozen=True)
class Event:
    """One thing that happened. `attributes` hold text, integers and booleans only."""

    chain: str
    type: str
    at: datetime  #: UTC
    actor: str  #: `person:…`, `system:…` or `fairlead`
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    objects: Sequence[Relation] = ()
    correlation: str | None = None
    region: str | None = None


def hashed(event: Event, position: int) -> dict[str, Any]:
    """What the hash covers: every column of the row but its number and the hash itself."""
    return {
        "chain": event.chain,
        "position": position,
        "type": event.type,
        "at": event.at,
        "actor": event.actor,
        "correlation": event.correlation,
        "region": event.region,
        "attributes": dict(event.attributes),
        "objects": [list(relation) for relation in event.objects],
    }


# Lock the heads, in one order, so that two writers never wait for each other in a circle. None is
# locked while one is still to be begun: that one might come before it in the order.
_LOCK = """
SELECT chain, length, head FROM chains WHERE chain = ANY(%(names)s)
  AND (SELECT count(*) FROM chains WHERE chain = ANY(%(names)s)) = cardinality(%(names)s::text[])
ORDER BY chain FOR UPDATE
"""

# A chain begins once, whoever comes first; who comes second waits for the first.
_BEGIN = """
INSERT INTO chains (chain, length, head)
SELECT name, 0, %s FROM unnest(%s::text[]) AS name ORDER BY name
ON CONFLICT (chain) DO UPDATE SET chain = EXCLUDED.chain RETURNING chain, length, head
"""


def append(tx: Tx, events: Sequence[Event]) -> None:
    """Add events to the ends of their chains, in the order given.

    Raises ValueError where an attribute is a float: it might read back in other digits than it
    was hashed in, and look like an edit for ever.
    """
    if not events:
        return
    for event in events:
        _refuse_floats(event.attributes)
    names = sorted({event.chain for event in events})
    heads = _heads(tx.execute(_LOCK, {"names": names}))
    if len(heads) < len(names):
        heads = _heads(tx.execute(_BEGIN, [START, names]))
    rows: list[dict[str, Any]] = []
    for event in events:
        length, head = heads[event.chain]
        row = hashed(event, length + 1)
        row["hash"] = link(head, row)
        heads[event.chain] = (length + 1, row["hash"])
        rows.append(row)
    bulk.insert(tx, "events", rows)
    bulk.upsert(
        tx,
        "chains",
        [{"chain": name, "length": heads[name][0], "head": heads[name][1]} for name in names],
        keys=("chain",),
    )
    tell(tx, names)


def tell(tx: Tx, chains: Sequence[str]) -> None:
    """Say to whoever listens that these changed, once it is committed."""
    named = json.dumps(chains) if len(chains) <= _MOST_NAMED else "*"
    tx.execute("SELECT pg_notify(%s, %s)", [CHANGED, named if len(named) < _LONGEST_WORD else "*"])


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise ValueError("float cannot stand in an event; give text or whole numbers")
    if isinstance(value, Mapping):
        for inner in cast("Mapping[str, Any]", value).values():
            _refuse_floats(inner)
    elif isinstance(value, list | tuple):
        for inner in cast("Sequence[Any]", value):
            _refuse_floats(inner)


def _heads(rows: Iterable[Mapping[str, Any]]) -> dict[str, tuple[int, bytes]]:
    return {row["chain"]: (row["length"], bytes(row["head"])) for row in rows}


# A page of the feed. Sequence numbers are given before the commit, so a later number may be seen
# first; by transaction, and only those before the oldest that is still open, none is passed over.
_FEED = """
SELECT tx::text AS tx, seq, chain, position, type, at, actor, correlation, region, attributes,
       objects, hash
FROM events
WHERE (tx, seq) > (%(tx)s::xid8, %(seq)s)
  AND tx < pg_snapshot_xmin(pg_current_snapshot())
  AND (%(regions)s::text[] IS NULL OR region = ANY(%(regions)s))
ORDER BY tx, seq LIMIT %(limit)s
"""


def feed(
    tx: Tx, *, after: tuple[int, int], limit: int, regions: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Events behind the cursor `(tx, seq)`, for any number of consumers (F151)."""
    values = {
        "tx": str(after[0]),
        "seq": after[1],
        "regions": None if regions is None else list(regions),
        "limit": limit,
    }
    return tx.execute(_FEED, values).fetchall()


# The log of one engagement, from a position on.
_CHAIN = """
SELECT seq, chain, position, type, at, actor, correlation, region, attributes, objects, hash
FROM events WHERE chain = %s AND position > %s ORDER BY position LIMIT %s
"""


def of_chain(tx: Tx, chain: str, *, after: int = 0, limit: int) -> list[dict[str, Any]]:
    """What happened to one engagement, oldest first (F179)."""
    return tx.execute(_CHAIN, [chain, after, limit]).fetchall()


# Every chain in order, for verification and export; read by a server-side cursor.
_ALL = """
SELECT seq, chain, position, type, at, actor, correlation, region, attributes, objects, hash
FROM events ORDER BY chain, position
"""


def everything(tx: Tx) -> Iterator[dict[str, Any]]:
    """The whole log, chain by chain, in constant memory."""
    with tx.cursor(name="journal") as cursor:
        cursor.itersize = 5000
        cursor.execute(_ALL)
        yield from cursor


def heads(tx: Tx) -> list[tuple[str, int, bytes]]:
    found = tx.execute("SELECT chain, length, head FROM chains ORDER BY chain").fetchall()
    return [(row["chain"], row["length"], bytes(row["head"])) for row in found]


def checkpoint(tx: Tx, now: datetime) -> tuple[int, bytes]:
    """Note the root over all chains; printed or sent elsewhere, it shows later cuts.

    Appends wait for it, so what it covers is exactly the first so many events by number: that is
    how a later reader finds the heads that its root stands for.
    """
    tx.execute("LOCK TABLE chains IN EXCLUSIVE MODE")
    current = heads(tx)
    root = root_of(current)
    row = tx.execute(
        "INSERT INTO checkpoints (at, chains, events, root) VALUES (%s, %s, %s, %s) RETURNING id",
        [now, len(current), sum(length for _, length, _ in current), root],
    ).fetchone()
    assert row is not None
    return row["id"], root
