"""Sending a month's sheets to payroll, each once, and approving them there.

Whom payroll does not know, or pays by other periods, holds nobody else up: the others are sent
first. Then the step stops for a person, and goes on with who was left out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from fairlead.domain.ids import EffectKey
from fairlead.domain.model.pay_sheet import Payee, PaySheet
from fairlead.domain.model.payroll_month import PayrollMonth
from fairlead.errors import NotFound, SystemRefused
from fairlead.flow.calls import Done, OutwardCall
from fairlead.flow.registry import Registry

_NAMED = 10  #: people whom an exception names


def register(registry: Registry) -> None:
    @registry.action(
        "send_pay_sheets",
        on="payroll",
        safe="Each sheet is an effect of its own, named after it, and so is its approval.",
    )
    def send_pay_sheets(call: OutwardCall) -> Done:
        """Enter and approve the hours of each person whom payroll pays for this month."""
        of: PayrollMonth = call.subject
        batch = json.loads(call.kept(call.run.input["batch"]))
        sheets = [PaySheet.model_validate(one) for one in batch]
        payees: Sequence[Payee] = call.port.payees(of.month, of.end)
        left: list[str] = []
        for sheet in sheets:
            payee = _payee(sheet, of.emails.get(sheet.resource), payees)
            if isinstance(payee, str):
                left.append(payee)
                continue
            try:
                _send(call, sheet, payee)
            except SystemRefused as refused:
                left.append(f"{sheet.resource}: {refused.why}")
        if left:
            more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
            raise NotFound(
                f"{len(sheets) - len(left)} of {len(sheets)} are sent. Payroll did not take the"
                f" hours of: {'; '.join(left[:_NAMED])}{more}. Correct it there."
            )
        call.tell("payroll.sent", month=f"{of.month:%Y-%m}", sheets=len(sheets))
        return Done({"sheets": len(sheets)})


def _send(call: OutwardCall, sheet: PaySheet, payee: Payee) -> None:
    request = {**sheet.model_dump(mode="json"), "payee": str(payee.ref)}
    ref = call.once(
        "payroll.send_hours",
        key=EffectKey(f"payroll/{sheet.id}"),
        request=request,
        call=lambda key: call.port.send_hours(sheet, payee=payee, key=key),
        find=lambda key: call.port.find_hours(sheet, payee=payee, key=key),
    )
    call.once(
        "payroll.approve_hours",
        key=EffectKey(f"payroll/{sheet.id}/approve"),
        request={"sheet": str(ref)},
        call=lambda key: call.port.approve_hours(ref, key=key),
        find=lambda key: call.port.find_approval(ref, key=key),
    )


def _payee(sheet: PaySheet, email: str | None, payees: Sequence[Payee]) -> Payee | str:
    """Whom payroll pays these hours; or why it cannot, in words."""
    if not email:
        return f"{sheet.resource}: no e-mail address is known here"
    found = [payee for payee in payees if payee.email == email]
    if not found:
        return f"{sheet.resource}: nobody with {email} is paid there"
    if len(found) > 1:
        return f"{sheet.resource}: {len(found)} people with {email} are paid there"
    if not found[0].has_period:
        return f"{sheet.resource}: paid by a calendar without the month {sheet.start:%Y-%m}"
    return found[0]
