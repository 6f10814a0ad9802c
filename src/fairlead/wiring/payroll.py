"""Payroll, wired; `bootstrap` asks for it."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.capabilities.handoff.ourselves import Takes
from fairlead.capabilities.payroll import comparing, sending
from fairlead.capabilities.payroll.comparing import AsksPayroll, TakesHours
from fairlead.capabilities.payroll.events import COMPARE, EVENTS, TOLD
from fairlead.capabilities.payroll.months import SUBJECT, GivesMonth, PayrollSubjects
from fairlead.capabilities.time.events import MONTH_CLOSED
from fairlead.capabilities.time.kinds import Kinds
from fairlead.config import Systems
from fairlead.flow.calls import Subjects
from fairlead.flow.library import Library
from fairlead.flow.registry import Registry

__all__ = ["EVENTS", "register", "subjects", "takes"]


def register(registry: Registry) -> None:
    """What its playbooks may name."""
    sending.register(registry)
    comparing.register(registry)


def subjects() -> Mapping[str, Subjects]:
    return {SUBJECT: PayrollSubjects()}


def takes(library: Library, kinds: Kinds, systems: Systems) -> Mapping[str, Takes]:
    """Type of our own messages → what takes it in."""
    return {
        MONTH_CLOSED: GivesMonth(library, kinds, systems),
        COMPARE: AsksPayroll(library),
        TOLD: TakesHours(),
    }
