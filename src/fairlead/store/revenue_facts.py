"""What revenue, margin and leakage follow from, read for many engagements at a time.

Each query adds up in the database what need not be told apart; nothing is rounded or converted
here. Work counts from its approval on, in the month that it is booked in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from fairlead.store.database import Tx

# The queries below are put together of the constants of this file only.

#: Approved by the end of the day, and booked in no later month. `e` is time or expense.
_COUNTS = """
e.engagement_id = ANY(%(ids)s) AND e.state = 'approved' AND e.day <= %(on)s
  AND (e.period IS NULL OR e.period <= %(on)s)
"""

# In which stage of the contract something lies: the last that had begun, or the first; the only
# one where none was noted yet.
_STAGE = """
LEFT JOIN LATERAL (
    SELECT t.valid_from FROM contract_terms t WHERE t.engagement_id = e.engagement_id
    ORDER BY t.valid_from <= e.day DESC,
             CASE WHEN t.valid_from <= e.day THEN e.day - t.valid_from END, t.valid_from
    LIMIT 1
) AS stage ON true
"""

# What an hour of a role, or of this person in it, is billed at on the day.
_BILL_RATE = """
LEFT JOIN LATERAL (
    SELECT r.per_hour FROM bill_rates r
    WHERE r.engagement_id = e.engagement_id AND r.role = e.role
      AND r.resource_id IN ('', e.resource_id) AND r.valid_from <= e.day
    ORDER BY r.resource_id = '', r.valid_from DESC LIMIT 1
) AS price ON true
"""

_DELIVERIES = """
SELECT engagement_id, number, name, client_name, region, legal_entity, currency, billing_method,
       revenue_method, starts_on, ends_on, body, closed_at
FROM deliveries WHERE engagement_id = ANY(%(ids)s) ORDER BY engagement_id
"""

# The stages of each contract that have begun; the first one always.
_TERMS = """
SELECT engagement_id, valid_from, price, currency, minutes, starts_on, ends_on, treatment
FROM contract_terms t WHERE engagement_id = ANY(%(ids)s) AND (valid_from <= %(on)s OR NOT EXISTS (
    SELECT 1 FROM contract_terms x
    WHERE x.engagement_id = t.engagement_id AND x.valid_from < t.valid_from))
ORDER BY engagement_id, valid_from
"""

_FORECASTS = """
SELECT engagement_id, made_on, minutes_left, minutes_done FROM forecasts
WHERE engagement_id = ANY(%(ids)s) AND made_on <= %(on)s ORDER BY engagement_id, made_on
"""

# Minutes by stage and by what an hour of the person costs; by month, for the exchange rate.
_WORK = f"""
SELECT e.engagement_id, coalesce(stage.valid_from, 'epoch') AS stage, cost.per_hour, cost.currency,
       date_trunc('month', e.day)::date AS month,
       CASE WHEN cost.per_hour IS NULL THEN e.resource_id END AS resource,
       sum(e.minutes)::int AS minutes
FROM time_entries e {_STAGE}
LEFT JOIN LATERAL (
    SELECT c.per_hour, c.currency FROM cost_rates c
    WHERE c.resource_id = e.resource_id AND c.valid_from <= e.day
    ORDER BY c.valid_from DESC LIMIT 1
) AS cost ON true
WHERE {_COUNTS} GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 5, 3, 6
"""  # noqa: S608

# What an item of time or expense is invoiced for in all: after discounts, caps and credits; what
# a retainer pays is no reduction. Written off, it is nothing.
_VALUE = """
SELECT sum(i.amount + coalesce(i.discount, 0) + coalesce(i.capped, 0)) AS amount
FROM invoice_items i JOIN invoices v ON v.id = i.invoice_id AND v.state <> 'discarded'
"""

# Billable time that is in no live invoice, by role, rate and length: each entry is rounded by
# itself when it is billed.
_UNBILLED = f"""
SELECT e.engagement_id, e.role, price.per_hour, e.minutes, count(*)::int AS entries
FROM time_entries e {_BILL_RATE}
WHERE {_COUNTS} AND e.billable AND NOT EXISTS (
    SELECT 1 FROM invoice_items i WHERE i.kind = 'time' AND i.item_id = e.id AND i.live)
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""  # noqa: S608

