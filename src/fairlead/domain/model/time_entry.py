"""Time that somebody worked on an engagement, in whole minutes of one local day (F067)."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from fairlead.domain.ids import EngagementId
from fairlead.domain.model import Entity
from fairlead.domain.values import Name, Text

#: A day has 1,440 of them; negative where an entry takes another one back.
Minutes = Annotated[int, Field(ge=-1440, le=1440)]


class EntryState(StrEnum):
    """Of time and of expense."""

    DRAFT = "draft"  #: its owner may change or delete it
    SUBMITTED = "submitted"  #: waits for approval
    RETURNED = "returned"  #: the approver wants it changed; its owner may
    APPROVED = "approved"  #: locked: it is corrected by an entry that takes it back


#: Legal moves. Approved has none: what was approved is never edited.
MOVES: frozenset[tuple[EntryState, EntryState]] = frozenset(
    {
        (EntryState.DRAFT, EntryState.SUBMITTED),
        (EntryState.RETURNED, EntryState.SUBMITTED),
        (EntryState.SUBMITTED, EntryState.DRAFT),  # taken back by its owner
        (EntryState.SUBMITTED, EntryState.RETURNED),
        (EntryState.SUBMITTED, EntryState.APPROVED),
    }
)


class TimeEntry(Entity):
    """`id` is a function of `source` and `source_id`, so the same entry told twice is one."""

    id: UUID
    engagement: EngagementId
    task: str | None = None  #: code of a work package
    resource: str  #: who worked
    day: date  #: in the zone of who worked
    minutes: Minutes
    role: Name  #: the labour category that it is billed in
    category: str = "work"  #: kind of time, as the firm lists them (F074)
    billable: bool = True
    narrative: Text = ""
    begins: Annotated[int, Field(ge=0, lt=1440)] | None = None
    """Minutes from local midnight of the day; null: nobody said when in the day it was."""
    ends: Annotated[int, Field(ge=1, le=2880)] | None = None  #: after `begins`; past 1440: next day
    state: EntryState = EntryState.DRAFT
    source: str
    source_id: str
    reverses: UUID | None = None  #: the entry that this one takes back
    reason: Text | None = None
    version: int = 1
