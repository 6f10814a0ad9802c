"""The wiring of billing: what `bootstrap` hands to the engine, the intake and the edges."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fairlead.capabilities.billing import sending
from fairlead.capabilities.billing.events import EVENTS, TOLD
from fairlead.capabilities.billing.invoice_subject import InvoiceSubjects
from fairlead.capabilities.billing.telling import TellsEngagement
from fairlead.capabilities.handoff.ourselves import Takes
from fairlead.domain.values import Value
from fairlead.flow.calls import Call, Subjects
from fairlead.flow.library import Library
from fairlead.flow.registry import Registry
from fairlead.policy.tables import Policies

__all__ = ["EVENTS", "facts", "register", "subjects", "takes"]


def register(registry: Registry) -> None:
    """What the playbooks of billing may name."""
    sending.register(registry)


def subjects(policies: Policies) -> dict[str, Subjects]:
    return {"invoice": InvoiceSubjects(policies)}


def facts() -> Mapping[str, Callable[[Call], Value]]:
    """Policy → its facts, for approvals that name one."""
    return {"invoice-release": sending.release_policy_facts}


def takes(library: Library) -> dict[str, Takes]:
    """What our own messages about invoices lead to."""
    return {TOLD: TellsEngagement(library)}
