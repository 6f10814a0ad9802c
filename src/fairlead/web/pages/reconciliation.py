"""Reconciliation: our time, expenses and invoices against the systems that keep them too, and a
month's hours against ledger and payroll (F075, F076, F117, F163, F277)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from fairlead.capabilities.payroll.comparing import compare_as_asked as ask_payroll
from fairlead.capabilities.reconciliation.comparing import compare_as_asked
from fairlead.errors import IllegalMove, InvalidInput, NotFound, Problem, StaleVersion
from fairlead.trust.roles import Permission
from fairlead.web import csv_table, kept_views
from fairlead.web.forms import Form
from fairlead.web.nav import Entry
from fairlead.web.pages import reconciliation_pane
from fairlead.web.pages.reconciliation_books import Comparisons, Payroll, Work
from fairlead.web.pages.reconciliation_list import HEADS, Differences
from fairlead.web.pages.reconciliation_pane import Pane
from fairlead.web.pages.reconciliation_payroll import AtPayroll
from fairlead.web.pages.reconciliation_words import PATH
from fairlead.web.routing import command, page
from fairlead.web.visit import Toast, Visit
from fairlead.work.words import ExceptionAction

ENTRY = Entry(
    group="Run",
    label="Reconciliation",
    path=PATH,
    icon="ne",
    needs=Permission.EXCEPTIONS_READ,
    key="r",
)

_DIFFERENCES, _COMPARISONS = "pages/reconciliation.html", "pages/reconciliation_comparisons.html"
_WORK, _PAYROLL = "pages/reconciliation_work.html", "pages/reconciliation_payroll.html"
_LONGEST_REASON = 2000
_ASKED = "It is compared now; what is found stands here by itself"


@dataclass(frozen=True)
class DifferencesPage:
    list: Differences
    pane: Pane | None
    chosen: bool  #: the address names the difference; else the first of the list is shown
    gone: bool = False  #: it was one; both sides agree by now
    asked: bool = False  #: a comparison of it was asked for just now
    oob: bool = False  #: the list finds its own place


@dataclass(frozen=True)
class ComparisonsPage:
    list: Comparisons


@dataclass(frozen=True)
class WorkPage:
    list: Work


@dataclass(frozen=True)
class PayrollPage:
    list: Payroll
    held: AtPayroll


def routes() -> list[Route]:
    see, books, settle = (
        Permission.EXCEPTIONS_READ,
        Permission.TIME_READ,
        Permission.EXCEPTIONS_RESOLVE,
    )
    return [
        page(PATH, show, needs=see),
        page(f"{PATH}.csv", download, needs=see),
        *kept_views.routes(PATH, "recon_views", _DIFFERENCES, _list_page, needs=see),
        page(f"{PATH}/comparisons", comparisons, needs=see),
        page(f"{PATH}/work", work, needs=books),
        page(f"{PATH}/work.csv", download_work, needs=books),
        page(f"{PATH}/payroll", payroll, needs=books),
        page(f"{PATH}/payroll.csv", download_payroll, needs=books),
        page(f"{PATH}/{{id}}", show_one, needs=see),
        command(f"{PATH}/compare", compare, needs=settle),
        command(f"{PATH}/payroll/compare", compare_payroll, needs=settle),
        command(f"{PATH}/{{id}}/compare", compare_one, needs=settle),
        command(f"{PATH}/{{id}}/dismiss", dismiss, needs=settle),
    ]


def show(visit: Visit) -> Response:
    """The list, with its first difference beside it."""
    found = Differences(visit)
    whole = not visit.is_htmx
    first = UUID(found.rows[0].id) if whole and found.rows else None
    pane = reconciliation_pane.read(visit, first) if first else None
    return visit.page(_DIFFERENCES, DifferencesPage(found, pane, chosen=False))


def show_one(visit: Visit) -> Response:
    """The list with one difference, whether the filters let it through or not. What an open page
    asks for anew may have gone; that is told, and is no fault."""
    pane = reconciliation_pane.read(visit, _id(visit))
    if pane is None and not visit.is_htmx:
        raise _absent()
    context = DifferencesPage(Differences(visit), pane, chosen=True, gone=pane is None)
    return visit.page(_DIFFERENCES, context)


def download(visit: Visit) -> Response:
    return csv_table.download("reconciliation", HEADS, Differences(visit).file())


def comparisons(visit: Visit) -> Response:
    """When what was compared last, and with which counts and sums."""
    return visit.page(_COMPARISONS, ComparisonsPage(Comparisons(visit)))


def work(visit: Visit) -> Response:
    return visit.page(_WORK, WorkPage(Work(visit)))


def download_work(visit: Visit) -> Response:
    found = Work(visit)
    return csv_table.download(f"work-{found.month:%Y-%m}", found.heads, found.file())


def payroll(visit: Visit) -> Response:
    return visit.page(_PAYROLL, _payroll_page(visit))


def compare_payroll(visit: Visit, form: Form) -> Response:
    """Have the month that is shown of one employer compared with its payroll now."""
    page = _payroll_page(visit)
    employer = form.text("employer", longest=100)
    ask_payroll(visit.tx, visit.acting.principal, employer, page.list.month)
    if not visit.is_htmx:
        return visit.done(page.list.here)
    return visit.parts_of(_PAYROLL, page, "recon_payroll", toast=Toast(_ASKED))


def _payroll_page(visit: Visit) -> PayrollPage:
    found = Payroll(visit)
    return PayrollPage(found, AtPayroll(visit, found))


def download_payroll(visit: Visit) -> Response:
    found = Payroll(visit)
    return csv_table.download(f"payroll-{found.month:%Y-%m}", found.heads, found.file())


def compare(visit: Visit, form: Form) -> Response:
    """Have one engagement compared now, by its number."""
    _ask(visit, form.text("number", longest=40))
    if not visit.is_htmx:
        return visit.done(f"{PATH}/comparisons")
    context = ComparisonsPage(Comparisons(visit))
    return visit.parts_of(_COMPARISONS, context, "recon_comparisons", toast=Toast(_ASKED))


def compare_one(visit: Visit, form: Form) -> Response:
    """Have the engagement of a difference compared now."""
    del form
    id = _id(visit)
    pane = _pane(visit, id)
    _ask(visit, pane.number)
    if not visit.is_htmx:
        return visit.done(Differences(visit).address.at(f"{PATH}/{id}"))
    context = DifferencesPage(Differences(visit), pane, chosen=True, asked=True)
    return visit.parts_of(_DIFFERENCES, context, "pane", toast=Toast(_ASKED), nav=False)


def dismiss(visit: Visit, form: Form) -> Response:
    """Close the exception that asks about it, with the reason; the difference stays listed."""
    id = _id(visit)
    pane = _pane(visit, id)
    reason = form.text("reason", longest=_LONGEST_REASON)
    if not reason:
        raise InvalidInput("This needs a reason.", [Problem("/reason", "is required")])
    try:
        if pane.exception is None or not pane.is_asked:
            raise IllegalMove("The exception", "closed", "dismissed")
        visit.parts.exceptions.resolve(
            visit.tx, pane.exception, visit.acting, ExceptionAction.DISMISS,
            values={}, reason=reason, version=form.version,
        )  # fmt: skip
    except (IllegalMove, StaleVersion) as refused:
        if not visit.is_htmx:
            raise
        return _refused(visit, refused)
    if not visit.is_htmx:
        return visit.done(Differences(visit).address.at(f"{PATH}/{id}"))
    context = DifferencesPage(Differences(visit), _pane(visit, id), chosen=True, oob=True)
    return visit.parts_of(_DIFFERENCES, context, "pane", "recon_list", toast=Toast("Dismissed"))


def _refused(visit: Visit, refused: IllegalMove | StaleVersion) -> Response:
    """Beside the form, which keeps what was typed."""
    told = {"title": "Decided by another", "reasons": (refused.detail,)}
    context = {"refused": told, "here": visit.path}
    answer = visit.page("pages/invoice_refused.html", context, status=409)
    answer.headers["HX-Retarget"] = "#notice"
    answer.headers["HX-Reswap"] = "innerHTML"
    return answer


def _ask(visit: Visit, number: str) -> None:
    """Raises `NotFound` for what is not theirs to see, `IllegalMove` before it is launched."""
    row = visit.views.engagement(number)
    if row is None:
        raise NotFound("There is no such engagement, or it is of another region.")
    compare_as_asked(visit.tx, row)


def _pane(visit: Visit, id: UUID) -> Pane:
    pane = reconciliation_pane.read(visit, id)
    if pane is None:
        raise _absent()
    return pane


def _list_page(visit: Visit) -> DifferencesPage:
    return DifferencesPage(Differences(visit), None, chosen=False)


def _absent() -> NotFound:
    return NotFound(
        "There is no such difference: both sides agree by now, or it is of another region."
    )


def _id(visit: Visit) -> UUID:
    try:
        return UUID(visit.request.path_params["id"])
    except ValueError:
        raise _absent() from None
