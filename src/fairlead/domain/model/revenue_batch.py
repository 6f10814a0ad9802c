"""A month's revenue of one company and region, as it is proposed, approved and booked (F087)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from fairlead.domain.ids import EngagementId
from fairlead.domain.model import Entity
from fairlead.domain.model.posting import RevenuePosting
from fairlead.domain.model.revenue import Position, RevenueMethod
from fairlead.domain.values import Currency, ExternalRef, Money, Name, Text


class BatchState(StrEnum):
    COMPUTED = "computed"  #: figures may still change
    PROPOSED = "proposed"  #: waits for approval by somebody else
    APPROVED = "approved"  #: the ledger is told
    POSTED = "posted"  #: the ledger has booked all of it
    LAPSED = "lapsed"  #: its month was closed before it was approved


#: Legal moves. What was approved is taken back by a later revision, never by an edit.
BATCH_MOVES: frozenset[tuple[BatchState, BatchState]] = frozenset(
    {
        (BatchState.COMPUTED, BatchState.PROPOSED),
        (BatchState.PROPOSED, BatchState.COMPUTED),  # sent back, or computed anew
        (BatchState.PROPOSED, BatchState.APPROVED),
        (BatchState.APPROVED, BatchState.POSTED),
        (BatchState.COMPUTED, BatchState.LAPSED),
        (BatchState.PROPOSED, BatchState.LAPSED),
    }
)


class EntryState(StrEnum):
    DRAFT = "draft"
    APPROVED = "approved"
    POSTED = "posted"
    REPLACED = "replaced"  #: a later revision was approved, and takes it back
    LAPSED = "lapsed"


class Change(Entity):
    """What a month adds to the figures of the month before. `revenue` = `billed` + `wip` -
    `deferred`."""

    revenue: Money
    billed: Money
    wip: Money
    deferred: Money

    @property
    def nothing(self) -> bool:
        return not any(part.amount for part in (self.revenue, self.billed, self.wip, self.deferred))


class RevenueEntry(Entity):
    engagement: EngagementId
    number: str  #: of the engagement
    name: Name
    project_code: str
    project: ExternalRef | None  #: in the ledger
    month: date  #: its first day
    revision: int
    state: EntryState
    method: RevenueMethod
    currency: Currency
    position: Position  #: by the end of the month
    change: Change
    takes_back: Change | None = None
    """Of the revision before, where that was approved: it is booked in reverse first."""
    warnings: tuple[Text, ...] = ()
    digest: str
    ref: ExternalRef | None = None  #: its journal

    @property
    def code(self) -> str:
        """Ours, unique in the ledger."""
        return f"{self.project_code}/{self.month:%Y-%m}/{self.revision}"

    def postings(self) -> tuple[RevenuePosting, ...]:
        """The journals that book it, in order. One that changes nothing is none."""
        back = self.takes_back
        found: list[RevenuePosting] = []
        if back is not None and not back.nothing:
            code = f"{self.code}/back"
            found.append(self._posting(code, _minus(back), "takes back"))
        if not self.change.nothing:
            found.append(self._posting(self.code, self.change, "revenue of"))
        return tuple(found)

    def _posting(self, code: str, change: Change, what: str) -> RevenuePosting:
        return RevenuePosting(
            code=code,
            project_code=self.project_code,
            month=self.month,
            memo=f"{self.number} {what} {self.month:%Y-%m}, revision {self.revision}",
            revenue=change.revenue,
            billed=change.billed,
            wip=change.wip,
            deferred=change.deferred,
        )


class RevenueBatch(Entity):
    id: str
    legal_entity: str
    region: str
    month: date
    number: int  #: of this company, region and month
    state: BatchState
    computed_by: tuple[str, ...]  #: none of them may approve it
    proposed_by: str | None = None
    approved_by: str | None = None
    digest: str | None = None  #: of what is proposed
    reason: Text | None = None
    entries: tuple[RevenueEntry, ...] = ()
    journals: dict[str, dict[str, ExternalRef]] = Field(
        default_factory=dict[str, dict[str, ExternalRef]]
    )
    """Engagement → code of a journal → it in the ledger; known once all are booked."""
    version: int = 1

    @property
    def totals(self) -> dict[str, Money]:
        """Revenue of the month by currency, with what is taken back."""
        found: dict[str, Money] = {}
        for entry in self.entries:
            parts = [p.revenue for p in entry.postings()]
            for part in parts:
                known = found.get(part.currency)
                found[part.currency] = part if known is None else known + part
        return found

    @property
    def moved(self) -> dict[str, Money]:
        """What its journals move by currency, each engagement's revenue without its sign, so that
        one that goes up does not hide another that goes down."""
        found: dict[str, Money] = {}
        for entry in self.entries:
            amount = sum((part.revenue.amount for part in entry.postings()), Decimal(0))
            known = found.get(entry.currency)
            moved = Money(amount=abs(amount), currency=entry.currency)
            found[entry.currency] = moved if known is None else known + moved
        return found


def _minus(change: Change) -> Change:
    return Change(
        **{
            name: Money(amount=-part.amount, currency=part.currency)
            for name, part in (
                ("revenue", change.revenue),
                ("billed", change.billed),
                ("wip", change.wip),
                ("deferred", change.deferred),
            )
        }
    )
