"""Approved revenue as the engine handles it, and booking it in the ledger: each journal once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fairlead.domain.model.revenue_batch import BatchState, RevenueBatch
from fairlead.domain.values import ExternalRef, Money
from fairlead.errors import NotFound
from fairlead.flow.calls import Call, Done, OutwardCall
from fairlead.flow.registry import Registry
from fairlead.store import revenue
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Relation

SUBJECT = "revenue_batch"

#: Whether a system serves a port where something belongs, by its facts.
Connected = Callable[[str, Mapping[str, str | None]], bool]


class RevenueSubjects:
    """Fulfils `flow.calls.Subjects` for a month's revenue of one company and region."""

    def load(self, tx: Tx, ids: Sequence[str], *, lock: bool) -> dict[str, RevenueBatch]:
        return revenue.batches(tx, ids, lock=lock)

    def save(self, tx: Tx, subjects: Sequence[RevenueBatch]) -> None:
        now = database_time(tx)
        for batch in subjects:
            revenue.save_batch(tx, batch, now)
            if batch.state is BatchState.POSTED:
                revenue.booked(tx, batch.id, batch.journals)

    def facts(self, subject: RevenueBatch) -> Mapping[str, str | None]:
        return {"region": subject.region or None, "legal_entity": subject.legal_entity}

    def title(self, subject: RevenueBatch) -> str:
        return f"revenue of {subject.legal_entity} {subject.month:%Y-%m}, no. {subject.number}"

    def at_stake(self, subject: RevenueBatch) -> Money | None:
        """Where it is all in one currency."""
        totals = list(subject.totals.values())
        return totals[0] if len(totals) == 1 else None

    def involved(self, subject: RevenueBatch) -> tuple[str, ...]:
        names = {*subject.computed_by, subject.proposed_by or "", subject.approved_by or ""}
        return tuple(sorted(names - {""}))

    def shown(self, subject: RevenueBatch) -> dict[str, Any]:
        return {
            "legal_entity": subject.legal_entity,
            "region": subject.region,
            "month": f"{subject.month:%Y-%m}",
            "revenue": {c: m.model_dump(mode="json") for c, m in subject.totals.items()},
            "digest": subject.digest,
            "version": subject.version,
        }

    def objects(self, subject: RevenueBatch) -> Sequence[Relation]:
        return [(subject.id, SUBJECT, "batch")]


def register(registry: Registry, connected: Connected) -> None:
    subjects = RevenueSubjects()

    @registry.condition("revenue_has_a_ledger")
    def revenue_has_a_ledger(call: Call) -> bool:
        """Does a system keep the books of its company? Else nothing is booked: the figures stand
        as they were approved, and close with their month."""
        return connected("bookkeeping", subjects.facts(call.subject))

    @registry.action(
        "book_revenue",
        on="bookkeeping",
        safe="Each journal is an effect of its own, named by project, month and revision.",
    )
    def book_revenue(call: OutwardCall) -> Done:
        """A journal for each engagement's month, after the one that takes an earlier revision
        back. All of them are booked before the batch counts as posted."""
        batch: RevenueBatch = call.subject
        made: dict[str, dict[str, ExternalRef]] = {}
        for entry in batch.entries:
            for posting in entry.postings():
                project = entry.project
                if project is None:
                    raise NotFound(
                        f"{entry.number} has no project in the ledger; its revenue of "
                        f"{entry.month:%Y-%m} cannot be booked."
                    )
                made.setdefault(entry.engagement, {})[posting.code] = call.once(
                    "bookkeeping.book_revenue",
                    part=posting.code,
                    request={**posting.model_dump(mode="json"), "project": str(project)},
                    call=lambda key, posting=posting, project=project: call.port.book_revenue(
                        posting, project=project, key=key
                    ),
                    find=call.port.find_revenue,
                )
        journals = sum(len(of) for of in made.values())
        call.tell("revenue.posted", month=f"{batch.month:%Y-%m}", journals=journals)
        return Done({"journals": journals}, _posted(made))


def _posted(made: dict[str, dict[str, ExternalRef]]) -> Any:
    def change(batch: RevenueBatch) -> RevenueBatch:
        """Entries of a month that changes nothing have no journal, and count as posted too."""
        return batch.model_copy(
            update={
                "state": BatchState.POSTED,
                "version": batch.version + 1,
                "journals": {
                    entry.engagement: made.get(entry.engagement, {}) for entry in batch.entries
                },
            }
        )

    return change
