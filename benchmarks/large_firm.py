"""A firm with as many engagements as one likes, written straight into the tables.

Every tenth waits at a gate with an exception, every twentieth for an approval, some are in the
middle of their set-up; the others are launched. What is written is what the engine would have
written, so pages and API read it as any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from stdnum.iso7064 import mod_11_10

from fairlead.bootstrap import Fairlead
from fairlead.domain.ids import EngagementId, derived
from fairlead.domain.model.client import Address, Client
from fairlead.domain.model.contract import BillingTerm, Contract, ContractStatus, ContractType
from fairlead.domain.model.engagement import Engagement, EngagementState
from fairlead.domain.model.opportunity import Opportunity, OpportunityStage
from fairlead.domain.values import ExternalRef, Money, Period, Provenance
from fairlead.flow.playbook import Compiled
from fairlead.flow.states import RunState, StepState
from fairlead.store import bulk, journal
from fairlead.store.database import Tx
from fairlead.store.journal import Event

NOW = datetime.now(UTC).replace(microsecond=0)
_PLACES = (
    ("EMEA", "DE", "TH-GMBH", "EUR"),
    ("EMEA", "GB", "TH-LTD", "GBP"),
    ("AMER", "US", "TH-INC", "USD"),
    ("APAC", "SG", "TH-PTE", "SGD"),
)
_LINES = ("Cloud engineering", "Data and analytics", "Finance transformation")
_NAMES = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel", "Ivy", "Juniper")


def german_vat_id(number: int) -> str:
    """A made-up one whose check digit is right."""
    digits = f"{81000000 + number:08}"
    return f"DE{digits}{mod_11_10.calc_check_digit(digits)}"


def state_of(number: int) -> EngagementState:
    if number % 10 == 0:
        return EngagementState.RECEIVED
    if number % 20 == 1:
        return EngagementState.AWAITING_LAUNCH
    return EngagementState.IN_SETUP if number % 25 == 2 else EngagementState.LAUNCHED


def engagement(number: int) -> Engagement:
    region, country, entity, currency = _PLACES[number % len(_PLACES)]
    opened = NOW - timedelta(minutes=number)
    value = Money(amount=Decimal(40_000 + number * 37 % 900_000), currency=currency)
    source = ExternalRef(system="salesforce-emea", kind="opportunity", id=f"006{number:012}")
    name = _NAMES[number % len(_NAMES)]
    client = Client(
        ref=ExternalRef(system=source.system, kind="account", id=f"001{number:012}"),
        name=f"{name} {number:05} GmbH",
        tax_id=german_vat_id(number),
        address=Address(country=country, city="Hamburg"),
    )
    contract = Contract(
        ref=ExternalRef(system=source.system, kind="contract", id=f"800{number:012}"),
        number=f"C-{number:06}",
        status=ContractStatus.SIGNED,
        signed_on=date(2026, 10, 1),
        period=Period(start=date(2026, 11, 1), end=date(2028, 12, 31)),
        value=value,
        payment_days=30,
        billing_terms=(BillingTerm(name="Fee", share=Decimal(1)),),
    )
    deal = Opportunity(
        ref=source,
        revision=opened.isoformat(),
        modified_at=opened,
        name=f"{name} platform {number:05}",
        stage=OpportunityStage.WON,
        client=client,
        value=value,
        starts_on=date(2027, 1, 11),
        ends_on=date(2027, 9, 30),
        region=region,
        country=country,
        service_line=_LINES[number % len(_LINES)],
        contract_type=ContractType.FIXED_FEE,
        client_tier="standard",
        legal_entity=entity,
        owner="pia.novak@tarn-holloway.example",
        contract=contract,
    )
    state = state_of(number)
    set_up = state is not EngagementState.RECEIVED
    return Engagement(
        id=EngagementId(derived("engagement", source.system, source.id)),
        number=f"ENG-{100000 + number}",
        state=state,
        deal=deal,
        provenance={"value": Provenance(source=source.system, at=opened)},
        refs={"psa_project": ExternalRef(system="kantata", kind="workspaces", id=str(number))}
        if set_up
        else {},
        project_code=f"TH-{100000 + number}" if set_up else None,
        opened_at=opened,
        launched_at=opened + timedelta(hours=5) if state is EngagementState.LAUNCHED else None,
    )


def fill(fairlead: Fairlead, count: int) -> None:
    """`count` engagements with their runs, steps, tasks, exceptions and events."""
    with fairlead.db.transaction() as tx:
        (playbook,) = fairlead.library.started_by("opportunity.closed_won")
        compiled = fairlead.library.fit(tx, playbook, {})
    for first in range(0, count, 500):
        some = [engagement(number) for number in range(first, min(first + 500, count))]
        with fairlead.db.transaction() as tx:
            _write(tx, some, compiled)
    with fairlead.db.transaction() as tx:
        tx.execute("ANALYZE")


def _write(tx: Tx, some: list[Engagement], compiled: Compiled) -> None:
    bulk.insert(tx, "engagements", [_row(one) for one in some])
    bulk.insert(
        tx,
        "runs",
        [
            {
                "id": _run(one),
                "playbook": compiled.name,
                "digest": compiled.digest,
                "subject_type": "engagement",
                "subject_id": one.id,
                "region": one.deal.region,
                "correlation": one.id,
                "input": {},
                "state": RunState.COMPLETED if one.launched_at else RunState.ACTIVE,
                "started_at": one.opened_at,
                "ended_at": one.launched_at,
            }
            for one in some
        ],
    )
    bulk.insert(tx, "steps", [row for one in some for row in _steps(one, compiled)])
    tasks = [_task(one) for one in some if one.state is EngagementState.AWAITING_LAUNCH]
    bulk.insert(tx, "tasks", tasks)
    held = [_exception(one) for one in some if one.state is EngagementState.RECEIVED]
    bulk.insert(tx, "exceptions", held)
    journal.append(
        tx,
        [
            Event(
                chain=one.id,
                type=type,
                at=one.opened_at,
                actor="fairlead",
                objects=[(one.id, "engagement", "engagement")],
                region=one.deal.region,
            )
            for one in some
            for type in ("opportunity.closed_won", "run.started")
        ],
    )


def _run(one: Engagement) -> str:
    return derived("run", "deal-to-delivery", one.id, "1")


def _row(one: Engagement) -> dict[str, Any]:
    deal = one.deal
    assert deal.value is not None
    assert deal.client is not None
    return {
        "id": one.id,
        "number": one.number,
        "source_system": deal.ref.system,
        "source_id": deal.ref.id,
        "state": one.state,
        "name": deal.name,
        "client_name": deal.client.name,
        "region": deal.region,
        "legal_entity": deal.legal_entity,
        "currency": deal.value.currency,
        "value": deal.value.amount,
        "project_code": one.project_code,
        "body": one.model_dump(mode="json"),
        "opened_at": one.opened_at,
        "launched_at": one.launched_at,
        "version": one.version,
        "compare_at": NOW + timedelta(days=30),
    }


#: Where a run stands in each state: the stage up to which its steps are done.
_DONE_UPTO = {
    EngagementState.RECEIVED: "",
    EngagementState.IN_SETUP: "Client",
    EngagementState.AWAITING_LAUNCH: "Ready",
    EngagementState.LAUNCHED: "Tell",
}


def _steps(one: Engagement, compiled: Compiled) -> Iterator[dict[str, Any]]:
    last = _DONE_UPTO[one.state]
    done = [step.stage for step in compiled.steps]
    upto = max((i for i, stage in enumerate(done) if stage == last), default=-1)
    for place, step in enumerate(compiled.steps):
        if place > upto + 1:
            return
        ended = place <= upto
        state = StepState.DONE if ended else StepState.WAITING
        if not ended and one.state is EngagementState.RECEIVED:
            state = StepState.BLOCKED
        yield {
            "run_id": _run(one),
            "name": step.name,
            "occurrence": 1,
            "kind": step.kind,
            "state": state,
            "owner": step.owner,
            "system": None,
            "started_at": one.opened_at,
            "due_at": one.opened_at + timedelta(hours=8),
            "ended_at": one.opened_at + timedelta(minutes=5) if ended else None,
            "because": None if ended else "end of the work is missing",
        }


def _task(one: Engagement) -> dict[str, Any]:
    assert one.deal.value is not None
    return {
        "id": derived("task", _run(one), "launch_approval", "1"),
        "kind": "approval",
        "run_id": _run(one),
        "step": "launch_approval",
        "occurrence": 1,
        "subject_id": one.id,
        "region": one.deal.region,
        "title": f"Launch approval: {one.number} {one.deal.name}",
        "role": "pmo_lead",
        "excluded": [],
        "amount": one.deal.value.amount,
        "currency": one.deal.value.currency,
        "shown": {"engagement": one.number, "name": one.deal.name},
        "state": "open",
        "opened_at": one.opened_at,
        "due_at": one.opened_at + timedelta(days=2),
    }


def _exception(one: Engagement) -> dict[str, Any]:
    assert one.deal.value is not None
    gap = {
        "field": "ends_on",
        "problem": "end of the work is missing",
        "owner": "sales-operations",
        "remedy": "agree the last day with the client",
        "kind": "date",
        "choices": [],
        "suppliable": True,
    }
    return {
        "id": derived("exception", one.id),
        "cause": f"gate:{_run(one)}:commercial_data",
        "class": "missing_data",
        "team": "sales-operations",
        "title": f"{one.number} {one.deal.name} is not ready: 1 gap",
        "detail": "end of the work is missing",
        "remedy": "agree the last day with the client",
        "gaps": [gap],
        "actions": ["supply", "assign", "override"],
        "run_id": _run(one),
        "step": "commercial_data",
        "occurrence": 1,
        "subject_id": one.id,
        "region": one.deal.region,
        "amount": one.deal.value.amount,
        "currency": one.deal.value.currency,
        "state": "open",
        "opened_at": one.opened_at,
        "due_at": one.opened_at + timedelta(hours=8),
    }
