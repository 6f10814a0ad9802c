"""What another system says it keeps is held against what we keep, and what differs is noted.

A comparison that was read earlier than one that is noted changes nothing, so that late and doubled
messages lead to the same state. Where something differs, one exception per engagement, system and
kind of record asks finance; it is settled by itself when both sides agree again.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from fairlead.capabilities.handoff.starting import start_for
from fairlead.capabilities.reconciliation.books import Book, Told
from fairlead.capabilities.reconciliation.events import DUE
from fairlead.capabilities.reconciliation.recorded import FileOf
from fairlead.domain.ids import EngagementId
from fairlead.domain.model.delivery import Delivery
from fairlead.domain.model.discrepancy import Discrepancy, Kept, Record
from fairlead.domain.model.engagement import EngagementState
from fairlead.domain.rules.reconciliation import compare
from fairlead.domain.values import Money
from fairlead.errors import IllegalMove, NotFound
from fairlead.flow.changes import OURSELVES
from fairlead.flow.library import Library
from fairlead.store import (
    blobs,
    deliveries,
    engagements,
    exceptions,
    inbox,
    journal,
    reconciliations,
    recorded_work,
)
from fairlead.store.database import Tx, database_time
from fairlead.store.inbox import Message
from fairlead.work.words import CauseClass, ExceptionAction, NewException

_EVERY = timedelta(days=1)
_AT_A_TIME = 20
_SLA = timedelta(days=3)  #: clock time
_TEAM = "finance-operations"
#: What it is called, and how it differs.
#: Older months are closed in the ledger, too; each journal is a call a day.
_JOURNALS_FOR = timedelta(days=100)
_NOUNS: Mapping[Kept, tuple[str, str]] = {
    Kept.TIME: ("time", "differs"),
    Kept.EXPENSE: ("expenses", "differ"),
    Kept.INVOICE: ("invoices", "differ"),
    Kept.REVENUE: ("journals of revenue", "differ"),
    Kept.COMMITMENT: ("purchase requisitions", "differ"),
}


def ask_due(tx: Tx) -> int:
    """Have the records of engagements compared whose turn it is; how many."""
    due = reconciliations.take_due(tx, _EVERY, _AT_A_TIME)
    for id in due:
        compare_now(tx, EngagementId(id))
    return len(due)


def compare_as_asked(tx: Tx, row: Mapping[str, Any]) -> None:
    """As a person or a program asks for it. `row`: id and state of an engagement that they see.

    Raises `IllegalMove` where it is not launched: nobody keeps records of it yet.
    """
    if row["state"] != EngagementState.LAUNCHED:
        raise IllegalMove("The engagement", row["state"], "reconciled")
    compare_now(tx, EngagementId(row["id"]))


def compare_now(tx: Tx, id: EngagementId) -> None:
    """Have the records of one engagement compared, once for each time that this is said."""
    name = str(uuid.uuid4())
    inbox.put(
        tx,
        source=OURSELVES,
        message=f"reconcile/{id}/{name}",
        kind="internal",
        queue="events",
        correlation=name,
        headers={},
        body=json.dumps({"type": DUE, "data": {"engagement": id}}).encode(),
    )


class StartsComparing:
    """Takes in that an engagement's records are to be compared."""

    def __init__(self, library: Library, file_of: FileOf) -> None:
        self._library, self._file_of = library, file_of

    def __call__(self, tx: Tx, data: Mapping[str, Any], message: Message) -> str:
        id = EngagementId(data["engagement"])
        engagement = engagements.load(tx, [id], lock=False).get(id)
        delivery = deliveries.load(tx, [id]).get(id)
        if engagement is None or delivery is None:
            return f"{id} is not launched"
        now = database_time(tx)
        _compare_expenses(tx, delivery, now)
        since = (now - _JOURNALS_FOR).date().replace(day=1)
        journals = reconciliations.our_journals(tx, delivery.engagement, since)
        requisitions = reconciliations.our_requisitions(tx, delivery.engagement)
        started = start_for(
            tx,
            self._library,
            DUE,
            engagement,
            correlation=message.correlation,
            input={
                "start": min(delivery.starts_on, now.date()).isoformat(),
                "end": now.date().isoformat(),
                "known": self._known(tx, delivery),
                "since": since.isoformat(),
                "journals": [ref.model_dump(mode="json") for ref in journals],
                "requisitions": [ref.model_dump(mode="json") for ref in requisitions],
            },
            occurrence=message.message,
        )
        return f"{delivery.number}: {started} comparisons of records started"

    def _known(self, tx: Tx, delivery: Delivery) -> str:
        """Digest of the ids there of the time that came from the project system."""
        project = delivery.refs.get("psa_project")
        refs = (
            recorded_work.known(
                tx, delivery.engagement, project.system, self._file_of(project.system)
            )
            if project
            else []
        )
        return blobs.keep(tx, json.dumps(refs).encode(), "application/json")


