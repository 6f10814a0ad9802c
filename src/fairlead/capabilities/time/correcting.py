"""Taking back what was approved: by an entry of the opposite amount, which is approved as well.

What was billed or posted stays so; the entry that takes it back is billed and posted in its turn,
with a minus. Whoever wants another amount enters a new one.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from fairlead.capabilities.time.remit import Remits
from fairlead.capabilities.time.whose import resource_of
from fairlead.domain.ids import derived
from fairlead.domain.model.time_entry import EntryState
from fairlead.domain.values import Money
from fairlead.errors import IllegalMove, InvalidInput, NotAllowed, NotFound, Problem
from fairlead.store import expenses, journal, time_entries
from fairlead.store.approvals import Kind
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event
from fairlead.trust.acting import Acting
from fairlead.trust.principals import People
from fairlead.trust.roles import Permission

SOURCE = "correction"


class Correcting:
    def __init__(self, people: People) -> None:
        self._remits = Remits(people)

    def take_back(self, tx: Tx, acting: Acting, kind: Kind, id: UUID, reason: str) -> UUID:
        """The id of the entry that takes it back; it waits for approval by somebody else.

        One's own, or what one may approve. Raises `NotFound`, `InvalidInput` (no reason),
        `IllegalMove` (not approved, taken back already, or itself a correction).
        """
        if not reason.strip():
            raise InvalidInput("A correction needs a reason.", [Problem("/reason", "is required")])
        now = database_time(tx)
        made = (
            self._time(tx, acting, id, reason.strip(), now)
            if kind == "time"
            else self._expense(tx, acting, id, reason.strip(), now)
        )
        if made is None:
            raise IllegalMove("The entry", "taken back already", "taken back")
        engagement, region, back = made
        journal.append(
            tx,
            [
                Event(
                    chain=engagement,
                    type="work.taken_back",
                    at=now,
                    actor=f"person:{acting.id}",
                    attributes={"kind": kind, "reason": reason.strip()},
                    objects=[
                        (engagement, "engagement", "of"),
                        (str(id), kind, "taken back"),
                        (str(back), kind, "takes back"),
                    ],
                    region=region,
                )
            ],
        )
        return back

    def _time(
        self, tx: Tx, acting: Acting, id: UUID, reason: str, now: datetime
    ) -> tuple[str, str | None, UUID] | None:
        found = time_entries.load(tx, [id], lock=True).get(id)
        if found is None:
            raise NotFound("There is no such entry.")
        self._may(tx, acting, found.resource, found.engagement)
        _must_be_final(found.state, found.reverses)
        back = found.model_copy(
            update={
                "id": time_entries.entry_id(SOURCE, str(id)),
                "minutes": -found.minutes,
                "state": EntryState.DRAFT,
                "source": SOURCE,
                "source_id": str(id),
                "reverses": id,
                "reason": reason,
                "version": 1,
            }
        )
        by = f"person:{acting.id}"
        if not time_entries.add(tx, [back], by=by, at=now):
            return None
        time_entries.move(
            tx, [back.id], EntryState.SUBMITTED, froms=[EntryState.DRAFT], by=by, at=now
        )
        (row,) = time_entries.rows_of(tx, [back.id])
        return found.engagement, row["region"], back.id

    def _expense(
        self, tx: Tx, acting: Acting, id: UUID, reason: str, now: datetime
    ) -> tuple[str, str | None, UUID] | None:
        known = expenses.load(tx, [id], lock=True).get(id)
        if known is None:
            raise NotFound("There is no such entry.")
        found = known.expense
        self._may(tx, acting, found.resource, found.engagement)
        _must_be_final(found.state, found.reverses)
        if expenses.taken_back(tx, id):
            return None
        back = UUID(derived("expense", SOURCE, str(id)))
        expense = found.model_copy(
            update={
                "id": back,
                "amount": _opposite(found.amount),
                "claimed": found.claimed and _opposite(found.claimed),
                "state": EntryState.SUBMITTED,
                "source": SOURCE,
                "source_id": str(id),
                "reverses": id,
                "reason": reason,
                "version": 1,
            }
        )
        new = replace(
            known,
            expense=expense,
            entered_by=f"person:{acting.id}",
            entered_at=now,
            submitted_at=now,
            decided_by=None,
            decided_at=None,
            period=None,
        )
        expenses.add(tx, [new])
        return found.engagement, known.region, back

    def _may(self, tx: Tx, acting: Acting, resource: str, engagement: str) -> None:
        """Raises `NotFound`, as for one that is not there."""
        if acting.principal.may(Permission.TIME_APPROVE):
            remit = self._remits.of(tx, acting, engagements=[engagement])
            if engagement in remit.engagements:
                return
        try:
            own = resource_of(tx, acting).id
        except NotAllowed:
            own = None
        if own != resource:
            raise NotFound("There is no such entry.")


def _must_be_final(state: EntryState, reverses: UUID | None) -> None:
    if state is not EntryState.APPROVED:
        raise IllegalMove("The entry", state, "taken back")
    if reverses is not None:
        raise IllegalMove("The entry", "a correction; enter anew what is right", "taken back")


def _opposite(amount: Money) -> Money:
    return Money(amount=-amount.amount, currency=amount.currency)
