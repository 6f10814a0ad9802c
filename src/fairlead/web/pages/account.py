"""What a person sets for themselves, and where they sign out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from starlette.responses import Response
from starlette.routing import Route

from fairlead.errors import InvalidInput, Problem
from fairlead.store import accounts
from fairlead.store.accounts import Preferences, Theme
from fairlead.web import paths, sessions
from fairlead.web.forms import Form
from fairlead.web.routing import command, page
from fairlead.web.visit import Toast, Visit

_THEMES = ("light", "dark")


@dataclass(frozen=True)
class AccountPage:
    email: str | None
    teams: tuple[str, ...]
    signed_in_at: datetime
    ends_at: datetime


def routes() -> list[Route]:
    return [
        page("/account", show, needs=None),
        command("/account/preferences", save, needs=None),
        command("/account/theme", switch_theme, needs=None),
    ]


def show(visit: Visit) -> Response:
    """Who one is here, what one set, and the way out."""
    return visit.page("pages/account.html", _context(visit))


def save(visit: Visit, form: Form) -> Response:
    """Theme and single-letter keys."""
    chosen = Preferences(_theme(form.text("theme")), form.text("letter_keys") == "on")
    accounts.put_preferences(visit.tx, visit.who.id, chosen)
    if not visit.is_htmx:
        return visit.done("/account")
    return visit.parts_of(
        "pages/account.html", _context(visit), "preferences", toast=Toast("Saved")
    )


def switch_theme(visit: Visit, form: Form) -> Response:
    """To the named theme, or where none is named to the other one."""
    now = accounts.preferences(visit.tx, visit.who.id)
    other: Theme = "light" if now.theme == "dark" else "dark"
    wanted = _theme(form.text("theme")) or other
    accounts.put_preferences(visit.tx, visit.who.id, replace(now, theme=wanted))
    if visit.is_htmx:
        return Response(status_code=204)
    return visit.done(paths.local(form.text("next")))


def _theme(text: str) -> Theme | None:
    """Null: as the person's system is set. Raises `InvalidInput`."""
    if text not in ("", *_THEMES):
        raise InvalidInput("There is no such theme.", [Problem("/theme", "is light or dark")])
    return text or None


def _context(visit: Visit) -> AccountPage:
    return AccountPage(
        email=visit.person.email,
        teams=tuple(sorted(visit.person.teams)),
        signed_in_at=visit.session.auth_time,
        ends_at=visit.session.auth_time + sessions.ABSOLUTE,
    )
