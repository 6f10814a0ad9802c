"""The money tab: figures for who may see billing, costs for who may see costs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise

import pytest

from books_of import Books, a_delivery, cost_rate
from deals import money
from fairlead.capabilities.revenue.months import ask_for_month, carry_on
from fairlead.domain.ids import EngagementId
from fairlead.domain.model.contract import ContractType
from fairlead.store.database import Database
from fairlead.web.pages.engagement_chart import Series, chart

from .conftest import Desk, firm, opened
from .test_engagement import XSS, statements

PATH = "/engagements/ENG-2001/money"


def fill(db: Database, **changes: object) -> None:
    """ENG-2001: 240,000 by milestones, a third of the work done, January computed."""
    with db.transaction() as tx:
        tx.execute(
            "TRUNCATE work_packages, bill_rates, milestones, charges, deliveries, time_entries,"
            " expenses, revenue_entries, revenue_batches CASCADE"
        )
        cost_rate(tx, "60", "r-1")
        books = Books(
            tx,
            a_delivery(
                "ENG-2001",
                id=EngagementId("e-2001"),
                legal_entity="DE01",
                value=money("240000"),
                contract_type=ContractType.MILESTONE,
                **changes,
            ),
        )
        books.time("200", date(2026, 1, 20), who="r-1")
        books.time("133", date(2026, 2, 10), who="r-1")
        done = books.milestone(1, "60000", accepted=date(2026, 1, 25))
        books.milestone(2, "180000")
        books.invoice(date(2026, 1, 31), [("milestone", done, "60000")])
        reckons = firm.parts(db).reckons
        ask_for_month(
            tx, firm.PEOPLE.principal("finance"), date(2026, 1, 1), today=date(2026, 3, 2)
        )
        while carry_on(tx, reckons):
            pass


@pytest.fixture(scope="module")
def money_desk(module_db: Database) -> Iterator[Desk]:
    for desk in opened(module_db):
        fill(module_db)
        desk.now.at = datetime(2026, 3, 2, 9, tzinfo=UTC)
        yield desk


def test_figures_chart_milestones_and_margin_are_there(money_desk: Desk) -> None:
    page = money_desk.signed_in("controller").get(PATH).text

    assert "<i>EUR</i>240,000" in page
    for words in ("Earned", "Billed", "Forecast margin", "Margin at completion", "an hour"):
        assert words in page
    assert 'role="img" aria-label="Earned EUR 79,920.00 against cost EUR 19,980.00' in page
    assert "1 Result 1" in page
    assert re.search(r"Posted</span></td><td class=\"num\">INV\d+", page)
    assert "25\N{NO-BREAK SPACE}% posted" in page
    assert "Jan 2026" in page
    assert "style=" not in page


def test_without_the_permission_costs_are_hidden_not_blank(money_desk: Desk) -> None:
    page = money_desk.signed_in("project-manager").get(PATH).text

    assert page.count("Hidden. Needs the permission to see costs.") == 2
    assert "19,980" not in page
    assert "60.00</span> an hour" not in page
    assert "Cost, EUR" not in page
    assert "Earned EUR 79,920.00 against billed EUR 60,000.00" in page


def test_who_may_not_see_billing_has_no_such_tab(money_desk: Desk) -> None:
    browser = money_desk.signed_in("sales-operations")

    assert browser.get(PATH).status_code == 403
    assert "/money" not in browser.get("/engagements/ENG-2001").text


def test_one_of_another_region_is_as_one_that_does_not_exist(money_desk: Desk) -> None:
    browser = money_desk.signed_in("finance.amer")
    foreign, absent = browser.get(PATH), browser.get("/engagements/ENG-9999/money")

    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert foreign.text.replace("ENG-2001", "") == absent.text.replace("ENG-9999", "")


def test_the_tab_asks_as_many_queries_whatever_there_is(
    money_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = money_desk.signed_in("controller")
    with statements(monkeypatch) as every_page:
        browser.get("/account")
    with statements(monkeypatch) as asked:
        browser.get(PATH)

    assert 0 < len(asked) - len(every_page) <= 24


def test_before_its_launch_there_are_no_books(money_desk: Desk) -> None:
    with money_desk.db.transaction() as tx:
        tx.execute("DELETE FROM deliveries WHERE engagement_id = 'e-2002'")
    page = money_desk.signed_in("controller").get("/engagements/ENG-2002/money")

    assert page.status_code == 200
    assert "No books yet" in page.text


def test_what_keeps_revenue_from_being_measured_is_said_to_who_may_know(desk: Desk) -> None:
    fill(desk.db)
    with desk.db.transaction() as tx:
        tx.execute("DELETE FROM cost_rates")

    seen = desk.signed_in("controller").get(PATH).text
    hidden = desk.signed_in("project-manager").get(PATH).text
    assert "R-1 has no cost rate on a day that they worked" in seen
    assert "r-1" not in hidden.lower()
    assert "Its costs are not known in full" in hidden


def test_words_from_outside_are_printed_as_text(desk: Desk) -> None:
    fill(desk.db, revenue_method=XSS)
    with desk.db.transaction() as tx:
        tx.execute("UPDATE milestones SET name = %s", [XSS])

    text = desk.signed_in("controller").get(PATH).text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_a_chart_keeps_everything_inside_and_in_order() -> None:
    days = [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)]
    earned = Series(
        "Earned",
        "s1",
        [(day, Decimal(n * 100_000)) for n, day in enumerate(days, 1)],
        (date(2026, 12, 31), Decimal(864_000)),
    )
    drawn = chart(
        [earned, Series("Cost", "s2", [])],
        start=date(2026, 1, 15),
        end=date(2026, 12, 31),
        today=date(2026, 4, 2),
        currency="EUR",
    )

    assert drawn is not None
    (line,) = drawn.lines
    points = [tuple(map(float, point.split(","))) for point in line.points.split()]
    assert all(44 <= x <= 690 and 8 <= y <= 184 for x, y in points)
    assert all(a[0] < b[0] and a[1] > b[1] for a, b in pairwise(points))
    assert (drawn.unit, line.now, line.ends) == ("EUR thousand", "300", "864")
    assert [tick.label for tick in drawn.amounts] == ["0", "300", "600", "900"]
    assert len(drawn.months) == 12


@pytest.mark.parametrize("most", ["0", "0.01", "1", "1499", "1500", "999999", "12345678901"])
def test_a_chart_has_room_for_its_highest_amount(most: str) -> None:
    one = Series("Earned", "s1", [(date(2026, 1, 31), Decimal(most))])
    drawn = chart(
        [one],
        start=date(2026, 1, 1),
        end=date(2026, 1, 31),
        today=date(2026, 1, 31),
        currency="EUR",
    )

    assert drawn is not None
    assert float(drawn.lines[0].at[1]) >= 8
