"""Milestones with their evidence: what delivery hands over, and what proves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from fairlead.domain.model.milestone import Evidence, Milestone
from fairlead.domain.values import Money, minor_units
from fairlead.store import bulk
from fairlead.store.database import Tx

# A milestone with all evidence that was not withdrawn, in one row.
SELECT: LiteralString = """
SELECT x.id, x.engagement_id, x.number, x.name, x.amount, x.currency, x.due_on, x.state, x.accepts,
       x.clause, x.submission, x.submitted_by, x.submitted_at, x.run_id, x.accepted_by,
       x.accepted_at, x.digest, x.reason, x.region, x.ref, x.version,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                   'id', v.id, 'kind', v.kind, 'name', v.name, 'digest', v.digest, 'url', v.url,
                   'ref', v.ref, 'revision', v.revision, 'media_type', v.media_type,
                   'size', v.size, 'added_by', v.added_by, 'added_at', v.added_at)
                   ORDER BY v.added_at, v.id), '[]')
        FROM evidence v WHERE v.milestone_id = x.id AND v.withdrawn_at IS NULL) AS evidence
FROM milestones x
"""

_LOCK = SELECT + " WHERE x.id = %s FOR UPDATE OF x"
_GET = SELECT + " WHERE x.id = %s"
_OF_ENGAGEMENT = SELECT + " WHERE x.engagement_id = %s ORDER BY x.number"
_OF_ENGAGEMENT_LOCKED = _OF_ENGAGEMENT + " FOR UPDATE OF x"

_SAVE = """
UPDATE milestones SET name = %(name)s, amount = %(amount)s, currency = %(currency)s,
    due_on = %(due_on)s, state = %(state)s, accepts = %(accepts)s, clause = %(clause)s,
    submission = %(submission)s, submitted_by = %(submitted_by)s, submitted_at = %(submitted_at)s,
    run_id = %(run_id)s, accepted_by = %(accepted_by)s, accepted_at = %(accepted_at)s,
    digest = %(digest)s, reason = %(reason)s, region = %(region)s, ref = %(ref)s,
    version = version + 1
WHERE id = %(id)s RETURNING version
"""

# The same evidence is there once; what was withdrawn comes back where a person gives it again.
_ADD_EVIDENCE = """
INSERT INTO evidence (id, milestone_id, kind, name, digest, url, ref, revision, media_type, size,
                      added_by, added_at)
VALUES (%(id)s, %(milestone)s, %(kind)s, %(name)s, %(digest)s, %(url)s, %(ref)s, %(revision)s,
        %(media_type)s, %(size)s, %(added_by)s, %(added_at)s)
ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, added_by = EXCLUDED.added_by,
    added_at = EXCLUDED.added_at, withdrawn_at = NULL
WHERE evidence.withdrawn_at IS NOT NULL AND %(again)s
"""

_WITHDRAW = """
UPDATE evidence SET withdrawn_at = %s
WHERE id = %s AND milestone_id = %s AND withdrawn_at IS NULL
"""


def add(tx: Tx, milestones: Sequence[Milestone]) -> None:
    """New ones, without evidence."""
    bulk.insert(tx, "milestones", [{**_columns(one), "version": one.version} for one in milestones])


def get(tx: Tx, id: str) -> Milestone | None:
    row = tx.execute(_GET, [id]).fetchone()
    return None if row is None else read(row)


def lock(tx: Tx, id: str) -> Milestone | None:
    """Locked until the transaction ends. Lock its run before it, where it has one."""
    row = tx.execute(_LOCK, [id]).fetchone()
    return None if row is None else read(row)


def of_engagement(tx: Tx, engagement: str, *, lock: bool = False) -> list[Milestone]:
    """By number."""
    query = _OF_ENGAGEMENT_LOCKED if lock else _OF_ENGAGEMENT
    return [read(row) for row in tx.execute(query, [engagement])]


def save(tx: Tx, milestone: Milestone) -> Milestone:
    """As it is from now on; its version grows. Evidence is not touched."""
    values = {**_columns(milestone), "id": milestone.id}
    values["ref"] = None if values["ref"] is None else Jsonb(values["ref"])
    row = tx.execute(_SAVE, values).fetchone()
    assert row is not None, "a milestone is never deleted"
    return milestone.model_copy(update={"version": row["version"]})


def add_evidence(tx: Tx, milestone: str, evidence: Evidence, *, again: bool) -> bool:
    """False: it was there, or was withdrawn and may not come back (`again`). Its id is a function
    of the milestone and of what it is."""
    values = {
        "again": again,
        **evidence.model_dump(mode="json", exclude={"ref"}),
        "milestone": milestone,
        "added_at": evidence.added_at,
        "ref": None if evidence.ref is None else Jsonb(evidence.ref.model_dump()),
    }
    return tx.execute(_ADD_EVIDENCE, values).rowcount == 1


def withdraw_evidence(tx: Tx, milestone: str, evidence: str, at: datetime) -> bool:
    """False: the milestone has no such evidence."""
    return tx.execute(_WITHDRAW, [at, evidence, milestone]).rowcount == 1


def read(row: Mapping[str, Any]) -> Milestone:
    """Of a row of `SELECT`."""
    fields = {
        name: value
        for name, value in row.items()
        if name in Milestone.model_fields and name not in ("amount", "evidence")
    }
    return Milestone(
        **fields,
        engagement=row["engagement_id"],
        run=row["run_id"],
        amount=_money(row["amount"], row["currency"]),
        evidence=tuple(Evidence.model_validate(one) for one in row["evidence"]),
    )


def _money(amount: Decimal, currency: str) -> Money:
    """With as many decimals as the currency has, or more where the amount has more."""
    least = -minor_units(currency)
    exponent = min(int(amount.normalize().as_tuple().exponent), least)
    return Money(amount=amount.quantize(Decimal(1).scaleb(exponent)), currency=currency)


def _columns(milestone: Milestone) -> dict[str, Any]:
    return {
        "id": str(milestone.id),
        "engagement_id": milestone.engagement,
        "number": milestone.number,
        "name": milestone.name,
        "amount": milestone.amount.amount,
        "currency": milestone.amount.currency,
        "due_on": milestone.due_on,
        "state": milestone.state,
        "accepts": milestone.accepts,
        "clause": milestone.clause,
        "submission": milestone.submission,
        "submitted_by": milestone.submitted_by,
        "submitted_at": milestone.submitted_at,
        "run_id": milestone.run,
        "accepted_by": milestone.accepted_by,
        "accepted_at": milestone.accepted_at,
        "digest": milestone.digest,
        "reason": milestone.reason,
        "region": milestone.region,
        "ref": milestone.ref.model_dump() if milestone.ref else None,
    }
