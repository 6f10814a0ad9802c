"""From the link in a mail to the decision, on a phone."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from desks import PHONE, People
from firm_at_work import FirmAtWork
from playwright.sync_api import expect


def test_the_link_in_the_mail_leads_over_the_sign_in_to_the_decision(
    firm: FirmAtWork, people: People
) -> None:
    firm.win("Asked by mail")
    task = firm.ready("Asked by mail")
    number = firm.number("Asked by mail")
    (mail,) = firm.mails(f"{number} waits for its launch approval")
    (link,) = {one for one in mail["links"] if "/approve/" in one}
    assert "ines.moreau@tarn-holloway.example" in mail["to"]

    phone = people(None, link, size=PHONE)
    expect(phone.page.get_by_role("heading", level=1)).to_contain_text("Sign in")
    phone.signs_in("ines.moreau", firm.password)

    expect(phone.page).to_have_url(link)
    assert urlsplit(link).path == f"/approve/{task}"
    main = phone.page.locator("main")
    expect(main).to_contain_text("Launch approval: Asked by mail")
    expect(main).to_contain_text("121,750.00")
    assert phone.overflow() == 0
    approve = phone.page.get_by_role("button", name="Approve")
    refuse = phone.page.get_by_role("button", name="Refuse")
    for button in (approve, refuse):
        expect(button).to_be_in_viewport()
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44  # a thumb hits it (WCAG 2.2, 2.5.5)

    phone.page.get_by_role("textbox").fill("On the train, all read")
    approve.tap()

    expect(main).to_contain_text(re.compile("Approved", re.IGNORECASE))
    expect(main).to_contain_text("On the train, all read")
    assert firm.answered(task)["answered_by"] == "ines.moreau"


def test_opening_the_bare_link_changes_nothing(firm: FirmAtWork, people: People) -> None:
    firm.win("Only looked at")
    task = firm.ready("Only looked at")
    (mail,) = firm.mails(f"{firm.number('Only looked at')} waits for its launch approval")
    (link,) = {one for one in mail["links"] if "/approve/" in one}

    for query in ("", "?decision=approve", "/answer", "/answer?decision=approve&version=1"):
        people(None, link + query, size=PHONE)  # as a mail scanner does
        people("ines.moreau", link + query, size=PHONE)

    assert firm.is_open(task)
