"""Addresses, history and the keyboard."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from desks import DESK, PHONE, Desk, People
from firm_at_work import FirmAtWork
from playwright.sync_api import Route, expect

_PALETTE = "dialog#find"


@pytest.fixture(scope="module")
def task(firm: FirmAtWork) -> str:
    """A launch approval that nobody answers here."""
    firm.win("Finding the way")
    return firm.ready("Finding the way")


def test_the_back_button_undoes_filter_pane_and_tab_one_by_one(
    firm: FirmAtWork, people: People, task: str
) -> None:
    number = firm.number("Finding the way")
    ines = people("ines.moreau", "/inbox")
    ines.page.get_by_role("link", name=re.compile("^Approvals")).click()
    expect(ines.page).to_have_url(re.compile("/inbox.kind=approval$"))
    ines.row(task).get_by_role("link").first.click()
    expect(ines.pane.get_by_role("heading", level=2)).to_contain_text("Finding the way")
    expect(ines.page).to_have_url(re.compile(rf"/inbox/task-{task}"))
    ines.pane.get_by_role("link", name=number, exact=True).click()
    expect(ines.page.get_by_role("heading", level=1)).to_contain_text("Finding the way")
    ines.page.get_by_role("link", name="Timeline").click()
    expect(ines.page).to_have_url(re.compile("/timeline$"))

    ines.page.go_back()
    expect(ines.page).to_have_url(re.compile(f"/engagements/{number}$"))
    expect(ines.page.get_by_role("heading", name="Line", exact=True)).to_be_visible()
    ines.page.go_back()
    expect(ines.pane.get_by_role("heading", level=2)).to_contain_text("Finding the way")
    ines.page.go_back()
    expect(ines.page).to_have_url(re.compile("/inbox.kind=approval$"))
    expect(ines.pane).to_contain_text("Nothing is selected")
    ines.page.go_back()
    expect(ines.page).to_have_url(re.compile("/inbox$"))
    expect(ines.page.get_by_role("link", name=re.compile("^All"))).to_have_attribute(
        "aria-current", re.compile(".")
    )


def test_the_first_tab_stop_skips_to_the_content(people: People) -> None:
    ines = people("ines.moreau", "/inbox")

    ines.press("Tab")
    skip = ines.page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    ines.press("Enter")

    expect(ines.page.locator("#main")).to_be_focused()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_whatever_has_the_focus_shows_it(people: People, task: str, size: tuple[int, int]) -> None:
    ines = people("ines.moreau", f"/inbox/task-{task}", size=size)
    stops = 0
    unseen: list[str] = []
    while stops < 80:
        ines.press("Tab")
        words = ines.focused_words()
        if not words:
            break
        stops += 1
        if not ines.focus_shows():
            unseen.append(words)

    assert stops > 15
    assert unseen == []


def test_a_question_mark_lists_the_keys_and_escape_goes_back(people: People) -> None:
    ines = people("ines.moreau", "/inbox")
    keys = ines.page.get_by_role("dialog", name="Keyboard shortcuts")

    ines.press("?")
    expect(keys).to_be_visible()
    ines.press("Escape")

    expect(keys).to_be_hidden()


def test_control_k_finds_an_engagement_and_goes_there(
    firm: FirmAtWork, people: People, task: str
) -> None:
    number = firm.number("Finding the way")
    ines = people("ines.moreau", "/account")

    ines.press("Control+k")
    expect(ines.page.locator(_PALETTE).get_by_role("combobox")).to_be_focused()
    ines.type(number)
    expect(ines.page.locator(f"{_PALETTE} [role=option].is-sel")).to_contain_text(number)
    ines.press("Enter")

    expect(ines.page).to_have_url(re.compile(f"/engagements/{number}$"))


def test_g_and_a_letter_go_to_each_page_of_the_side_bar(people: People) -> None:
    omar = people("omar.haddad", "/account")
    links = omar.page.locator("[data-go]").evaluate_all(
        "all => all.map(one => [one.dataset.go, one.pathname])"
    )
    assert len(links) >= 3
    assert len({key for key, _ in links}) == len(links)

    for key, path in links:
        omar.press("g", key)
        omar.page.wait_for_url(lambda url, path=path: urlsplit(url).path == path)


def test_j_k_enter_and_escape_move_open_and_leave(people: People, task: str) -> None:
    ines = people("ines.moreau", "/inbox")
    rows = ines.page.locator("#inbox-list [data-row]")
    expect(rows.first).to_be_visible()

    ines.press("j")
    expect(rows.first).to_have_class(re.compile("is-sel"))
    expect(ines.pane.get_by_role("heading", level=2)).to_contain_text(_title(ines, 0))
    ines.press("k")
    expect(rows.first).to_have_class(re.compile("is-sel"))
    ines.press("Enter")
    expect(ines.page).to_have_url(re.compile("/inbox/(task|exception)-"))
    ines.press("a")
    assert ines.focused_tag() in ("INPUT", "SELECT")
    ines.press("Escape")
    assert ines.focused_tag() == "BODY"


def test_a_refresh_that_was_asked_for_before_one_moved_on_leaves_the_selection(
    people: People, task: str
) -> None:
    ines = people("ines.moreau", "/inbox")
    rows = ines.page.locator("#inbox-list [data-row]")
    expect(rows.first).to_be_visible()
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.headers.get("hx-trigger") == "inbox-list":
            held.append(route)
        else:
            route.continue_()

    ines.page.route("**/inbox*", hold)
    with ines.page.expect_request(lambda asked: "hx-trigger" in asked.headers):
        ines.page.evaluate("htmx.trigger('#inbox-list', 'sse:changed')")
    ines.press("j")
    expect(ines.pane.get_by_role("heading", level=2)).to_contain_text(_title(ines, 0))
    ines.page.locator("#inbox-list").evaluate("list => { list.dataset.old = 'yes' }")
    held[0].continue_()

    expect(ines.page.locator("#inbox-list[data-old], #inbox-list .htmx-settling")).to_have_count(0)
    expect(rows.first.locator("a.cut")).to_have_attribute("aria-current", "true")
    expect(rows.first).to_have_class(re.compile("is-sel"))


def test_single_letters_do_nothing_where_they_are_switched_off(people: People) -> None:
    grace = people("grace.mbeki", "/account")
    box = grace.page.get_by_role("checkbox", name=re.compile("Single letters"))
    keys = grace.page.get_by_role("dialog", name="Keyboard shortcuts")

    box.uncheck()
    grace.page.get_by_role("button", name="Save").click()
    expect(grace.page.locator("#toast")).not_to_be_empty()
    grace.open("/inbox")
    expect(grace.page.locator("body")).to_have_attribute("data-letter-keys", "off")
    grace.press("?", "g", "n")
    expect(keys).to_be_hidden()
    expect(grace.page).to_have_url(re.compile("/inbox$"))
    grace.press("Control+k")
    expect(grace.page.locator(_PALETTE)).to_be_visible()


def _title(desk: Desk, row: int) -> str:
    return desk.page.locator("#inbox-list [data-row] a.cut").nth(row).inner_text()
