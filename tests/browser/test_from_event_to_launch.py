"""A deal's way from the CRM's event to the launch, as the people involved go it: by keyboard."""

from __future__ import annotations

from desks import Desk, People
from firm_at_work import FirmAtWork
from playwright.sync_api import expect


def test_a_deal_goes_from_its_event_to_the_launch_with_the_keyboard_alone(
    firm: FirmAtWork, people: People
) -> None:
    name = "From event to launch"
    firm.win(name, complete=False)
    firm.exception(name)

    pia = people(None, "/inbox").signs_in("pia.novak", firm.password)
    _go_to(pia, f"{name} is not ready")
    expect(pia.pane).to_contain_text("Agree the first day with the client")
    pia.press("a")
    pia.type("02022027")
    pia.press("Enter")

    _go_to(pia, f"Hand over packet: {name}")
    pia.press("a")
    pia.type("Delivery has read it with me")
    pia.press("Enter")
    expect(pia.pane).to_contain_text("Delivery has read it with me")

    follower = people("marta.silva", f"/engagements/{firm.number(name)}")
    follower.page.evaluate("window.neverLoadedAgain = true")
    expect(follower.page.get_by_text("Awaiting launch", exact=True).first).to_be_visible()

    ines = people(None, "/").signs_in("ines.moreau", firm.password)
    _go_to(ines, f"Launch approval: {name}")
    ines.tab_to("Open the packet")
    ines.press("Enter")
    expect(ines.page).to_have_url(f"{firm.url}/engagements/{firm.number(name)}/packet")
    ines.sees("Almacenes Peñalba S.A.")
    ines.press("g", "i")
    _go_to(ines, f"Launch approval: {name}")
    ines.press("a")
    ines.type("Read, and the team is there")
    ines.press("Enter")
    expect(ines.pane).to_contain_text("Read, and the team is there")

    expect(follower.page.get_by_text("Launched", exact=True).first).to_be_visible()
    assert follower.page.evaluate("window.neverLoadedAgain") is True


def _go_to(desk: Desk, title: str) -> None:
    """To the row with j, as soon as it is in the list; the pane shows it."""
    row = desk.page.locator("#inbox-list [data-row]").filter(has_text=title)
    expect(row).to_be_visible()
    desk.page.wait_for_load_state("load")  # before, no script hears a key
    rows = desk.page.locator("#inbox-list [data-row]").count()
    for _ in range(rows):
        if "is-sel" in (row.get_attribute("class") or ""):
            break
        desk.press("j")
    expect(desk.pane.get_by_role("heading", level=2)).to_contain_text(title)
