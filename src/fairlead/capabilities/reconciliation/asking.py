"""Asking systems what they keep of an engagement. What each says is compared once it is here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date

from fairlead.capabilities.reconciliation.books import (
    LEDGER_INVOICES,
    LEDGER_REVENUE,
    LEDGER_TIME,
    REQUISITIONS,
)
from fairlead.capabilities.reconciliation.events import TOLD
from fairlead.capabilities.reconciliation.recorded import PROJECT_TIME
from fairlead.capabilities.reconciliation.recorded_expenses import PROJECT_EXPENSES
from fairlead.domain.model import Entity
from fairlead.domain.model.discrepancy import Record
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.model.invoice import LedgerInvoice, LedgerInvoiceState
from fairlead.domain.model.posting import BookedRevenue, BookedTime
from fairlead.domain.model.recorded_time import KeptTime
from fairlead.domain.model.requisition import HeldRequisition
from fairlead.domain.values import ExternalRef, Value
from fairlead.flow.calls import Done, OutwardCall
from fairlead.flow.registry import Registry
from fairlead.store.reconciliations import hours


def register(registry: Registry) -> None:
    @registry.action("ask_booked_time", on="bookkeeping", safe="It only reads.")
    def ask_booked_time(call: OutwardCall) -> Done:
        """All time that the ledger keeps on the project."""
        start, end = (date.fromisoformat(call.run.input[day]) for day in ("start", "end"))
        booked: Sequence[BookedTime] = call.port.booked_time(_project(call), start, end)
        days = {"start": start.isoformat(), "end": end.isoformat()}
        return tell(call, LEDGER_TIME, [_time(one) for one in booked], **days)

    @registry.action("ask_invoices", on="invoicing", safe="It only reads.")
    def ask_invoices(call: OutwardCall) -> Done:
        """Every invoice and credit that the ledger keeps on the project."""
        invoices: Sequence[LedgerInvoice] = call.port.of_project(_project(call))
        return tell(call, LEDGER_INVOICES, [_invoice(one) for one in invoices])

    @registry.action("ask_booked_revenue", on="bookkeeping", safe="It only reads.")
    def ask_booked_revenue(call: OutwardCall) -> Done:
        """What the ledger keeps of the journals of the last months."""
        asked = _known_there(call, "journals")
        kept: Sequence[BookedRevenue] = call.port.booked_revenue(asked) if asked else ()
        since = call.run.input["since"]
        return tell(call, LEDGER_REVENUE, kept, asked=_names(asked), since=since)

    @registry.action("ask_requisitions", on="procurement", safe="It only reads.")
    def ask_requisitions(call: OutwardCall) -> Done:
        """What the procurement system keeps of the requisitions that were made."""
        asked = _known_there(call, "requisitions")
        kept: Sequence[HeldRequisition] = call.port.requisitions(asked) if asked else ()
        return tell(call, REQUISITIONS, kept, asked=_names(asked))

    @registry.action("ask_kept_time", on="projects", safe="It only reads.")
    def ask_kept_time(call: OutwardCall) -> Done:
        """All time that the project system keeps on the project, and where else what came from
        there is by now. Nothing is asked of a system that does not hold the project."""
        project: ExternalRef = call.subject.refs["psa_project"]
        if project.system != call.system:
            return Done({"records": 0})
        known: list[str] = json.loads(call.kept(call.run.input["known"]))
        kept: Sequence[KeptTime] = call.port.kept_time(project, known=known)
        return tell(call, PROJECT_TIME, [_without_words(one) for one in kept])

    @registry.action("ask_kept_expenses", on="projects", safe="It only reads.")
    def ask_kept_expenses(call: OutwardCall) -> Done:
        """All expenses that the project system keeps on the project; as above."""
        project: ExternalRef = call.subject.refs["psa_project"]
        if project.system != call.system:
            return Done({"records": 0})
        return tell(call, PROJECT_EXPENSES, call.port.kept_expenses(project))


def tell(call: OutwardCall, book: str, said: Sequence[Value | Entity], **more: str) -> Done:
    """`book`: of `books.py`. `asked_at` is before the call: what came to us since then proves
    nothing. `more`: what else its reader is to know."""
    text = json.dumps([one.model_dump(mode="json") for one in said])
    engagement: Engagement = call.subject
    call.send(
        TOLD,
        engagement=engagement.id,
        system=call.system,
        book=book,
        records=call.keep(text.encode(), "application/json"),
        asked_at=call.now.isoformat(),
        **more,
    )
    return Done({"records": len(said)})


def _known_there(call: OutwardCall, what: str) -> list[ExternalRef]:
    """Records of this system that the run was started with."""
    told = [ExternalRef.model_validate(one) for one in call.run.input[what]]
    return [ref for ref in told if ref.system == call.system]


def _names(refs: Sequence[ExternalRef]) -> str:
    return json.dumps([str(ref) for ref in refs])


def _without_words(one: KeptTime) -> KeptTime:
    """What people wrote of their work is not compared, and so not kept another time."""
    return one.model_copy(update={"entry": one.entry.model_copy(update={"narrative": ""})})


def _project(call: OutwardCall) -> ExternalRef:
    ref: ExternalRef = call.subject.refs["ledger_project"]
    return ref


def _time(one: BookedTime) -> Record:
    return Record(
        key=str(one.item) if one.item else "",
        ref=one.ref,
        amount=hours(one.hours),
        unit="hour",
        on=one.day,
        whose=one.resource if "@" in one.resource else "",
    )


def _invoice(one: LedgerInvoice) -> Record:
    """That it is paid is no difference: payments are read by themselves, a little later."""
    paid = one.state is LedgerInvoiceState.PAID
    return Record(
        key=one.reference or "",
        ref=one.ref.id,
        amount=one.net.amount,
        unit=one.net.currency,
        on=one.dated_on,
        state=LedgerInvoiceState.POSTED if paid else one.state,
    )
