"""Who acts in whose stead, from when to when. Days are those of UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from psycopg.rows import class_row

from fairlead.store import bulk
from fairlead.store.database import Tx

# Both ways: whose deputy somebody is, and who is theirs; what was ended counts until then.
_OF = """
SELECT * FROM deputies
WHERE (person = %(id)s OR deputy = %(id)s) AND ends_on >= %(since)s
  AND (ended_at IS NULL OR ended_at::date >= %(since)s)
ORDER BY starts_on, id
"""

_ALL = "SELECT * FROM deputies WHERE ended_at IS NULL AND ends_on >= %s ORDER BY id"

_ONE = "SELECT * FROM deputies WHERE id = %s FOR UPDATE"

# Every name under which partners of somebody may stand on a record: ids, and addresses.
_PARTNERS = """
WITH held AS (
    SELECT person, deputy, starts_on <= %(today)s AND ends_on >= %(today)s
           AND ended_at IS NULL AS now
    FROM deputies WHERE (person = %(id)s OR deputy = %(id)s) AND ends_on >= %(since)s
      AND (ended_at IS NULL OR ended_at::date >= %(since)s)),
others AS (
    SELECT CASE WHEN person = %(id)s THEN deputy ELSE person END AS id,
           now AND deputy = %(id)s AS stood_for
    FROM held)
SELECT o.id, o.stood_for, lower(r.email) AS email
FROM others o LEFT JOIN resources r ON r.id = o.id
"""

_END = "UPDATE deputies SET ended_at = %s WHERE id = %s"


@dataclass(frozen=True)
class Deputy:
    id: str
    person: str  #: whose work the deputy does
    deputy: str
    starts_on: date
    ends_on: date  #: the last day
    named_by: str
    named_at: datetime
    ended_at: datetime | None = None  #: before its last day

    def on(self, day: date) -> bool:
        return self.ended_at is None and self.starts_on <= day <= self.ends_on


def add(tx: Tx, new: Deputy) -> None:
    bulk.insert(tx, "deputies", [vars(new)])


def get(tx: Tx, id: str) -> Deputy | None:
    """Locked."""
    with tx.cursor(row_factory=class_row(Deputy)) as cursor:
        return cursor.execute(_ONE, [id]).fetchone()


def end(tx: Tx, id: str, at: datetime) -> None:
    tx.execute(_END, [at, id])


def of(tx: Tx, person: str, since: date) -> Sequence[Deputy]:
    """Those that a person is in, on either side, and that held on this day or later."""
    with tx.cursor(row_factory=class_row(Deputy)) as cursor:
        return cursor.execute(_OF, {"id": person, "since": since}).fetchall()


def current(tx: Tx, today: date) -> Sequence[Deputy]:
    """Those that hold, or will."""
    with tx.cursor(row_factory=class_row(Deputy)) as cursor:
        return cursor.execute(_ALL, [today]).fetchall()


@dataclass(frozen=True)
class Partners:
    """Those with whom somebody shares duties, by every name under which they may stand."""

    names: frozenset[str] = frozenset()  #: in lower case
    stood_for: frozenset[str] = frozenset()  #: of these, in whose stead they act today


def partners(tx: Tx, person: str, *, since: date, today: date) -> Partners:
    """Deputies of a person, and whose deputy they are, on any day since `since`."""
    rows = tx.execute(_PARTNERS, {"id": person, "since": since, "today": today}).fetchall()
    return Partners(
        names=frozenset(name for row in rows for name in (row["id"], row["email"]) if name),
        stood_for=frozenset(
            name for row in rows if row["stood_for"] for name in (row["id"], row["email"]) if name
        ),
    )
