"""The server goes away under open pages, and comes back."""

from __future__ import annotations

from desks import People
from firm_at_work import FirmAtWork
from playwright.sync_api import expect


def test_an_open_page_outlives_a_restart_of_the_server_with_its_typed_words(
    firm: FirmAtWork, people: People
) -> None:
    firm.win("Open over night")
    task = firm.ready("Open over night")
    ines = people("ines.moreau", f"/inbox/task-{task}")
    ines.heard.may_lose_the_server = True
    line = ines.tab().open(f"/engagements/{firm.number('Open over night')}")
    for desk in (ines, line):
        desk.page.evaluate("window.neverLoadedAgain = true")
    expect(line.page.get_by_text("Awaiting launch", exact=True).first).to_be_visible()
    reason = ines.row(task).get_by_role("textbox")
    reason.fill("Typed before the lights went out")
    reason.focus()

    firm.cut_the_pages_off()
    ines.press("Enter")
    expect(ines.page.locator("[aria-busy]")).to_have_count(0)
    expect(reason).to_have_value("Typed before the lights went out")
    with line.page.expect_response("**/live"):
        firm.serve_again()

    reason.press("Enter")
    assert firm.answered(task)["reason"] == "Typed before the lights went out"
    expect(line.page.get_by_text("Launched", exact=True).first).to_be_visible()
    for desk in (ines, line):
        assert desk.page.evaluate("window.neverLoadedAgain") is True


def test_a_page_whose_session_ended_asks_to_sign_in_and_gives_the_words_back(
    firm: FirmAtWork, people: People
) -> None:
    firm.win("Signed out meanwhile")
    task = firm.ready("Signed out meanwhile")
    jonas = people(None, f"/approve/{task}").signs_in("jonas.berg", firm.password)
    reason = jonas.page.get_by_role("textbox")
    reason.fill("Half a sentence")
    jonas.page.context.clear_cookies()
    jonas.page.get_by_role("button", name="Approve").click()
    jonas.signs_in("jonas.berg", firm.password)

    expect(reason).to_have_value("Half a sentence")
    assert firm.is_open(task)
    jonas.page.get_by_role("button", name="Approve").click()
    assert firm.answered(task)["reason"] == "Half a sentence"
