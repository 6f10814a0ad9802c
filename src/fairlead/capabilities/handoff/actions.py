"""What the handoff does in the ledger, the project system and the CRM, and the launch itself."""

from __future__ import annotations

from fairlead.capabilities.handoff.changes import accepted, moved, with_ref
from fairlead.capabilities.handoff.events import PARTS_DROPPED, PARTS_RELEASED, SET_UP
from fairlead.capabilities.handoff.firm import Firm
from fairlead.capabilities.handoff.handover import acceptance
from fairlead.capabilities.handoff.planning import Setup
from fairlead.domain.ids import EffectKey, derived
from fairlead.domain.model.client import Client
from fairlead.domain.model.engagement import Engagement, EngagementState, Side
from fairlead.domain.rules.client_match import AskPerson, Match, identity, match
from fairlead.domain.rules.deal_terms import terms
from fairlead.domain.rules.project_setup import billing_schedule, staffing_requests
from fairlead.domain.values import ExternalRef
from fairlead.flow.calls import Call, Done, NeedsPerson, OutwardCall
from fairlead.flow.registry import Registry


def register(registry: Registry, firm: Firm) -> None:
    """Add the actions that carry an engagement into the ledger and the project system."""
    setup = Setup(firm)

    @registry.action(
        "match_client",
        on="ledger",
        safe="Matching reads. Creating goes through the effect ledger under a key made of the "
        "client's identity, so that two deals for one new client create one.",
    )
    def match_client(call: OutwardCall) -> Done:
        """Find the client in the ledger's master, or create it, never twice (F012)."""
        client = terms(call.subject).client
        assert client is not None
        with call.alone(f"client-master/{call.system}"):
            chosen = call.answer.get("choice")
            if chosen and chosen != "none":
                ref = ExternalRef(system=call.system, kind="customer", id=chosen)
                return Done({"client": str(ref), "because": "chosen"}, with_ref("client", ref))
            # who was said to be none of those alike is none of them, although it is called so
            known_by = str(client.ref) if chosen == "none" else identity(client)
            key = EffectKey("client/" + derived("client", call.system, known_by))
            # an answer that was lost is settled first: the match would find what it made, and
            # nobody would ever say so of the effect
            if not call.unsettled(key):
                found = match(client, call.port.candidates(client))
                if isinstance(found, Match):
                    return Done(
                        {"client": str(found.ref), "because": found.because},
                        with_ref("client", found.ref),
                    )
                if isinstance(found, AskPerson) and chosen != "none":
                    raise _which_client(call.system, client, found)
            entity = call.results["plan_setup"]["dimensions"]["subsidiary"]
            ref = call.once(
                "ledger.create_client",
                key=key,
                # only what all deals of this client have in common: each may come first
                request={"identity": known_by},
                call=lambda key: call.port.create_client(client, subsidiary=entity, key=key),
                find=call.port.find_client,
            )
        return Done({"client": str(ref), "because": "created"}, with_ref("client", ref))

    @registry.action(
        "create_psa_project",
        on="projects",
        undo="close_psa_project",
        safe="The effect's key travels to the project system with the project and is looked up "
        "before any repeat.",
    )
    def create_psa_project(call: OutwardCall) -> Done:
        """The shell in the project system, with nothing keyed in again (F004)."""
        wanted = setup.project(call)
        client = terms(call.subject).client
        assert client is not None
        ref = call.once(
            "projects.create_project",
            request=wanted.model_dump(mode="json", exclude={"work_packages"}),
            call=lambda key: call.port.create_project(
                wanted, client_name=client.name, key=key, parent=_whole(call, "psa_project")
            ),
            find=call.port.find_project,
        )
        return Done({"project": str(ref)}, with_ref("psa_project", ref))

    @registry.action(
        "create_ledger_project",
        on="ledger",
        undo="close_ledger_project",
        safe="The ledger keeps the key as the project's external id, which is unique there.",
    )
    def create_ledger_project(call: OutwardCall) -> Done:
        """The project in the ledger, with code, dimensions and work breakdown (F009)."""
        wanted = setup.project(call)
        client = call.subject.refs["client"]
        ref = call.once(
            "ledger.create_project",
            request={**wanted.model_dump(mode="json"), "client": str(client)},
            call=lambda key: call.port.create_project(
                wanted, client=client, key=key, parent=_whole(call, "ledger_project")
            ),
            find=call.port.find_project,
        )
        return Done({"project": str(ref)}, with_ref("ledger_project", ref))

    @registry.action(
        "add_work_packages",
        on="projects",
        safe="Each work package is an effect of its own, with its own key.",
    )
    def add_work_packages(call: OutwardCall) -> Done:
        """The template's work breakdown structure, element by element (F008)."""
        shell: ExternalRef = call.subject.refs["psa_project"]
        made: list[str] = []
        for package in setup.project(call).work_packages:
            ref = call.once(
                "projects.add_work_package",
                part=package.code,
                request={**package.model_dump(mode="json"), "project": str(shell)},
                call=lambda key, package=package: call.port.add_work_package(
                    shell, package, key=key
                ),
                find=lambda key: call.port.find_work_package(shell, key=key),
            )
            made.append(str(ref))
        return Done({"work_packages": made})

    @registry.action(
        "request_staffing",
        on="projects",
        safe="Each request is an effect of its own, with its own key.",
    )
    def request_staffing(call: OutwardCall) -> Done:
        """Demand for each role that was sold, or that the template names (F031)."""
        shell: ExternalRef = call.subject.refs["psa_project"]
        template = firm.template(call.results["plan_setup"]["template"])
        made: list[str] = []
        wanted = staffing_requests(
            terms(call.subject), code=call.results["plan_setup"]["code"], template=template
        )
        for request in wanted:
            ref = call.once(
                "projects.request_staffing",
                part=request.code,
                request={**request.model_dump(mode="json"), "project": str(shell)},
                call=lambda key, request=request: call.port.request_staffing(
                    shell, request, key=key
                ),
                find=lambda key: call.port.find_staffing_request(shell, key=key),
            )
            made.append(str(ref))
        return Done({"requests": made})

    @registry.action(
        "create_billing_schedule",
        on="ledger",
        safe="The ledger keeps the key as the schedule's external id, which is unique there.",
    )
    def create_billing_schedule(call: OutwardCall) -> Done:
        """Structured billing from the contract's terms, to the cent (F014)."""
        schedule = billing_schedule(terms(call.subject), code=call.results["plan_setup"]["code"])
        ledger_project: ExternalRef = call.subject.refs["ledger_project"]
        ref = call.once(
            "ledger.create_schedule",
            request={**schedule.model_dump(mode="json"), "project": str(ledger_project)},
            call=lambda key: call.port.create_schedule(schedule, project=ledger_project, key=key),
            find=call.port.find_schedule,
        )
        return Done(
            {"schedule": str(ref), "lines": len(schedule.lines)}, with_ref("billing_schedule", ref)
        )

    @registry.action("ready_to_launch")
    def ready_to_launch(call: Call) -> Done:
        """Everything is set up; what is missing is somebody's word."""
        call.send(SET_UP, engagement=call.subject.id)
        return Done({}, moved(EngagementState.AWAITING_LAUNCH))

    @registry.action("launch")
    def launch(call: Call) -> Done:
        """Delivery may work and book."""
        engagement: Engagement = call.subject
        call.tell("engagement.launched", project_code=engagement.project_code)
        if engagement.parts:
            call.send(PARTS_RELEASED, engagement=engagement.id)
        else:
            setup.tell_delivery(call)
        taken = acceptance(Side.DELIVERY, engagement, call.results["launch_approval"], call.now)
        launched = moved(EngagementState.LAUNCHED, launched_at=call.now)
        return Done(
            {"packet": taken.digest}, lambda engagement: launched(accepted(taken)(engagement))
        )

    @registry.action("decline_launch")
    def decline_launch(call: Call) -> Done:
        """Launch was refused; what was set up is being closed."""
        call.tell("engagement.declined")
        if call.subject.parts:
            call.send(PARTS_DROPPED, engagement=call.subject.id)
        return Done({}, moved(EngagementState.DECLINED))

    @registry.action(
        "report_launch",
        on="crm",
        safe="It says the same number and state on the deal however often it is said.",
    )
    def report_launch(call: OutwardCall) -> Done:
        """Show the engagement's number and state on the deal, for sales (F109)."""
        engagement: Engagement = call.subject
        deal, number, state = engagement.deal.ref, engagement.number, engagement.state.value
        ref = call.once(
            "crm.report_engagement",
            request={"deal": str(deal), "number": number, "state": state},
            call=lambda key: call.port.report_engagement(deal, number=number, state=state, key=key),
            find=lambda key: call.port.find_reported(deal, number=number, state=state, key=key),
        )
        return Done({"reported": str(ref)})

    _register_undo(registry)


