"""All engagements that a person may see: the line above them, the list, and its file (F178)."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from fairlead.trust.roles import Permission
from fairlead.web import csv_table, kept_views
from fairlead.web.nav import Entry
from fairlead.web.pages.engagements_list import COLUMNS, PATH, STANDS, ShownList
from fairlead.web.routing import page
from fairlead.web.visit import Visit

ENTRY = Entry(
    group="Work",
    label="Engagements",
    path=PATH,
    icon="line",
    needs=Permission.ENGAGEMENTS_READ,
    key="e",
)

_TEMPLATE = "pages/engagements.html"


@dataclass(frozen=True)
class EngagementsPage:
    list: ShownList


def routes() -> list[Route]:
    see = Permission.ENGAGEMENTS_READ
    return [
        page(PATH, show, needs=see),
        page(f"{PATH}.csv", download, needs=see),
        *kept_views.routes(PATH, "engagements_views", _TEMPLATE, _page, needs=see),
    ]


def show(visit: Visit) -> Response:
    return visit.page(_TEMPLATE, _page(visit))


def download(visit: Visit) -> Response:
    heads = [*(head for _, head in COLUMNS), *STANDS]
    return csv_table.download("engagements", heads, ShownList(visit).file())


def _page(visit: Visit) -> EngagementsPage:
    return EngagementsPage(ShownList(visit))
