"""What follows from approved work, wired; `bootstrap` asks for it."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.capabilities.handoff.ourselves import Takes
from fairlead.capabilities.time import booking, submission
from fairlead.capabilities.time.billing_start import StartsBilling, WeighsBilling, both
from fairlead.capabilities.time.booking import BooksWork
from fairlead.capabilities.time.events import (
    BILLING_DUE,
    INTERNAL,
    TIMESHEET_DUE,
    WORK_APPROVED,
)
from fairlead.capabilities.time.kinds import Kinds
from fairlead.capabilities.time.submission import Connected, StartsReminder, TimesheetSubjects
from fairlead.flow.calls import Subjects
from fairlead.flow.library import Library
from fairlead.flow.registry import Registry
from fairlead.policy.tables import Policies

EVENTS = INTERNAL  #: on which playbooks start


def register(registry: Registry, kinds: Kinds, connected: Connected) -> None:
    """Add actions, conditions and notices."""
    booking.register(registry, kinds)
    submission.register(registry, connected)


def subjects() -> Mapping[str, Subjects]:
    return {submission.SUBJECT: TimesheetSubjects()}


def listeners(library: Library, policies: Policies) -> Mapping[str, Takes]:
    """Type of our own messages → what takes it in."""
    return {
        WORK_APPROVED: both(BooksWork(library), WeighsBilling(policies)),
        BILLING_DUE: StartsBilling(library),
        TIMESHEET_DUE: StartsReminder(library),
    }
