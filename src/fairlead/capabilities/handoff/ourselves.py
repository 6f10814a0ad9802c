"""What runs say to other runs, through the inbox: the whole to its parts, a set-up to a change.

Nobody outside can send these. Each is taken in once, in one transaction, runs locked first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

from fairlead.capabilities.handoff.cancel import drop_parts
from fairlead.capabilities.handoff.changes import with_part
from fairlead.capabilities.handoff.events import (
    COMPARE,
    PART_MOVED,
    PART_OPENED,
    PARTS_DROPPED,
    PARTS_READY,
    PARTS_RELEASED,
    REOPENED,
    SET_UP,
)
from fairlead.capabilities.handoff.parts import all_set_up
from fairlead.capabilities.handoff.starting import end_waits, start_for, waits_ended
from fairlead.domain.ids import EngagementId, derived
from fairlead.domain.model.engagement import Engagement, EngagementState
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.values import ExternalRef
from fairlead.errors import NotFound
from fairlead.flow.changes import OURSELVES
from fairlead.flow.library import Library
from fairlead.store import engagements, inbox, journal, runs
from fairlead.store.database import Tx, database_time
from fairlead.store.inbox import Message
from fairlead.store.journal import Event

TakeIn = Callable[[Tx], str]

#: Takes in what a message says: its data, and the message. What became of it, in words.
Takes = Callable[[Tx, Mapping[str, Any], Message], str]


def both(*takers: Takes) -> Takes:
    """One after the other, in the transaction that takes the message in."""

    def take(tx: Tx, data: Mapping[str, Any], message: Message) -> str:
        return "; ".join([taker(tx, data, message) for taker in takers])

    return take


class Ourselves:
    """Takes in the messages that our own steps send."""

    def __init__(self, library: Library, others: Mapping[str, Takes] | None = None) -> None:
        """`others`: type of message → the capability that it is for."""
        self._library, self._others = library, others or {}

    def handle(self, message: Message) -> TakeIn:
        said = json.loads(message.body)
        type, data = said["type"], said["data"]
        match type:
            case _ if type == PART_OPENED:
                return lambda tx: self._open_part(tx, data, message.correlation)
            case _ if type == PART_MOVED:
                return lambda tx: self._part_moved(tx, data)
            case _ if type == PARTS_RELEASED:
                return lambda tx: self._each_part(tx, data, PARTS_RELEASED)
            case _ if type == PARTS_DROPPED:
                return lambda tx: self._drop_parts(tx, data)
            case _ if type == SET_UP:
                return lambda tx: self._tell_runs(tx, data["engagement"], SET_UP)
            case _ if type == REOPENED:
                return lambda tx: self._ask_anew(tx, data)
            case _ if type == COMPARE:
                return lambda tx: self._compare(tx, data, message)
            case _ if type in self._others:
                take = self._others[type]
                return lambda tx: take(tx, data, message)
            case _:
                raise NotFound(f"Nothing follows from our own message {type}.")

    def _open_part(self, tx: Tx, data: Mapping[str, Any], correlation: str) -> str:
        """A phase becomes an engagement of its own, linked to the whole."""
        whole, _ = self._locked(tx, data["engagement"])
        if whole.state is not EngagementState.IN_SETUP:  # given up before this was read
            return f"{whole.number} is {whole.state}: no part of it is opened"
        deal = Opportunity.model_validate_json(json.dumps(data["deal"]), strict=True)
        id = EngagementId(derived("engagement", deal.ref.system, deal.ref.id))
        now = database_time(tx)
        part = Engagement(
            id=id,
            number=f"{whole.number}-{data['number']}",
            state=EngagementState.RECEIVED,
            deal=deal,
            provenance=whole.provenance,
            refs={name: ExternalRef.model_validate(ref) for name, ref in data["refs"].items()},
            agreement=whole.agreement,
            parent=whole.id,
            opened_at=now,
        )
        if not engagements.add(tx, part):
            return f"{part.number} is open already"
        engagements.save(tx, [with_part(id, part.state)(whole)])
        event = Event(
            chain=id,
            type=PART_OPENED,
            at=now,
            actor="fairlead",
            attributes={"number": part.number},
            objects=[(id, "engagement", "opened"), (whole.id, "engagement", "part of")],
            correlation=correlation,
            region=deal.region,
        )
        journal.append(tx, [event])
        start_for(
            tx,
            self._library,
            PART_OPENED,
            part,
            correlation=correlation,
            input={},
            occurrence="1",
        )
        return f"{part.number} opened"

    def _part_moved(self, tx: Tx, data: Mapping[str, Any]) -> str:
        """The part's own state counts: this word of it may be an old one."""
        whole, open_runs = self._locked(tx, data["engagement"])
        id = EngagementId(data["part"])
        state = engagements.load(tx, [id], lock=False)[id].state
        whole = with_part(id, state)(whole)
        engagements.save(tx, [whole])
        if not all_set_up(whole):
            return f"{whole.number}: a part is {state.replace('_', ' ')}"
        ended = end_waits(tx, self._library, open_runs, PARTS_READY, {})
        return f"{whole.number}: every part is set up{waits_ended(ended)}"

    def _each_part(self, tx: Tx, data: Mapping[str, Any], event: str) -> str:
        whole, _ = self._locked(tx, data["engagement"])
        ended = 0
        for part in sorted(whole.parts):
            _, open_runs = self._locked(tx, part)
            ended += end_waits(tx, self._library, open_runs, event, {})
        return f"{whole.number}: {ended} part{' goes' if ended == 1 else 's go'} on"

    def _drop_parts(self, tx: Tx, data: Mapping[str, Any]) -> str:
        whole, _ = self._locked(tx, data["engagement"])
        drop_parts(tx, whole.id, reason="the whole is not launched")
        return f"{whole.number}: its parts are dropped"

    def _tell_runs(self, tx: Tx, id: str, event: str) -> str:
        engagement, open_runs = self._locked(tx, id)
        ended = end_waits(tx, self._library, open_runs, event, {})
        return f"{engagement.number}: {event}{waits_ended(ended)}"

    def _ask_anew(self, tx: Tx, data: Mapping[str, Any]) -> str:
        """What waits for approval was to be approved as it stood; it is asked anew as it is now."""
        engagement, open_runs = self._locked(tx, data["engagement"])
        others = [run for run in open_runs if run != data["by"]]
        asked = runs.ask_again(tx, others)
        runs.wake(tx, others)
        return f"{engagement.number}: {asked} approvals are asked anew"

    def _compare(self, tx: Tx, data: Mapping[str, Any], message: Message) -> str:
        engagement, _ = self._locked(tx, data["engagement"])
        started = start_for(
            tx,
            self._library,
            COMPARE,
            engagement,
            correlation=message.correlation,
            input={},
            occurrence=derived("message", message.source, message.message),
        )
        return f"{engagement.number}: {started} comparisons started"

    @staticmethod
    def _locked(tx: Tx, id: str) -> tuple[Engagement, list[str]]:
        """The engagement and its open runs, locked. Raises `NotFound`."""
        open_runs = runs.of_subject(tx, id)
        for run in open_runs:
            runs.lock(tx, run)
        found = engagements.load(tx, [id], lock=True).get(EngagementId(id))
        if found is None:
            raise NotFound(f"There is no engagement {id}.")
        return found, open_runs


#: How often the systems of a launched engagement are compared, and how many at a time.
_EVERY = timedelta(days=1)
_AT_A_TIME = 20


def ask_for_comparisons(tx: Tx) -> int:
    """Have the systems of engagements compared whose turn it is; how many."""
    due = engagements.due_for_comparison(tx, _EVERY, _AT_A_TIME)
    for id in due:
        compare_now(tx, id)
    return len(due)


def compare_now(tx: Tx, id: EngagementId) -> None:
    """Have the systems of one engagement compared, once for each time that this is said."""
    name = str(uuid4())
    inbox.put(
        tx,
        source=OURSELVES,
        message=f"compare/{id}/{name}",
        kind="internal",
        queue="events",
        correlation=name,
        headers={},
        body=json.dumps({"type": COMPARE, "data": {"engagement": id}}).encode(),
    )
