"""How the engine handles an invoice on its way to the ledger without knowing what one is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from fairlead.capabilities.billing.changing import event_of, free_credited
from fairlead.capabilities.billing.documents import invoice_of
from fairlead.capabilities.billing.holding import held_by
from fairlead.domain.model.delivery import Delivery
from fairlead.domain.model.invoice import Invoice, InvoiceKind, InvoiceState
from fairlead.domain.values import ExternalRef, Money
from fairlead.policy.tables import Policies
from fairlead.store import deliveries, invoice_hands, invoices, journal, runs
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event, Relation


@dataclass(frozen=True)
class SentInvoice:
    """An invoice with what its way needs. A change is written when the engine saves it."""

    row: Mapping[str, Any]
    invoice: Invoice
    delivery: Delivery
    credited: ExternalRef | None  #: in the ledger, of the invoice that it credits
    hands: frozenset[str]
    held: tuple[str, ...] = ()  #: while its second word is out: what keeps it from going out
    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    told: tuple[Event, ...] = ()
    frees: bool = False  #: what it credits is free from now on

    @property
    def id(self) -> str:
        return self.invoice.id

    @property
    def ref(self) -> ExternalRef | None:
        """In the ledger; null: not made there yet."""
        raw = self.changes.get("ref", self.row["ref"])
        return None if raw is None else ExternalRef.model_validate(raw)

    @property
    def net(self) -> Money:
        return Money(amount=self.row["net"], currency=self.row["currency"])

    def changed(
        self, event: str, at: datetime, attributes: Mapping[str, Any], **columns: Any
    ) -> SentInvoice:
        """With these columns, and an event on the engagement's chain."""
        told = event_of(self.row, event, "fairlead", at, **attributes)
        return replace(self, changes={**self.changes, **columns}, told=(*self.told, told))

    def with_columns(self, **columns: Any) -> SentInvoice:
        return replace(self, changes={**self.changes, **columns})


@dataclass(frozen=True)
class InvoiceSubjects:
    """Fulfils `flow.calls.Subjects` for invoices."""

    policies: Policies

    def load(self, tx: Tx, ids: Sequence[str], *, lock: bool) -> dict[str, SentInvoice]:
        rows = invoices.load(tx, ids, lock=lock)
        lines = invoices.lines(tx, list(rows))
        of = deliveries.load(tx, sorted({row["engagement_id"] for row in rows.values()}))
        credited = invoices.load(tx, sorted({r["credits"] for r in rows.values() if r["credits"]}))
        return {
            id: SentInvoice(
                row=row,
                invoice=invoice_of(row, lines[id]),
                delivery=of[row["engagement_id"]],
                credited=_ref(credited.get(row["credits"])),
                hands=invoice_hands.hands(tx, id),
                held=self._held(tx, row),
            )
            for id, row in rows.items()
        }

    def _held(self, tx: Tx, row: Mapping[str, Any]) -> tuple[str, ...]:
        """Asked only of what is not out yet, which are few."""
        if row["state"] != InvoiceState.RELEASED or row["released_at"] is not None:
            return ()
        return held_by(tx, self.policies, row, database_time(tx))

    def save(self, tx: Tx, subjects: Sequence[SentInvoice]) -> None:
        for subject in subjects:
            if subject.frees and subject.row["kind"] == InvoiceKind.CREDIT:
                free_credited(tx, subject.row)
            if subject.changes:
                invoices.change(tx, subject.id, **subject.changes)
            if "posted_at" in subject.changes:  # credits of it may have waited for that
                for credit in invoices.credits_of(tx, subject.id):
                    runs.wake(tx, runs.of_subject(tx, credit["id"]))
        journal.append(tx, [event for subject in subjects for event in subject.told])

    def facts(self, subject: SentInvoice) -> Mapping[str, str | None]:
        delivery = subject.delivery
        return {
            "region": delivery.region,
            "country": delivery.country,
            "contract_type": delivery.contract_type,
            "service_line": None,
            "client_tier": None,
            "legal_entity": delivery.legal_entity,
            "source": None,
        }

    def title(self, subject: SentInvoice) -> str:
        return f"{subject.invoice.reference} for {subject.row['client_name']}"

    def at_stake(self, subject: SentInvoice) -> Money | None:
        return Money(amount=abs(subject.row["net"]), currency=subject.row["currency"])

    def involved(self, subject: SentInvoice) -> tuple[str, ...]:
        """Who proposed and released it, and did or approved its work."""
        released: str | None = subject.row["released_by"]
        return tuple(sorted({*subject.hands, *filter(None, [released])}))

    def shown(self, subject: SentInvoice) -> dict[str, Any]:
        row = subject.row
        return {
            "invoice": row["reference"],
            "kind": row["kind"],
            "engagement": subject.delivery.number,
            "client": row["client_name"],
            "net": subject.net.model_dump(mode="json"),
            "dated_on": row["dated_on"].isoformat(),
            "lines": len(subject.invoice.lines),
            "released_by": row["released_by"],
            "digest": row["digest"],
        }

    def objects(self, subject: SentInvoice) -> Sequence[Relation]:
        return [
            (subject.id, "invoice", "invoice"),
            (subject.row["engagement_id"], "engagement", "engagement"),
        ]


def _ref(row: Mapping[str, Any] | None) -> ExternalRef | None:
    return None if row is None or row["ref"] is None else ExternalRef.model_validate(row["ref"])
