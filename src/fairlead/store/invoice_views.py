"""Invoices as people read them: one with all that stands behind it, and the list of them.

Whoever asks has a `Sees`: what is of another region or legal entity is not there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, LiteralString, get_args

from fairlead.store.database import Tx
from fairlead.store.invoices import RELEASED, Sees

SCOPE: LiteralString = """
(%(regions)s::text[] IS NULL OR v.region = ANY(%(regions)s))
  AND (%(entities)s::text[] IS NULL OR v.legal_entity = ANY(%(entities)s))
"""

# One invoice with the engagement that it is of, whom it goes to, through whose hands it went, what
# the reader released for the engagement since a day, and what its run waits for.
_ONE: LiteralString = """
SELECT v.*, d.number AS engagement, d.name AS engagement_name, d.code AS project_code,
       d.body->'tax' AS treatment, d.body->>'contract_number' AS contract_number,
       d.contract_type, e.body->'deal'->'client' AS client,
       c.reference AS credits_reference, c.number AS credits_number,
       (SELECT count(*) FROM invoice_items i WHERE i.invoice_id = v.id)::int AS items,
       ({released}) AS my_released,
       (SELECT coalesce(abs(sum(i.amount)), 0) FROM invoice_items i
        WHERE i.invoice_id = v.id) AS items_amount,
       r.id AS run_id, x.id AS exception_id, x.title AS trouble, x.team AS trouble_team,
       t.id AS task_id, t.role AS waits_for
FROM invoices v
JOIN deliveries d ON d.engagement_id = v.engagement_id
LEFT JOIN engagements e ON e.id = v.engagement_id
LEFT JOIN invoices c ON c.id = v.credits
LEFT JOIN LATERAL (SELECT id FROM runs WHERE subject_id = v.id AND ended_at IS NULL
                   ORDER BY started_at DESC LIMIT 1) r ON true
LEFT JOIN LATERAL (SELECT id, title, team FROM exceptions WHERE run_id = r.id AND state = 'open'
                   ORDER BY opened_at LIMIT 1) x ON true
LEFT JOIN LATERAL (SELECT id, role FROM tasks WHERE run_id = r.id AND state = 'open'
                   ORDER BY opened_at LIMIT 1) t ON true
WHERE (v.id = %(id)s OR v.reference = %(id)s) AND {scope}
""".replace("{scope}", SCOPE).replace(
    "{released}", RELEASED.replace("{engagement}", "v.engagement_id")
)

# What one line is made of, with who worked, who approved and what proves it; in the order of day.
_ITEMS = """
SELECT i.kind, i.item_id, i.line, i.minutes, i.rate, i.rate_source, i.amount, i.discount, i.capped,
       i.drawn, i.live, coalesce(t.day, x.day, m.accepted_at::date, m.due_on, c.due_on) AS day,
       coalesce(t.narrative, x.merchant, m.name, c.name) AS what,
       coalesce(t.role, x.category) AS role, coalesce(t.resource_id, x.resource_id) AS resource_id,
       r.name AS person, coalesce(t.decided_by, x.decided_by, m.accepted_by) AS decided_by,
       coalesce(t.decided_at, x.decided_at, m.accepted_at) AS decided_at, x.receipt,
       coalesce(m.clause, c.clause) AS clause, c.source AS charge_source, m.number AS milestone,
       (SELECT count(*) FROM evidence e WHERE e.milestone_id = m.id
          AND e.withdrawn_at IS NULL)::int AS evidence,
       (SELECT v.reference FROM invoice_items o JOIN invoices v ON v.id = o.invoice_id
        WHERE o.kind = i.kind AND o.item_id = i.item_id AND o.live AND o.invoice_id <> i.invoice_id
        LIMIT 1) AS live_in
FROM invoice_items i
LEFT JOIN time_entries t ON i.kind = 'time' AND t.id = i.item_id
LEFT JOIN expenses x ON i.kind = 'expense' AND x.id = i.item_id
LEFT JOIN milestones m ON i.kind = 'milestone' AND m.id = i.item_id
LEFT JOIN charges c ON i.kind = 'charge' AND c.id = i.item_id
LEFT JOIN resources r ON r.id = coalesce(t.resource_id, x.resource_id)
WHERE i.invoice_id = %(id)s AND i.line = %(line)s
ORDER BY coalesce(t.day, x.day, m.due_on, c.due_on), i.kind, i.item_id
OFFSET %(offset)s LIMIT %(limit)s
"""

# The lines with what stands behind each: how many items, of whom, from when to when.
_LINES = """
SELECT l.line, l.kind, l.description, l.quantity, l.unit, l.unit_price, l.amount, l.tax_code,
       l.clause, i.items, i.receipts, i.evidence, i.people, i.starts_on, i.ends_on, i.milestone
