"""Starting a run: once per playbook, subject and occurrence, whoever says so and how often."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairlead.domain.ids import derived
from fairlead.flow.library import Library
from fairlead.flow.playbook import Playbook
from fairlead.flow.states import RunState
from fairlead.store import journal, runs
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event, Relation
from fairlead.store.runs import RunRow


def run_id(playbook: str, subject_id: str, occurrence: str) -> str:
    return derived("run", playbook, subject_id, occurrence)


def start_run(
    tx: Tx,
    library: Library,
    playbook: Playbook,
    *,
    subject_id: str,
    facts: Mapping[str, str | None],
    correlation: str,
    input: dict[str, Any],
    occurrence: str = "1",
    objects: tuple[Relation, ...] = (),
) -> str | None:
    """The new run's id; None where it was started before. It advances after the commit.

    `occurrence` tells runs for the same subject apart: the id of the event that starts it, where
    a playbook may run more than once for one subject.
    """
    id = run_id(playbook.playbook, subject_id, occurrence)
    compiled = library.fit(tx, playbook, facts)
    now = database_time(tx)
    started = runs.add_run(
        tx,
        RunRow(
            id=id,
            playbook=compiled.name,
            digest=compiled.digest,
            subject_type=compiled.subject,
            subject_id=subject_id,
            region=facts.get("region"),
            correlation=correlation,
            input=input,
            state=RunState.ACTIVE,
            started_at=now,
            ready_at=now,
        ),
    )
    if not started:
        return None
    attributes = {
        "playbook": compiled.name,
        "version": compiled.version,
        "variants": list(compiled.variants),
    }
    journal.append(
        tx,
        [
            Event(
                chain=subject_id,
                type="run.started",
                at=now,
                actor="fairlead",
                attributes=attributes,
                objects=[(id, "run", "started"), *objects],
                correlation=correlation,
                region=facts.get("region"),
            )
        ],
    )
    runs.notify(tx, "runs")
    return id
