"""Releasing an invoice, a credit or a write-off: within one's authority, by other hands (F086)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from fairlead.capabilities.billing.changing import event_of, free_credited, locked, must_move
from fairlead.capabilities.billing.events import RELEASED, TO_LEDGER, tell_engagement
from fairlead.capabilities.billing.holding import held_by
from fairlead.capabilities.billing.invoice_subject import InvoiceSubjects
from fairlead.capabilities.billing.reviewing import must_be
from fairlead.domain.ids import derived
from fairlead.domain.model.invoice import InvoiceKind, InvoiceState
from fairlead.domain.values import Exact, Money, Value
from fairlead.errors import Held, IllegalMove, NotAllowed
from fairlead.flow.library import Library
from fairlead.flow.start import start_run
from fairlead.policy.tables import Policies, decide
from fairlead.store import decisions, invoice_hands, invoice_items, invoices
from fairlead.store import journal as log
from fairlead.store.database import Tx, database_time
from fairlead.trust.acting import Acting
from fairlead.trust.roles import Permission
from fairlead.work.hands import went_through

#: Limits count over so many days, so that splitting does not help.
_WINDOW = timedelta(days=30)
NOBODY = "none"  #: the policy asks for no second word


class ReleaseFacts(Value):
    """What `invoice-release` may ask."""

    kind: str  #: invoice or credit
    amount: Exact  #: without sign, in `currency`
    currency: str
    region: str
    legal_entity: str


def release_facts(row: Mapping[str, Any]) -> ReleaseFacts:
    return ReleaseFacts(
        kind=row["kind"],
        amount=abs(row["net"]),
        currency=row["currency"],
        region=row["region"] or "",
        legal_entity=row["legal_entity"],
    )


@dataclass(frozen=True)
class Releasing:
    policies: Policies
    library: Library

    def release(
        self, tx: Tx, name: str, acting: Acting, *, digest: str, version: int | None = None
    ) -> dict[str, Any]:
        """Say that it may go out, as it was reviewed; a run carries it to the ledger.

        Raises `NotFound`, `IllegalMove`, `StaleVersion` (it is not what was reviewed), `NotAllowed`
        (one's own proposal or work, or over one's limit with what one released for this engagement
        in 30 days), `Held`.
        """
        acting.principal.must(Permission.BILLING_RELEASE)
        row = locked(tx, name, acting, version)
        must_move(row, InvoiceState.RELEASED)
        must_be(tx, row, digest)
        now = database_time(tx)
        self._must_not_be_held(tx, row, now)
        hands = invoice_hands.hands(tx, row["id"])
        proposed_on = row["proposed_at"].date()
        if went_through(tx, acting, hands, since=proposed_on, today=now.date()):
            raise NotAllowed(
                f"{acting.id}, or whoever they share duties with as deputy, proposed "
                f"{row['reference']}, or did, entered or approved its work, and so cannot "
                f"release it. {acting.principal.others(Permission.BILLING_RELEASE)}"
            )
        self._must_be_within_limit(tx, row, acting, now)
        return self._let_out(tx, row, acting, now, released_by=acting.id)

    def send_again(self, tx: Tx, name: str, acting: Acting) -> dict[str, Any]:
        """Start another run for a released one whose run was ended; what was done is not repeated.
        A second word that it waited for is asked for again.

        Raises `NotFound`, `IllegalMove` where it is not released, or its run goes on, and `Held`
        where that word is out and something keeps it from being invoiced by now.
        """
        acting.principal.must(Permission.BILLING_RELEASE)
        row = locked(tx, name, acting, None)
        open_run = tx.execute(
            "SELECT 1 AS one FROM runs WHERE subject_id = %s AND ended_at IS NULL", [row["id"]]
        ).fetchone()
        if row["state"] != InvoiceState.RELEASED or open_run or not goes_to_ledger(tx, row):
            state = "on its way" if open_run else row["state"]
            raise IllegalMove(row["reference"], state, "sent again")
        if row["released_at"] is None:  # it is not out yet, and much may have happened since
            now = database_time(tx)
            self._must_not_be_held(tx, row, now)
            return self._let_out(tx, row, acting, now, released_by=row["released_by"])
        invoices.change(tx, row["id"], state=InvoiceState.RELEASED)
        row = invoices.load(tx, [row["id"]])[row["id"]]
        self._start(tx, row, NOBODY)
        return row

    def _let_out(
        self, tx: Tx, row: Mapping[str, Any], acting: Acting, now: datetime, *, released_by: str
    ) -> dict[str, Any]:
        """Released, or waiting for the second word that the policy wants. Its run begins."""
        role = self._second(tx, row, now)
        invoices.change(
            tx,
            row["id"],
            state=InvoiceState.RELEASED,
            released_by=released_by,
            released_at=now if role == NOBODY else None,
        )
        row = invoices.load(tx, [row["id"]])[row["id"]]
        word = "released" if role == NOBODY else "release_asked"
        log.append(tx, [event_of(row, word, f"person:{acting.id}", now, digest=row["digest"])])
        if role == NOBODY:
            take_effect(tx, row)
        if goes_to_ledger(tx, row):
            self._start(tx, row, role)
        return row

    def _must_not_be_held(self, tx: Tx, row: Mapping[str, Any], now: datetime) -> None:
        if reasons := held_by(tx, self.policies, row, now):
            raise Held(row["reference"], reasons)

    def _must_be_within_limit(
        self, tx: Tx, row: Mapping[str, Any], acting: Acting, now: datetime
    ) -> None:
        before = invoices.released_by(tx, row["engagement_id"], acting.id, now - _WINDOW)
        amount = before + at_stake(tx, row)
        if not acting.may_commit(amount, row["currency"]):
            currency = row["currency"]
            told, used, stake = (
                Money(amount=each, currency=currency) for each in (amount, before, amount - before)
            )
            raise NotAllowed(
                f"{told} is over your limit of {acting.limit(currency)}: {row['reference']} over "
                f"{stake}, with {used} that you released for this engagement in the last 30 days. "
                f"{acting.principal.others(Permission.BILLING_RELEASE)}"
            )

    def _second(self, tx: Tx, row: Mapping[str, Any], now: datetime) -> str:
        """The role whose word is wanted besides, by the policy; the decision is kept."""
        if row["kind"] == InvoiceKind.WRITE_OFF:
            return NOBODY
        decision = decide(self.policies.as_of("invoice-release", now), release_facts(row), now)
        decisions.add(
            tx,
            [
                {
                    "id": derived("release", row["id"], str(row["version"])),
                    **decision.model_dump(mode="json"),
                    "run_id": None,
                    "step": "release",
                    "subject_id": row["id"],
                }
            ],
        )
        return str(decision.answer["role"])

    def _start(self, tx: Tx, row: Mapping[str, Any], role: str) -> None:
        subjects = InvoiceSubjects(self.policies)
        subject = subjects.load(tx, [row["id"]], lock=False)[row["id"]]
        for playbook in self.library.started_by(TO_LEDGER):
            start_run(
                tx,
                self.library,
                playbook,
                subject_id=row["id"],
                facts=subjects.facts(subject),
                correlation=derived("invoice", row["id"]),
                input={"second": role},
                occurrence=str(row["version"]),
                objects=tuple(subjects.objects(subject)),
            )


def at_stake(tx: Tx, row: Mapping[str, Any]) -> Decimal:
    """What a release commits: its amount, or for a write-off what is given up."""
    if row["kind"] != InvoiceKind.WRITE_OFF:
        return abs(row["net"])
    return abs(sum((i["amount"] for i in invoice_items.of_invoice(tx, row["id"])), Decimal(0)))


def goes_to_ledger(tx: Tx, row: Mapping[str, Any]) -> bool:
    """Not a write-off, nor what takes one back, nor a credit that comes to nothing."""
    if row["kind"] == InvoiceKind.INVOICE:
        return True
    return row["kind"] == InvoiceKind.CREDIT and row["net"] != 0


def take_effect(tx: Tx, row: Mapping[str, Any]) -> None:
    """What follows from a release that stands: a credit's items are free, and others hear of it."""
    if row["kind"] == InvoiceKind.CREDIT:
        free_credited(tx, row)
    if row["kind"] == InvoiceKind.INVOICE:
        tell_engagement(tx, row, RELEASED)