def _whole(call: OutwardCall, name: str) -> ExternalRef | None:
    """The project that this is a part of, where the same system holds it."""
    ref = call.subject.refs.get(f"parent_{name}")
    return ref if ref is not None and ref.system == call.system else None


def _which_client(system: str, client: Client, found: AskPerson) -> NeedsPerson:
    return NeedsPerson(
        title=f"Which client is {client.name}?",
        detail=f"{len(found.candidates)} clients in {system} may be {client.name}: "
        + "; ".join(f"{c.name} ({c.because})" for c in found.candidates[:5]),
        remedy="Choose the client that it is, or none to create a new one.",
        difference={
            "client": client.model_dump(mode="json"),
            "candidates": [c.model_dump(mode="json") for c in found.candidates],
        },
    )


def _register_undo(registry: Registry) -> None:
    """What takes the set-up back when a launch is refused or a run is cancelled."""

    @registry.action(
        "close_psa_project", on="projects", safe="Closing a closed project changes nothing."
    )
    def close_psa_project(call: OutwardCall) -> Done:
        """Archive the project."""
        shell: ExternalRef = call.subject.refs["psa_project"]
        call.once(
            "projects.close_project",
            request={"project": str(shell)},
            call=lambda key: call.port.close_project(shell, key=key),
            find=lambda key: call.port.find_closed(shell, key=key),
        )
        return Done({"closed": str(shell)})

    @registry.action(
        "close_ledger_project", on="ledger", safe="Closing a closed project changes nothing."
    )
    def close_ledger_project(call: OutwardCall) -> Done:
        """No time or cost can be booked on it any more."""
        booked: ExternalRef = call.subject.refs["ledger_project"]
        call.once(
            "ledger.close_project",
            request={"project": str(booked)},
            call=lambda key: call.port.close_project(booked, key=key),
            find=lambda key: call.port.find_closed(booked, key=key),
        )
        return Done({"closed": str(booked)})
