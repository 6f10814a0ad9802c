"""What holds for every page: for all who read it, at every width, in light and in dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from axe_playwright_python.sync_playwright import Axe
from desks import DESK, PHONE, TABLET, Desk, Heard, People
from every_page import Kind, dead_links, found_by
from firm_at_work import FirmAtWork
from playwright.sync_api import expect

#: WCAG 2.2 AA, as axe tags its rules.
_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
#: The rules that look at colours; the others answer the same in light and in dark.
_COLOURS = ("color-contrast", "link-in-text-block")
#: Who together may read everything that there is.
_READERS = ("ines.moreau", "omar.haddad")
#: What the crawl must at least have come to; a page that is no longer linked is missed here.
_AT_LEAST = (
    *("/inbox", "/inbox/*", "/account", "/exceptions", "/exceptions/differences", "/integrations"),
    *("/integrations/systems/*", "/integrations/effects", "/integrations/effects/*"),
    *("/integrations/messages", "/engagements", "/engagements/*", "/exceptions/*"),
    *(f"/engagements/*/{tab}" for tab in ("packet", "timeline", "systems", "decisions")),
    *("/engagements/*/documents", "/engagements/*/milestones", "/my-time", "/my-time/expense"),
    *("/time", "/billing", "/billing/invoices", "/billing/invoices/*", "/billing/items/*"),
    *("/reconciliation", "/reconciliation/*", "/reconciliation/comparisons"),
    *("/reconciliation/work", "/reconciliation/payroll"),
    *("/billing/revenue", "/billing/revenue/*", "/billing/revenue/engagements/*"),
)


@dataclass(frozen=True)
class Seen:
    """What one page was like in one visit."""

    kind: Kind
    violations: list[str]
    overflow: dict[int, int]  #: width of the window → pixels too many
    tree: str  #: as a screen reader is given it

    @property
    def headings(self) -> list[str]:
        """Of the first level."""
        return re.findall(r"- '?heading (.*)\[level=1\]", self.tree)

    @property
    def landmarks(self) -> list[tuple[str, str]]:
        """What, and its name."""
        return re.findall(
            r"^ *- '?(main|navigation|complementary)\b(?: (\".*\"))?", self.tree, re.M
        )

    @property
    def bare_tables(self) -> list[str]:
        """Tables without a header cell."""
        tables = re.findall(r"^( *)- '?table\b.*\n((?:\1 .*\n)*)", f"{self.tree}\n", re.M)
        return [rows for _, rows in tables if "columnheader" not in rows]


@dataclass
class Round:
    """Every page, once."""

    pages: list[Seen] = field(default_factory=list[Seen])
    dead: list[str] = field(default_factory=list[str])
    heard: list[Heard] = field(default_factory=list[Heard])


@pytest.fixture(scope="module")
def planted(firm: FirmAtWork) -> None:
    """One deal is launched, one waits for its approval, one lacks something."""
    firm.win("Seen from all sides")
    firm.win("Seen with a gap", complete=False)
    firm.ready("Seen from all sides")
    firm.billed("Seen from all sides")
    firm.ledger_keeps("Seen from all sides", "INV-9")
    firm.computed("Seen from all sides")
    firm.staff("ines.moreau", "Seen from all sides", datetime.now(UTC).year)
    firm.exception("Seen with a gap")


@pytest.fixture(scope="module")
def made(firm: FirmAtWork, planted: None, module_people: People) -> Round:
    task = firm.task("Seen from all sides", "launch_approval")["id"]
    made, known = Round(), set[str]()
    for person in _READERS:
        desk, eye = module_people(person), module_people(person)
        made.heard += [desk.heard, eye.heard]
        for kind in found_by(desk):
            if kind.name not in known:
                known.add(kind.name)
                made.dead += dead_links(desk)
                made.pages.append(_look(eye, kind))
    apart = (
        ("ines.moreau", f"/approve/{task}"),
        ("ines.moreau", "/no-such-page"),
        ("ines.moreau", "/engagements/ENG-1"),
        ("ayo.brandt", "/integrations"),
        (None, "/sign-in"),
        (None, "/sign-in?next=/inbox"),
    )
    for person, path in apart:
        eye = module_people(person)
        made.pages.append(_look(eye, Kind(path, path, 0)))
        made.heard.append(eye.heard)
    return made


@pytest.fixture(scope="module")
def seen(made: Round) -> list[Seen]:
    return made.pages


def test_following_every_link_comes_to_every_page(seen: list[Seen]) -> None:
    names = {one.kind.name for one in seen}

    assert [name for name in _AT_LEAST if name not in names] == []
    assert [one.kind for one in seen if one.kind.status >= 400] == []


def test_no_link_leads_nowhere(made: Round) -> None:
    assert made.dead == []


def test_no_page_breaks_its_security_policy_or_asks_another_host(made: Round) -> None:
    assert [fault for heard in made.heard for fault in heard.faults] == []
    assert [address for heard in made.heard for address in heard.elsewhere] == []


def test_axe_finds_nothing_against_wcag_2_2_aa(seen: list[Seen]) -> None:
    assert [fault for one in seen for fault in one.violations] == []


@pytest.mark.parametrize("width", [PHONE[0], TABLET[0], DESK[0]])
def test_no_page_is_wider_than_its_window(seen: list[Seen], width: int) -> None:
    assert {one.kind.path: one.overflow[width] for one in seen if one.overflow[width]} == {}


def test_every_page_has_one_heading_of_the_first_level(seen: list[Seen]) -> None:
    assert {one.kind.path: one.headings for one in seen if len(one.headings) != 1} == {}


def test_there_is_one_main_landmark_and_the_others_have_names(seen: list[Seen]) -> None:
    for one in seen:
        assert [what for what, _ in one.landmarks].count("main") == 1, one.kind.path
        others = [mark for mark in one.landmarks if mark[0] != "main"]
        assert all(name for _, name in others), f"{one.kind.path}: {others}"
        assert len(set(others)) == len(others), f"{one.kind.path}: {others}"


def test_every_table_has_headers(seen: list[Seen]) -> None:
    assert any("- table" in one.tree for one in seen)
    assert {one.kind.path: one.bare_tables for one in seen if one.bare_tables} == {}


def _look(desk: Desk, kind: Kind) -> Seen:
    desk.open(kind.path)
    desk.page.evaluate(Axe().axe_script)
    violations: list[str] = []
    overflow: dict[int, int] = {}
    for size in (DESK, TABLET, PHONE):
        desk.page.set_viewport_size({"width": size[0], "height": size[1]})
        overflow[size[0]] = desk.overflow()
        if size == TABLET:
            continue
        violations += _violations(
            desk, f"{kind.path} at {size[0]}", {"type": "tag", "values": _TAGS}
        )
        desk.page.emulate_media(color_scheme="dark")
        dark = {"type": "rule", "values": _COLOURS}
        violations += _violations(desk, f"{kind.path} at {size[0]} in dark", dark)
        desk.page.emulate_media(color_scheme="light")
    desk.page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
    tree = desk.page.locator("body").aria_snapshot()
    return Seen(kind, violations, overflow, tree)


def _violations(desk: Desk, where: str, rules: dict[str, Any]) -> Iterator[str]:
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    answer = cast("dict[str, Any]", desk.page.evaluate("how => axe.run(how)", options))
    for violation in answer["violations"]:
        for node in violation["nodes"]:
            yield f"{where}: {violation['id']}: {node['target']} {node['html'][:160]}"


def test_on_a_phone_the_whole_menu_and_the_account_are_in_view(
    firm: FirmAtWork, people: People
) -> None:
    phone = people("omar.haddad", "/integrations", size=PHONE)
    menu = phone.page.get_by_role("navigation", name="Main").get_by_role("link")

    for name in ("Inbox", "Engagements", "Exceptions", "Integrations", "Omar Haddad"):
        expect(menu.filter(has_text=name)).to_be_in_viewport(ratio=1)
