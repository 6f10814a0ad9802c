"""From messages to engagements and runs: what each kind of message leads to.

A webhook or a poll is only word that something may have changed; what it now says is read from its
system, so that late, doubled and disordered messages all lead to the same state.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from fairlead.capabilities.handoff.deals import Deals
from fairlead.capabilities.handoff.events import (
    EVENTS,
    SOW_APPROVED,
    DealTold,
    StatusChanged,
)
from fairlead.capabilities.handoff.ourselves import Ourselves
from fairlead.capabilities.handoff.starting import end_waits, start_for, waits_ended
from fairlead.capabilities.handoff.subject import EngagementSubjects
from fairlead.domain.ids import EngagementId, derived
from fairlead.domain.model.agreement import Agreement, AgreementStatus
from fairlead.domain.model.contract import ContractStatus
from fairlead.domain.model.opportunity import Opportunity
from fairlead.errors import InvalidInput, Problem
from fairlead.flow.intake import Unknown
from fairlead.flow.library import Library
from fairlead.ports.contracts import AgreementChanged, Contracts
from fairlead.ports.crm import Crm, OpportunityChanged
from fairlead.ports.webhooks import ReadsWebhook
from fairlead.store import engagements, journal, runs
from fairlead.store.database import Tx, database_time
from fairlead.store.inbox import Message
from fairlead.store.journal import Event

TakeIn = Callable[[Tx], str]


@dataclass(frozen=True)
class Systems:
    """How the intake reaches the systems that tell it something. By a system's id.

    Raises `KeyError` for what is no such system of ours.
    """

    crm: Callable[[str], Crm]
    contracts: Callable[[str], Contracts]
    webhooks: Mapping[str, ReadsWebhook]


class Intake:
    """Handles the messages of the inbox (`flow.intake.Handler`)."""

    def __init__(
        self,
        library: Library,
        deals: Deals,
        ourselves: Ourselves,
        systems: Systems,
        others: Mapping[str, Callable[[Message], TakeIn]] | None = None,
    ) -> None:
        """`others`: kind of message → the capability that reads it."""
        self._library, self._deals, self._ourselves = library, deals, ourselves
        self._systems, self._others = systems, others or {}

    def handle(self, message: Message) -> TakeIn:
        match message.kind:
            case "webhook":
                return self._pushed(message)
            case "change":
                return self._read_deals(message, [json.loads(message.body)["opportunity"]])
            case "agreement":
                return self._read_agreements(message, [json.loads(message.body)["agreement"]])
            case kind if kind in self._others:
                return self._others[kind](message)
            case "internal":
                return self._ourselves.handle(message)
            case _:
                return self._event(message)

    def _pushed(self, message: Message) -> TakeIn:
        told = self._systems.webhooks[message.source](message.body)
        deals = [one.opportunity for one in told if isinstance(one, OpportunityChanged)]
        agreements = [one.agreement for one in told if isinstance(one, AgreementChanged)]
        taken = [
            self._read_deals(message, list(dict.fromkeys(deals))),
            self._read_agreements(message, list(dict.fromkeys(agreements))),
        ]
        some = [take for take, ids in zip(taken, (deals, agreements), strict=True) if ids]
        return lambda tx: "; ".join(take(tx) for take in some) or "nothing of ours"

    def _read_deals(self, message: Message, ids: Sequence[str]) -> TakeIn:
        found = [self._systems.crm(message.source).opportunity(id) for id in ids]

        def take_in(tx: Tx) -> str:
            outcomes = [
                self._deals.take_in(tx, deal, message.correlation)
                for deal in found
                if deal is not None
            ]
            return "; ".join(outcomes) or "nothing of ours"

        return take_in

    def _read_agreements(self, message: Message, ids: Sequence[str]) -> TakeIn:
        """A signed agreement that names its deal is word of that deal, too (F003, F028)."""
        read: list[tuple[Agreement, Opportunity | None]] = []
        for id in ids:
            agreement = self._systems.contracts(message.source).agreement(id)
            if agreement is not None:
                read.append((agreement, self._deal_of(agreement)))

        def take_in(tx: Tx) -> str:
            outcomes: list[str] = []
            for agreement, deal in read:
                if deal is not None:
                    outcomes.append(
                        self._deals.take_in(tx, deal, message.correlation, agreement=agreement)
                    )
                outcomes.append(self._deals.take_in_agreement(tx, agreement))
            return "; ".join(outcomes) or "there is no such agreement"

        return take_in

    def _deal_of(self, agreement: Agreement) -> Opportunity | None:
        if agreement.status is not AgreementStatus.SIGNED or agreement.deal is None:
            return None
        try:
            crm = self._systems.crm(agreement.deal.system)
        except KeyError:  # somebody wrote it by hand; the contract may still name the agreement
            return None
        return crm.opportunity(agreement.deal.id)

    def _event(self, message: Message) -> TakeIn:
        event = json.loads(message.body)
        type, data = event["type"], _data(event)
        if isinstance(data, StatusChanged):
            return lambda tx: self._status(tx, type, data, message)
        deal = data.deal
        if deal is None:
            assert data.system is not None
            assert data.opportunity is not None
            deal = self._systems.crm(data.system).opportunity(data.opportunity)
            if deal is None:
                raise Unknown(f"{data.system} has no deal {data.opportunity}.")
        if not _may_speak_of(message, deal.region):
            raise InvalidInput(
                "The sender may not open deals of this region.",
                [Problem("/data", "is of another region")],
            )
        known = _approved(deal) if type == SOW_APPROVED else deal
        return lambda tx: self._deals.take_in(tx, known, message.correlation)

    def _status(self, tx: Tx, type: str, data: StatusChanged, message: Message) -> str:
        found = tx.execute(
            "SELECT id FROM engagements WHERE id = %s OR number = %s",
            [data.engagement, data.engagement],
        ).fetchone()
        if found is None:
            raise Unknown(f"There is no engagement {data.engagement}.")
        id = EngagementId(found["id"])
        open_runs = runs.of_subject(tx, id)
        for run_id in open_runs:
            runs.lock(tx, run_id)
        engagement = engagements.load(tx, [id], lock=True)[id]
        if not _may_speak_of(message, engagement.deal.region):
            raise InvalidInput(
                "The sender may not speak of this engagement.",
                [Problem("/data/engagement", "is of another region")],
            )
        payload = data.model_dump(mode="json")
        journal.append(
            tx,
            [
                Event(
                    chain=id,
                    type=type,
                    at=database_time(tx),
                    actor=f"system:{message.source}",
                    attributes={"reference": data.reference or "", "message": message.message},
                    objects=list(EngagementSubjects().objects(engagement)),
                    correlation=message.correlation,
                    region=engagement.deal.region,
                )
            ],
        )
        woken = end_waits(tx, self._library, open_runs, type, payload)
        started = start_for(
            tx,
            self._library,
            type,
            engagement,
            correlation=message.correlation,
            input=payload,
            occurrence=derived("message", message.source, message.message),
        )
        begun = f"; {started} run{'' if started == 1 else 's'} started" if started else ""
        return f"{engagement.number}: {type}{waits_ended(woken)}{begun}"


def _approved(deal: Opportunity) -> Opportunity:
    """The deal as one whose statement of work is agreed: the sender says so (F003)."""
    contract = deal.contract
    if contract is None or contract.status in (ContractStatus.SIGNED, ContractStatus.CANCELLED):
        return deal
    agreed = contract.model_copy(update={"status": ContractStatus.APPROVED})
    return deal.model_copy(update={"contract": agreed})


def _may_speak_of(message: Message, region: str | None) -> bool:
    """A sender that is limited to regions speaks of these only (F141)."""
    regions = message.headers.get("regions")
    return regions is None or region in regions.split(",")


def _data(event: Mapping[str, Any]) -> DealTold | StatusChanged:
    """The event's data. The edge has checked it; a stored one of an older release may differ."""
    try:
        data = EVENTS[event["type"]].model_validate_json(json.dumps(event.get("data") or {}))
    except ValidationError as bad:
        problems = [
            Problem("/data/" + "/".join(map(str, error["loc"])), error["msg"][:200])
            for error in bad.errors()
        ]
        raise InvalidInput("The event's data is not of its type.", problems) from bad
    assert isinstance(data, DealTold | StatusChanged)
    return data
