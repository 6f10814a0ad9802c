"""A firm on its first day: every page opens with nothing in it."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Route

from fairlead.web.app import create

from .conftest import Desk

_NO_PAGES = {"/live"}  # a stream that does not end


def pages(app: Starlette) -> list[str]:
    """Paths of pages that are about no single thing."""
    found = {
        route.path
        for route in app.routes
        if isinstance(route, Route) and "GET" in (route.methods or ())
    }
    return sorted(path for path in found if "{" not in path and path not in _NO_PAGES)


def test_every_page_opens_for_everybody_before_there_is_anything(empty_desk: Desk) -> None:
    paths = pages(create(empty_desk.parts))
    assert {"/inbox", "/engagements", "/exceptions", "/billing", "/my-time"} <= set(paths)

    failed: list[str] = []
    opened: set[str] = set()
    for person in empty_desk.parts.people.all():
        if not person.active:
            continue
        browser = empty_desk.signed_in(person.id)
        for path in paths:
            answer = browser.get(path)
            if answer.status_code >= 500:
                failed.append(f"{person.id}: {path}: {answer.status_code}")
            if answer.status_code == 200:
                opened.add(path)

    assert failed == []
    assert {"/inbox", "/engagements", "/exceptions", "/billing"} <= opened
