"""Carrying a released invoice or credit into the ledger, which numbers, taxes and posts it (F084).

Effects are keyed by the invoice's id, not by the run: however often it is sent, it is made once.
"""

from __future__ import annotations

from dataclasses import replace

from fairlead.capabilities.billing.events import POSTED, RELEASED, TOLD
from fairlead.capabilities.billing.invoice_subject import SentInvoice
from fairlead.capabilities.billing.releasing import NOBODY, ReleaseFacts, release_facts
from fairlead.domain.gates import Blocked, Clear, Gap
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.invoice import InvoiceKind, InvoiceState, LedgerInvoiceState
from fairlead.errors import AnswerLost, EffectConflict, Held
from fairlead.flow.calls import Call, Done, OutwardCall
from fairlead.flow.registry import Registry
from fairlead.ports.invoicing import Invoicing

_OWNER = "finance-operations"


def release_policy_facts(call: Call) -> ReleaseFacts:
    """For the approval that asks `invoice-release`."""
    subject: SentInvoice = call.subject
    return release_facts(subject.row)


def register(registry: Registry) -> None:
    @registry.gate("invoice_can_be_sent")
    def invoice_can_be_sent(call: Call) -> Clear | Blocked:
        """The ledger knows client and project, and the invoice that a credit takes back."""
        subject: SentInvoice = call.subject
        wanted = {
            "the client in the ledger": subject.delivery.refs.get("client"),
            "the project in the ledger": subject.delivery.refs.get("ledger_project"),
        }
        if subject.row["kind"] == InvoiceKind.CREDIT:
            wanted[f"{subject.row['credits_reference']} in the ledger"] = subject.credited
        gaps = tuple(
            Gap(
                field=what.removeprefix("the ").replace(" ", "_"),
                problem=f"{what} is missing",
                owner=_OWNER,
                remedy="see the run that makes it; this one goes on by itself",
                suppliable=False,
            )
            for what, found in wanted.items()
            if found is None
        )
        return Blocked(gaps=gaps) if gaps else Clear()

    @registry.condition("second_release_wanted")
    def second_release_wanted(call: Call) -> bool:
        """Did the policy ask for a second word when it was released?"""
        return call.input.get("second", NOBODY) != NOBODY

    @registry.action("confirm_release")
    def confirm_release(call: Call) -> Done:
        """Both have released it: now it is, unless something came up since the first word.

        Raises `Held`; the step is tried again once that is settled.
        """
        subject: SentInvoice = call.subject
        if subject.held:
            raise Held(subject.row["reference"], subject.held)
        if subject.row["kind"] == InvoiceKind.INVOICE:
            _tell(call, RELEASED)

        def confirmed(subject: SentInvoice) -> SentInvoice:
            released = subject.changed("released", call.now, {}, released_at=call.now)
            return replace(released, frees=True)

        return Done({}, confirmed)

    @registry.action("withdraw_release")
    def withdraw_release(call: Call) -> Done:
        """The second word was no: it is back among what was reviewed, and may be discarded."""

        def back(subject: SentInvoice) -> SentInvoice:
            return subject.changed(
                "release_refused",
                call.now,
                {},
                state=InvoiceState.REVIEWED,
                released_by=None,
            )

        return Done({}, back)

    @registry.action(
        "create_invoice",
        on="invoicing",
        safe="The effect's key is the invoice's, travels to the ledger with it, and is looked up "
        "before any repeat.",
    )
    def create_invoice(call: OutwardCall) -> Done:
        """A draft in the ledger, line by line as it was released."""
        subject: SentInvoice = call.subject
        port: Invoicing = call.port
        client, project = subject.delivery.refs["client"], subject.delivery.refs["ledger_project"]
        ref = call.once(
            "invoicing.create_invoice",
            key=EffectKey(f"invoice/{subject.id}"),
            request={
                **subject.invoice.model_dump(mode="json"),
                "client": str(client),
                "project": str(project),
                "digest": subject.row["digest"],
            },
            call=lambda key: port.create_invoice(
                subject.invoice,
                client=client,
                project=project,
                credited=subject.credited,
                key=key,
            ),
            find=port.find_invoice,
        )
        kept = ref.model_dump(mode="json")
        return Done({"invoice": str(ref)}, lambda now: now.with_columns(ref=kept))

    @registry.action(
        "post_invoice",
        on="invoicing",
        safe="Posting a posted one changes nothing, and whether it is posted is looked up first.",
    )
    def post_invoice(call: OutwardCall) -> Done:
        """The ledger numbers, taxes and posts it."""
        subject: SentInvoice = call.subject
        port: Invoicing = call.port
        ref = subject.ref
        assert ref is not None
        posted = call.once(
            "invoicing.post_invoice",
            key=EffectKey(f"invoice/{subject.id}/posted"),
            request={"invoice": str(ref)},
            call=lambda key: port.post_invoice(ref, key=key),
            find=lambda key: port.find_posted(ref, key=key),
        )
        return Done({"posted": str(posted)})

    @registry.action("read_posted", on="invoicing", safe="It reads.")
    def read_posted(call: OutwardCall) -> Done:
        """Number, tax, total and due date, as the ledger has them."""
        subject: SentInvoice = call.subject
        ref = subject.ref
        assert ref is not None
        found = call.port.invoice(ref)
        if found is None or found.state is LedgerInvoiceState.DRAFT:
            raise AnswerLost(call.system, f"{ref} is posted, but cannot be read as such yet.")
        if found.net != subject.net:
            raise EffectConflict(
                call.system,
                f"{subject.invoice.reference} is {subject.net} here and {found.net} there.",
            )
        _tell(call, POSTED)

        def posted(subject: SentInvoice) -> SentInvoice:
            return subject.changed(
                "posted",
                call.now,
                {"number": found.number, "total": format(found.total.amount, "f")},
                state=InvoiceState.POSTED,
                number=found.number,
                tax=found.tax.amount,
                total=found.total.amount,
                due_on=found.due_on,
                posted_at=call.now,
            )

        return Done({"number": found.number, "total": str(found.total)}, posted)


def _tell(call: Call | OutwardCall, event: str) -> None:
    subject: SentInvoice = call.subject
    call.send(
        TOLD,
        engagement=subject.row["engagement_id"],
        happened=event,
        reference=subject.invoice.reference,
    )
