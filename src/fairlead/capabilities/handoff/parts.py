"""Phases and countries of one deal: each is an engagement of its own, linked to the whole (F023).

The whole opens its parts with messages to ourselves, waits until all are set up, and lets them go
when it is launched. Each part has its own entity, currency, tax, billing and ledger.
"""

from __future__ import annotations

from fairlead.capabilities.handoff.changes import moved
from fairlead.capabilities.handoff.events import PART_MOVED, PART_OPENED
from fairlead.capabilities.handoff.firm import Firm
from fairlead.capabilities.handoff.planning import Setup
from fairlead.domain.model.engagement import Engagement, EngagementState
from fairlead.domain.rules.deal_terms import terms
from fairlead.domain.rules.phases import parts_of
from fairlead.flow.calls import Call, Done
from fairlead.flow.registry import Registry


def register(registry: Registry, firm: Firm) -> None:
    setup = Setup(firm)

    @registry.condition("in_parts")
    def in_parts(call: Call) -> bool:
        """Does the deal have phases that are set up apart?"""
        return bool(terms(call.subject).phases)

    @registry.condition("is_part")
    def is_part(call: Call) -> bool:
        """Is this a part of another engagement?"""
        return call.subject.parent is not None

    @registry.action("open_parts")
    def open_parts(call: Call) -> Done:
        """Open an engagement for each phase, linked to this one."""
        engagement: Engagement = call.subject
        parts = parts_of(terms(engagement))
        links = {
            f"parent_{name}": engagement.refs[name].model_dump(mode="json")
            for name in ("psa_project", "ledger_project")
            if name in engagement.refs
        }
        for number, part in enumerate(parts, 1):
            call.send(
                PART_OPENED,
                engagement=engagement.id,
                number=number,
                deal=part.model_dump(mode="json"),
                refs=links,
            )
        return Done({"parts": len(parts)})

    @registry.condition("parts_set_up")
    def parts_set_up(call: Call) -> bool:
        """Is every part set up? Else its word is waited for."""
        return all_set_up(call.subject)

    @registry.action("part_ready")
    def part_ready(call: Call) -> Done:
        """This part is set up; say so to the whole."""
        _say(call, EngagementState.AWAITING_LAUNCH)
        return Done({}, moved(EngagementState.AWAITING_LAUNCH))

    @registry.action("launch_part")
    def launch_part(call: Call) -> Done:
        """The whole is launched, and so is this part."""
        call.tell("engagement.launched", project_code=call.subject.project_code)
        _say(call, EngagementState.LAUNCHED)
        setup.tell_delivery(call)
        return Done({}, moved(EngagementState.LAUNCHED, launched_at=call.now))


def all_set_up(engagement: Engagement) -> bool:
    """Every phase has a part, and every part waits for the launch of the whole."""
    ready = (EngagementState.AWAITING_LAUNCH, EngagementState.LAUNCHED)
    there = [state for state in engagement.parts.values() if state in ready]
    return len(there) == len(terms(engagement).phases)


def _say(call: Call, state: EngagementState) -> None:
    engagement: Engagement = call.subject
    call.send(PART_MOVED, engagement=engagement.parent, part=engagement.id, state=state)
