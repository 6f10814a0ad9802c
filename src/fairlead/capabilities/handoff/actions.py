"""What the handoff does: decide the set-up, carry it into other systems, launch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fairlead.capabilities.handoff.firm import Firm
from fairlead.domain.ids import EffectKey, derived
from fairlead.domain.model.client import Client
from fairlead.domain.model.engagement import Engagement, EngagementState
from fairlead.domain.model.project import Dimensions, Project
from fairlead.domain.rules.client_match import AskPerson, Match, identity, match
from fairlead.domain.rules.deal_terms import terms
from fairlead.domain.rules.project_setup import billing_schedule, project, staffing_requests
from fairlead.domain.values import ExternalRef, Value
from fairlead.flow.calls import Call, Done, NeedsPerson, OutwardCall
from fairlead.flow.registry import Registry
from fairlead.policy.tables import Policies, decide


class TemplateFacts(Value):
    """What `project-template` may ask."""

    service_line: str
    contract_type: str


class PracticeFacts(Value):
    """What `practice-dimensions` may ask."""

    service_line: str
    region: str


class RegionFacts(Value):
    """What `region-dimensions` may ask."""

    region: str


def moved(state: EngagementState, **changes: Any) -> Callable[[Engagement], Engagement]:
    """The engagement in a state, one version further."""

    def change(engagement: Engagement) -> Engagement:
        update = {"state": state, "version": engagement.version + 1, **changes}
        return engagement.model_copy(update=update)

    return change


def with_ref(name: str, ref: ExternalRef) -> Callable[[Engagement], Engagement]:
    """The engagement with its record in another system, one version further."""

    def change(engagement: Engagement) -> Engagement:
        refs = {**engagement.refs, name: ref}
        return engagement.model_copy(update={"refs": refs, "version": engagement.version + 1})

    return change


class Setup:
    """The project of an engagement, built again the same from what `plan_setup` decided."""

    def __init__(self, firm: Firm) -> None:
        self._firm = firm

    def project(self, call: Call | OutwardCall) -> Project:
        planned = call.results["plan_setup"]
        deal = terms(call.subject)
        currency = deal.value.currency if deal.value else ""
        return project(
            deal,
            code=planned["code"],
            template=self._firm.template(planned["template"]),
            dimensions=Dimensions.model_validate(planned["dimensions"]),
            rate_card=self._firm.rate_card(deal.region, currency),
        )


def register(registry: Registry, policies: Policies, firm: Firm) -> None:
    """Add the actions of the handoff."""
    setup = Setup(firm)

    @registry.action("plan_setup")
    def plan_setup(call: Call) -> Done:
        """Decide template, code and dimensions by rule (F008 to F010)."""
        engagement: Engagement = call.subject
        deal = terms(engagement)
        line, region = deal.service_line or "", deal.region or ""
        template = call.note(
            decide(
                policies.as_of("project-template", call.now),
                TemplateFacts(service_line=line, contract_type=deal.contract_type or ""),
                call.now,
            )
        )
        practice = call.note(
            decide(
                policies.as_of("practice-dimensions", call.now),
                PracticeFacts(service_line=line, region=region),
                call.now,
            )
        )
        place = call.note(
            decide(
                policies.as_of("region-dimensions", call.now), RegionFacts(region=region), call.now
            )
        )
        entity = firm.legal_entity(deal.legal_entity or "")
        code = f"{firm.project_codes}-{engagement.number.removeprefix('ENG-')}"
        dimensions = Dimensions(
            legal_entity=entity.code,
            subsidiary=entity.ledger_id,
            practice=str(practice.answer["practice"]),
            region=str(place.answer["region_id"]),
            cost_centre=str(practice.answer["cost_centre"]),
        )
        return Done(
            {
                "code": code,
                "template": str(template.answer["template"]),
                "dimensions": dimensions.model_dump(),
            },
            moved(EngagementState.IN_SETUP, project_code=code),
        )

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
            call=lambda key: call.port.create_project(wanted, client_name=client.name, key=key),
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
            call=lambda key: call.port.create_project(wanted, client=client, key=key),
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
        return Done({}, moved(EngagementState.AWAITING_LAUNCH))

    @registry.action("launch")
    def launch(call: Call) -> Done:
        """Delivery may work and book."""
        call.tell("engagement.launched", project_code=call.subject.project_code)
        return Done({}, moved(EngagementState.LAUNCHED, launched_at=call.now))

    @registry.action("decline_launch")
    def decline_launch(call: Call) -> Done:
        """Launch was refused; what was set up is being closed."""
        call.tell("engagement.declined")
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
