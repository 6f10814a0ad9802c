"""What an event does to runs: it starts those that it calls for, and ends waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fairlead.capabilities.handoff.subject import EngagementSubjects, facts_of
from fairlead.domain.model.engagement import Engagement
from fairlead.flow.library import Library
from fairlead.flow.start import start_run
from fairlead.store import runs
from fairlead.store.database import Tx


def start_for(
    tx: Tx,
    library: Library,
    event: str,
    engagement: Engagement,
    *,
    correlation: str,
    input: dict[str, Any],
    occurrence: str,
) -> int:
    """How many runs were started; those that were started before are not again."""
    started = [
        start_run(
            tx,
            library,
            playbook,
            subject_id=engagement.id,
            facts=facts_of(engagement),
            correlation=correlation,
            input=input,
            occurrence=occurrence,
            objects=tuple(EngagementSubjects().objects(engagement)),
        )
        for playbook in library.started_by(event)
    ]
    return sum(run is not None for run in started)


def waits_ended(count: int) -> str:
    """What a message did to runs that waited, to go after what it was; nothing where it did
    nothing."""
    return f"; {count} wait{'' if count == 1 else 's'} ended" if count else ""


def end_waits(
    tx: Tx, library: Library, open_runs: Sequence[str], event: str, payload: dict[str, Any]
) -> int:
    """End the waits for this type of event in runs that the caller has locked; how many."""
    ended = 0
    for run_id in open_runs:
        playbook = library.get(tx, runs.get(tx, run_id).digest)
        for step in playbook.steps:
            if step.event == event and runs.end_step(
                tx, run_id, step.name, 1, state="done", result=payload, because=f"{event} came"
            ):
                ended += 1
                runs.wake(tx, [run_id])
    return ended
