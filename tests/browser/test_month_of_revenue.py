"""A month's revenue, proposed by one and approved by another, by keyboard."""

from __future__ import annotations

import re

from desks import People
from firm_at_work import FirmAtWork
from playwright.sync_api import expect


def test_finance_proposes_a_month_and_the_controller_approves_what_is_shown(
    firm: FirmAtWork, people: People
) -> None:
    name = "Earned last month"
    firm.win(name)
    firm.engagement(name)
    firm.approved_work(name, 60)
    firm.computed(name)
    tomasz = people("tomasz.wojcik", "/billing")
    tomasz.page.get_by_role("link", name="Revenue", exact=True).click()
    expect(tomasz.page.locator("#revenue-list [data-row]").first).to_be_visible()
    tomasz.press("j", "Enter")
    expect(tomasz.page.locator("#revenue-batch")).to_contain_text("IFRS 15.B16")
    expect(tomasz.page.locator("#revenue-batch")).to_contain_text(name)
    tomasz.tab_to("Propose")
    tomasz.press("Enter")
    expect(tomasz.page.locator("#revenue-batch")).to_contain_text("Approve: Controller only.")

    hanna = people("hanna.lindqvist", tomasz.page.url.removeprefix(firm.url))
    hanna.page.locator("summary", has_text="Send back").click()
    reason = hanna.page.get_by_label("Reason")
    reason.fill("Half a thought")
    firm.computed(name)  # figures are written anew meanwhile
    hanna.tab_to("Send back")
    hanna.press("Enter")
    expect(hanna.page.locator("#notice")).to_contain_text("Nothing was changed")
    expect(reason).to_have_value("Half a thought")

    tomasz.page.reload()
    tomasz.tab_to("Propose")
    tomasz.press("Enter")
    expect(tomasz.page.locator("#revenue-batch")).to_contain_text("Approve: Controller only.")
    hanna.page.reload()
    hanna.tab_to("Approve")
    hanna.press("Enter")

    expect(hanna.page.locator("#revenue-batch")).to_contain_text("Approved by you")
    approved = tomasz.page.locator("#revenue-sub")
    expect(approved).to_contain_text(re.compile("Approved|Booked"))  # by itself