# Billable time that is in a live invoice, at what it is invoiced for.
_INVOICED = f"""
SELECT e.engagement_id, sum(e.minutes)::int AS minutes, sum(value.amount) AS amount
FROM time_entries e
JOIN invoice_items l ON l.kind = 'time' AND l.item_id = e.id AND l.live
JOIN LATERAL ({_VALUE} WHERE i.kind = 'time' AND i.item_id = e.id) AS value ON true
WHERE {_COUNTS} AND e.billable GROUP BY 1 ORDER BY 1
"""  # noqa: S608

# Expenses by stage: what the client repays as invoiced, else as claimed; and what stays with us.
_EXPENSES = f"""
SELECT e.engagement_id, coalesce(stage.valid_from, 'epoch') AS stage, e.billable,
       date_trunc('month', e.day)::date AS month, sum(e.claimed) AS claimed,
       sum(coalesce(value.amount, e.claimed)) AS amount
FROM expenses e {_STAGE}
LEFT JOIN LATERAL ({_VALUE} WHERE i.kind = 'expense' AND i.item_id = e.id AND EXISTS (
    SELECT 1 FROM invoice_items l WHERE l.kind = 'expense' AND l.item_id = e.id AND l.live)
) AS value ON true
WHERE {_COUNTS} GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""  # noqa: S608

# Days are those of the company's zone.
_MILESTONES = """
SELECT m.engagement_id, m.id, m.number, m.name, m.amount, m.currency, m.due_on, m.state,
       m.accepted_at,
       m.accepted_at IS NOT NULL
         AND (m.accepted_at AT TIME ZONE coalesce(%(zones)s::jsonb ->> d.legal_entity, 'UTC'))::date
             <= %(on)s AS accepted
FROM milestones m JOIN deliveries d USING (engagement_id)
WHERE m.engagement_id = ANY(%(ids)s) ORDER BY m.engagement_id, m.number
"""

_CHARGES = """
SELECT engagement_id, kind, amount, currency, due_on, starts_on, ends_on
FROM charges WHERE engagement_id = ANY(%(ids)s) AND cancelled_at IS NULL
ORDER BY engagement_id, due_on, id
"""

_BILLED = """
SELECT engagement_id, sum(net) AS amount FROM invoices
WHERE engagement_id = ANY(%(ids)s) AND state IN ('posted', 'paid') AND dated_on <= %(on)s
GROUP BY 1 ORDER BY 1
"""

# What of the price of milestones and fees was given up: reductions, prices that were credited
# without freeing the item, and reductions of a whole invoice that are no item's share.
_CONCESSIONS = """
WITH documents AS (
    SELECT id, engagement_id, kind FROM invoices
    WHERE engagement_id = ANY(%(ids)s) AND state IN ('released', 'posted', 'paid')
      AND dated_on <= %(on)s
)
SELECT engagement_id, sum(amount) AS amount FROM (
    SELECT d.engagement_id, coalesce(i.discount, 0) + coalesce(i.capped, 0)
        + CASE WHEN d.kind = 'credit' AND NOT coalesce(i.frees, true) THEN i.amount ELSE 0 END
        AS amount
    FROM documents d JOIN invoice_items i ON i.invoice_id = d.id
    WHERE i.kind IN ('milestone', 'charge')
    UNION ALL
    SELECT d.engagement_id, l.amount FROM documents d JOIN invoice_lines l ON l.invoice_id = d.id
    WHERE l.kind IN ('discount', 'cap', 'rounding')
    UNION ALL
    SELECT d.engagement_id, -coalesce(i.discount, 0) - coalesce(i.capped, 0)
    FROM documents d JOIN invoice_items i ON i.invoice_id = d.id
    WHERE EXISTS (SELECT 1 FROM invoice_lines l WHERE l.invoice_id = d.id
                  AND l.kind IN ('discount', 'cap', 'rounding'))
) AS given GROUP BY 1 ORDER BY 1
"""

# Work of others that was asked for.
_COMMITMENTS = """
SELECT subject_id AS engagement_id, request -> 'cost' ->> 'currency' AS currency,
       sum((request -> 'cost' ->> 'amount')::numeric) AS amount
