"""What a person sets for themselves, and the frame that every page has."""

from __future__ import annotations

import re

from .conftest import Desk


def test_the_first_page_of_somebody_without_a_menu_is_their_settings(shared_desk: Desk) -> None:
    answer = shared_desk.signed_in("policy-author").get("/")

    assert answer.status_code == 303


def test_the_settings_say_who_one_is_and_in_which_zone_times_are(shared_desk: Desk) -> None:
    page = shared_desk.signed_in("pmo-lead.amer").get("/account").text

    assert "PMO lead, AMER" in page
    assert "America/Chicago" in page


def test_a_theme_that_is_chosen_is_printed_by_the_server(desk: Desk) -> None:
    browser = desk.signed_in("finance")
    assert "data-theme" not in browser.get("/account").text.partition(">")[0]

    saved = browser.post("/account/preferences", {"theme": "dark"})

    assert saved.headers["location"] == "/account"
    page = browser.get("/account").text
    assert '<html lang="en-GB" data-theme="dark">' in page
    assert 'data-letter-keys="off"' in page


def test_saving_by_htmx_answers_with_the_form_and_a_word(desk: Desk) -> None:
    browser = desk.signed_in("finance")

    saved = browser.post("/account/preferences", {"letter_keys": "on"}, part="preferences")

    assert saved.status_code == 200
    assert saved.text.lstrip().startswith('<form id="preferences"')
    assert 'id="toast"' in saved.text
    assert "<html" not in saved.text


def test_a_theme_that_does_not_exist_is_refused_and_nothing_is_saved(desk: Desk) -> None:
    browser = desk.signed_in("finance")

    assert browser.post("/account/preferences", {"theme": "<svg>"}).status_code == 422
    assert desk.count("preferences") == 0


def test_preferences_are_of_one_person(desk: Desk) -> None:
    desk.signed_in("finance").post("/account/preferences", {"theme": "dark"})

    assert "data-theme=" not in desk.signed_in("auditor").get("/account").text


def test_finding_shows_only_what_the_reader_may_see(shared_desk: Desk) -> None:
    amer = shared_desk.signed_in("pmo-lead.amer").get("/find?q=ledger", part="find-results").text
    consultant = shared_desk.signed_in("consultant").get("/find?q=ledger").text

    assert "ENG-2002" in amer
    assert "ENG-2001" not in amer
    assert "ENG-200" not in consultant


def test_finding_offers_commands_as_forms_with_a_token(shared_desk: Desk) -> None:
    found = shared_desk.signed_in("auditor").get("/find?q=sign", part="find-results").text

    assert 'action="/sign-out"' in found
    assert 'name="csrf"' in found


def test_finding_leads_to_billing_revenue_and_reconciliation_for_who_may(
    shared_desk: Desk,
) -> None:
    def found(who: str, words: str) -> set[str]:
        page = shared_desk.signed_in(who).get(f"/find?q={words}", part="find-results").text
        return set(re.findall(r'href="([^"]+)"', page))

    assert found("finance", "revenue") == {"/billing/revenue", "/billing/revenue#compute-month"}
    assert "/billing/revenue?state=proposed" in found("controller", "revenue")
    assert found("controller", "release") == {"/billing/invoices?state=reviewed"}
    assert "/reconciliation" in found("integration-operator", "reconc")
    assert found("integration-operator", "payroll") == set()
    assert found("consultant", "invoices") == set()
