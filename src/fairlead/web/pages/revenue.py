"""Revenue by month: what was computed, who proposes and approves it, its journals in the ledger,
and the position of one engagement at the end of a day (F087). It stands beside billing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from fairlead.capabilities.revenue import approving
from fairlead.capabilities.revenue.months import ask_for_month
from fairlead.capabilities.revenue.showing import statement
from fairlead.errors import IllegalMove, InvalidInput, NotAllowed, NotFound, Problem, StaleVersion
from fairlead.store.database import database_time
from fairlead.trust.roles import Permission
from fairlead.web import kept_views
from fairlead.web.forms import Form
from fairlead.web.pages import revenue_page
from fairlead.web.pages.revenue_list import Batches, month_in
from fairlead.web.pages.revenue_page import Shown, Standing
from fairlead.web.pages.revenue_words import PATH
from fairlead.web.routing import command, page
from fairlead.web.visit import Toast, Visit

_LIST, _ONE, _STANDING = (
    "pages/revenue.html",
    "pages/revenue_batch.html",
    "pages/revenue_standing.html",
)
_LONGEST_REASON = 2000
_FIRST, _LAST = date(2000, 1, 1), date(2999, 12, 31)


@dataclass(frozen=True)
class BatchesPage:
    list: Batches
    last_month: str  #: the month before this one, as `2026-10`


@dataclass(frozen=True)
class BatchPage:
    shown: Shown


@dataclass(frozen=True)
class StandingPage:
    shown: Standing | None  #: null: it is not launched, so there is no money to speak of
    number: str
    name: str


def routes() -> list[Route]:
    see, propose, release = (
        Permission.BILLING_READ,
        Permission.BILLING_PROPOSE,
        Permission.BILLING_RELEASE,
    )
    return [
        page(PATH, show, needs=see),
        *kept_views.routes(PATH, "revenue_views", _LIST, _list_page, needs=see),
        page(f"{PATH}/engagements/{{number}}", show_standing, needs=see),
        page(f"{PATH}/{{id}}", show_one, needs=see),
        command(f"{PATH}/compute", compute, needs=propose),
        command(f"{PATH}/{{id}}/propose", propose_one, needs=propose),
        command(f"{PATH}/{{id}}/approve", approve_one, needs=release),
        command(f"{PATH}/{{id}}/send-back", send_back, needs=release),
    ]


def show(visit: Visit) -> Response:
    return visit.page(_LIST, _list_page(visit))


def show_one(visit: Visit) -> Response:
    return visit.page(_ONE, BatchPage(_shown(visit)))


def show_standing(visit: Visit) -> Response:
    """What an engagement has earned, billed, WIP and deferred at the end of a day, worked out anew
    from rows, beside what is booked."""
    number = visit.request.path_params["number"]
    row = visit.views.engagement(number)
    if row is None:
        raise NotFound("There is no such engagement, or it is of another region.")
    told = statement(
        visit.tx, row["id"], visit.parts.reckons, costs=visit.who.may(Permission.COSTS_READ),
        on=_day(visit.query("on", longest=10)), now=visit.now,
    )  # fmt: skip
    shown = revenue_page.standing(row["name"], told) if told is not None else None
    return visit.page(_STANDING, StandingPage(shown, row["number"], row["name"]))


def compute(visit: Visit, form: Form) -> Response:
    """Have a month that is over computed; a worker does it."""
    month = month_in(form.text("month", longest=7))
    if month is None:
        rule = "is a month, as 2026-11"
        raise InvalidInput("This is no month.", [Problem("/month", rule)])
    days, now = visit.parts.reckons.days, database_time(visit.tx)
    today = days.first_of(now, visit.who.legal_entities)
    ask_for_month(visit.tx, visit.who, month, today=today)
    if not visit.is_htmx:
        return visit.done(PATH)
    toast = Toast("It is being computed; what changed stands here by itself")
    return visit.parts_of(_LIST, _list_page(visit), "revenue_list", toast=toast, nav=False)


def propose_one(visit: Visit, form: Form) -> Response:
    def act(id: str) -> Any:
        return approving.propose(visit.tx, visit.acting, id, version=form.version)

    return _done(visit, act, "Proposed; it waits for approval by another person")


def approve_one(visit: Visit, form: Form) -> Response:
    def act(id: str) -> Any:
        digest = form.text("digest", longest=64)
        library = visit.parts.billing.library
        return approving.approve(
            visit.tx, visit.acting, id, digest=digest, library=library, version=form.version
        )

    return _done(visit, act, "Approved; it is on its way to the ledger")


def send_back(visit: Visit, form: Form) -> Response:
    def act(id: str) -> Any:
        reason = form.text("reason", longest=_LONGEST_REASON)
        return approving.send_back(visit.tx, visit.acting, id, reason=reason, version=form.version)

    return _done(visit, act, "Sent back")


def _done(visit: Visit, act: Callable[[str], Any], said: str) -> Response:
    """Do it; then the batch as it is now. What is refused is told beside the form."""
    id = visit.request.path_params["id"]
    try:
        act(id)
    except (IllegalMove, StaleVersion, NotAllowed) as refused:
        if not visit.is_htmx:
            raise
        return _refused(visit, refused)
    if not visit.is_htmx:
        return visit.done(f"{PATH}/{id}")
    return visit.parts_of(_ONE, BatchPage(_shown(visit)), "revenue_batch", toast=Toast(said))


def _refused(visit: Visit, refused: IllegalMove | StaleVersion | NotAllowed) -> Response:
    title = "Not by you" if isinstance(refused, NotAllowed) else "Decided by another"
    told = {"title": title, "reasons": (refused.detail,)}
    context = {"refused": told, "here": visit.path}
    answer = visit.page("pages/invoice_refused.html", context, status=409)
    answer.headers["HX-Retarget"] = "#notice"
    answer.headers["HX-Reswap"] = "innerHTML"
    return answer


def _list_page(visit: Visit) -> BatchesPage:
    first = visit.clock.today.replace(day=1)
    before = date.fromordinal(first.toordinal() - 1)
    return BatchesPage(Batches(visit), f"{before:%Y-%m}")


def _shown(visit: Visit) -> Shown:
    after = visit.query("after", longest=200) or None
    shown = revenue_page.read(visit, visit.request.path_params["id"], after=after)
    if shown is None:
        raise NotFound("There is no such revenue, or it is of another region.")
    return shown


def _day(text: str) -> date | None:
    """Null for none: it is today."""
    try:
        found = date.fromisoformat(text) if text else None
    except ValueError:
        found = None
    return found if found is None or _FIRST <= found <= _LAST else None
