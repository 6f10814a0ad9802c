"""The packet changes hands: sales hands it over, delivery takes it, both as it stands (F017)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fairlead.capabilities.handoff.changes import accepted, changed
from fairlead.capabilities.handoff.deals import with_deal
from fairlead.capabilities.handoff.events import CONTRACT_CHANGED, REOPENED
from fairlead.domain.model.engagement import Acceptance, Engagement, Side
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.rules.handover import digest
from fairlead.flow.calls import Call, Done
from fairlead.flow.registry import Registry


def acceptance(side: Side, engagement: Engagement, answer: Any, now: datetime) -> Acceptance:
    """What a person's answer says of the packet as it now is."""
    return Acceptance(side=side, by=answer["by"], at=now, digest=digest(engagement))


def register(registry: Registry) -> None:
    @registry.condition("set_up_ended")
    def set_up_ended(call: Call) -> bool:
        """Has the set-up come to its end, so that a change cannot meet it half way?"""
        return call.subject.state != "in_setup"

    @registry.action("note_handover")
    def note_handover(call: Call) -> Done:
        """Sales has handed the packet over as it stands."""
        answer = call.results["hand_over_packet"]
        given = acceptance(Side.SALES, call.subject, answer, call.now)
        call.tell("packet.accepted", side=given.side, digest=given.digest)
        return Done({"digest": given.digest}, accepted(given))

    @registry.action("take_in_change")
    def take_in_change(call: Call) -> Done:
        """What was agreed is now what the CRM says; the packet is open again for both sides."""
        deal = Opportunity.model_validate(call.input["deal"])

        def take_in(engagement: Engagement) -> Engagement:
            if deal.revision <= engagement.deal.revision:
                return engagement  # a later change was taken in meanwhile
            return changed(with_deal(engagement, deal))

        call.tell("packet.reopened", fields=list(call.input["fields"]))
        call.send(REOPENED, engagement=call.subject.id, by=call.run.id)
        call.send(CONTRACT_CHANGED, engagement=call.subject.id)
        return Done({"fields": list(call.input["fields"])}, take_in)

    @registry.action("note_acceptances")
    def note_acceptances(call: Call) -> Done:
        """Both sides hold the packet as it now is."""
        given = [
            acceptance(side, call.subject, call.results[step], call.now)
            for side, step in (
                (Side.SALES, "hand_over_packet"),
                (Side.DELIVERY, "accept_packet"),
            )
        ]
        for one in given:
            call.tell("packet.accepted", side=one.side, digest=one.digest)
        return Done({"digest": given[0].digest}, accepted(*given))
