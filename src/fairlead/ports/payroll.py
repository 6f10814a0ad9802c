"""What we need from payroll: hours go there once; what it holds and has paid comes back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from fairlead.domain.ids import EffectKey
from fairlead.domain.model.pay_sheet import HeldHours, Payee, PaySheet
from fairlead.domain.values import ExternalRef


class Payroll(Protocol):
    """See `fairlead.ports` for what every port promises.

    A payroll system may have no place for our key. Then `find_…` goes by what was sent, which is
    why it is given the same again: it finds exactly that, and nothing that somebody else entered.
    """

    def ping(self) -> None: ...

    def payees(self, start: date, end: date) -> Sequence[Payee]:
        """Everybody whom it pays by hours; all pages. The days, both included, are a pay period."""
        ...

    def send_hours(self, sheet: PaySheet, *, payee: Payee, key: EffectKey) -> ExternalRef:
        """Enter the hours of one person and pay period, not yet approved there."""
        ...

    def find_hours(
        self, sheet: PaySheet, *, payee: Payee, key: EffectKey
    ) -> ExternalRef | None: ...

    def approve_hours(self, sheet: ExternalRef, *, key: EffectKey) -> ExternalRef:
        """Have them taken into the pay run. Gives the same reference."""
        ...

    def find_approval(self, sheet: ExternalRef, *, key: EffectKey) -> ExternalRef | None: ...

    def held(self, start: date, end: date) -> Sequence[HeldHours]:
        """Hours of every pay period within these days, both included, as entered and as paid by
        hours; salaries are none. All pages."""
        ...
