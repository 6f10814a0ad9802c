"""How an engagement changes: each gives it one version further."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.domain.ids import EngagementId
from fairlead.domain.model.document import FiledDocument
from fairlead.domain.model.engagement import (
    Acceptance,
    Engagement,
    EngagementState,
    Reading,
)
from fairlead.domain.values import ExternalRef

Change = Callable[[Engagement], Engagement]


def changed(engagement: Engagement, **update: Any) -> Engagement:
    return engagement.model_copy(update={**update, "version": engagement.version + 1})


def moved(state: EngagementState, **update: Any) -> Change:
    """In a state."""
    return lambda engagement: changed(engagement, state=state, **update)


def with_ref(name: str, ref: ExternalRef) -> Change:
    """With its record in another system."""
    return lambda engagement: changed(engagement, refs={**engagement.refs, name: ref})


def with_document(*documents: FiledDocument) -> Change:
    """With documents that were filed; one that is known by its reference is replaced."""

    def change(engagement: Engagement) -> Engagement:
        kept = {document.ref: document for document in (*engagement.documents, *documents)}
        return changed(engagement, documents=tuple(kept.values()))

    return change


def with_part(part: EngagementId, state: EngagementState) -> Change:
    """With one of its parts in a state."""
    return lambda engagement: changed(engagement, parts={**engagement.parts, part: state})


def with_readings(system: str, readings: Mapping[str, Reading]) -> Change:
    """With what a system was just found to say of some fields."""

    def change(engagement: Engagement) -> Engagement:
        merged = dict(engagement.readings)
        for field, reading in readings.items():
            merged[field] = {**merged.get(field, {}), system: reading}
        return changed(engagement, readings=merged)

    return change


def accepted(*acceptances: Acceptance) -> Change:
    """With the packet accepted by one side more; the last of each side counts."""

    def change(engagement: Engagement) -> Engagement:
        kept = {one.side: one for one in (*engagement.acceptances, *acceptances)}
        return changed(engagement, acceptances=tuple(kept.values()))

    return change
