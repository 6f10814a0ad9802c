"""Taking in a value that a person supplied for a field that the deal leaves blank (F005, F113)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from fairlead.domain.rules.deal_terms import Path, faults_of
from fairlead.domain.values import Provenance
from fairlead.errors import InvalidInput, Problem
from fairlead.store import engagements, runs
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
    runs.look_again(tx, [run.id])  # an open gate may have judged the deal without these values
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


def _pointer(path: Path, values: Mapping[str, Any]) -> str:
    """Where in the request the fault is: as far into the supplied value as it is there.

    What is missing cannot be pointed at; that which lacks it can (RFC 6901).
    """
    for field, value in values.items():
        parts = tuple(field.split("."))
        if path[: len(parts)] == parts:
            return "/".join(["/values", _escaped(field), *_inside(value, path[len(parts) :])])
    return "/values"


def _inside(value: Any, path: Path) -> list[str]:
    found: list[str] = []
    for part in path:
        if isinstance(value, dict) and part in value:
            value = cast("dict[Any, Any]", value)[part]
        elif (
            isinstance(value, list)
            and isinstance(part, int)
            and part < len(cast("list[Any]", value))
        ):
            value = cast("list[Any]", value)[part]
        else:
            break
        found.append(_escaped(str(part)))
    return found


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")
