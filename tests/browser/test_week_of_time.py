"""A week of time, from the first key to the approver's answer, without a mouse."""

from __future__ import annotations

from datetime import date

import pytest
from desks import PHONE, Desk, People
from firm_at_work import FirmAtWork
from playwright.sync_api import expect

MONDAY = date(2025, 3, 3)  # of a week without a public holiday in Germany


@pytest.fixture(scope="module")
def staffed(firm: FirmAtWork) -> None:
    """A consultant has something to work on."""
    firm.win("Worked on by the week")
    firm.staff("ayo.brandt", "Worked on by the week", MONDAY.year)


def cell(desk: Desk, day: str) -> str:
    """What stands in it."""
    return desk.page.get_by_label(f"{day} Mar, hours").input_value()


def test_a_consultant_enters_a_week_by_keyboard_and_the_approver_decides(
    staffed: None, people: People
) -> None:
    desk = people("ayo.brandt", f"/my-time?week={MONDAY}")

    desk.tab_to("Mon 3 Mar, hours")
    for hours in ("8", "7:30", "7,5", "8.25", "6", "2"):  # Monday to Saturday
        desk.type(hours)
        desk.press("ArrowRight")
    desk.press("ArrowLeft", "ArrowLeft")
    desk.type("9")
    desk.press("Escape")  # what was typed is taken back
    desk.press("ArrowRight", "F2")
    expect(desk.page.locator("#p-note")).to_be_focused()
    desk.type("Cutover at the warehouse")
    desk.tab_to("Save")
    desk.press("Enter")

    expect(desk.page.locator("#wt")).to_have_text("39:15")
    expect(desk.page.get_by_label("Sat 8 Mar, hours")).to_be_focused()
    assert [cell(desk, day) for day in ("Mon 3", "Wed 5", "Thu 6", "Fri 7")] == [
        "8:00", "7:30", "8:15", "6:00",
    ]  # fmt: skip
    desk.sees("2025-03-08 is a Saturday")

    desk.tab_to("Hand in week 10")
    desk.press("Enter")
    desk.sees("Handed in")

    lead = people("ines.moreau", f"/time?week={MONDAY}")
    lead.sees("5 of 6")
    lead.tab_to("Approve 5")
    lead.press("Enter")
    lead.sees("Approved 5")
    expect(lead.page.locator("[data-row]")).to_have_count(1)
    lead.page.locator("h1").click()  # nothing is typed in
    lead.press("a")
    lead.type("Was it agreed with the client?")
    lead.tab_to("Return to")
    lead.press("Enter")
    lead.sees("Nothing is flagged")

    desk.open(f"/my-time?week={MONDAY}")
    desk.sees("Was it agreed with the client?")
    desk.sees("1 entry was returned")
    expect(desk.page.get_by_label("Sat 8 Mar, hours")).to_be_editable()


def test_what_another_tab_saved_is_shown_and_one_of_both_is_chosen(
    staffed: None, people: People
) -> None:
    week = date(2025, 3, 10)
    one = people("ayo.brandt", f"/my-time?week={week}")
    other = people("ayo.brandt", f"/my-time?week={week}")
    for desk in (one, other):
        desk.tab_to("Mon 10 Mar, hours")  # while it is focused, a page is not loaded anew
    one.type("4")
    one.press("Tab")
    expect(one.page.locator("#wt")).to_have_text("4:00")

    other.type("6")
    other.press("Tab")

    other.sees("4:00 was saved elsewhere meanwhile.")
    other.page.get_by_role("button", name="Save 6").press("Enter")
    expect(other.page.locator("#wt")).to_have_text("6:00")


def test_an_expense_is_changed_on_a_phone_without_scrolling_sideways(
    staffed: None, people: People
) -> None:
    week = date(2025, 3, 17)
    desk = people("ayo.brandt", f"/my-time?week={week}")
    desk.press("e")
    desk.page.get_by_label("Category").select_option("taxi")
    desk.page.locator("#x-day").fill("2025-03-18")
    desk.page.get_by_label("Amount, tax included").fill("1234.50")
    desk.page.get_by_label("Paid to").fill("Taxi of the Hanseatic harbour, night service")
    desk.page.get_by_role("button", name="Enter", exact=True).press("Enter")
    desk.sees("Taxi of the Hanseatic harbour, night service")

    for scheme in ("light", "dark"):
        phone = people("ayo.brandt", f"/my-time?week={week}", size=PHONE)
        phone.page.emulate_media(color_scheme=scheme)
        acts = phone.page.get_by_role("region", name="Expenses of the week").locator(".wk-do")
        for name in ("Change", "Delete"):
            one = acts.get_by_text(name).first
            one.scroll_into_view_if_needed()
            expect(one).to_be_in_viewport(ratio=1)
            box = one.bounding_box()
            assert box is not None
            assert box["height"] >= 44  # a thumb hits it (WCAG 2.2, 2.5.5)
        wide = "e => e.scrollWidth - e.clientWidth"
        region = phone.page.get_by_role("region", name="Expenses of the week, scrolls")
        assert region.evaluate(wide) == 0
        assert phone.overflow() == 0
