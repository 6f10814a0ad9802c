"""Chromium over a firm at work. One of each for the session; a fresh profile for each person."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from desks import DESK, Desk, People, new_desk
from firm_at_work import FirmAtWork
from playwright.sync_api import Browser, StorageState, expect, sync_playwright

_HERE = Path(__file__).parent
_FINDER = _HERE.parents[1] / "scripts" / "chromium"
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PATIENCE_MS = 20_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of this folder is slow, and needs a browser."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker("slow")
            item.add_marker("browser")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Its path; where there is none, the tests are skipped and say what to install."""
    found = subprocess.run([_FINDER, "find"], capture_output=True, text=True)
    if found.returncode:
        pytest.skip(" ".join(found.stderr.split()))
    return found.stdout.strip()


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        expect.set_options(timeout=_PATIENCE_MS)
        started = playwright.chromium.launch(executable_path=chromium, args=list(_ARGUMENTS))
        yield started
        started.close()


@pytest.fixture(scope="session")
def firm(chromium: str) -> Iterator[FirmAtWork]:
    """After the browser was found, so that nothing is started in vain."""
    at_work = FirmAtWork()
    yield at_work
    at_work.close()


@pytest.fixture(scope="session")
def signed_in(browser: Browser, firm: FirmAtWork) -> Callable[[str], StorageState]:
    """A session of each person, begun once with their password."""
    known: dict[str, StorageState] = {}

    def begin(person: str) -> StorageState:
        if person not in known:
            desk = new_desk(browser, firm.url)
            desk.open("/sign-in").signs_in(person, firm.password)
            known[person] = desk.page.context.storage_state()
            desk.page.context.close()
        return known[person]

    return begin


@pytest.fixture
def people(
    browser: Browser, firm: FirmAtWork, signed_in: Callable[[str], StorageState]
) -> Iterator[People]:
    yield from _people(browser, firm, signed_in)


@pytest.fixture(scope="module")
def module_people(
    browser: Browser, firm: FirmAtWork, signed_in: Callable[[str], StorageState]
) -> Iterator[People]:
    """For what is looked at once and told in several tests."""
    yield from _people(browser, firm, signed_in)


def _people(
    browser: Browser, firm: FirmAtWork, signed_in: Callable[[str], StorageState]
) -> Iterator[People]:
    """Whatever else a test is about: no page says an error to the console, breaks its content
    security policy or asks another host for anything."""
    opened: list[Desk] = []

    def open_for(
        person: str | None,
        path: str = "/",
        *,
        size: tuple[int, int] = DESK,
        theme: Literal["light", "dark"] = "light",
    ) -> Desk:
        state = signed_in(person) if person else None
        desk = new_desk(browser, firm.url, size=size, theme=theme, state=state)
        opened.append(desk)
        return desk.open(path)

    yield open_for
    for desk in opened:
        desk.page.context.close()
    assert [fault for desk in opened for fault in desk.heard.faults] == []
    assert [address for desk in opened for address in desk.heard.elsewhere] == []
