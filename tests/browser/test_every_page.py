"""What holds for every page: for all who read it, at every width, in light and in dark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest
from axe_playwright_python.sync_playwright import Axe
from desks import DESK, PHONE, TABLET, Desk, People
from every_page import Kind, found_by
from firm_at_work import FirmAtWork

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
    "/engagements/*/documents",
)
_LANDMARKS = frozenset({"main", "nav", "aside"})


@dataclass(frozen=True)
class Seen:
    """What one page was like in one visit."""

    kind: Kind
    violations: list[str]
    overflow: dict[int, int]  #: width of the window → pixels too many
    headings: list[str]  #: of the first level
    landmarks: list[tuple[str, str]]  #: what, and its name
    bare_tables: list[str]


@pytest.fixture(scope="module")
def planted(firm: FirmAtWork) -> None:
    """One deal is launched, one waits for its approval, one lacks something."""
    firm.win("Seen from all sides")
    firm.win("Seen with a gap", complete=False)
    firm.ready("Seen from all sides")
    firm.exception("Seen with a gap")


@pytest.fixture(scope="module")
def seen(firm: FirmAtWork, planted: None, module_people: People) -> list[Seen]:
    task = firm.task("Seen from all sides", "launch_approval")["id"]
    found: dict[str, Seen] = {}
    for person in _READERS:
        desk, eye = module_people(person), module_people(person)
        for kind in found_by(desk):
            if kind.name not in found:
                found[kind.name] = _look(eye, kind)
    apart = (
        ("ines.moreau", f"/approve/{task}"),
        ("ines.moreau", "/no-such-page"),
        ("ines.moreau", "/engagements/ENG-1"),
        ("ayo.brandt", "/integrations"),
        (None, "/sign-in"),
        (None, "/sign-in?next=/inbox"),
    )
    for person, path in apart:
        found[path] = _look(module_people(person), Kind(path, path, 0))
    return list(found.values())


def test_following_every_link_comes_to_every_page(seen: list[Seen]) -> None:
    names = {one.kind.name for one in seen}

    assert [name for name in _AT_LEAST if name not in names] == []
    assert [one.kind for one in seen if one.kind.status >= 400] == []


def test_axe_finds_nothing_against_wcag_2_2_aa(seen: list[Seen]) -> None:
    assert [fault for one in seen for fault in one.violations] == []


@pytest.mark.parametrize("width", [PHONE[0], TABLET[0], DESK[0]])
def test_no_page_is_wider_than_its_window(seen: list[Seen], width: int) -> None:
    assert {one.kind.path: one.overflow[width] for one in seen if one.overflow[width]} == {}


def test_every_page_has_one_heading_of_the_first_level(seen: list[Seen]) -> None:
    assert {one.kind.path: one.headings for one in seen if len(one.headings) != 1} == {}


def test_landmarks_of_one_kind_are_told_apart_by_name(seen: list[Seen]) -> None:
    for one in seen:
        assert [what for what, _ in one.landmarks].count("main") == 1, one.kind.path
        for what in _LANDMARKS - {"main"}:
            names = [name for kind, name in one.landmarks if kind == what]
            assert all(names), f"{one.kind.path}: a {what} without a name"
            assert len(set(names)) == len(names), f"{one.kind.path}: {names}"


def test_every_table_has_headers(seen: list[Seen]) -> None:
    assert {one.kind.path: one.bare_tables for one in seen if one.bare_tables} == {}


def _look(desk: Desk, kind: Kind) -> Seen:
    desk.open(kind.path)
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
    return Seen(
        kind,
        violations,
        overflow,
        desk.page.get_by_role("heading", level=1).all_inner_texts(),
        [(str(what), str(name)) for what, name in desk.page.evaluate(_FIND_LANDMARKS)],
        [str(one) for one in desk.page.evaluate(_FIND_BARE_TABLES)],
    )


_FIND_LANDMARKS = """() => Array.from(document.querySelectorAll('main, nav, aside'))
  .filter((one) => one.checkVisibility())
  .map((one) => [one.localName, one.getAttribute('aria-label')
    || document.getElementById(one.getAttribute('aria-labelledby'))?.innerText || ''])"""

_FIND_BARE_TABLES = """() => Array.from(document.querySelectorAll('table'))
  .filter((one) => !one.querySelector('th') || !(one.caption || one.getAttribute('aria-label')
    || one.getAttribute('aria-labelledby') || one.closest('[aria-label], [aria-labelledby]')))
  .map((one) => one.outerHTML.slice(0, 120))"""


def _violations(desk: Desk, where: str, rules: dict[str, Any]) -> Iterator[str]:
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    answer = cast("dict[str, Any]", Axe().run(desk.page, options=options).response)
    for violation in answer["violations"]:
        for node in violation["nodes"]:
            yield f"{where}: {violation['id']}: {node['target']} {node['html'][:160]}"
