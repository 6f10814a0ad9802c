"""What the systems say of an engagement today, who is right, and carrying it to those who follow.

Each reading is kept with its time. Where a follower differs from the owner of a field, the rule in
`ownership.yaml` says whether the owner's value is carried over or a person decides (F115, F160).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from fairlead.capabilities.handoff.changes import with_readings
from fairlead.capabilities.handoff.ownership import Ownership
from fairlead.domain.model.client import Client
from fairlead.domain.model.engagement import Engagement, Reading
from fairlead.domain.model.project import ProjectChanges, ProjectReading
from fairlead.domain.rules.ownership import Difference, OnDifference, differences
from fairlead.domain.values import ExternalRef, Money
from fairlead.errors import SystemRefused
from fairlead.flow.calls import Done, NeedsPerson, OutwardCall
from fairlead.flow.registry import Registry

#: The choices where a person decides.
CARRY, LEAVE = "owner", "leave"


def register(registry: Registry, ownership: Ownership) -> None:
    @registry.action("read_psa_project", on="projects", safe="It only reads.")
    def read_psa_project(call: OutwardCall) -> Done:
        """What the project system says of the project."""
        return _read_project(call, "projects", call.subject.refs["psa_project"])

    @registry.action("read_ledger_project", on="ledger", safe="It only reads.")
    def read_ledger_project(call: OutwardCall) -> Done:
        """What the ledger says of the project."""
        return _read_project(call, "ledger", call.subject.refs["ledger_project"])

    @registry.action("read_ledger_client", on="ledger", safe="It only reads.")
    def read_ledger_client(call: OutwardCall) -> Done:
        """What the ledger says of the client."""
        ref: ExternalRef = call.subject.refs["client"]
        found: Client | None = call.port.client(ref)
        if found is None:
            raise _gone(call, ref)
        said = {
            "client.name": found.name,
            "client.tax_id": found.tax_id,
            "client.country": found.address.country,
        }
        return _kept("ledger", said, call.now)

    @registry.action(
        "follow_in_projects",
        on="projects",
        safe="It says the same of the project however often it is said.",
    )
    def follow_in_projects(call: OutwardCall) -> Done:
        """Carry what others own into the project system."""
        return _follow(call, "projects", call.subject.refs["psa_project"], ownership)

    @registry.action(
        "follow_in_ledger",
        on="ledger",
        safe="It says the same of the project however often it is said.",
    )
    def follow_in_ledger(call: OutwardCall) -> Done:
        """Carry what others own into the ledger."""
        return _follow(call, "ledger", call.subject.refs["ledger_project"], ownership)


def _read_project(call: OutwardCall, holder: str, ref: ExternalRef) -> Done:
    found: ProjectReading | None = call.port.project(ref)
    if found is None:
        raise _gone(call, ref)
    said = {
        "project.name": found.name,
        "project.starts_on": found.starts_on.isoformat() if found.starts_on else None,
        "project.ends_on": found.ends_on.isoformat() if found.ends_on else None,
        "project.budget": found.budget.model_dump(mode="json") if found.budget else None,
    }
    return _kept(holder, said, call.now)


def _kept(holder: str, said: Mapping[str, Any], now: datetime) -> Done:
    readings = {
        field: Reading(value=value, at=now) for field, value in said.items() if value is not None
    }
    return Done({"read": sorted(readings)}, with_readings(holder, readings))


def _gone(call: OutwardCall, ref: ExternalRef) -> SystemRefused:
    return SystemRefused(call.system, f"{ref} is not there any more.")


def _follow(call: OutwardCall, holder: str, ref: ExternalRef, ownership: Ownership) -> Done:
    engagement: Engagement = call.subject
    found = [
        one
        for one in differences(engagement, ownership.fields)
        if one.holder == holder and one.field.startswith("project.")
    ]
    asked = [one for one in found if one.rule is OnDifference.ASK]
    choice = call.answer.get("choice")
    if asked and choice not in (CARRY, LEAVE, "none"):
        raise _ask(call, asked)
    carried = [one for one in found if one.rule is OnDifference.OWNER_WINS or choice == CARRY]
    if not carried:
        return Done({"carried": [], "left": [one.field for one in asked]})
    changes = ProjectChanges.model_validate(
        {one.field.removeprefix("project."): _value(one) for one in carried}
    )
    call.once(
        f"{holder}.update_project",
        request={"project": str(ref), **changes.model_dump(mode="json")},
        call=lambda key: call.port.update_project(ref, changes, key=key),
        find=lambda key: call.port.find_project_updated(ref, changes, key=key),
    )
    now_said = {one.field: Reading(value=one.owner_value, at=call.now) for one in carried}
    for one in carried:
        call.tell("field.carried", field=one.field, owner=one.owner, to=holder)
    return Done(
        {"carried": [one.field for one in carried], "left": []}, with_readings(holder, now_said)
    )


def _value(found: Difference) -> Any:
    name = found.field.rpartition(".")[2]
    if name == "budget":
        return Money.model_validate(found.owner_value)
    return date.fromisoformat(found.owner_value) if name.endswith("_on") else found.owner_value


def _ask(call: OutwardCall, found: list[Difference]) -> NeedsPerson:
    engagement: Engagement = call.subject
    owner = found[0].owner
    return NeedsPerson(
        title=f"{engagement.number}: {call.system} differs from {owner}",
        detail="; ".join(one.words for one in found),
        remedy=f"Carry the value of {owner} over, or leave it and change it at its owner.",
        difference={
            "fields": [one.model_dump(mode="json") for one in found],
            "candidates": [
                {"id": CARRY, "name": f"Carry the value of {owner} over", "because": owner},
                {"id": LEAVE, "name": "Leave it as it is", "because": call.system},
            ],
        },
    )
