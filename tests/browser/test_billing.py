"""From approved work to the released invoice, by three hands and by keyboard."""

from __future__ import annotations

from desks import Desk, People
from firm_at_work import FirmAtWork
from playwright.sync_api import expect


def test_finance_drafts_and_reviews_and_the_controller_releases_with_the_keyboard_alone(
    firm: FirmAtWork, people: People
) -> None:
    name = "Billed by keyboard"
    firm.win(name)
    firm.engagement(name)
    tomasz = people("tomasz.wojcik", "/billing")
    firm.approved_work(name, 600)

    ready = tomasz.page.locator("[data-lane=ready] [data-card]").filter(has_text=name)
    expect(ready).to_be_visible()  # by itself, as soon as it is worked out
    _to_card(tomasz, "ready", name)
    tomasz.press("Enter")
    expect(tomasz.page.locator("#paper")).to_contain_text("1,500.00")
    expect(tomasz.page.locator("#paper")).to_contain_text("Not a tax document until posted")
    tomasz.tab_to("Draft this one")
    tomasz.press("Enter")
    drafted = firm.invoice(name, "proposed")["reference"]
    expect(tomasz.page.locator("#why-h")).to_have_text(drafted)
    tomasz.tab_to(f"Review {drafted}")
    tomasz.press("Enter")
    firm.invoice(name, "reviewed")
    preview = tomasz.page.locator("#preview")
    expect(preview).to_contain_text("Release: Controller only. Ask Hanna Lindqvist")
    expect(preview.get_by_role("button", name="Release")).to_have_count(0)

    hanna = people("hanna.lindqvist", f"/billing?card={drafted}")
    hanna.tab_to(f"Release {drafted}")
    hanna.press("Enter")

    released = firm.invoice(name, "released")
    assert (released["reviewed_by"], released["released_by"]) == (
        "tomasz.wojcik",
        "hanna.lindqvist",
    )
    expect(hanna.page.locator("#preview")).to_contain_text("Released by you")
    gone = tomasz.page.locator("[data-lane=drafted] [data-card]").filter(has_text="1,500")
    expect(gone).to_have_count(0)  # by itself


def _to_card(desk: Desk, lane: str, words: str) -> None:
    """With h, j, k and l, as the keys at the foot of the page say."""
    desk.press("h", "h", "h", "h", "h")
    for _ in range(5):
        if (
            desk.page.evaluate("document.activeElement.closest('[data-lane]')?.dataset.lane")
            == lane
        ):
            break
        desk.press("l")
    for _ in range(30):
        if words in desk.focused_words():
            return
        desk.press("j")
    raise AssertionError(f"no card {words!r} in {lane}, but {desk.focused_words()!r}")
