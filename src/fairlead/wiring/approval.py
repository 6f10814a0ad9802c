"""What follows from approved work, wired; `bootstrap` asks for it."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.capabilities.company_days import CompanyDays
from fairlead.capabilities.handoff.ourselves import Takes
from fairlead.capabilities.time import billing_start, booking, submission
from fairlead.capabilities.time.billing_start import Drafts, StartsBilling, WeighsBilling, both
from fairlead.capabilities.time.booking import BooksWork
from fairlead.capabilities.time.events import (
    BILLING_DUE,
    BILLING_WEIGH,
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
    billing_start.register(registry)
    submission.register(registry, connected)


def subjects() -> Mapping[str, Subjects]:
    return {submission.SUBJECT: TimesheetSubjects()}


def listeners(
    library: Library, policies: Policies, days: CompanyDays, drafts: Drafts
) -> Mapping[str, Takes]:
    """Type of our own messages → what takes it in. `drafts`: how an invoice is drafted."""
    return {
        WORK_APPROVED: both(BooksWork(library), WeighsBilling(policies, days)),
        BILLING_WEIGH: WeighsBilling(policies, days),
        BILLING_DUE: StartsBilling(library, drafts),
        TIMESHEET_DUE: StartsReminder(library),
    }
