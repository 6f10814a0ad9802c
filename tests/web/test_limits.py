"""No page shows people who are limited to a region or a company what is another's."""

from __future__ import annotations

import re

import pytest
from starlette.routing import Route
from tests.api import firm

from fairlead.store.database import Database
from fairlead.web.app import create

from .conftest import Desk, web_parts

#: What a part of a path may stand for: each is of the EMEA company, and of nobody else.
FOREIGN = (
    "ENG-2001", "e-2001", "BIL-1", "invoice-1", "t-invoice", "x-invoice", "r-invoice", "r-2001",
    firm.milestone_id(2001, 1),
)  # fmt: skip
_OURS = re.compile(r"2001|BIL-1\b|invoice-1|DE01")
_OPEN = ("/sign-in", "/accept", "/static", "/live", "/healthz", "/readyz", "/metrics")


def paths() -> list[str]:
    app = create(web_parts(Database("postgresql://nowhere")))
    found = [
        route.path
        for route in app.routes
        if isinstance(route, Route) and "GET" in (route.methods or ())
    ]
    return sorted(path for path in found if not path.startswith(_OPEN))


@pytest.mark.slow
@pytest.mark.takes(14)
@pytest.mark.parametrize("who", ["pmo-lead.us01", "finance.us01"])
def test_no_page_shows_what_is_anothers(shared_desk: Desk, who: str) -> None:
    with shared_desk.db.transaction() as tx:
        if not tx.execute("SELECT 1 FROM runs WHERE id = 'r-invoice'").fetchone():
            firm.add_run_of_invoice(tx)
    browser = shared_desk.signed_in(who)
    seen = 0
    for path in paths():
        for one in sorted({re.sub(r"\{\w+(:\w+)?\}", id, path) for id in FOREIGN}):
            answer = browser.get(one)
            assert answer.status_code in (200, 204, 303, 307, 400, 403, 404, 422), one
            if answer.status_code == 200:
                seen += 1
                told = answer.text
                for id in FOREIGN:  # what was asked for may be repeated
                    told = told.replace(id, "") if id in one else told
                assert not _OURS.search(told), one
    assert seen > 10
