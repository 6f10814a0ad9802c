"""Word to the people with a role."""

from __future__ import annotations

from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import IdCursor, Limit, Page, page_by_id
from fairlead.api.reading import reading
from fairlead.api.router import Router
from fairlead.api.shapes import At
from fairlead.domain.values import Value


class NotificationView(Value):
    id: int
    role: str
    region: str | None
    about: str
    text: str
    subject_id: str | None
    at: At


def add(router: Router) -> None:
    router.get("/notifications", list_notifications, Page[NotificationView], tag="notifications")


def list_notifications(
    parts: Parts, caller: Caller, cursor: IdCursor = None, limit: Limit = 50
) -> Page[NotificationView]:
    """What the caller's roles were told, newest first."""
    before = int(cursor) if cursor else None
    with reading(parts, caller) as views:
        rows = views.notifications(caller.roles, before=before, limit=limit + 1)
    return page_by_id(rows, limit, lambda row: NotificationView(**row))