class TakesRecords:
    """Takes in what another system keeps."""

    def __init__(self, books: Mapping[str, Book]) -> None:
        """`books`: by the name that the message says."""
        self._books = books

    def __call__(self, tx: Tx, data: Mapping[str, Any], message: Message) -> str:
        id = EngagementId(data["engagement"])
        delivery = deliveries.load(tx, [id]).get(id)
        if delivery is None:
            raise NotFound(f"There are no books of {id}.")
        book = self._books[data["book"]]
        told = Told(
            delivery=delivery,
            system=data["system"],
            said=json.loads(blobs.kept(tx, data["records"])),
            asked_at=datetime.fromisoformat(data["asked_at"]),
            data=data,
        )
        sides = book.sides(tx, told)
        return _note(tx, delivery, told.system, book.kept, sides.ours, sides.theirs, told.asked_at)


def _compare_expenses(tx: Tx, delivery: Delivery, now: datetime) -> None:
    """With what the ledger confirmed: it cannot be asked for the expenses of a project (F075)."""
    ours, booked = reconciliations.our_expenses(tx, delivery.engagement, now)
    ref = delivery.refs.get("ledger_project")
    if ref is not None:
        _note(tx, delivery, ref.system, Kept.EXPENSE, ours, booked, now)


def _note(
    tx: Tx,
    delivery: Delivery,
    system: str,
    kept: Kept,
    ours: Sequence[Record],
    theirs: Sequence[Record],
    at: datetime,
) -> str:
    found = compare(kept, ours, theirs)
    noted = reconciliations.note(
        tx,
        engagement=delivery.engagement,
        region=delivery.region or None,
        system=system,
        kept=kept,
        ours=ours,
        theirs=theirs,
        found=found,
        unit="hour" if kept is Kept.TIME else delivery.currency,
        at=at,
    )
    if not noted:
        return f"{delivery.number}: a later comparison of {_NOUNS[kept][0]} is known"
    _tell(tx, delivery, system, kept, found, at)
    journal.tell(tx, [delivery.engagement])  # no event says when it was compared
    return f"{delivery.number}: {len(found)} differences of {_NOUNS[kept][0]} with {system}"


def _tell(
    tx: Tx,
    delivery: Delivery,
    system: str,
    kept: Kept,
    found: Sequence[Discrepancy],
    at: datetime,
) -> None:
    cause = reconciliations.cause_of(delivery.engagement, system, kept)
    if not found:
        exceptions.settle(tx, [cause], at)
        return
    units = ("hour", delivery.currency)  # what is in another currency is not added
    apart = sum((abs(one.difference) for one in found if one.unit in units), Decimal(0))
    money = None if kept is Kept.TIME else Money(amount=apart, currency=delivery.currency)
    size = f"{apart:.2f} hours" if money is None else str(money)
    count = f"{len(found)} difference{'' if len(found) == 1 else 's'}"
    exceptions.open_one(
        tx,
        NewException(
            cause=cause,
            cause_class=CauseClass.NEEDS_DECISION,
            team=_TEAM,
            title=f"{delivery.number}: {' '.join(_NOUNS[kept])} from {system}",
            detail=f"{count}, {size} apart. The first: {found[0].words}.",
            remedy=f"Look at each under Reconciliation. {found[0].remedy}",
            opened_at=at,
            due_at=at + _SLA,
            actions=(ExceptionAction.ASSIGN, ExceptionAction.DISMISS),
            system=system,
            subject_id=delivery.engagement,
            region=delivery.region or None,
            at_risk=money,
        ),
    )
