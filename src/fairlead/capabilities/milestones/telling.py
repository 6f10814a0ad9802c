"""What happens to a milestone, as events on the chain of its engagement, and where it is locked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fairlead.domain.model.milestone import Milestone
from fairlead.errors import NotFound, StaleVersion
from fairlead.store import journal, milestones, runs
from fairlead.store.database import Tx
from fairlead.store.journal import Event, Relation
from fairlead.trust.acting import Acting


def locked(tx: Tx, id: str, who: Acting | None, version: int | None) -> Milestone:
    """The milestone, with the run of its last submission locked before it.

    `who`: null for what no person asks for. Raises `NotFound` (also for what they may not see),
    `StaleVersion` (`version` is not what it was).
    """
    before = milestones.get(tx, id)
    if before is not None and before.run is not None:
        runs.lock(tx, before.run)  # the run first: bursts lock in the same order
    found = milestones.lock(tx, id)
    if found is None or before is None or (who is not None and not who.sees(found.region)):
        raise NotFound("There is no such milestone.")
    if found.run != before.run or (version is not None and version != found.version):
        raise StaleVersion("The milestone was changed since you read it. Read it again.")
    return found


def tell(
    tx: Tx,
    milestone: Milestone,
    type: str,
    *,
    at: datetime,
    actor: str,
    objects: Sequence[Relation] = (),
    words: Mapping[str, Any] | None = None,
) -> None:
    """`words`: what the event says besides which milestone it is, and its state."""
    about: list[Relation] = [
        (str(milestone.id), "milestone", type.rpartition(".")[2]),
        (milestone.engagement, "engagement", "of"),
    ]
    if milestone.run is not None:
        about.append((milestone.run, "run", "of"))
    journal.append(
        tx,
        [
            Event(
                chain=milestone.engagement,
                type=type,
                at=at,
                actor=actor,
                attributes={
                    "number": milestone.number,
                    "name": milestone.name,
                    "state": milestone.state,
                    **(words or {}),
                },
                objects=[*about, *objects],
                region=milestone.region,
            )
        ],
    )
