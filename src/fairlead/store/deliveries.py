"""Launched engagements, as those who work on them and bill them need them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from fairlead.domain.model.delivery import Delivery
from fairlead.domain.rules.opening import Opening
from fairlead.store import bulk, milestones
from fairlead.store.database import Tx

_ADD = """
INSERT INTO deliveries (engagement_id, number, code, name, client_name, region, legal_entity,
    currency, contract_type, billing_method, revenue_method, starts_on, ends_on, body, opened_at,
    version)
SELECT engagement_id, number, code, name, client_name, region, legal_entity, currency,
    contract_type, billing_method, revenue_method, starts_on, ends_on, body, opened_at, version
FROM json_populate_record(NULL::deliveries, %s::json)
ON CONFLICT (engagement_id) DO NOTHING
"""

_BY_ID = (
    "SELECT engagement_id, body FROM deliveries WHERE engagement_id = ANY(%s) "
    "ORDER BY engagement_id"
)
_BY_ID_LOCKED = _BY_ID + " FOR UPDATE"

_BY_CODE = "SELECT engagement_id FROM deliveries WHERE code = ANY(%s) OR number = ANY(%s)"

_NAMED = """
SELECT engagement_id FROM deliveries
WHERE lower(code) = ANY(%(names)s) OR lower(number) = ANY(%(names)s)
   OR lower(name) = ANY(%(names)s) OR lower(engagement_id) = ANY(%(names)s)
   OR name = ANY(%(exact)s)  -- where the database's own lower() knows ASCII only
ORDER BY engagement_id
"""

_DROP_PACKAGES = "DELETE FROM work_packages WHERE engagement_id = %s AND code <> ALL(%s)"

_SAVE = """
UPDATE deliveries SET name = %(name)s, client_name = %(client_name)s, region = %(region)s,
    legal_entity = %(legal_entity)s, currency = %(currency)s, starts_on = %(starts_on)s,
    ends_on = %(ends_on)s, body = %(body)s, version = %(version)s
WHERE engagement_id = %(engagement_id)s
"""


def open_books(tx: Tx, opened: Opening, now: datetime) -> bool:
    """Write all that work and billing need. False where it was there: nothing is changed."""
    delivery = opened.delivery
    row = {**_row(delivery), "opened_at": now}
    if not tx.execute(_ADD, [json.dumps(row, default=bulk.plain)]).rowcount:
        return False
    of = {"engagement_id": delivery.engagement}
    bulk.insert(tx, "work_packages", _packages(delivery))
    bulk.insert(
        tx,
        "bill_rates",
        [
            {
                **of,
                "role": rate.role,
                "resource_id": rate.resource,
                "valid_from": rate.valid_from,
                "per_hour": rate.per_hour.amount,
                "currency": rate.per_hour.currency,
                "source": rate.source,
            }
            for rate in opened.rates
        ],
    )
    region = {"region": delivery.region or None}
    milestones.add(tx, [one.model_copy(update=region) for one in opened.milestones])
    bulk.insert(
        tx,
        "charges",
        [
            {
                **of,
                "id": str(charge.id),
                "kind": charge.kind,
                "name": charge.name,
                "due_on": charge.due_on,
                "starts_on": charge.period.start if charge.period else None,
                "ends_on": charge.period.end if charge.period else None,
                "amount": charge.amount.amount,
                "currency": charge.amount.currency,
                "clause": charge.clause,
                "source": charge.source,
                "region": delivery.region,
                "made_at": now,
            }
            for charge in opened.charges
        ],
    )
    return True


def load(tx: Tx, ids: Sequence[str], *, lock: bool = False) -> dict[str, Delivery]:
    """By engagement. Those that are not launched are not in it."""
    rows = tx.execute(_BY_ID_LOCKED if lock else _BY_ID, [list(ids)]).fetchall()
    return {row["engagement_id"]: Delivery.model_validate(row["body"]) for row in rows}


def find(tx: Tx, names: Sequence[str]) -> list[str]:
    """The engagements that go by these project codes or numbers."""
    rows = tx.execute(_BY_CODE, [list(names), list(names)]).fetchall()
    return [row["engagement_id"] for row in rows]


def named(tx: Tx, names: Sequence[str]) -> list[str]:
    """The engagements that go by these ids, codes, numbers or names; upper and lower case are
    alike."""
    lower = [name.lower() for name in names]
    return [
        row["engagement_id"]
        for row in tx.execute(_NAMED, {"names": lower, "exact": list(names)}).fetchall()
    ]


def save(tx: Tx, delivery: Delivery) -> None:
    """What a change of the contract makes of it; its version grows. It has been locked."""
    row = _row(delivery)
    tx.execute(_SAVE, {**row, "body": Jsonb(row["body"])})
    bulk.upsert(tx, "work_packages", _packages(delivery), keys=("engagement_id", "code"))
    codes = [package.code for package in delivery.packages]
    tx.execute(_DROP_PACKAGES, [delivery.engagement, codes])


def close(tx: Tx, id: str, at: datetime) -> None:
    """Nothing more is booked on it."""
    tx.execute("UPDATE deliveries SET closed_at = %s WHERE engagement_id = %s", [at, id])


def _row(delivery: Delivery) -> dict[str, Any]:
    columns = (
        "number", "code", "name", "client_name", "region", "legal_entity", "currency",
        "contract_type", "billing_method", "revenue_method", "starts_on", "ends_on", "version",
    )  # fmt: skip
    return {
        "engagement_id": delivery.engagement,
        **{name: getattr(delivery, name) for name in columns},
        "body": delivery.model_dump(mode="json"),
    }


def _packages(delivery: Delivery) -> list[Mapping[str, Any]]:
    return [
        {
            "engagement_id": delivery.engagement,
            "code": package.code,
            "name": package.name,
            "minutes": int(package.hours * 60),
            "starts_on": package.starts_on,
            "ends_on": package.ends_on,
            "billable": package.billable,
        }
        for package in delivery.packages
    ]
