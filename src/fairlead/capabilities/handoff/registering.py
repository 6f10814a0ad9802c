"""Everything that a playbook of the handoff may name, in one registry."""

from __future__ import annotations

from fairlead.capabilities.handoff import (
    actions,
    buying,
    client_record,
    compare,
    gates,
    handover,
    parts,
    planning,
    review,
    words,
    workspace,
)
from fairlead.capabilities.handoff.firm import Firm
from fairlead.capabilities.handoff.ownership import Ownership
from fairlead.capabilities.handoff.review import Commitments
from fairlead.capabilities.handoff.subject import facts_of
from fairlead.capabilities.handoff.words import Connected
from fairlead.capabilities.handoff.workspace import Meeting
from fairlead.flow.registry import Registry
from fairlead.policy.tables import Policies


def register(
    registry: Registry,
    policies: Policies,
    firm: Firm,
    *,
    connected: Connected,
    meeting: Meeting,
    ownership: Ownership,
    commitments: Commitments,
) -> None:
    gates.register(registry, policies, firm)
    words.register(registry, connected, facts_of)
    review.register(registry, policies, firm, commitments)
    planning.register(registry, policies, firm)
    actions.register(registry, firm)
    client_record.register(registry)
    buying.register(registry)
    workspace.register(registry, policies, meeting)
    parts.register(registry, firm)
    handover.register(registry)
    compare.register(registry, ownership)
