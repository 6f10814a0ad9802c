"""What the playbook of a submission may name: its actions, gate and conditions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fairlead.capabilities.handoff.events import CONTRACT_CHANGED
from fairlead.capabilities.handoff.ourselves import Takes
from fairlead.capabilities.milestones import showing
from fairlead.capabilities.milestones.changing import take_in_contract
from fairlead.capabilities.milestones.deciding import (
    ACCEPTED,
    ANSWERED,
    STEP,
    HearsAcceptance,
    hear_answer,
)
from fairlead.capabilities.milestones.links import Mailing
from fairlead.capabilities.milestones.showing import OPENED, TOLD, hear_told
from fairlead.capabilities.milestones.submitting import POLICY, SUBMITTED, AcceptanceFacts
from fairlead.domain.gates import Blocked, Clear, Gap
from fairlead.domain.model.milestone import Accepts, Milestone
from fairlead.domain.values import Value
from fairlead.flow.calls import Call, Done, OutwardCall
from fairlead.flow.library import Library
from fairlead.flow.registry import Registry
from fairlead.ports.messages import Notice

#: What playbooks may start on or wait for, besides what is told from outside.
EVENTS = frozenset({SUBMITTED, ANSWERED, OPENED, "milestone.decided"})
#: The wait that ends with the client's answer.
_ANSWER = "client_answer"
_NEW_LINK = "Each mail has a link of its own; the first answer by any of them ends them all."


def facts() -> Mapping[str, Callable[[Call], Value]]:
    """Policy → its facts, as they were when the milestone was submitted."""
    return {POLICY: lambda call: AcceptanceFacts.model_validate(call.input["facts"])}


def listeners(library: Library) -> Mapping[str, Takes]:
    """Type of our own messages → what takes it in."""
    return {
        ACCEPTED: HearsAcceptance(library),
        ANSWERED: hear_answer,
        TOLD: hear_told,
        CONTRACT_CHANGED: take_in_contract,
    }


def register(
    registry: Registry, mailing: Callable[[], Mailing], firm: str, look: showing.Look
) -> None:
    """`mailing`: asked when a mail is sent. `firm`: our name, as the client knows it. `look`: the
    milestones of an engagement, as they are committed."""
    showing.register(registry, look)

    @registry.condition("client_accepts")
    def client_accepts(call: Call) -> bool:
        """Does the client accept it, and not a role of ours?"""
        return call.input.get("accepts") == Accepts.CLIENT

    @registry.condition("client_has_answered")
    def client_has_answered(call: Call) -> bool:
        return bool(call.results.get(_ANSWER))

    @registry.gate("client_answer_is_there")
    def client_answer_is_there(call: Call) -> Clear | Blocked:
        """The client has answered; until then, somebody of ours has to ask."""
        if call.results.get(_ANSWER):
            return Clear()
        recipient = call.input["recipient"]
        gap = Gap(
            field="acceptance",
            problem=f"{recipient['name']} has not answered whether {call.input['name']} "
            "is accepted",
            owner="delivery-operations",
            remedy="ask them in person, or take the submission back and ask somebody else",
            suppliable=False,
        )
        return Blocked(gaps=(gap,))

    @registry.action("ask_client", on="mail", safe=_NEW_LINK)
    def ask_client(call: OutwardCall) -> Done:
        """The link by which the client's person looks at the milestone and answers."""
        return _mail(call, mailing(), firm, again=False)

    @registry.action("remind_client", on="mail", safe=_NEW_LINK)
    def remind_client(call: OutwardCall) -> Done:
        """Once more, with a new link, where no answer came."""
        return _mail(call, mailing(), firm, again=True)

    @registry.action("note_acceptance")
    def note_acceptance(call: Call) -> Done:
        """A person of ours has accepted it."""
        return _pass_on(call, accepted=True)

    @registry.action("send_milestone_back")
    def send_milestone_back(call: Call) -> Done:
        """A person of ours has not accepted it."""
        return _pass_on(call, accepted=False)


def _pass_on(call: Call, *, accepted: bool) -> Done:
    said = call.results[STEP]
    call.send(
        ANSWERED,
        milestone=call.input["milestone"],
        submission=call.input["submission"],
        accepted=accepted,
        by=said["by"],
        reason=said.get("reason", ""),
    )
    return Done({"accepted": accepted})


def _mail(call: OutwardCall, mailing: Mailing, firm: str, *, again: bool) -> Done:
    recipient = call.run.input["recipient"]
    milestone = mailing.asks(call.run.input)
    if milestone is None:
        return Done({"to": 0})  # answered or taken back meanwhile
    words = _words(call, milestone, firm, again=again)
    ref = call.once(
        "mail.send",
        request={"to": [recipient["email"]], "title": words.title},
        call=lambda key: call.port.send(
            (recipient["email"],),
            words.model_copy(update={"link": mailing.url(call.run.input)}),
            key=key,
        ),
        find=None,
    )
    return Done({"mail": str(ref), "to": 1})


def _words(call: OutwardCall, milestone: Milestone, firm: str, *, again: bool) -> Notice:
    recipient = call.run.input["recipient"]
    begins = "A reminder: " if again else ""
    until = str(call.run.input["link_until"])[:10]
    return Notice(
        title=f"{begins}{firm} asks you to accept: {milestone.name}"[:1000],
        text=f"Dear {recipient['name']},\n\n{firm} has finished {milestone.name} "
        f"({milestone.amount}) and asks you to accept it. The page behind the link shows the "
        "milestone and everything that proves it; you accept it there, or say what is missing."
        f"\n\nThe link is for you alone and works once, until {until}. You need no account.",
        link_text="Look at the milestone and answer",
    )
