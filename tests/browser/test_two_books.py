"""What the ledger keeps differently, seen, judged and gone by itself, by keyboard."""

from __future__ import annotations

from desks import People
from firm_at_work import FirmAtWork
from playwright.sync_api import expect


def test_a_difference_comes_is_dismissed_with_a_reason_and_goes_by_itself(
    firm: FirmAtWork, people: People
) -> None:
    name = "Kept twice"
    firm.win(name)
    firm.engagement(name)
    firm.approved_work(name, 60)
    tomasz = people("tomasz.wojcik", "/reconciliation")
    rows = tomasz.page.locator("#recon-list [data-row]").filter(has_text=name)
    expect(rows).to_have_count(0)

    firm.ledger_keeps(name, "INV-71", "INV-72")

    expect(rows).to_have_count(2)  # by itself
    tomasz.page.reload()
    rows.first.get_by_role("link").first.focus()
    tomasz.press("Enter")
    expect(tomasz.pane).to_contain_text("Find who booked it there")
    expect(tomasz.pane).to_contain_text("INV-7")
    tomasz.press("d", "r")
    tomasz.type("Opening balance")
    firm.ledger_keeps(name, "INV-71", "INV-72", "INV-73")
    expect(rows).to_have_count(3)  # by itself, and what is typed stays
    expect(tomasz.pane.get_by_label("Reason")).to_have_value("Opening balance")
    tomasz.press("Enter")

    expect(tomasz.page.locator("#notice")).to_contain_text("changed since you read it")
    expect(tomasz.pane.get_by_label("Reason")).to_have_value("Opening balance")
    tomasz.page.reload()
    tomasz.press("d", "r")
    tomasz.press("Enter")  # the words were kept
    expect(tomasz.pane).to_contain_text("Dismissed, you")
    hanna = people("hanna.lindqvist", tomasz.page.url.removeprefix(firm.url))
    expect(hanna.pane).to_contain_text("Opening balance")

    firm.ledger_keeps(name)

    expect(rows).to_have_count(0)  # by itself
    hanna.page.reload()
    expect(hanna.page.get_by_role("main")).to_contain_text("both sides agree by now")
