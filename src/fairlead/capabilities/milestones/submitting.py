"""Asking for acceptance: who accepts, by policy, and the run that carries the question."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from fairlead.capabilities.handoff.starting import start_for
from fairlead.capabilities.handoff.subject import facts_of
from fairlead.capabilities.milestones.telling import locked, tell
from fairlead.domain.ids import EngagementId
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.model.milestone import Accepts, Milestone, MilestoneState
from fairlead.domain.rules.deal_terms import terms
from fairlead.domain.rules.milestones import digest, move, must_have_evidence, shown, typed_name
from fairlead.domain.values import Exact, Value
from fairlead.errors import InvalidDefinition, InvalidInput, Problem
from fairlead.flow.cancel import give_up
from fairlead.flow.library import Library
from fairlead.flow.start import run_id
from fairlead.policy.tables import Decision, Policies, decide
from fairlead.store import acceptance_links, decisions, engagements, milestones
from fairlead.store.database import Tx, database_time
from fairlead.trust.acting import Acting
from fairlead.trust.principals import People

SUBMITTED = "milestone.submitted"
POLICY = "milestone-acceptance"
PLAYBOOK = "milestone-acceptance"
_ADDRESS = re.compile(r"[^\s@<>(),;:\\\"\[\]]{1,64}@[^\s@<>(),;:\\\"\[\]]{1,253}")


class AcceptanceFacts(Value):
    """What `milestone-acceptance` may ask. A blank is an empty text."""

    planned: str  #: client or internal, as the contract has it
    contract_type: str
    client: str
    client_tier: str
    region: str
    amount: Exact  #: in `currency`
    currency: str


class Recipient(Value):
    """The client's person who is asked."""

    name: Annotated[str, Field(min_length=1, max_length=400)]
    email: Annotated[str, Field(min_length=3, max_length=320)]


class Submitting:
    """Who asks for what, once per submission."""

    def __init__(self, library: Library, policies: Policies, people: People) -> None:
        self._library, self._policies, self._people = library, policies, people

    def foresee(self, engagement: Engagement, milestone: Milestone, now: datetime) -> Decision:
        """Who would be asked to accept it, if it were submitted now, and why."""
        facts = acceptance_facts(engagement, milestone)
        return decide(self._policies.as_of(POLICY, now), facts, now)

    def submit(
        self,
        tx: Tx,
        who: Acting,
        id: str,
        *,
        recipient: Recipient | None,
        version: int | None = None,
    ) -> Milestone:
        """Ask for acceptance of the milestone as it stands, with its evidence.

        `recipient`: needed where the policy has the client accept. Raises `NotFound`,
        `StaleVersion`, `IllegalMove`, `InvalidInput` (no evidence, or nobody to ask).
        """
        milestone = locked(tx, id, who, version)
        move(milestone, MilestoneState.SUBMITTED)
        must_have_evidence(milestone)
        now = database_time(tx)
        engagement = _engagement(tx, milestone)
        decision = self.foresee(engagement, milestone, now)
        accepts = Accepts(str(decision.answer["accepts"]))
        asked = self._asked(recipient) if accepts is Accepts.CLIENT else None
        submission = milestone.submission + 1
        saved = milestones.save(
            tx,
            milestone.model_copy(
                update={
                    "state": MilestoneState.SUBMITTED,
                    "accepts": accepts,
                    "submission": submission,
                    "submitted_by": who.id,
                    "submitted_at": now,
                    "run": self._run(engagement, id, submission),
                    "reason": None,
                }
            ),
        )
        _keep(tx, decision, saved)
        tell(
            tx,
            saved,
            SUBMITTED,
            at=now,
            actor=f"person:{who.id}",
            words={
                "accepts": str(accepts),
                "because": str(decision.answer.get("because") or ""),
                "digest": digest(saved),
                "evidence": [one.id for one in saved.evidence],
                "asked": f"{asked.name} <{asked.email}>" if asked else "",
            },
        )
        lasts = timedelta(days=int(str(decision.answer["link_days"])))
        start_for(
            tx,
            self._library,
            SUBMITTED,
            engagement,
            correlation=f"milestone/{id}/{submission}",
            input={
                "milestone": id,
                "submission": submission,
                "accepts": str(accepts),
                "digest": digest(saved),
                "name": saved.name,
                "recipient": asked.model_dump() if asked else None,
                "link_until": (now + lasts).isoformat(),
                "facts": acceptance_facts(engagement, milestone).model_dump(mode="json"),
                "shown": shown(saved),
                "at_stake": saved.amount.model_dump(mode="json"),
                "involved": _involved(saved),
            },
            occurrence=_occurrence(id, submission),
        )
        return saved

    def take_back(
        self, tx: Tx, who: Acting, id: str, *, reason: str, version: int | None = None
    ) -> Milestone:
        """Nobody is asked any more; evidence may be changed again. Raises as `submit`."""
        milestone = locked(tx, id, who, version)
        return reopened(tx, milestone, actor=f"person:{who.id}", reason=reason)

    def _asked(self, recipient: Recipient | None) -> Recipient:
        """Raises `InvalidInput`: nobody, or one of ours, who cannot accept for the client."""
        if recipient is None:
            raise InvalidInput(
                "The client accepts this milestone: say who is asked.",
                [Problem("/recipient", "has the name and the e-mail address of a person")],
            )
        name = typed_name(recipient.name, field="recipient/name")
        address = recipient.email.strip()
        if not _is_address(address):
            rule = "is an e-mail address, such as name@client.example"
            raise InvalidInput("Nobody can be reached there.", [Problem("/recipient/email", rule)])
        domain = _domain(address)
        ours = {_domain(person.email) for person in self._people.all() if person.email}
        if any(domain == own or domain.endswith(f".{own}") for own in ours):
            rule = "is an address of the client's, not of ours"
            raise InvalidInput(
                "Nobody of ours accepts for the client.", [Problem("/recipient/email", rule)]
            )
        return Recipient(name=name, email=address)

    def _run(self, engagement: Engagement, id: str, submission: int) -> str:
        """Of the playbook that carries the question."""
        names = [playbook.playbook for playbook in self._library.started_by(SUBMITTED)]
        if PLAYBOOK not in names:
            raise InvalidDefinition(f"No playbook {PLAYBOOK} starts on {SUBMITTED}.")
        return run_id(PLAYBOOK, engagement.id, _occurrence(id, submission))


