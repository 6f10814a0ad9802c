"""People who book time. Rows are read into `domain.model.resource_record`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, LiteralString

from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.store.bulk import plain
from fairlead.store.database import Tx

_SELECT: LiteralString = """
SELECT x.id, x.name, x.email, x.region, x.country, x.calendar, x.legal_entity, x.minutes_per_week,
       x.manager, x.roles, x.starts_on, x.ends_on, x.source, x.version
FROM resources x
"""

_BY_ID: LiteralString = _SELECT + "WHERE x.id = ANY(%s) ORDER BY x.id"

# The same address may stand at two people: whoever asks must see both.
_BY_EMAIL: LiteralString = (
    _SELECT
    + """
WHERE lower(x.email) = ANY(%s) ORDER BY x.id
"""
)

_NAMED: LiteralString = (
    _SELECT
    + """
WHERE lower(x.id) = ANY(%(names)s) OR lower(x.email) = ANY(%(names)s)
   OR lower(x.name) = ANY(%(names)s)
   OR x.name = ANY(%(exact)s)  -- where the database's own lower() knows ASCII only
ORDER BY x.id
"""
)

# Who signs in may be found by either.
_LIKE: LiteralString = (
    _SELECT
    + """
WHERE x.id = ANY(%s) OR lower(x.email) = ANY(%s) ORDER BY x.id
"""
)

_OF_MANAGER: LiteralString = (
    _SELECT
    + """
WHERE x.manager = %s ORDER BY x.id
"""
)

# A row that says nothing new keeps its version, so that a nightly import changes nothing.
_UPSERT = """
INSERT INTO resources AS was (id, name, email, region, country, calendar, legal_entity,
    minutes_per_week, manager, roles, starts_on, ends_on, source)
SELECT id, name, email, region, country, calendar, legal_entity, minutes_per_week, manager, roles,
    starts_on, ends_on, source
FROM json_populate_recordset(NULL::resources, %s::json) ORDER BY id
ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, email = EXCLUDED.email,
    region = EXCLUDED.region, country = EXCLUDED.country, calendar = EXCLUDED.calendar,
    legal_entity = EXCLUDED.legal_entity, minutes_per_week = EXCLUDED.minutes_per_week,
    manager = EXCLUDED.manager, roles = EXCLUDED.roles, starts_on = EXCLUDED.starts_on,
    ends_on = EXCLUDED.ends_on, source = EXCLUDED.source, version = was.version + 1
WHERE (was.name, was.email, was.region, was.country, was.calendar, was.legal_entity,
       was.minutes_per_week, was.manager, was.roles, was.starts_on, was.ends_on, was.source)
   IS DISTINCT FROM
      (EXCLUDED.name, EXCLUDED.email, EXCLUDED.region, EXCLUDED.country, EXCLUDED.calendar,
       EXCLUDED.legal_entity, EXCLUDED.minutes_per_week, EXCLUDED.manager, EXCLUDED.roles,
       EXCLUDED.starts_on, EXCLUDED.ends_on, EXCLUDED.source)
RETURNING id
"""

_LIST: LiteralString = (
    _SELECT
    + """
WHERE (%(after)s::text IS NULL OR x.id > %(after)s)
  AND (%(ids)s::text[] IS NULL OR x.id = ANY(%(ids)s))
  AND (%(regions)s::text[] IS NULL OR x.region = ANY(%(regions)s))
  AND (%(entities)s::text[] IS NULL OR x.legal_entity = ANY(%(entities)s))
ORDER BY x.id LIMIT %(limit)s
"""
)


def load(tx: Tx, ids: Iterable[str]) -> dict[str, ResourceRecord]:
    """By id; those that there are."""
    rows = tx.execute(_BY_ID, [sorted(set(ids))]).fetchall()
    return {row["id"]: _record(row) for row in rows}


def by_email(tx: Tx, emails: Iterable[str]) -> dict[str, list[ResourceRecord]]:
    """Address in lower case → everybody who has it."""
    wanted = sorted({email.lower() for email in emails})
    found: dict[str, list[ResourceRecord]] = {}
    for row in tx.execute(_BY_EMAIL, [wanted]).fetchall():
        found.setdefault(row["email"].lower(), []).append(_record(row))
    return found


def named(tx: Tx, names: Iterable[str]) -> list[ResourceRecord]:
    """Those who go by these ids, addresses or names; upper and lower case are alike."""
    exact = sorted(set(names))
    values = {"names": [name.lower() for name in exact], "exact": exact}
    return [_record(row) for row in tx.execute(_NAMED, values).fetchall()]


def like(tx: Tx, ids: Iterable[str], emails: Iterable[str | None]) -> list[ResourceRecord]:
    """Everybody of one of these ids or addresses."""
    wanted = [sorted(set(ids)), sorted({email.lower() for email in emails if email})]
    return [_record(row) for row in tx.execute(_LIKE, wanted).fetchall()]


def of_manager(tx: Tx, manager: str) -> list[ResourceRecord]:
    """Those who report to a person, by id."""
    return [_record(row) for row in tx.execute(_OF_MANAGER, [manager]).fetchall()]


def upsert(tx: Tx, records: Sequence[ResourceRecord]) -> list[str]:
    """Add people, or set what is said of them. The ids of those of whom something new is said.

    `version` is kept here, whatever the records say.
    """
    if not records:
        return []
    rows = [record.model_dump(mode="json", exclude={"version"}) for record in records]
    done = tx.execute(_UPSERT, [json.dumps(rows, default=plain)]).fetchall()
    return sorted(row["id"] for row in done)


def listed(
    tx: Tx,
    *,
    regions: Iterable[str] | None = None,
    entities: Iterable[str] | None = None,
    ids: Iterable[str] | None = None,
    after: str | None = None,
    limit: int,
) -> list[ResourceRecord]:
    """In the order of their ids, behind `after`. Null: no limit of that kind."""
    values = {
        "after": after,
        "ids": None if ids is None else sorted(ids),
        "regions": None if regions is None else sorted(regions),
        "entities": None if entities is None else sorted(entities),
        "limit": limit,
    }
    return [_record(row) for row in tx.execute(_LIST, values).fetchall()]


def _record(row: Mapping[str, Any]) -> ResourceRecord:
    return ResourceRecord.model_validate(row)
