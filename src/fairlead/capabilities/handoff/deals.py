"""What becomes of a deal: an engagement in review, a handoff, or a change of what was agreed.

Each deal is one engagement, whoever tells of it and how often. Every method works in the caller's
transaction and locks the runs before their engagement, as bursts do.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from fairlead.capabilities.handoff.changes import changed
from fairlead.capabilities.handoff.events import CHANGED, CLOSED_WON, IN_REVIEW
from fairlead.capabilities.handoff.ownership import Ownership
from fairlead.capabilities.handoff.starting import start_for
from fairlead.capabilities.handoff.subject import EngagementSubjects, facts_of
from fairlead.capabilities.handoff.triggers import Then, trigger
from fairlead.domain.ids import EngagementId, derived
from fairlead.domain.model.agreement import Agreement
from fairlead.domain.model.contract import ContractStatus
from fairlead.domain.model.engagement import Engagement, EngagementState
from fairlead.domain.model.opportunity import Opportunity, OpportunityStage
from fairlead.domain.rules.deal_terms import complete, in_use, is_blank, terms
from fairlead.domain.rules.handover import difference, told
from fairlead.domain.rules.ownership import owns
from fairlead.domain.values import Money, Provenance
from fairlead.flow.cancel import give_up
from fairlead.flow.library import Library
from fairlead.policy.tables import Decision, Policies
from fairlead.store import decisions, engagements, exceptions, inbox, journal, runs
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event
from fairlead.work.words import CauseClass, ExceptionAction, NewException

#: States in which what was agreed has begun to be carried into other systems.
_SET_UP = frozenset(
    {EngagementState.IN_SETUP, EngagementState.AWAITING_LAUNCH, EngagementState.LAUNCHED}
)

#: A deal's facts → the system that holds its contract; None where the firm has none for it.
ContractSystem = Callable[[Engagement], str | None]


def engagement_id(system: str, opportunity: str) -> EngagementId:
    return EngagementId(derived("engagement", system, opportunity))


class Deals:
    """Takes deals and agreements in."""

    def __init__(
        self,
        library: Library,
        policies: Policies,
        ownership: Ownership,
        contract_system: ContractSystem,
    ) -> None:
        self._library, self._policies, self._ownership = library, policies, ownership
        self._contract_system = contract_system

    def take_in(
        self, tx: Tx, deal: Opportunity, correlation: str, agreement: Agreement | None = None
    ) -> str:
        """Open the engagement of a deal that has come so far, or take in what changed."""
        id = engagement_id(deal.ref.system, deal.ref.id)
        open_runs = _lock_runs(tx, id)
        known = engagements.load(tx, [id], lock=True).get(id)
        if known is None:
            return self._new(tx, id, deal, correlation, agreement)
        agreement = agreement or known.agreement
        if known.state is EngagementState.IN_REVIEW:
            return self._reviewed(tx, known, deal, correlation, agreement, open_runs)
        return self._changed(tx, known, deal, correlation, open_runs)

    def take_in_agreement(self, tx: Tx, agreement: Agreement) -> str:
        """What the system now says that holds the contract; gates look again (F027, F028)."""
        found = engagements.of_agreement(tx, agreement.ref.system, agreement.ref.id)
        outcomes: list[str] = []
        for id in found:
            open_runs = _lock_runs(tx, id)
            known = engagements.load(tx, [id], lock=True)[id]
            if known.agreement is not None and agreement.revision <= known.agreement.revision:
                outcomes.append(f"{known.number} knows this already")
                continue
            engagements.save(tx, [changed(known, agreement=agreement)])
            self._tell(
                tx,
                known,
                "agreement.changed",
                actor=f"system:{agreement.ref.system}",
                attributes={"agreement": str(agreement.ref), "status": agreement.status},
            )
            runs.look_again(tx, open_runs)
            runs.wake(tx, open_runs)
            outcomes.append(f"{known.number}: the agreement is {agreement.status}")
        return "; ".join(outcomes) or "no engagement of ours has this agreement"

    # a deal that we do not know

    def _new(
        self,
        tx: Tx,
        id: EngagementId,
        deal: Opportunity,
        correlation: str,
        agreement: Agreement | None,
    ) -> str:
        now = database_time(tx)
        then, decision = trigger(self._policies, deal, agreement, now)
        if then is Then.NONE:
            return f"{deal.ref} is {deal.stage}; nothing to hand off: {decision.answer['because']}"
        handoff = then is Then.HANDOFF
        engagement = Engagement(
            id=id,
            number=engagements.next_number(tx),
            state=EngagementState.RECEIVED if handoff else EngagementState.IN_REVIEW,
            deal=deal,
            provenance=_provenance(deal),
            agreement=agreement,
            opened_at=now,
        )
        if not engagements.add(tx, engagement):  # by somebody else just now, who may know less
            return self.take_in(tx, deal, correlation, agreement)
        event = CLOSED_WON if handoff else IN_REVIEW
        self._decided(tx, engagement, decision)
        self._tell(
            tx,
            engagement,
            event,
            actor=f"system:{deal.ref.system}",
            attributes={
                "deal": str(deal.ref),
                "revision": deal.revision,
                "because": str(decision.answer["because"]),
            },
            correlation=correlation,
        )
        self._ask_for_agreement(tx, engagement, correlation)
        self._start(tx, event, engagement, correlation)
        return f"{engagement.number} opened" + ("" if handoff else " for review")

    # a deal that delivery looks at beforehand

    def _reviewed(
        self,
        tx: Tx,
        known: Engagement,
        deal: Opportunity,
        correlation: str,
        agreement: Agreement | None,
        open_runs: list[str],
    ) -> str:
        newest = deal if deal.revision >= known.deal.revision else known.deal
        then, decision = trigger(self._policies, newest, agreement, database_time(tx))
        if deal.revision <= known.deal.revision and then is not Then.HANDOFF:
            return f"{known.number} knows this already"
        if then is Then.HANDOFF:
            for run in open_runs:
                give_up(tx, run, reason="the deal went ahead")
            self._go_ahead(tx, known, newest, agreement, decision, correlation)
            return f"{known.number} goes from review to handoff"
        lost = deal.stage is OpportunityStage.LOST
        now_known = changed(
            with_deal(known, deal),
            state=EngagementState.CANCELLED if lost else known.state,
            agreement=agreement,
        )
        engagements.save(tx, [now_known])
        if lost:
            for run in open_runs:
                give_up(tx, run, reason="the deal is lost")
        else:
            runs.look_again(tx, open_runs)
            runs.wake(tx, open_runs)
        return f"{known.number} is {now_known.state}"

    def _go_ahead(
        self,
        tx: Tx,
        known: Engagement,
        deal: Opportunity,
        agreement: Agreement | None,
        decision: Decision,
        correlation: str,
        occurrence: str = "1",
    ) -> None:
        """What was only looked at is handed off, as the same engagement."""
        engagement = changed(
            with_deal(known, deal), state=EngagementState.RECEIVED, agreement=agreement
        )
        engagements.save(tx, [engagement])
        self._decided(tx, engagement, decision)
        self._tell(
            tx,
            engagement,
            CLOSED_WON,
            actor=f"system:{deal.ref.system}",
            attributes={"because": str(decision.answer["because"])},
            correlation=correlation,
        )
        self._ask_for_agreement(tx, engagement, correlation)
        self._start(tx, CLOSED_WON, engagement, correlation, occurrence)

    # a deal whose handoff has begun

    def _changed(
        self,
        tx: Tx,
        known: Engagement,
        deal: Opportunity,
        correlation: str,
        open_runs: list[str],
    ) -> str:
        """The deal of an engagement says something new."""
        if deal.revision <= known.deal.revision:
            return f"{known.number} knows this already"
        # both sides completed alike: a value that a person supplied is no change of the CRM's
        found = difference(terms(known), complete(deal, known.supplied))
        if known.state is EngagementState.RECEIVED:
            return self._take_in_change(tx, known, deal, found, correlation, open_runs)
        then, decision = trigger(self._policies, deal, known.agreement, database_time(tx))
        lost = then is not Then.HANDOFF
        was_lost = known.deal.stage is OpportunityStage.LOST
        if known.state is EngagementState.CANCELLED and was_lost and not lost:
            self._go_ahead(
                tx, known, deal, known.agreement, decision, correlation, occurrence=deal.revision
            )
            return f"{known.number} is won after all"
        if lost and known.state in _SET_UP:
            self._ask_about_loss(tx, known, deal)
            return f"{known.number}: a person must look at the change"
        if not lost and self._asked_already(tx, known, found, open_runs):
            return f"{known.number}: a person is asked about this change already"
        if found and not lost and all(self._crm_owns(field, known) for field in found):
            return self._take_in_owned(tx, known, deal, found)
        if found and not lost and known.state in _SET_UP:
            self._ask_about_change(tx, known, deal, found, correlation)
            return f"{known.number}: a person must look at the change"
        return f"{known.number}: nothing that was agreed has changed"

    def _take_in_change(
        self,
        tx: Tx,
        known: Engagement,
        deal: Opportunity,
        found: dict[str, Any],
        correlation: str,
        open_runs: list[str],
    ) -> str:
        """Nothing is set up yet. What was approved was approved as it stood: it is asked anew."""
        engagement = changed(with_deal(known, deal))
        engagements.save(tx, [engagement])
        self._tell(
            tx,
            engagement,
            "opportunity.changed",
            actor=f"system:{deal.ref.system}",
            attributes={"fields": sorted(found), "revision": deal.revision},
        )
        self._ask_for_agreement(tx, engagement, correlation)
        if found and runs.answered(tx, open_runs):
            for run in open_runs:
                give_up(tx, run, reason="the deal changed; it is looked at anew")
            self._start(tx, CLOSED_WON, engagement, correlation, occurrence=deal.revision)
        else:
            runs.look_again(tx, open_runs)
            runs.wake(tx, open_runs)
        return f"{known.number} took in a change of {', '.join(sorted(found)) or 'nothing'}"

    def _crm_owns(self, field: str, known: Engagement) -> bool:
        return owns(self._ownership.fields, "crm", f"deal.{field}", known.state)

    def _take_in_owned(
        self, tx: Tx, known: Engagement, deal: Opportunity, found: dict[str, Any]
    ) -> str:
        """What the CRM goes on owning flows from it, and nobody is asked (F160)."""
        engagement = changed(with_deal(known, deal))
        engagements.save(tx, [engagement])
        self._tell(
            tx,
            engagement,
            "opportunity.changed",
            actor=f"system:{deal.ref.system}",
            attributes={"fields": sorted(found), "revision": deal.revision},
        )
        return f"{known.number} took in a change of {', '.join(sorted(found))}"

    def _ask_about_change(
        self,
        tx: Tx,
        known: Engagement,
        deal: Opportunity,
        found: dict[str, Any],
        correlation: str,
    ) -> None:
        """What was set up is not changed behind anybody's back (F115)."""
        start_for(
            tx,
            self._library,
            CHANGED,
            known,
            correlation=correlation,
            input={
                "deal": deal.model_dump(mode="json"),
                "shown": {"difference": found},
                "fields": sorted(found),
                "at_stake": _larger(terms(known).value, deal.value),
            },
            occurrence=deal.revision,
        )

    def _asked_already(
        self, tx: Tx, known: Engagement, found: dict[str, Any], open_runs: list[str]
    ) -> bool:
        """Is just this difference before a person? A question that the CRM has overtaken ends."""
        asking = {playbook.playbook for playbook in self._library.started_by(CHANGED)}
        asked = False
        for run in (runs.get(tx, id) for id in open_runs):
            if run.playbook not in asking or run.input["deal"]["revision"] <= known.deal.revision:
                continue  # of something else, or taken in already
            if found and run.input["shown"]["difference"] == found:
                asked = True
            else:
                give_up(tx, run.id, reason="the deal changed again")
        return asked

    @staticmethod
    def _ask_about_loss(tx: Tx, known: Engagement, deal: Opportunity) -> None:
        exceptions.open_one(
            tx,
            NewException(
                cause=f"deal-changed:{known.id}",
                cause_class=CauseClass.CONFLICT,
                team="delivery-operations",
                title=f"The deal of {known.number} is no longer won",
                detail=f"{deal.ref} now says: no longer won",
                remedy="Agree what holds. Cancel the run, or win the deal again in the CRM; then "
                "dismiss this.",
                opened_at=database_time(tx),
                actions=(ExceptionAction.DISMISS, ExceptionAction.ASSIGN),
                difference={"stage": {"ours": known.deal.stage, "theirs": deal.stage}},
                system=deal.ref.system,
                subject_id=known.id,
                region=terms(known).region,
                at_risk=terms(known).value,
            ),
        )

    # small helpers

    def _start(
        self,
        tx: Tx,
        event: str,
        engagement: Engagement,
        correlation: str,
        occurrence: str = "1",
    ) -> None:
        start_for(
            tx,
            self._library,
            event,
            engagement,
            correlation=correlation,
            input={},
            occurrence=occurrence,
        )

    def _ask_for_agreement(self, tx: Tx, engagement: Engagement, correlation: str) -> None:
        """Have the contract read where it is kept, on that system's own queue: a deal does not
        wait for a signature service that is down."""
        contract = engagement.deal.contract
        system = self._contract_system(engagement)
        if contract is None or contract.agreement is None or system is None:
            return
        inbox.put(
            tx,
            source=system,
            message=f"agreement:{contract.agreement}@{engagement.id}@{engagement.deal.revision}",
            kind="agreement",
            queue=system,
            correlation=correlation,
            headers={},
            body=json.dumps({"agreement": contract.agreement}).encode(),
        )

    @staticmethod
    def _decided(tx: Tx, engagement: Engagement, decision: Decision) -> None:
        """A decision that was made before there was a run."""
        row = decision.model_dump(mode="json") | {
            "id": derived("decision", engagement.id, decision.policy, decision.at.isoformat()),
            "run_id": None,
            "step": None,
            "subject_id": engagement.id,
            "at": decision.at,
        }
        decisions.add(tx, [row])

    @staticmethod
    def _tell(
        tx: Tx,
        engagement: Engagement,
        type: str,
        *,
        actor: str,
        attributes: dict[str, Any],
        correlation: str | None = None,
    ) -> None:
        event = Event(
            chain=engagement.id,
            type=type,
            at=database_time(tx),
            actor=actor,
            attributes=attributes,
            objects=list(EngagementSubjects().objects(engagement)),
            correlation=correlation,
            region=facts_of(engagement)["region"],
        )
        journal.append(tx, [event])


