"""Approved time on its way to payroll. What is there is told by the effects of its sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from fairlead.domain.model.pay_sheet import PaySheet
from fairlead.domain.model.payroll_month import PayrollMonth, payroll_month_id
from fairlead.store import bulk
from fairlead.store.database import Tx

_FORM = """
INSERT INTO payroll_months (id, legal_entity, month, system, formed_at, compare_at)
VALUES (%(id)s, %(entity)s, %(month)s, %(system)s, %(at)s, %(at)s + interval '1 day')
ON CONFLICT (id) DO NOTHING
"""

# Approved time of a company's people that no sheet has: of this month, and what came to months
# after they were given to payroll.
_UNPAID = """
SELECT x.id, x.resource_id AS resource, x.day, x.minutes, x.category
FROM time_entries x JOIN resources p ON p.id = x.resource_id
WHERE p.legal_entity = %(entity)s AND x.state = 'approved'
  AND (x.period = %(month)s OR x.period < %(month)s AND EXISTS (
       SELECT FROM payroll_months m WHERE m.legal_entity = %(entity)s AND m.month = x.period))
  AND NOT EXISTS (SELECT FROM payroll_entries e WHERE e.entry_id = x.id)
ORDER BY x.resource_id, x.day, x.id
"""

# Each with the addresses that the people of its sheets have today.
_MONTHS = """
SELECT m.id, m.legal_entity, m.month, m.system,
       coalesce((SELECT json_object_agg(p.id, lower(p.email)) FROM payroll_sheets s
           JOIN resources p ON p.id = s.resource_id AND p.email IS NOT NULL
           WHERE s.payroll_month_id = m.id), '{}') AS emails
FROM payroll_months m WHERE m.id = ANY(%s)
"""

# Each sheet with its reference there; `settled`: it was there and approved when we asked.
_SHEETS = """
SELECT s.id, s.resource_id AS resource, s.lines, coalesce(e.ref ->> 'id', '') AS ref,
       (e.state = 'confirmed' AND a.state = 'confirmed' AND a.settled_at < %(asked_at)s) IS TRUE
       AS settled
FROM payroll_sheets s LEFT JOIN effects e ON e.key = 'payroll/' || s.id
LEFT JOIN effects a ON a.key = 'payroll/' || s.id || '/approve'
WHERE s.payroll_month_id = %(id)s ORDER BY s.resource_id
"""

# A company's people by their address, which nobody else has.
_PEOPLE = """
SELECT lower(email) AS email, min(id) AS id FROM resources
WHERE legal_entity = %s AND email IS NOT NULL GROUP BY 1 HAVING count(*) = 1
"""

# Months are compared daily until payroll has long paid them.
_DUE = """
UPDATE payroll_months SET compare_at = clock_timestamp() + %(every)s
WHERE id IN (SELECT id FROM payroll_months
    WHERE compare_at <= clock_timestamp() AND formed_at > clock_timestamp() - %(until)s
    ORDER BY compare_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING id
"""


def form(tx: Tx, entity: str, month: date, system: str, at: datetime) -> PayrollMonth | None:
    """None: the month was given to payroll before."""
    id = payroll_month_id(entity, month)
    told = {"id": id, "entity": entity, "month": month, "system": system, "at": at}
    if not tx.execute(_FORM, told).rowcount:
        return None
    return PayrollMonth(id=id, legal_entity=entity, month=month, system=system)


def unpaid(tx: Tx, of: PayrollMonth) -> list[Mapping[str, Any]]:
    """In the order of the people."""
    return list(tx.execute(_UNPAID, {"entity": of.legal_entity, "month": of.month}))


def keep(tx: Tx, of: PayrollMonth, sheets: Sequence[tuple[PaySheet, Sequence[Any]]]) -> None:
    """Sheets, each with the ids of the entries that it is made of."""
    rows = [
        {
            "id": sheet.id,
            "payroll_month_id": of.id,
            "resource_id": sheet.resource,
            "lines": [line.model_dump(mode="json") for line in sheet.lines],
        }
        for sheet, _ in sheets
    ]
    bulk.insert(tx, "payroll_sheets", rows)
    entries = [
        {"entry_id": str(entry), "sheet_id": sheet.id} for sheet, ids in sheets for entry in ids
    ]
    bulk.insert(tx, "payroll_entries", entries)


def months(tx: Tx, ids: Sequence[str]) -> dict[str, PayrollMonth]:
    rows = tx.execute(_MONTHS, [list(ids)])
    return {row["id"]: PayrollMonth.model_validate(row) for row in rows}


def sheets(tx: Tx, id: str, asked_at: datetime) -> list[Mapping[str, Any]]:
    return list(tx.execute(_SHEETS, {"id": id, "asked_at": asked_at}))


def people(tx: Tx, entity: str) -> dict[str, str]:
    """Address in small letters → the resource who has it."""
    return {row["email"]: row["id"] for row in tx.execute(_PEOPLE, [entity])}


def take_due(tx: Tx, every: timedelta, until: timedelta, limit: int) -> list[str]:
    """Months whose turn it is to be compared; the next turn of each is noted."""
    asked = {"every": every, "until": until, "limit": limit}
    return [row["id"] for row in tx.execute(_DUE, asked).fetchall()]
