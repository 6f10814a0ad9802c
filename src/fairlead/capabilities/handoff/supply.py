"""Taking in a value that a person supplied for a field that the deal leaves blank (F005, F113)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairlead.domain.rules.deal_terms import faults_of
from fairlead.domain.values import Provenance
from fairlead.errors import InvalidInput, Problem
from fairlead.store import engagements
from fairlead.store.database import Tx, database_time
from fairlead.store.runs import RunRow


def supply(
    tx: Tx, run: RunRow, gaps: list[dict[str, Any]], values: Mapping[str, Any], person: str
) -> None:
    """Keep the values with who gave them and when. The run has been locked.

    Raises `InvalidInput` naming each value that is not of its field's kind; then nothing is kept.
    """
    engagement = engagements.load(tx, [run.subject_id], lock=True)[run.subject_id]
    supplied = {**engagement.supplied, **values}
    faults = faults_of(engagement.deal, supplied)
    if faults:
        raise InvalidInput(
            "A supplied value does not fit its field.",
            [Problem(_pointer(path, values), rule) for path, rule in faults],
        )
    at = database_time(tx)
    given = {path: Provenance(source=f"person:{person}", at=at) for path in values}
    engagements.save(
        tx,
        [
            engagement.model_copy(
                update={
                    "supplied": supplied,
                    "provenance": {**engagement.provenance, **given},
                    "version": engagement.version + 1,
                }
            )
        ],
    )


def _pointer(path: str, values: Mapping[str, Any]) -> str:
    """Where in the request the fault is: the value whose field it lies in."""
    for field in values:
        if path == field or path.startswith(field + "."):
            inner = path.removeprefix(field).replace(".", "/")
            return (
                f"/values/{field}{inner}"
                if isinstance(values[field], dict | list)
                else (f"/values/{field}")
            )
    return "/values"