FROM invoice_lines l LEFT JOIN LATERAL (
    SELECT count(*)::int AS items, count(x.receipt)::int AS receipts,
           count(DISTINCT coalesce(t.resource_id, x.resource_id))::int AS people,
           min(coalesce(t.day, x.day, c.due_on)) AS starts_on,
           max(coalesce(t.day, x.day, c.due_on)) AS ends_on,
           min(m.number) AS milestone,
           (SELECT count(*) FROM evidence e WHERE e.withdrawn_at IS NULL
              AND e.milestone_id = ANY(array_agg(m.id)))::int AS evidence
    FROM invoice_items k
    LEFT JOIN time_entries t ON k.kind = 'time' AND t.id = k.item_id
    LEFT JOIN expenses x ON k.kind = 'expense' AND x.id = k.item_id
    LEFT JOIN milestones m ON k.kind = 'milestone' AND m.id = k.item_id
    LEFT JOIN charges c ON k.kind = 'charge' AND c.id = k.item_id
    WHERE k.invoice_id = l.invoice_id AND k.line = l.line) i ON true
WHERE l.invoice_id = %s ORDER BY l.line
"""

# What happened to it, in the order of its engagement's chain.
_HISTORY = """
SELECT type, at, actor, attributes, objects FROM events
WHERE chain = %(engagement)s AND objects @> %(object)s::jsonb ORDER BY position
"""

# Payments, credits and disputes, oldest first.
_SETTLED = """
SELECT 'payment' AS what, p.ref AS name, p.paid_on AS on_day, p.amount, p.currency,
       NULL AS state, NULL AS detail, NULL AS id
FROM payments p WHERE p.invoice_id = %(id)s
UNION ALL
SELECT 'credit', c.reference, c.dated_on, c.net, c.currency, c.state, c.reason, c.id
FROM invoices c WHERE c.credits = %(id)s AND c.state <> 'discarded'
UNION ALL
SELECT 'dispute', d.cause, d.opened_at::date, d.amount, v.currency,
       coalesce(d.outcome, 'open'), d.detail, d.id
FROM disputes d JOIN invoices v ON v.id = d.invoice_id WHERE d.invoice_id = %(id)s
ORDER BY 3, 2
"""

Sort = Literal["-proposed", "proposed", "-net", "net", "due", "-due", "client", "-client"]
SORTS: tuple[Sort, ...] = get_args(Sort)
_FAR = date(9999, 12, 31)
#: Sort → what is compared, before the id.
_KEYS: Mapping[str, LiteralString] = {
    "proposed": "v.proposed_at",
    "net": "v.net",
    "due": "coalesce(v.due_on, '9999-12-31'::date)",
    "client": "lower(v.client_name)",
}
_TYPES: Mapping[str, LiteralString] = {
    "proposed": "timestamptz", "net": "numeric", "due": "date", "client": "text",
}  # fmt: skip

_FITS: LiteralString = (
    SCOPE
    + """
  AND (%(states)s::text[] IS NULL OR v.state = ANY(%(states)s))
  AND (%(kind)s::text IS NULL OR v.kind = %(kind)s)
  AND (%(entity)s::text IS NULL OR v.legal_entity = %(entity)s)
  AND (%(currency)s::text IS NULL OR v.currency = %(currency)s)
  AND (%(engagement)s::text IS NULL OR d.number = %(engagement)s)
  AND (%(late)s::date IS NULL OR v.state = 'posted' AND v.due_on < %(late)s)
  AND (%(q)s::text IS NULL OR v.client_name ILIKE %(q)s OR v.reference ILIKE %(q)s
       OR v.number ILIKE %(q)s OR d.number ILIKE %(q)s)
"""
)

_PAGE: LiteralString = (
    """
SELECT v.id, v.reference, v.number, v.kind, v.state, v.client_name, v.legal_entity, v.region,
       v.currency, v.net, v.tax, v.total, v.paid, v.dated_on, v.due_on, v.starts_on, v.ends_on,
       v.proposed_by, v.proposed_at, v.reviewed_by, v.released_by, v.released_at, v.posted_at,
       v.paid_at, v.reason, v.purchase_order, d.number AS engagement, d.name AS engagement_name
FROM invoices v JOIN deliveries d ON d.engagement_id = v.engagement_id
WHERE """
    + _FITS
)

# Per state and currency, of all that fits but for the state.
_SUMMARY: LiteralString = (
    """
SELECT v.state, v.kind, v.legal_entity, v.currency, count(*)::int AS count, sum(v.net) AS net,
       count(*) FILTER (WHERE v.state = 'posted' AND v.due_on < %(today)s)::int AS late
