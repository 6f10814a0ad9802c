"""What happened to an invoice is heard by the runs of its engagement (F150)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairlead.capabilities.handoff.starting import end_waits, start_for
from fairlead.domain.ids import EngagementId, derived
from fairlead.errors import NotFound
from fairlead.flow.library import Library
from fairlead.store import engagements, runs
from fairlead.store.database import Tx
from fairlead.store.inbox import Message


class TellsEngagement:
    """Ends waits for the event and starts what it calls for; the event itself is told already."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def __call__(self, tx: Tx, data: Mapping[str, Any], message: Message) -> str:
        id, event = EngagementId(data["engagement"]), data["happened"]
        open_runs = runs.of_subject(tx, id)
        for run in open_runs:
            runs.lock(tx, run)
        engagement = engagements.load(tx, [id], lock=True).get(id)
        if engagement is None:
            raise NotFound(f"There is no engagement {id}.")
        payload = {"engagement": engagement.number, "reference": data["reference"]}
        woken = end_waits(tx, self._library, open_runs, event, payload)
        started = start_for(
            tx,
            self._library,
            event,
            engagement,
            correlation=message.correlation,
            input=payload,
            occurrence=derived("message", message.source, message.message),
        )
        return f"{engagement.number}: {event}; {woken} waits ended, {started} runs started"
