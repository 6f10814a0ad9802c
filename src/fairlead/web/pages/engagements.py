"""All engagements that a person may see: the line above them, the list, and its file (F178)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from starlette.responses import Response
from starlette.routing import Route

from fairlead.errors import InvalidInput, Problem
from fairlead.store import saved_views
from fairlead.store.saved_views import SavedView
from fairlead.trust.roles import Permission
from fairlead.web import csv_table
from fairlead.web.forms import Form
from fairlead.web.nav import Entry
from fairlead.web.pages.engagements_list import COLUMNS, PATH, STANDS, ShownList
from fairlead.web.routing import command, page
from fairlead.web.visit import Toast, Visit

ENTRY = Entry(
    group="Work",
    label="Engagements",
    path=PATH,
    icon="line",
    needs=Permission.ENGAGEMENTS_READ,
    key="e",
)

_TEMPLATE = "pages/engagements.html"
_LONGEST_NAME = 60


@dataclass(frozen=True)
class EngagementsPage:
    list: ShownList


def routes() -> list[Route]:
    see = Permission.ENGAGEMENTS_READ
    return [
        page(PATH, show, needs=see),
        page(f"{PATH}.csv", download, needs=see),
        command(f"{PATH}/views", save_view, needs=see),
        command(f"{PATH}/views/rename", rename_view, needs=see),
        command(f"{PATH}/views/delete", delete_view, needs=see),
    ]


def show(visit: Visit) -> Response:
    return visit.page(_TEMPLATE, EngagementsPage(ShownList(visit)))


def download(visit: Visit) -> Response:
    heads = [*(head for _, head in COLUMNS), *STANDS]
    return csv_table.download("engagements", heads, ShownList(visit).file())


def save_view(visit: Visit, form: Form) -> Response:
    """Keep the filters under a name."""
    name, query = _name(form, "name"), _query(form)
    if not saved_views.save(visit.tx, visit.who.id, PATH, SavedView(name, query), visit.now):
        most = f"there are {saved_views.MOST} already; delete one"
        raise InvalidInput("There is no room for another view.", [Problem("/name", most)])
    return _views(visit, f"Kept as “{name}”", query)


def rename_view(visit: Visit, form: Form) -> Response:
    name, new = form.text("name", longest=_LONGEST_NAME), _name(form, "new")
    if not saved_views.rename(visit.tx, visit.who.id, PATH, name, new):
        rule = "is not the name of another view"
        raise InvalidInput("It cannot be called so.", [Problem("/new", rule)])
    return _views(visit, f"Renamed to “{new}”", _query(form))


def delete_view(visit: Visit, form: Form) -> Response:
    saved_views.delete(visit.tx, visit.who.id, PATH, form.text("name", longest=_LONGEST_NAME))
    return _views(visit, "Deleted", _query(form))


def _views(visit: Visit, said: str, query: str) -> Response:
    if not visit.is_htmx:
        return visit.done(f"{PATH}?{query}" if query else PATH)
    context = EngagementsPage(ShownList(visit))
    return visit.parts_of(_TEMPLATE, context, "engagements_views", toast=Toast(said), nav=False)


def _name(form: Form, field: str) -> str:
    name = form.text(field, longest=_LONGEST_NAME)
    if not name or not name.isprintable():
        raise InvalidInput("Give it a name.", [Problem(f"/{field}", "is a name")])
    return name


def _query(form: Form) -> str:
    """Written anew, so that only parameters are kept, and not where a page ends."""
    try:
        pairs = parse_qsl(form.text("query", longest=1000).removeprefix("?"))
    except ValueError:
        return ""
    return urlencode([(name, value) for name, value in pairs if name != "after"])