FROM effects WHERE subject_id = ANY(%(ids)s) AND operation = 'procurement.create_requisition'
  AND state = 'confirmed' GROUP BY 1, 2 ORDER BY 1, 2
"""

# What suppliers have cost by now, on purchase orders.
_SPENT = f"""
SELECT e.engagement_id, sum(e.claimed) AS amount FROM expenses e
WHERE {_COUNTS} AND e.purchase_order IS NOT NULL GROUP BY 1 ORDER BY 1
"""  # noqa: S608

# What an hour of those who are assigned costs on the day.
_PLANNED = """
SELECT a.engagement_id, cost.per_hour, cost.currency, coalesce(sum(a.minutes), 0)::bigint AS minutes
FROM assignments a
JOIN LATERAL (
    SELECT c.per_hour, c.currency FROM cost_rates c WHERE c.resource_id = a.resource_id
      AND c.valid_from <= greatest(%(on)s, a.starts_on) ORDER BY c.valid_from DESC LIMIT 1
) AS cost ON true
WHERE a.engagement_id = ANY(%(ids)s) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""

Rows = Sequence[Mapping[str, Any]]

_QUERIES: dict[str, LiteralString] = {
    "terms": _TERMS,
    "forecasts": _FORECASTS,
    "work": _WORK,
    "unbilled": _UNBILLED,
    "invoiced": _INVOICED,
    "expenses": _EXPENSES,
    "milestones": _MILESTONES,
    "charges": _CHARGES,
    "billed": _BILLED,
    "concessions": _CONCESSIONS,
    "commitments": _COMMITMENTS,
    "spent": _SPENT,
    "planned": _PLANNED,
}


class Read:
    """The rows of one engagement, by query."""

    def __init__(self, delivery: Mapping[str, Any]) -> None:
        self.delivery = delivery
        self._rows: dict[str, list[Mapping[str, Any]]] = defaultdict(list)

    def add(self, query: str, row: Mapping[str, Any]) -> None:
        self._rows[query].append(row)

    def __getitem__(self, query: str) -> Rows:
        return self._rows[query]


# The invoices that items are in by now, or were: the live one first, then the newest.
_INVOICES = """
SELECT i.item_id, v.number, v.reference, v.state, v.kind, v.dated_on, v.paid_at, i.live
FROM invoice_items i JOIN invoices v ON v.id = i.invoice_id
WHERE i.kind = 'milestone' AND i.item_id = ANY(%s) AND v.state <> 'discarded'
ORDER BY i.item_id, i.live DESC, v.proposed_at DESC
"""


def invoices_of(tx: Tx, milestones: Sequence[Any]) -> dict[Any, Mapping[str, Any]]:
    """Milestone → the invoice that asks for it."""
    found: dict[Any, Mapping[str, Any]] = {}
    for row in tx.execute(_INVOICES, [list(milestones)]):
        if row["live"]:
            found.setdefault(row["item_id"], row)
    return found


def read(tx: Tx, ids: Sequence[str], on: date, zones: Mapping[str, str]) -> dict[str, Read]:
    """By engagement. Those that are not launched are not in it.

    on: at whose end. zones: legal entity → the zone that its days are counted in.
    """
    values = {"ids": list(ids), "on": on, "zones": Jsonb(dict(zones))}
    found = {row["engagement_id"]: Read(row) for row in tx.execute(_DELIVERIES, values)}
    for name, query in _QUERIES.items():
        for row in tx.execute(query, values):
            if row["engagement_id"] in found:
                found[row["engagement_id"]].add(name, row)
    return found
