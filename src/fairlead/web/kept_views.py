"""Filters of a list that a person keeps under a name: to keep, rename and delete them."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

from starlette.responses import Response
from starlette.routing import Route

from fairlead.errors import InvalidInput, Problem
from fairlead.store import saved_views
from fairlead.store.saved_views import SavedView
from fairlead.trust.roles import Permission
from fairlead.web.forms import Form
from fairlead.web.routing import command
from fairlead.web.visit import Toast, Visit

_LONGEST = 60


def routes(
    path: str,
    block: str,
    template: str,
    context: Callable[[Visit], object],
    *,
    needs: Permission,
) -> list[Route]:
    """Below the list at `path`. `block`: of its template, which shows the views again."""

    def save(visit: Visit, form: Form) -> Response:
        name, query = _name(form, "name"), _query(form)
        if not saved_views.save(visit.tx, visit.who.id, path, SavedView(name, query), visit.now):
            most = f"there are {saved_views.MOST} already; delete one"
            raise InvalidInput("There is no room for another view.", [Problem("/name", most)])
        return answer(visit, f"Kept as “{name}”", query)

    def rename(visit: Visit, form: Form) -> Response:
        name, new = form.text("name", longest=_LONGEST), _name(form, "new")
        if not saved_views.rename(visit.tx, visit.who.id, path, name, new):
            rule = "is not the name of another view"
            raise InvalidInput("It cannot be called so.", [Problem("/new", rule)])
        return answer(visit, f"Renamed to “{new}”", _query(form))

    def delete(visit: Visit, form: Form) -> Response:
        saved_views.delete(visit.tx, visit.who.id, path, form.text("name", longest=_LONGEST))
        return answer(visit, "Deleted", _query(form))

    def answer(visit: Visit, said: str, query: str) -> Response:
        if not visit.is_htmx:
            return visit.done(f"{path}?{query}" if query else path)
        return visit.parts_of(template, context(visit), block, toast=Toast(said), nav=False)

    return [
        command(f"{path}/views", save, needs=needs),
        command(f"{path}/views/rename", rename, needs=needs),
        command(f"{path}/views/delete", delete, needs=needs),
    ]


def _name(form: Form, field: str) -> str:
    name = form.text(field, longest=_LONGEST)
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
