"""A person at a browser: what they press and what they see. Waits for elements, never for time."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, Protocol
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    StorageState,
    expect,
)

PHONE, TABLET, DESK = (390, 844), (1024, 768), (1440, 900)
_MOST_TABS = 120

#: What Chromium and htmx say of each answer of 400 to 499, which the tests see by what the page
#: shows; and htmx of a request that a newer one replaced.
_EXPECTED = re.compile(
    r"^(Failed to load resource: the server responded with a status of|Response Status Error Code)"
    r" 4\d\d|^htmx:(afterRequest|sendAbort)\b"
)
#: And where the server is away: of the request, and of the stream of changes.
_AWAY = re.compile(r"net::ERR_(CONNECTION|INCOMPLETE|EMPTY)|^htmx:|^\[object \w*Event\]")


@dataclass
class Heard:
    """What a browser said that no page may make it say."""

    origin: str
    faults: list[str] = field(default_factory=list[str])
    elsewhere: list[str] = field(default_factory=list[str])
    may_lose_the_server: bool = False

    def console(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning") or _EXPECTED.match(message.text):
            return
        if self.may_lose_the_server and _AWAY.search(message.text):
            return
        self.faults.append(f"{message.type}: {message.text} ({message.location})")

    def request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if f"{parts.scheme}://{parts.netloc}" != self.origin and parts.scheme not in ("data",):
            self.elsewhere.append(request.url)


class Desk:
    """One tab of one browser profile."""

    def __init__(self, page: Page, heard: Heard) -> None:
        self.page, self.heard = page, heard

    def open(self, path: str) -> Desk:
        self.page.goto(path)
        return self

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def sees(self, text: str | re.Pattern[str]) -> Locator:
        """Waits for it."""
        found = self.page.get_by_text(text).filter(visible=True).first
        expect(found).to_be_visible()
        return found

    def tab_to(self, name: str) -> None:
        """With the Tab key alone, as who uses no mouse. Raises AssertionError where it is not
        reached."""
        passed: list[str] = []
        for _ in range(_MOST_TABS):
            self.press("Tab")
            passed.append(self.focused_words())
            if name in passed[-1]:
                return
        raise AssertionError(f"Tab does not come to {name!r}; it passes {passed}")

    def focused_words(self) -> str:
        """What is focused, in its own words."""
        return str(
            self.page.evaluate(
                "() => { const it = document.activeElement; return it === document.body ? '' :"
                " it.getAttribute('aria-label') || it.labels?.[0]?.innerText || it.innerText"
                " || it.getAttribute('name') || it.tagName }"
            )
        )

    def focused_tag(self) -> str:
        return str(self.page.evaluate("document.activeElement.tagName"))

    def focus_shows(self) -> bool:
        """Whether what is focused, or what it belongs to, has a ring around it."""
        return bool(
            self.page.evaluate(
                """() => {
                  for (let it = document.activeElement, up = 0; it && up < 3; up += 1) {
                    for (const part of [null, '::after']) {
                      const how = getComputedStyle(it, part);
                      if (how.outlineStyle !== 'none' && how.outlineWidth !== '0px') return true;
                    }
                    it = it.parentElement;
                  }
                  return false;
                }"""
            )
        )

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        return int(
            self.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        )

    def row(self, task: str) -> Locator:
        """Of the inbox."""
        return self.page.locator(f"#inbox-list #task-{task}")

    @property
    def pane(self) -> Locator:
        return self.page.locator("#pane")

    def signs_in(self, person: str, password: str) -> Desk:
        """With the keyboard; the cursor is in the first field already."""
        expect(self.page.locator("#password")).to_be_visible()
        self.type(person)
        self.press("Tab")
        self.type(password)
        self.press("Enter")
        self.page.wait_for_url(lambda url: "/sign-in" not in url)
        return self

    def tab(self) -> Desk:
        """Another one of the same browser."""
        return _desk(self.page.context, self.heard)


def new_desk(
    browser: Browser,
    url: str,
    *,
    size: tuple[int, int] = DESK,
    theme: Literal["light", "dark"] = "light",
    state: StorageState | None = None,
) -> Desk:
    """A fresh profile. `state`: its cookies; null: nobody is signed in."""
    context = browser.new_context(
        base_url=url,
        viewport={"width": size[0], "height": size[1]},
        color_scheme=theme,
        locale="en-GB",
        timezone_id="Europe/Berlin",
        reduced_motion="reduce",
        has_touch=size == PHONE,
        storage_state=state,
    )
    return _desk(context, Heard(url))


def _desk(context: BrowserContext, heard: Heard) -> Desk:
    page = context.new_page()
    page.on("console", heard.console)
    page.on("pageerror", lambda error: heard.faults.append(f"exception: {error}"))
    page.on("request", heard.request)
    return Desk(page, heard)


class People(Protocol):
    """Opens a browser for a person of the sample firm, signed in; for nobody: signed out."""

    def __call__(
        self,
        person: str | None,
        path: str = "/",
        *,
        size: tuple[int, int] = DESK,
        theme: Literal["light", "dark"] = "light",
    ) -> Desk: ...
