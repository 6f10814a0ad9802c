"""Every kind of page that can be come to by links, found by following them."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from desks import Desk

#: What tells one page of a kind from another: ids, numbers of engagements, systems, effects.
_ONE_OF_MANY = re.compile(
    r"(?<=/effects/).+|(?<=/invoices/)BIL-\d+|(?<=/systems/)[^/]+"
    r"|(?<=/)(ENG-\d+|(task-|exception-)?[0-9a-f]{8}-[0-9a-f-]{27,}|\d+)"
)
#: Answers that are files, not pages; and the API, which asks for a key of its own.
_NO_PAGE = re.compile(r"\.(pdf|json|csv)$|^/(api|static|docs)\b")


@dataclass(frozen=True)
class Kind:
    """One kind of page, and the first of it that was seen."""

    name: str  #: its path, with * for what differs
    path: str
    status: int


def found_by(desk: Desk, start: str = "/") -> Iterator[Kind]:
    """Follows every link that the person of this desk sees, one page of each kind."""
    ahead, known = deque([start]), {kind_of(start)}
    while ahead:
        path = ahead.popleft()
        reply = desk.page.goto(path)
        assert reply is not None
        yield Kind(kind_of(path), path, reply.status)
        for link in links(desk):
            if kind_of(link) not in known:
                known.add(kind_of(link))
                ahead.append(link)


def kind_of(path: str) -> str:
    return _ONE_OF_MANY.sub("*", urlsplit(path).path)


def links(desk: Desk) -> list[str]:
    """Paths of our own pages that this one links to."""
    return [path for path in _addresses(desk) if not _NO_PAGE.search(urlsplit(path).path)]


def dead_links(desk: Desk) -> list[str]:
    """What this page links to, one of each kind, that is not there for who reads it. The API is
    left out: it asks for a key, and the link to it says so."""
    ours = (path for path in _addresses(desk) if not path.startswith("/api/"))
    one_of_each = {kind_of(path): path for path in ours}
    return [
        f"{urlsplit(desk.page.url).path} leads to {path}: {status}"
        for path in one_of_each.values()
        if (status := desk.page.request.get(path).status) >= 400
    ]


def _addresses(desk: Desk) -> list[str]:
    found: list[Any] = desk.page.locator("a[href]").evaluate_all(
        "all => all.filter(one => one.origin === location.origin)"
        ".map(one => one.pathname + one.search)"
    )
    return [str(path) for path in found]
