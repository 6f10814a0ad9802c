"""Documents that appear in an engagement's folder become evidence of its milestones (F079).

The document system is polled; what it tells is only word that a document may be new. What it is
called and where it lies is read then, and the policy `evidence-convention` says by what a firm
tells which milestone a document belongs to.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from fairlead.capabilities.handoff.subject import facts_of
from fairlead.capabilities.milestones.evidence import add_document
from fairlead.capabilities.milestones.telling import locked
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.model.milestone import Milestone
from fairlead.domain.rules.milestones import OPEN, numbered
from fairlead.domain.values import ExternalRef, Value
from fairlead.policy.tables import Policies, decide
from fairlead.ports.documents import Documents, PlacedDocument
from fairlead.store import engagements, milestones, notifications
from fairlead.store.database import Tx, database_time
from fairlead.store.inbox import Message
from fairlead.work.words import Message as Word

KIND = "document"
POLICY = "evidence-convention"


class ConventionFacts(Value):
    """What `evidence-convention` may ask. A blank is an empty text."""

    region: str
    contract_type: str
    service_line: str


class HearsDocuments:
    """Reads word of a document, and links it to the milestone that it belongs to."""

    def __init__(self, policies: Policies, documents: Callable[[str], Documents]) -> None:
        """`documents`: by a system's id."""
        self._policies, self._documents = policies, documents

    def __call__(self, message: Message) -> Callable[[Tx], str]:
        id = json.loads(message.body)["document"]
        placed = self._documents(message.source).placed(id)

        def take_in(tx: Tx) -> str:
            return "it is gone" if placed is None else self._link(tx, message.source, placed)

        return take_in

    def _link(self, tx: Tx, system: str, placed: PlacedDocument) -> str:
        engagement = _engagement(tx, system, placed)
        if engagement is None:
            return "it lies in no folder of an engagement"
        id = self._milestone(tx, engagement, placed)
        if id is None:
            return f"{engagement.number}: it names none of its milestones"
        milestone = locked(tx, id, None, None)
        now = database_time(tx)
        known = {(one.ref, one.revision) for one in milestone.evidence}
        if (placed.ref, placed.revision) in known:
            return f"{engagement.number}: {milestone.name} has it already"
        if milestone.state not in OPEN:
            return _too_late(tx, engagement, milestone, placed)
        added = add_document(
            tx,
            milestone,
            ref=placed.ref,
            revision=placed.revision,
            name=placed.name,
            url=placed.url,
            system=system,
            now=now,
        )
        done = "is evidence of" if added else "was withdrawn from, or is already with,"
        return f"{engagement.number}: it {done} {milestone.name}"

    def _milestone(self, tx: Tx, engagement: Engagement, placed: PlacedDocument) -> str | None:
        """By the names of the folders below the engagement's, the innermost first, or its own."""
        facts, now = facts_of(engagement), database_time(tx)
        decision = decide(
            self._policies.as_of(POLICY, now),
            ConventionFacts(
                region=facts["region"] or "",
                contract_type=facts["contract_type"] or "",
                service_line=facts["service_line"] or "",
            ),
            now,
        )
        words = [word.strip() for word in str(decision.answer["begins_with"]).split(",")]
        where = str(decision.answer["look_at"])
        names = _names(engagement, placed, where)
        numbers = {one.number: one for one in milestones.of_engagement(tx, engagement.id)}
        found = next((n for n in (numbered(name, words) for name in names) if n in numbers), None)
        return None if found is None else str(numbers[found].id)


def _names(engagement: Engagement, placed: PlacedDocument, where: str) -> Sequence[str]:
    home = engagement.refs["folder"].id
    folders: list[str] = []
    for folder in placed.folders:
        if folder.id == home:
            break
        folders.append(folder.name)
    by_place = {"folder": folders, "name": [placed.name], "both": [*folders, placed.name]}
    return by_place[where]


def _engagement(tx: Tx, system: str, placed: PlacedDocument) -> Engagement | None:
    homes = [ExternalRef(system=system, kind="folder", id=one.id) for one in placed.folders]
    return engagements.of_folder(tx, homes)


def _too_late(tx: Tx, engagement: Engagement, milestone: Milestone, placed: PlacedDocument) -> str:
    """What is submitted or accepted keeps its evidence; whoever delivers it hears of the rest."""
    text = (
        f"{engagement.number} {milestone.name} is {milestone.state}, and {placed.name} came after "
        "that: it is no evidence of it unless the submission is taken back."
    )
    notifications.add(
        tx,
        [
            Word(
                role="project_manager",
                about="evidence_came_late",
                text=text,
                at=database_time(tx),
                subject_id=engagement.id,
                region=milestone.region,
                once=f"late/{milestone.id}/{placed.ref}/{placed.revision}",
            )
        ],
    )
    return f"{engagement.number}: {milestone.name} is {milestone.state}; it came too late"
