"""Two people, two tabs, two presses: one answer, and nobody's words are lost."""

from __future__ import annotations

from desks import Desk, People
from firm_at_work import FirmAtWork
from playwright.sync_api import Request, expect


def test_who_decides_second_reads_who_was_first_and_keeps_their_reason(
    firm: FirmAtWork, people: People
) -> None:
    firm.win("Two minds")
    task = firm.ready("Two minds")
    first = people("ines.moreau", f"/inbox/task-{task}")
    second = people("jonas.berg", f"/inbox/task-{task}")

    second.row(task).get_by_role("textbox").fill("Not before the budget is signed")
    first.row(task).get_by_role("textbox").fill("The budget is signed")
    first.row(task).get_by_role("button", name="Approve").click()
    firm.answered(task)
    second.row(task).get_by_role("button", name="Approve").click()

    told = second.row(task).get_by_role("alert")
    expect(told).to_contain_text("Decided by another")
    expect(told).to_contain_text("Inès Moreau")
    expect(told).to_contain_text("The budget is signed")
    expect(told).to_contain_text("Not before the budget is signed")
    assert firm.answered(task)["answered_by"] == "ines.moreau"


def test_pressing_approve_twice_makes_one_answer(firm: FirmAtWork, people: People) -> None:
    firm.win("Pressed twice")
    task = firm.ready("Pressed twice")
    ines = people("ines.moreau", f"/inbox/task-{task}")
    sent: list[Request] = []
    ines.page.on("request", lambda one: sent.append(one) if one.method == "POST" else None)

    ines.row(task).get_by_role("button", name="Approve").dblclick()

    expect(ines.page.locator("#toast")).to_contain_text("Approved")
    assert len(sent) == 1
    assert firm.answered(task)["state"] == "approved"
    expect(ines.page.get_by_text("Decided by another")).to_have_count(0)


def test_what_is_decided_in_one_tab_shows_in_the_other(firm: FirmAtWork, people: People) -> None:
    firm.win("Two tabs")
    task = firm.ready("Two tabs")
    one = people("ines.moreau", "/inbox")
    other = one.tab().open(f"/approve/{task}")
    third = one.tab().open("/inbox")
    expect(third.row(task)).to_be_visible()

    one.row(task).get_by_role("link").first.click()
    one.row(task).get_by_role("textbox").fill("From the first tab")
    one.row(task).get_by_role("button", name="Approve").click()
    firm.answered(task)

    expect(third.row(task)).to_have_count(0)
    _approve(other, "From the second tab")
    expect(other.page.get_by_text("Decided or changed by another")).to_be_visible()
    expect(other.page.locator("main")).to_contain_text("From the first tab")
    expect(other.page.get_by_text("From the second tab")).to_be_visible()
    assert firm.answered(task)["reason"] == "From the first tab"


def _approve(desk: Desk, reason: str) -> None:
    desk.page.get_by_role("textbox").fill(reason)
    desk.page.get_by_role("button", name="Approve").click()