FROM invoices v JOIN deliveries d ON d.engagement_id = v.engagement_id
WHERE """
    + _FITS
    + " GROUP BY 1, 2, 3, 4"
)


@dataclass(frozen=True)
class Filters:
    """Null: whatever it is."""

    states: tuple[str, ...] | None = None
    kind: str | None = None
    entity: str | None = None
    currency: str | None = None
    engagement: str | None = None  #: its number
    late: date | None = None  #: due before that day, and not paid
    q: str | None = None

    def values(self) -> dict[str, Any]:
        text = None if self.q is None else self.q.translate(_ESCAPED)
        return {
            "states": None if self.states is None else list(self.states),
            "kind": self.kind,
            "entity": self.entity,
            "currency": self.currency,
            "engagement": self.engagement,
            "late": self.late,
            "q": None if text is None else f"%{text}%",
        }


_ESCAPED = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


@dataclass(frozen=True)
class Summary:
    """Counts by state, kind and legal entity, and sums by currency, which are never added up."""

    states: dict[str, int] = field(default_factory=dict[str, int])
    kinds: dict[str, int] = field(default_factory=dict[str, int])
    entities: dict[str, int] = field(default_factory=dict[str, int])
    currencies: dict[str, int] = field(default_factory=dict[str, int])
    totals: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    count: int = 0
    late: int = 0


def one(tx: Tx, sees: Sees, name: str, *, me: str, since: datetime) -> dict[str, Any] | None:
    """By its id or reference. `my_released`: by `me` for its engagement since then."""
    values = {"id": name, "person": me, "since": since, **sees.values()}
    return tx.execute(_ONE, values).fetchone()


def lines(tx: Tx, id: str) -> list[dict[str, Any]]:
    return tx.execute(_LINES, [id]).fetchall()


def items(tx: Tx, id: str, line: int, *, offset: int = 0, limit: int) -> list[dict[str, Any]]:
    values = {"id": id, "line": line, "offset": offset, "limit": limit}
    return tx.execute(_ITEMS, values).fetchall()


def history(tx: Tx, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Events that name this invoice; `row` has its `id` and `engagement_id`."""
    values = {"engagement": row["engagement_id"], "object": json.dumps([[row["id"]]])}
    return tx.execute(_HISTORY, values).fetchall()


def settled(tx: Tx, id: str) -> list[dict[str, Any]]:
    return tx.execute(_SETTLED, {"id": id}).fetchall()


def page(
    tx: Tx,
    sees: Sees,
    filters: Filters,
    sort: Sort,
    *,
    after: tuple[str, str] | None = None,
    limit: int,
) -> list[dict[str, Any]]:
    """The rows behind `after`, which is the `key_of` of the last one that is known."""
    name, falls = sort.removeprefix("-"), sort.startswith("-")
    key, type = _KEYS[name], _TYPES[name]
    way: LiteralString = "DESC" if falls else "ASC"
    sign: LiteralString = "<" if falls else ">"
    query: LiteralString = _PAGE
    if after is not None:
        query += f" AND ({key}, v.id) {sign} (%(after)s::{type}, %(after_id)s)"
    query += f" ORDER BY {key} {way}, v.id {way} LIMIT %(limit)s"
    values = {
        **sees.values(), **filters.values(), "limit": limit,
        "after": after[0] if after else None, "after_id": after[1] if after else None,
    }  # fmt: skip
    return tx.execute(query, values).fetchall()


def key_of(row: Mapping[str, Any], sort: Sort) -> tuple[str, str]:
    """Where a page ends."""
    match sort.removeprefix("-"):
        case "proposed":
            return row["proposed_at"].isoformat(), row["id"]
        case "net":
            return format(row["net"], "f"), row["id"]
        case "due":
            return (row["due_on"] or _FAR).isoformat(), row["id"]
        case _:
            return row["client_name"].lower(), row["id"]


def summary(tx: Tx, sees: Sees, filters: Filters, today: date) -> Summary:
    """Of what fits; `states` also of those that the filter of states leaves out."""
    open_states = replace(filters, states=None)
    values = {**sees.values(), **open_states.values(), "today": today}
    found, count, late = Summary(), 0, 0
    for row in tx.execute(_SUMMARY, values).fetchall():
        _add(found.states, row["state"], row["count"])
        if filters.states is not None and row["state"] not in filters.states:
            continue
        for counts, name in ((found.kinds, "kind"), (found.entities, "legal_entity"),
                             (found.currencies, "currency")):  # fmt: skip
            _add(counts, row[name], row["count"])
        found.totals[row["currency"]] = found.totals.get(row["currency"], Decimal(0)) + row["net"]
        count, late = count + row["count"], late + row["late"]
    return replace(found, count=count, late=late)


def _add(counts: dict[str, int], name: str, count: int) -> None:
    counts[name] = counts.get(name, 0) + count


def states_of(name: str) -> Sequence[str]:
    """What a word of the address stands for."""
    return GROUPS.get(name, (name,))


#: Words for several states.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "open": ("proposed", "reviewed", "released"),
    "drafted": ("proposed", "reviewed"),
}
