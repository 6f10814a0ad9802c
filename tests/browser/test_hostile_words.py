"""Words from outside stay words: on every page that shows them."""

from __future__ import annotations

from desks import People
from every_page import found_by
from firm_at_work import FirmAtWork
from playwright.sync_api import expect

_CLIENT = "Weiß <img src=x onerror=window.executed=1> & “Söhne”"
_REASON = (
    """"><script>window.executed=2</script><svg onload=window.executed=3> {{ 7*7 }} javascript:1"""
)


def test_markup_in_a_name_and_a_reason_is_shown_and_never_executed(
    firm: FirmAtWork, people: People
) -> None:
    name = "Sharp words <b onclick=window.executed=4>"
    firm.win(name, client={"name": _CLIENT, "tax_id": "ESA13585625"})
    task = firm.ready(name, note=_REASON)
    ines = people("ines.moreau", f"/inbox/task-{task}")
    expect(ines.page.locator("#main")).to_contain_text(_CLIENT)
    expect(ines.page.locator("#main")).to_contain_text("<script>window.executed=2</script>")

    number = firm.number(name)
    for path in (f"/approve/{task}", f"/engagements/{number}"):
        ines.open(path)
        expect(ines.page.locator("main")).to_contain_text(_CLIENT)
        assert ines.page.evaluate("window.executed") is None
    for kind in found_by(ines, f"/engagements/{number}"):
        assert ines.page.evaluate("window.executed") is None, kind.path
        assert ines.page.locator("[onerror], [onload], [onclick], script:not([src])").count() == 0
