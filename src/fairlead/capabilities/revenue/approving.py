"""Proposing a month's revenue, and approving it: never by whoever computed or proposed it."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from fairlead.domain.ids import derived
from fairlead.domain.model.revenue_batch import BATCH_MOVES, BatchState, EntryState, RevenueBatch
from fairlead.errors import IllegalMove, InvalidInput, NotAllowed, NotFound, Problem, StaleVersion
from fairlead.flow.library import Library
from fairlead.flow.start import start_run
from fairlead.store import journal, revenue
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event
from fairlead.trust.acting import Acting
from fairlead.trust.roles import Permission
from fairlead.work.hands import went_through

APPROVED = "revenue.approved"


def propose(tx: Tx, acting: Acting, id: str, *, version: int | None) -> RevenueBatch:
    """Ask for approval of the figures as they are now.

    Raises `NotFound`, `NotAllowed`, `StaleVersion`, `IllegalMove`, and `InvalidInput` where the
    batch is empty.
    """
    acting.principal.must(Permission.BILLING_PROPOSE)
    batch = _locked(tx, acting, id, version)
    if not _drafts(batch):
        raise InvalidInput("The batch has no entries.", [Problem("", "has at least one entry")])
    return _moved(
        tx,
        batch,
        acting,
        BatchState.PROPOSED,
        "revenue.proposed",
        proposed_by=acting.id,
        digest=digest_of(batch),
        reason=None,
    )


def send_back(tx: Tx, acting: Acting, id: str, *, reason: str, version: int | None) -> RevenueBatch:
    """It is not approved, and says why. Raises as `propose` does, `InvalidInput` without a
    reason."""
    acting.principal.must(Permission.BILLING_RELEASE)
    if not reason.strip():
        raise InvalidInput(
            "To send it back needs a reason.", [Problem("/reason", "is required to send it back")]
        )
    batch = _locked(tx, acting, id, version)
    if batch.state is not BatchState.PROPOSED:
        raise IllegalMove("The revenue", batch.state, "sent back")
    return _moved(
        tx, batch, acting, BatchState.COMPUTED, "revenue.sent_back",
        proposed_by=None, digest=None, reason=reason,
    )  # fmt: skip


def approve(
    tx: Tx, acting: Acting, id: str, *, digest: str, library: Library, version: int | None
) -> RevenueBatch:
    """The figures stand, and the ledger is told. `digest`: of what was shown (`digest_of`).

    Raises `NotFound`, `NotAllowed` (also who computed or proposed it, and beyond one's limit in any
    currency), `StaleVersion` (also where
    figures changed), `IllegalMove` (also where its month is closed, or an earlier one is open).
    """
    acting.principal.must(Permission.BILLING_RELEASE)
    batch = _locked(tx, acting, id, version)
    if batch.state is not BatchState.PROPOSED:
        raise IllegalMove("The revenue", batch.state, "approved")
    involved, now = [*batch.computed_by, batch.proposed_by or ""], database_time(tx)
    if went_through(tx, acting, involved, since=batch.month, today=now.date()):
        raise NotAllowed(
            "Whoever computed or proposed revenue, and their deputy, does not approve it."
        )
    if over := over_limits(batch, acting):
        raise NotAllowed(
            f"What it books is over your limit, which is in brackets: {', '.join(over)}. "
            f"{acting.principal.others(Permission.BILLING_RELEASE)}"
        )
    if digest != batch.digest or digest != digest_of(batch):
        raise StaleVersion("The figures are not those that were shown. Read them again.")
    if revenue.month_closed(tx, batch.legal_entity, batch.month):
        raise IllegalMove(
            f"The month {batch.month:%Y-%m} of {batch.legal_entity}", "closed", "booked"
        )
    if earlier := revenue.earlier_open(tx, batch):
        raise IllegalMove(
            f"{batch.month:%Y-%m} counts from {earlier:%Y-%m}, which", "not approved", "the base"
        )
    revenue.approve_entries(tx, batch.id)
    approved = _moved(tx, batch, acting, BatchState.APPROVED, APPROVED, approved_by=acting.id)
    _tell_engagements(tx, approved, acting, now)
    for playbook in library.started_by(APPROVED):
        start_run(
            tx,
            library,
            playbook,
            subject_id=batch.id,
            facts={"region": batch.region or None, "legal_entity": batch.legal_entity},
            correlation=derived("revenue", batch.id),
            input={},
            objects=((batch.id, "revenue_batch", "approved"),),
        )
    return approved


def over_limits(batch: RevenueBatch, acting: Acting) -> list[str]:
    """What it books that is over the limit of whoever acts, by currency, with the limit in
    brackets. It counts each engagement without its sign."""
    return [
        f"{amount} ({acting.limit(currency)})"
        for currency, amount in batch.moved.items()
        if not acting.may_commit(amount.amount, currency)
    ]


def digest_of(batch: RevenueBatch) -> str:
    """Of everything that an approval is for."""
    said = [batch.legal_entity, batch.region, str(batch.month), batch.number] + [
        [entry.engagement, entry.revision, entry.digest] for entry in batch.entries
    ]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _drafts(batch: RevenueBatch) -> bool:
    return any(entry.state is EntryState.DRAFT for entry in batch.entries)


def _locked(tx: Tx, acting: Acting, id: str, version: int | None) -> RevenueBatch:
    batch = revenue.batches(tx, [id], lock=True).get(id)
    if batch is None or not acting.principal.sees(
        region=batch.region or None, legal_entity=batch.legal_entity
    ):
        raise NotFound("There is no such revenue.")
    if version is not None and version != batch.version:
        raise StaleVersion("The revenue was changed since you read it. Read it again.")
    return batch


def _moved(
    tx: Tx,
    batch: RevenueBatch,
    acting: Acting,
    to: BatchState,
    event: str,
    **changes: str | None,
) -> RevenueBatch:
    if (batch.state, to) not in BATCH_MOVES:
        raise IllegalMove("The revenue", batch.state, to)
    now = database_time(tx)
    moved = batch.model_copy(update={**changes, "state": to, "version": batch.version + 1})
    revenue.save_batch(tx, moved, now)
    totals = {currency: str(amount.amount) for currency, amount in moved.totals.items()}
    journal.append(
        tx,
        [
            Event(
                chain=batch.id,
                type=event,
                at=now,
                actor=f"person:{acting.id}",
                attributes={
                    "month": f"{batch.month:%Y-%m}",
                    "legal_entity": batch.legal_entity,
                    "entries": len(batch.entries),
                    "revenue": totals,
                    "digest": moved.digest or "",
                    "reason": moved.reason or "",
                },
                objects=[(batch.id, "revenue_batch", event.rpartition(".")[2])],
                region=batch.region or None,
            )
        ],
    )
    return moved


def _tell_engagements(tx: Tx, batch: RevenueBatch, acting: Acting, now: datetime) -> None:
    """Each engagement's own log says what it earned."""
    journal.append(
        tx,
        [
            Event(
                chain=entry.engagement,
                type="revenue.recognised",
                at=now,
                actor=f"person:{acting.id}",
                attributes={
                    "month": f"{batch.month:%Y-%m}",
                    "revision": entry.revision,
                    "revenue": str(entry.change.revenue.amount),
                    "earned": str(entry.position.earned.amount),
                    "currency": entry.currency,
                },
                objects=[
                    (entry.engagement, "engagement", "engagement"),
                    (batch.id, "revenue_batch", "of"),
                ],
                region=batch.region or None,
            )
            for entry in batch.entries
        ],
    )
