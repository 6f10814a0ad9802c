"""Find or run: engagements, pages and commands that fit what was typed."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from fairlead.trust.roles import Permission
from fairlead.web import nav
from fairlead.web.routing import page
from fairlead.web.visit import Visit

_MOST = 8


@dataclass(frozen=True)
class Found:
    """One line of the list: where it leads, or the form's address that it sends to."""

    label: str
    note: str
    icon: str
    href: str | None = None
    sends_to: str | None = None
    key: str | None = None
    needs: Permission | None = None


@dataclass(frozen=True)
class FindPage:
    q: str
    results: tuple[Found, ...]


_P = Permission
#: Pages below one of the side bar, lists that wait for somebody, and where something begins.
_COMMANDS = (
    Found("Invoices", "Page", "doc", href="/billing/invoices", needs=_P.BILLING_READ),
    Found("Invoices to review", "", "doc", href="/billing/invoices?state=proposed",
          needs=_P.BILLING_PROPOSE),
    Found("Invoices to release", "", "arrow-r", href="/billing/invoices?state=reviewed",
          needs=_P.BILLING_RELEASE),
    Found("Overdue invoices", "", "octagon", href="/billing/invoices?due=late",
          needs=_P.BILLING_READ),
    Found("Draft what is ready to bill", "", "invoice", href="/billing#all-until",
          needs=_P.BILLING_PROPOSE),
    Found("Revenue by month", "Page", "coin", href="/billing/revenue", needs=_P.BILLING_READ),
    Found("Compute a month of revenue", "", "coin", href="/billing/revenue#compute-month",
          needs=_P.BILLING_PROPOSE),
    Found("Revenue to approve", "", "coin", href="/billing/revenue?state=proposed",
          needs=_P.BILLING_RELEASE),
    Found("Comparisons with other systems", "Page", "ne", href="/reconciliation/comparisons",
          needs=_P.EXCEPTIONS_READ),
    Found("Work by month against the ledger", "Page", "ne", href="/reconciliation/work",
          needs=_P.TIME_READ),
    Found("Payroll hours", "Page", "ne", href="/reconciliation/payroll", needs=_P.TIME_READ),
    Found("Differences of fields", "Page", "ne", href="/exceptions/differences",
          needs=_P.EXCEPTIONS_READ),
    Found("Add an expense", "", "coin", href="/my-time/expense", needs=_P.TIME_ENTER),
    Found("Switch theme", "", "theme", sends_to="/account/theme"),
    Found("Your settings", "", "user", href="/account"),
    Found("Sign out", "", "lock", sends_to="/sign-out"),
)  # fmt: skip


def routes() -> list[Route]:
    return [page("/find", show, needs=None)]


def show(visit: Visit) -> Response:
    """Engagements first; without a word, the pages and commands."""
    q = visit.query("q", longest=100)
    results = (*_engagements(visit, q), *_pages(visit, q), *_commands(visit, q))
    return visit.page("pages/find.html", FindPage(q, results))


def _engagements(visit: Visit, q: str) -> tuple[Found, ...]:
    if not q or not visit.who.may(Permission.ENGAGEMENTS_READ):
        return ()
    rows = visit.views.engagements(state=None, region=None, q=q, after=None, limit=_MOST)
    return tuple(
        Found(
            row["client_name"] or row["name"],
            f"{row['number']} {row['name']}",
            "line",
            href=f"/engagements/{row['number']}",
        )
        for row in rows
    )


def _pages(visit: Visit, q: str) -> tuple[Found, ...]:
    entries = nav.open_to(visit.entries, visit.who)
    found = (Found(one.label, "Page", one.icon, href=one.path, key=one.key) for one in entries)
    return _fitting(tuple(found), q)


def _commands(visit: Visit, q: str) -> tuple[Found, ...]:
    open_to = (one for one in _COMMANDS if one.needs is None or visit.who.may(one.needs))
    return _fitting(tuple(open_to), q)


def _fitting(items: tuple[Found, ...], q: str) -> tuple[Found, ...]:
    return tuple(item for item in items if q.casefold() in item.label.casefold())