def with_deal(known: Engagement, deal: Opportunity) -> Engagement:
    """The engagement with what the CRM now says, and who said each field. Not a version further."""
    kept = {
        path: source
        for path, source in known.provenance.items()
        if source.source.startswith("person:")
        and path in in_use(deal, known.supplied)  # what the CRM now says is the CRM's
    }
    agreed = _still_approved(known.deal, deal)
    return known.model_copy(update={"deal": agreed, "provenance": {**_provenance(deal), **kept}})


def _still_approved(known: Opportunity, deal: Opportunity) -> Opportunity:
    """A statement of work that an event called agreed stays so while the CRM is silent on it."""
    before, after = known.contract, deal.contract
    said_nothing = (ContractStatus.DRAFT, ContractStatus.IN_APPROVAL)
    if (
        before is None
        or after is None
        or before.status is not ContractStatus.APPROVED
        or after.status not in said_nothing
    ):
        return deal
    approved = after.model_copy(update={"status": ContractStatus.APPROVED})
    return deal.model_copy(update={"contract": approved})


def _larger(ours: Money | None, theirs: Money | None) -> dict[str, Any] | None:
    """What accepting a change commits: the larger of what was agreed and what is now said; the new
    one where the currency changed."""
    if theirs is None:
        return None
    same = ours is not None and ours.currency == theirs.currency
    larger = ours if same and ours is not None and ours.amount > theirs.amount else theirs
    return larger.model_dump(mode="json")


def _lock_runs(tx: Tx, id: EngagementId) -> list[str]:
    found = runs.of_subject(tx, id)
    for run in found:  # runs before their subject, as bursts lock
        runs.lock(tx, run)
    return found


def _provenance(deal: Opportunity) -> dict[str, Provenance]:
    """Every field that the CRM fills, by its dotted path."""
    source = Provenance(source=deal.ref.system, at=deal.modified_at)
    return {path: source for path, value in told(deal).items() if not is_blank(value)}