def reopened(tx: Tx, milestone: Milestone, *, actor: str, reason: str) -> Milestone:
    """A submitted milestone (locked) that nobody is asked about any more. Raises `IllegalMove`."""
    move(milestone, MilestoneState.PLANNED)
    now = database_time(tx)
    saved = milestones.save(tx, milestone.model_copy(update={"state": MilestoneState.PLANNED}))
    acceptance_links.withdraw(tx, str(milestone.id), now)
    tell(tx, saved, "milestone.taken_back", at=now, actor=actor, words={"reason": reason})
    if milestone.run is not None:
        give_up(tx, milestone.run, reason=reason or "the submission was taken back")
    return saved


def acceptance_facts(engagement: Engagement, milestone: Milestone) -> AcceptanceFacts:
    facts, client = facts_of(engagement), terms(engagement).client
    return AcceptanceFacts(
        planned=milestone.accepts,
        contract_type=facts["contract_type"] or "",
        client=client.name if client else "",
        client_tier=facts["client_tier"] or "",
        region=facts["region"] or "",
        amount=milestone.amount.amount,
        currency=milestone.amount.currency,
    )


def _engagement(tx: Tx, milestone: Milestone) -> Engagement:
    return engagements.load(tx, [milestone.engagement], lock=False)[
        EngagementId(milestone.engagement)
    ]


def _keep(tx: Tx, decision: Decision, milestone: Milestone) -> None:
    row = {
        **decision.model_dump(include={"policy", "version", "row", "facts", "answer", "at"}),
        "id": f"{milestone.run}/{POLICY}",
        "run_id": milestone.run,
        "step": SUBMITTED,
        "subject_id": milestone.engagement,
    }
    decisions.add(tx, [row])


def _involved(milestone: Milestone) -> list[str]:
    """Who asks, and whoever gave evidence: they do not accept it themselves (F215)."""
    gave = {one.added_by for one in milestone.evidence if not one.added_by.startswith("system:")}
    return sorted(gave | {milestone.submitted_by or ""} - {""})


def _occurrence(id: str, submission: int) -> str:
    return f"{id}/{submission}"


def _domain(address: str) -> str:
    """Of the DNS: case and a dot at the end mean nothing (RFC 1034, 3.1)."""
    return address.rpartition("@")[2].casefold().rstrip(".")


def _is_address(text: str) -> bool:
    """Enough to be sent to; whether somebody reads there, only an answer tells."""
    return _ADDRESS.fullmatch(text) is not None and text.isprintable()
