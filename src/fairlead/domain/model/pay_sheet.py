"""Approved hours as payroll takes, holds and pays them (F076, F127)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator

from fairlead.domain.model import Entity
from fairlead.domain.values import ExternalRef, Hours, Name, Value

#: How time is paid, in the firm's own word: `regular`, `overtime`, `standby`.
PayKind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]


class PayLine(Value):
    """Hours of one day and kind, in whole hundredths."""

    day: date
    pay: PayKind
    hours: Hours


class PaySheet(Entity):
    """One person's approved hours of one pay period; what they add up to is never below zero."""

    id: str  #: ours; the effect that sends it is named after it
    resource: str
    start: date
    end: date  #: both days of the pay period are included
    lines: tuple[PayLine, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _of_its_period(self) -> Self:
        if any(not self.start <= line.day <= self.end for line in self.lines):
            raise ValueError("a line is of a day outside the pay period")
        return self


class Payee(Entity):
    """Somebody whom payroll pays."""

    ref: ExternalRef
    name: Name
    email: str | None  #: in small letters; null: payroll keeps none
    calendar: str  #: the pay calendar that they are paid by, as payroll names it
    has_period: bool  #: whether the period that was asked about is one of that calendar


class HeldHours(Entity):
    """What payroll holds of one person, pay period and kind."""

    ref: str  #: its id there, of the time sheet; of the payslip where there is no time sheet
    whose: str  #: e-mail address in small letters, where it keeps one; else its own id of them
    pay: str  #: our word, where the kind is set up; else payroll's own id of it
    start: date
    end: date
    hours: Hours  #: of its time sheets
    approved: bool  #: it will be taken into the pay run, or was
    paid: Hours | None  #: by the payslip; null: the pay run of its period is not posted yet
