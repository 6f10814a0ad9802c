"""A client's person, who has a mail with a link and no account."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import httpx

from fairlead.errors import Busy
from fairlead.sandbox.process import SandboxProcess

_LINK = re.compile(r"https?://[^\s\"<>]+/accept/[A-Za-z0-9_-]+")
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')

#: (holds, what is waited for): looks again until it holds. Raises `Busy`.
Until = Callable[[Callable[[], Any], str], None]


def accept_by_link(sandbox: SandboxProcess, email: str, until: Until) -> None:
    """Wait for the mail, open its link, and accept what the page shows."""
    found: list[str] = []

    def has_come() -> bool:
        for record in sandbox.records("mail", "messages"):
            body = record["body"]
            if email in str(body.get("to", "")):
                found.extend(_LINK.findall(str(body)))
        return bool(found)

    until(has_come, f"a mail to {email}")
    with httpx.Client(timeout=15, trust_env=False, follow_redirects=True) as browser:
        page = browser.get(found[0])
        form = {name: unescape(value) for name, value in _HIDDEN.findall(page.text)}
        answer = {**form, "name": "The client's project lead", "decision": "accept"}
        origin = str(page.url.copy_with(raw_path=b""))
        done = browser.post(page.url, data=answer, headers={"origin": origin.rstrip("/")})
    if done.is_error or "Accepted" not in done.text:
        raise Busy(f"the acceptance page answered {done.status_code}")
