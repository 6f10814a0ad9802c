"""What the rules say of entries as they are now: written anew whenever they are judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal
from uuid import UUID

from fairlead.domain.model.finding import Finding
from fairlead.store.database import Tx

Kind = Literal["time", "expense"]

_OF = """
SELECT item_id, rule, severity, value, remedy FROM findings
WHERE kind = %s AND item_id = ANY(%s) ORDER BY item_id, rule
"""

_FORGET = "DELETE FROM findings WHERE kind = %s AND item_id = ANY(%s)"

_COPY = "COPY findings (kind, item_id, rule, severity, value, remedy) FROM STDIN"


def of(tx: Tx, kind: Kind, ids: Iterable[UUID]) -> dict[UUID, list[Finding]]:
    """By entry; an entry of which nothing was found is missing."""
    found: dict[UUID, list[Finding]] = {}
    for row in tx.execute(_OF, [kind, sorted(set(ids))]).fetchall():
        one = Finding(
            item=row["item_id"],
            rule=row["rule"],
            severity=row["severity"],
            value=row["value"],
            remedy=row["remedy"],
        )
        found.setdefault(one.item, []).append(one)
    return found


def replace(tx: Tx, kind: Kind, ids: Iterable[UUID], findings: Sequence[Finding]) -> None:
    """Forget what was found of these entries, and keep what is found of them now.

    Whoever judges must hold the entries' rows, or two who judge at once would meet here.
    """
    tx.execute(_FORGET, [kind, sorted(set(ids))])
    if not findings:
        return
    with tx.cursor() as cursor, cursor.copy(_COPY) as copy:
        for one in findings:
            copy.write_row((kind, one.item, one.rule, one.severity.value, one.value, one.remedy))
