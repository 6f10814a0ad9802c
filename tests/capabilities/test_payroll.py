"""Hours of a closed month reach payroll once, and what it holds and pays is held against them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from office import Office
from test_time_booking import launched, work

from fairlead.capabilities.payroll.comparing import ask_due, compare_now
from fairlead.capabilities.time.events import MONTH_CLOSED, say
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.model.pay_sheet import PayLine, PaySheet
from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.errors import AnswerLost, SystemRefused, SystemUnavailable
from fairlead.store import resources
from fairlead.store.database import Database
from fairlead.work.words import ExceptionAction

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
OF_OCTOBER = "payroll:TH-LTD:2026-10"


@pytest.fixture
def office(db: Database) -> Office:
    office = Office(db, "bookkeeping", "payroll")
    with db.transaction() as tx:
        people = [
            ResourceRecord(
                id=id, name=id, email=f"{id.title()}@th.example", source="test", legal_entity=entity
            )
            for id, entity in (
                ("ayo.brandt", "TH-LTD"), ("mei.tan", "TH-LTD"), ("jo.roe", "TH-GMBH")
            )
        ]  # fmt: skip
        resources.upsert(tx, people)
    office.payroll.hire("ayo.brandt@th.example")
    office.payroll.hire("mei.tan@th.example")
    return office


def worked(
    office: Office, engagement: Engagement, on: int, minutes: int = 480, /, **more: Any
) -> str:
    """Approved time of a day of October, unless a period is named."""
    values: dict[str, Any] = {
        "day": OCTOBER.replace(day=on),
        "period": OCTOBER,
        "category": "work",
        **more,
    }
    (id,) = work(office, engagement, minutes=minutes, **values)
    return id


def close(office: Office, month: date = OCTOBER, entity: str = "TH-LTD", name: str = "1") -> None:
    """Finance has closed a month, and what follows is done."""
    with office.db.transaction() as tx:
        data = {"legal_entity": entity, "month": month.isoformat()}
        say(tx, MONTH_CLOSED, f"{entity}/{month:%Y-%m}/{name}", data)
    office.settle()


def sent(office: Office) -> list[tuple[str, str, str]]:
    """(who, month, hours by kind) of each time sheet."""
    told: list[tuple[str, str, str]] = []
    for _, sheet in office.payroll.of("timesheet"):
        assert isinstance(sheet, PaySheet)
        kinds = dict.fromkeys(line.pay for line in sheet.lines)
        sums = {p: sum(x.hours for x in sheet.lines if x.pay == p) for p in kinds}
        hours = ", ".join(f"{pay} {hours}" for pay, hours in sums.items())
        told.append((sheet.resource, f"{sheet.start:%Y-%m}", hours))
    return told


def differences(office: Office, kept: str | None = None) -> list[dict[str, Any]]:
    return [row for row in office.rows("discrepancies") if kept in (None, row["kept"])]


def look(office: Office) -> None:
    with office.db.transaction() as tx:
        compare_now(tx, OF_OCTOBER)
    office.settle()


# -- sending -----------------------------------------------------------------------------------


def test_a_closed_month_is_sent_by_person_and_kind_of_pay_and_approved(office: Office) -> None:
    engagement = launched(office)
    worked(office, engagement, 5)
    worked(office, engagement, 6, 90, category="standby")
    worked(office, engagement, 6, resource_id="mei.tan", category="travel")
    worked(office, engagement, 6, resource_id="jo.roe")  # of another company
    worked(office, engagement, 7, state="submitted")
    worked(office, engagement, 8, day=NOVEMBER, period=NOVEMBER)

    close(office)

    assert sent(office) == [
        ("ayo.brandt", "2026-10", "regular 8.00, standby 1.50"),
        ("mei.tan", "2026-10", "regular 8.00"),
    ]
    assert len(office.payroll.approved) == 2
    assert office.open_exceptions() == []
    assert differences(office) == []
    known = {row["kept"]: row for row in office.rows("reconciliations")}
    assert (known["payroll"]["ours"], known["payroll"]["our_sum"]) == (3, Decimal("17.5"))
    assert known["payroll"]["our_sum"] == known["payroll"]["their_sum"]
    assert known["paid"]["ours"] == 0  # nothing is paid yet


def test_what_is_said_twice_and_a_month_that_is_closed_again_send_nothing_twice(
    office: Office,
) -> None:
    engagement = launched(office)
    worked(office, engagement, 5)
    close(office)
    worked(office, engagement, 6)
    close(office, name="2")
    office.tell_ourselves_again()
    office.settle()

    assert sent(office) == [("ayo.brandt", "2026-10", "regular 8.00")]


def test_where_no_payroll_system_serves_the_company_its_hours_stay_a_file(db: Database) -> None:
    office = Office(db, "bookkeeping")
    worked(office, launched(office), 5)

    close(office)

    assert office.rows("payroll_months") == []
    assert office.open_exceptions() == []
    (heard,) = [row for row in office.rows("inbox") if "month.closed" in row["message"]]
    assert heard["outcome"] == "no payroll system serves TH-LTD: its hours stay a file"


def test_what_came_after_the_export_travels_as_a_difference_with_the_next_month(
    office: Office,
) -> None:
    engagement = launched(office)
    wrong = worked(office, engagement, 5)
    close(office)
    worked(office, engagement, 5, -480, period=NOVEMBER, reverses=wrong)
    worked(office, engagement, 5, 360, period=NOVEMBER)
    worked(office, engagement, 20, 60)  # October was opened again for it
    worked(office, engagement, 1, 480, day=NOVEMBER, period=NOVEMBER)

    look(office)
    assert differences(office) == []
    close(office, NOVEMBER)

    assert sent(office)[1:] == [("ayo.brandt", "2026-11", "regular 7.00")]
    assert len(office.rows("payroll_entries")) == 5
    assert differences(office) == []


def test_time_that_was_taken_back_and_more_waits_for_hours_to_be_taken_off(office: Office) -> None:
    engagement = launched(office)
    wrong = worked(office, engagement, 5)
    close(office)
    worked(office, engagement, 5, -480, period=NOVEMBER, reverses=wrong)
    close(office, NOVEMBER)
    assert len(sent(office)) == 1

    december = date(2026, 12, 1)
    worked(office, engagement, 1, 600, day=december, period=december)
    close(office, december)

    assert sent(office)[1:] == [("ayo.brandt", "2026-12", "regular 2.00")]


def test_whom_payroll_does_not_know_is_asked_of_finance_and_holds_nobody_up(
    office: Office,
) -> None:
    engagement = launched(office)
    office.payroll.staff.pop(0)
    worked(office, engagement, 5)
    worked(office, engagement, 5, resource_id="mei.tan")

    close(office)

    assert [who for who, _, _ in sent(office)] == ["mei.tan"]
    (asked,) = office.open_exceptions("step:")
    assert (asked["team"], asked["class"]) == ("finance-operations", "configuration")
    assert "1 of 2 are sent" in asked["detail"]
    assert "ayo.brandt: nobody with ayo.brandt@th.example is paid there" in asked["detail"]
    assert "retry" in asked["actions"]
    look(office)
    assert differences(office) == []  # what waits is told once

    office.payroll.hire("ayo.brandt@th.example")
    office.resolve("tomasz.wojcik", ExceptionAction.RETRY, cause="step:")
    office.settle()

    assert [who for who, _, _ in sent(office)] == ["mei.tan", "ayo.brandt"]
    assert office.open_exceptions() == []


def test_an_address_that_was_wrong_here_is_corrected_here_and_sent(office: Office) -> None:
    with office.db.transaction() as tx:
        tx.execute("UPDATE resources SET email = NULL WHERE id = 'ayo.brandt'")
    worked(office, launched(office), 5)
    close(office)
    (asked,) = office.open_exceptions("step:")
    assert "ayo.brandt: no e-mail address is known here" in asked["detail"]

    with office.db.transaction() as tx:
        tx.execute("UPDATE resources SET email = 'Ayo.Brandt@th.example' WHERE id = 'ayo.brandt'")
    office.resolve("tomasz.wojcik", ExceptionAction.RETRY, cause="step:")
    office.settle()

    assert sent(office) == [("ayo.brandt", "2026-10", "regular 8.00")]


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        pytest.param("refused", "A timesheet already exists", id="refused"),
        pytest.param("calendar", "without the month 2026-10", id="another-calendar"),
        pytest.param("twice", "2 people with", id="known-twice"),
    ],
)
def test_one_whom_payroll_does_not_take_is_named_with_the_reason(
    office: Office, trouble: str, why: str
) -> None:
    engagement = launched(office)
    worked(office, engagement, 5)
    worked(office, engagement, 5, resource_id="mei.tan")
    if trouble == "refused":
        said = SystemRefused("xero", "A timesheet already exists for this pay period.")
        office.payroll.trouble = [None, said]
    elif trouble == "calendar":
        office.payroll.staff.pop(0)
        office.payroll.hire("ayo.brandt@th.example", has_period=False)
    else:
        office.payroll.hire("ayo.brandt@th.example")

    close(office)

    assert [who for who, _, _ in sent(office)] == ["mei.tan"]
    (asked,) = office.open_exceptions("step:")
    assert why in asked["detail"]


def test_an_answer_that_is_lost_is_looked_up_and_nothing_is_sent_twice(office: Office) -> None:
    worked(office, launched(office), 5)
    office.payroll.trouble = [
        SystemUnavailable("xero", "down"), None, None, AnswerLost("xero", "cut")
    ]  # fmt: skip

    close(office)
    office.hurry()
    office.settle()
    office.hurry()
    office.settle()

    assert len(sent(office)) == 1
    assert len(office.payroll.approved) == 1


# -- what payroll holds and pays ---------------------------------------------------------------


def paid(office: Office, **hours: str) -> None:
    """The pay run is posted."""
    names = {"ayo": "ayo.brandt@th.example", "mei": "mei.tan@th.example"}
    office.payroll.paid = {
        f"{names[who]}/regular": Decimal(amount) for who, amount in hours.items()
    }


@pytest.fixture
def both(office: Office) -> Office:
    engagement = launched(office)
    worked(office, engagement, 5)
    worked(office, engagement, 5, 450, resource_id="mei.tan")
    close(office)
    return office


def test_hours_that_are_paid_as_they_were_sent_are_no_difference(both: Office) -> None:
    paid(both, ayo="8", mei="7.5")
    look(both)
    assert differences(both) == []
    (known,) = [row for row in both.rows("reconciliations") if row["kept"] == "paid"]
    assert (known["our_sum"], known["their_sum"]) == (Decimal("15.5"), Decimal("15.5"))


def test_hours_that_are_paid_otherwise_are_found_with_age_and_remedy(both: Office) -> None:
    paid(both, ayo="8", mei="6")
    look(both)
    (found,) = differences(both)
    assert (found["kept"], found["kind"], found["key"]) == ("paid", "amount", "mei.tan/regular")
    assert (found["ours"], found["theirs"], found["difference"]) == (
        Decimal("7.5"), 6, Decimal("-1.5")
    )  # fmt: skip
    assert found["whose"] == "mei.tan@th.example"
    assert found["words"] == "6 h there, 7.5 h here"
    assert found["remedy"]
    (asked,) = both.open_exceptions("reconciliation/")
    assert asked["title"] == "TH-LTD 2026-10: hours paid by xero differ from ours"
    assert asked["team"] == "finance-operations"

    look(both)
    (again,) = differences(both)
    assert again["first_seen_at"] == found["first_seen_at"]
    paid(both, ayo="8", mei="7.5")
    look(both)
    assert differences(both) == []
    assert both.open_exceptions("reconciliation/") == []


def planted(both: Office, what: str) -> None:
    _, key, (payee, sheet) = both.payroll.entries[0]
    if what == "deleted":
        both.payroll.entries[0] = ("timesheet", key, (payee, both_of_nobody(sheet)))
    elif what == "changed":
        line = PayLine(day=OCTOBER, pay="regular", hours=Decimal("9.25"))
        changed = sheet.model_copy(update={"lines": (line,)})
        both.payroll.entries[0] = ("timesheet", key, (payee, changed))
    elif what == "twice":
        both.payroll.entries.append(("timesheet", "by hand", (payee, sheet)))
        both.payroll.approved.add("timesheet-3")
    elif what == "draft":
        both.payroll.approved.discard("timesheet-1")
    else:
        line = PayLine(day=OCTOBER, pay="overtime", hours=Decimal(3))
        by_hand = sheet.model_copy(update={"lines": (line,)})
        both.payroll.entries.append(("timesheet", "by hand", (payee, by_hand)))
        both.payroll.approved.add("timesheet-3")


def both_of_nobody(sheet: PaySheet) -> PaySheet:
    """Of another month, so that October has it no more."""
    line = PayLine(day=NOVEMBER, pay="regular", hours=Decimal(1))
    end = NOVEMBER.replace(day=30)
    return sheet.model_copy(update={"start": NOVEMBER, "end": end, "lines": (line,)})


@pytest.mark.parametrize(
    ("what", "kind", "difference"),
    [
        ("deleted", "deleted", "-8"),
        ("changed", "amount", "1.25"),
        ("twice", "twice", "8"),
        ("draft", "state", "0"),
        ("by hand", "unknown", "3"),
    ],
)
def test_what_somebody_changed_there_is_found(
    both: Office, what: str, kind: str, difference: str
) -> None:
    planted(both, what)
    look(both)
    (found,) = differences(both)
    assert (found["kept"], found["kind"]) == ("payroll", kind)
    assert found["difference"] == Decimal(difference)


def test_hours_of_people_whom_we_do_not_know_are_none_of_ours(both: Office) -> None:
    both.payroll.hire("reception@th.example")
    _, _, (_, sheet) = both.payroll.entries[0]
    both.payroll.entries.append(("timesheet", "by hand", (both.payroll.staff[-1], sheet)))
    look(both)
    assert differences(both) == []


def test_a_month_is_compared_again_when_its_turn_comes(both: Office) -> None:
    with both.db.transaction() as tx:
        assert ask_due(tx) == 0
        tx.execute("UPDATE payroll_months SET compare_at = clock_timestamp()")
        assert ask_due(tx) == 1
        assert ask_due(tx) == 0
    both.settle()
    assert len(both.runs("reconcile-payroll")) == 1
