"""What every adapter of the port `payroll` must do, against a sandbox over real HTTP.

A vendor's test module subclasses `PayrollContract` and gives it a `bench`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest

from fairlead.domain.ids import EffectKey
from fairlead.domain.model.pay_sheet import HeldHours, Payee, PayLine, PaySheet
from fairlead.domain.values import ExternalRef
from fairlead.errors import SystemRefused
from fairlead.ports.payroll import Payroll

START, END = date(2026, 10, 1), date(2026, 10, 31)
AYO = "ayo.brandt@tarn-holloway.example"


def a_key(longest: bool = False) -> EffectKey:
    key = f"payroll/{uuid4()}"
    return EffectKey(key.ljust(200, "x") if longest else key)


def line(day: int, hours: str, pay: str = "regular") -> PayLine:
    return PayLine(day=date(2026, 10, day), pay=pay, hours=Decimal(hours))


def a_sheet(*lines: PayLine) -> PaySheet:
    return PaySheet(
        id=str(uuid4()),
        resource="ayo.brandt",
        start=START,
        end=END,
        lines=lines or (line(5, "7.5"), line(6, "8"), line(6, "1.25", "overtime")),
    )


class Bench(ABC):
    """One system with its adapter, and a look behind the scenes. It pays `regular`, `overtime`
    and `standby` time, by calendar months, and nobody is on it yet."""

    payroll: Payroll

    @abstractmethod
    def hire(self, email: str | None, *, by_week: bool = False) -> str:
        """The payroll office enters somebody who is paid by month, or by week. The id."""

    @abstractmethod
    def hire_many(self, count: int) -> None:
        """As many people as it takes to fill pages."""

    @abstractmethod
    def enter(self, employee: str, *lines: PayLine) -> str:
        """The payroll office enters hours of October 2026 itself. The id of the time sheet."""

    @abstractmethod
    def pay(self, *, skip: Sequence[str] = ()) -> None:
        """The payroll office pays October 2026, without these time sheets."""

    @abstractmethod
    def sheets(self) -> int:
        """How many time sheets there are."""


class PayrollContract(ABC):
    @pytest.fixture
    @abstractmethod
    def bench(self) -> Bench: ...

    # Steps

    def payee(self, bench: Bench, email: str = AYO) -> Payee:
        bench.hire(email)
        (found,) = (p for p in bench.payroll.payees(START, END) if p.email == email)
        return found

    def sent(self, bench: Bench, payee: Payee, sheet: PaySheet | None = None) -> ExternalRef:
        ref = bench.payroll.send_hours(sheet or a_sheet(), payee=payee, key=a_key())
        return bench.payroll.approve_hours(ref, key=a_key())

    def held(self, bench: Bench) -> dict[str, HeldHours]:
        return {one.pay: one for one in bench.payroll.held(START, END)}

    # Who is paid

    def test_a_ping_is_answered(self, bench: Bench) -> None:
        bench.payroll.ping()

    def test_nobody_and_nothing_is_an_answer(self, bench: Bench) -> None:
        assert list(bench.payroll.payees(START, END)) == []
        assert list(bench.payroll.held(START, END)) == []

    def test_somebody_is_known_by_their_address_in_small_letters(self, bench: Bench) -> None:
        id = bench.hire("Ayo.Brandt@Tarn-Holloway.example")
        [found] = bench.payroll.payees(START, END)
        assert (found.ref.id, found.email, found.has_period) == (id, AYO, True)

    def test_everybody_is_told_once_over_all_pages(self, bench: Bench) -> None:
        bench.hire_many(205)
        ids = [payee.ref.id for payee in bench.payroll.payees(START, END)]
        assert len(ids) == len(set(ids)) == 205

    def test_who_is_paid_by_other_periods_is_told_to_be(self, bench: Bench) -> None:
        bench.hire(AYO, by_week=True)
        [found] = bench.payroll.payees(START, END)
        assert not found.has_period
        with pytest.raises(SystemRefused):
            bench.payroll.send_hours(a_sheet(), payee=found, key=a_key())
        assert bench.sheets() == 0

    # Sending, and finding what was sent

    @pytest.mark.parametrize("longest", [False, True], ids=["usual-key", "key-of-200-characters"])
    def test_hours_are_entered_by_day_and_kind_and_found_again(
        self, bench: Bench, longest: bool
    ) -> None:
        payee, sheet, key = self.payee(bench), a_sheet(), a_key(longest)
        ref = bench.payroll.send_hours(sheet, payee=payee, key=key)
        assert bench.payroll.find_hours(sheet, payee=payee, key=key) == ref
        found = self.held(bench)
        assert (found["regular"].hours, found["overtime"].hours) == (
            Decimal("15.5"),
            Decimal("1.25"),
        )
        assert {(one.ref, one.whose, one.approved) for one in found.values()} == {
            (ref.id, AYO, False)
        }

    def test_the_same_call_twice_is_one_time_sheet(self, bench: Bench) -> None:
        payee, sheet, key = self.payee(bench), a_sheet(), a_key()
        first = bench.payroll.send_hours(sheet, payee=payee, key=key)
        assert bench.payroll.send_hours(sheet, payee=payee, key=key) == first
        assert bench.sheets() == 1

    def test_what_was_never_sent_is_not_found(self, bench: Bench) -> None:
        payee = self.payee(bench)
        assert bench.payroll.find_hours(a_sheet(), payee=payee, key=a_key()) is None

    @pytest.mark.parametrize(
        "theirs",
        [(line(5, "7.5"),), (line(5, "7"), line(6, "8")), (line(5, "7.5"), line(7, "8"))],
        ids=["less", "other-hours", "another-day"],
    )
    def test_what_somebody_else_entered_is_not_taken_for_ours(
        self, bench: Bench, theirs: tuple[PayLine, ...]
    ) -> None:
        payee = self.payee(bench)
        bench.enter(payee.ref.id, *theirs)
        sheet = a_sheet(line(5, "7.5"), line(6, "8"))
        assert bench.payroll.find_hours(sheet, payee=payee, key=a_key()) is None
        with pytest.raises(SystemRefused):
            bench.payroll.send_hours(sheet, payee=payee, key=a_key())

    def test_an_employee_whom_payroll_does_not_have_is_refused(self, bench: Bench) -> None:
        payee = self.payee(bench)
        gone = payee.model_copy(
            update={"ref": ExternalRef(system="x", kind="employee", id=str(uuid4()))}
        )
        with pytest.raises(SystemRefused):
            bench.payroll.send_hours(a_sheet(), payee=gone, key=a_key())
        assert bench.sheets() == 0

    def test_a_kind_that_is_not_set_up_is_refused_with_its_name(self, bench: Bench) -> None:
        payee = self.payee(bench)
        with pytest.raises(SystemRefused, match="sabbatical"):
            bench.payroll.send_hours(a_sheet(line(5, "8", "sabbatical")), payee=payee, key=a_key())

    def test_an_approval_is_found_and_only_once_it_was_given(self, bench: Bench) -> None:
        payee = self.payee(bench)
        ref = bench.payroll.send_hours(a_sheet(), payee=payee, key=a_key())
        assert bench.payroll.find_approval(ref, key=a_key()) is None
        assert bench.payroll.approve_hours(ref, key=a_key()) == ref
        assert bench.payroll.find_approval(ref, key=a_key()) == ref
        assert self.held(bench)["regular"].approved

    # What is paid

    def test_what_is_not_paid_yet_says_so(self, bench: Bench) -> None:
        self.sent(bench, self.payee(bench))
        assert {one.paid for one in self.held(bench).values()} == {None}

    def test_what_the_payslip_paid_is_told_by_kind(self, bench: Bench) -> None:
        self.sent(bench, self.payee(bench))
        bench.pay()
        found = self.held(bench)
        assert (found["regular"].paid, found["overtime"].paid) == (Decimal("15.5"), Decimal("1.25"))

    def test_a_salary_is_no_hours(self, bench: Bench) -> None:
        bench.hire(AYO)
        bench.pay()
        assert list(bench.payroll.held(START, END)) == []

    def test_a_sheet_that_the_pay_run_left_out_was_paid_nothing(self, bench: Bench) -> None:
        ref = self.sent(bench, self.payee(bench))
        bench.pay(skip=[ref.id])
        assert {one.paid for one in self.held(bench).values()} == {Decimal(0)}

    def test_another_period_is_not_told(self, bench: Bench) -> None:
        self.sent(bench, self.payee(bench))
        assert list(bench.payroll.held(date(2026, 9, 1), date(2026, 9, 30))) == []
