"""A deal as it stands: what the CRM says, completed by what people supplied (F005)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from pydantic import ValidationError

from fairlead.domain.model.engagement import Engagement
from fairlead.domain.model.opportunity import Opportunity

Path = tuple[int | str, ...]


def value_at(record: Mapping[str, Any], path: str) -> Any:
    """What stands at a dotted path; None where any part of it is missing."""
    found: Any = record
    for part in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = cast("Mapping[str, Any]", found).get(part)
    return found


def is_blank(value: Any) -> bool:
    """Spaces are nothing said, too."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value == [] or value == ()


def in_use(deal: Opportunity, supplied: Mapping[str, Any]) -> frozenset[str]:
    """Paths of the supplied values that count, because the CRM says nothing there."""
    raw = deal.model_dump(mode="json")
    return frozenset(path for path in supplied if is_blank(value_at(raw, path)))


def complete(deal: Opportunity, supplied: Mapping[str, Any]) -> Opportunity:
    """The deal with the supplied values where the CRM says nothing.

    What the CRM says goes before: it owns its fields (F159). Raises `ValidationError` where a
    supplied value is not of its field's kind.
    """
    if not supplied:
        return deal
    raw = deal.model_dump(mode="json")
    for path, value in supplied.items():
        if not is_blank(value_at(raw, path)):
            continue
        *parents, last = path.split(".")
        holder: dict[str, Any] | None = raw
        for part in parents:
            inner: Any = holder.get(part) if holder is not None else None
            holder = cast("dict[str, Any]", inner) if isinstance(inner, dict) else None
        if holder is not None:
            holder[last] = value
    return Opportunity.model_validate_json(_as_json(raw), strict=True)


def terms(engagement: Engagement) -> Opportunity:
    """The deal that the handoff works with."""
    return complete(engagement.deal, engagement.supplied)


def faults_of(deal: Opportunity, supplied: Mapping[str, Any]) -> list[tuple[Path, str]]:
    """(path, rule) of each supplied value that cannot stand in its field.

    A path is the parts of it, from the deal inwards: names, and numbers in lists.
    """
    faults: list[tuple[Path, str]] = [
        (tuple(path.split(".")), "is blank") for path, value in supplied.items() if is_blank(value)
    ]
    try:
        complete(deal, supplied)
    except ValidationError as bad:
        told = {path for path, _ in faults}
        faults += [(e["loc"], e["msg"][:180]) for e in bad.errors() if e["loc"] not in told]
    return faults


def _as_json(raw: dict[str, Any]) -> str:
    return json.dumps(raw, default=str)
