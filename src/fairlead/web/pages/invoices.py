"""Invoices: the list, one of them with what stands behind it, its preview in print, and what people
do with it. Where one entry was billed is told by `/billing/items/{id}` (F085, F086)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from fairlead.capabilities.billing import crediting, disputing, lineage, reviewing
from fairlead.capabilities.billing.invoice_pdf import file_name, pdf_of
from fairlead.domain.model.dispute import DisputeCause
from fairlead.domain.model.invoice import ItemKind
from fairlead.domain.values import Money
from fairlead.errors import Held, IllegalMove, InvalidInput, NotFound, Problem, StaleVersion
from fairlead.trust.roles import Permission
from fairlead.web import csv_table, kept_views
from fairlead.web.forms import Form
from fairlead.web.pages import billing, invoice_acts, invoice_page
from fairlead.web.pages.billing_board import PATH as BOARD
from fairlead.web.pages.billing_board import sees
from fairlead.web.pages.billing_words import KINDS, STATES
from fairlead.web.pages.invoice_list import COLUMNS, PATH, InvoiceList
from fairlead.web.pages.invoice_page import Shown
from fairlead.web.routing import command, page
from fairlead.web.visit import Toast, Visit

_LIST, _ONE = "pages/invoices.html", "pages/invoice.html"
_LONGEST_REASON = 2000
_MOST_OFFSET = 1_000_000


@dataclass(frozen=True)
class InvoicesPage:
    list: InvoiceList


@dataclass(frozen=True)
class InvoicePage:
    shown: Shown


@dataclass(frozen=True)
class ItemPage:
    thing: dict[str, Any]
    documents: tuple[dict[str, Any], ...]
    stands: str
    kinds: dict[str, str]
    states: dict[str, str]


@dataclass(frozen=True)
class Refused:
    """Why a press changed nothing; what was typed stays."""

    title: str
    reasons: tuple[str, ...]


def routes() -> list[Route]:
    see, propose = Permission.BILLING_READ, Permission.BILLING_PROPOSE
    return [
        page(PATH, show, needs=see),
        page(f"{PATH}.csv", download, needs=see),
        *kept_views.routes(PATH, "invoices_views", _LIST, _list_page, needs=see),
        page(f"{PATH}/{{id}}.pdf", print_one, needs=see),
        page(f"{PATH}/{{id}}", show_one, needs=see),
        page(f"{BOARD}/items/{{id}}", show_item, needs=see),
        command(f"{PATH}/{{id}}/review", review, needs=propose),
        command(f"{PATH}/{{id}}/release", release, needs=Permission.BILLING_RELEASE),
        command(f"{PATH}/{{id}}/send", send, needs=Permission.BILLING_RELEASE),
        command(f"{PATH}/{{id}}/discard", discard, needs=propose),
        command(f"{PATH}/{{id}}/exclude", exclude, needs=propose),
        command(f"{PATH}/{{id}}/credit", credit, needs=propose),
        command(f"{PATH}/{{id}}/dispute", dispute, needs=propose),
    ]


def show(visit: Visit) -> Response:
    return visit.page(_LIST, _list_page(visit))


def download(visit: Visit) -> Response:
    heads = [head for _, head in COLUMNS]
    return csv_table.download("invoices", heads, InvoiceList(visit).file())


def show_one(visit: Visit) -> Response:
    return visit.page(_ONE, InvoicePage(_shown(visit, _name(visit))))


def print_one(visit: Visit) -> Response:
    """A preview in PDF: the ledger makes the document."""
    paper = visit.parts.billing.paper(visit.tx, sees(visit), _name(visit))
    if paper is None:
        raise _absent()
    disposition = f'inline; filename="{file_name(paper)}"'
    headers = {"Content-Disposition": disposition, "Cache-Control": "no-store"}
    return Response(pdf_of(paper), media_type="application/pdf", headers=headers)


def show_item(visit: Visit) -> Response:
    """Where one entry, expense, milestone or charge was billed, or why it is not."""
    id, days = visit.request.path_params["id"], visit.parts.billing.days
    thing, documents, stands = lineage.history(visit.tx, visit.who, id, days)
    states = {str(state): label for state, (label, _) in STATES.items()}
    context = ItemPage(thing, tuple(documents), stands, dict(KINDS), states)
    return visit.page("pages/billing_item.html", context)


def review(visit: Visit, form: Form) -> Response:
    def act(name: str) -> dict[str, Any]:
        digest = form.text("digest", longest=200)
        return reviewing.review(visit.tx, name, visit.acting, digest=digest, version=form.version)

    return _done(visit, form, act, "Reviewed; it waits for release by another person")


def release(visit: Visit, form: Form) -> Response:
    def act(name: str) -> dict[str, Any]:
        digest = form.text("digest", longest=200)
        return visit.parts.billing.releasing.release(
            visit.tx, name, visit.acting, digest=digest, version=form.version
        )

    return _done(visit, form, act, "Released")


def send(visit: Visit, form: Form) -> Response:
    def act(name: str) -> dict[str, Any]:
        return visit.parts.billing.releasing.send_again(visit.tx, name, visit.acting)

    return _done(visit, form, act, "On its way to the ledger again")


def discard(visit: Visit, form: Form) -> Response:
    def act(name: str) -> dict[str, Any]:
        reason = _reason(form)
        return reviewing.discard(visit.tx, name, visit.acting, reason=reason, version=form.version)

    return _done(visit, form, act, "Discarded; what it held may be drafted again")


def exclude(visit: Visit, form: Form) -> Response:
    """Without some items: they are held with the reason, and the rest is drafted anew."""
    name = _name(visit)
    items = [_key(text) for text in form.all("pick")]
    if not items:
        raise InvalidInput("Select items first.", [Problem("/pick", "has one item or more")])
    made = reviewing.exclude(
        visit.tx, name, visit.acting, visit.parts.billing.proposing, items,
        reason=_reason(form), version=form.version,
    )  # fmt: skip
    visit.parts.board.keep(visit.tx, [made.engagement])
    to = f"{PATH}/{made.invoices[0][1]}" if made.invoices else f"{PATH}/{name}"
    return visit.done(to)


def credit(visit: Visit, form: Form) -> Response:
    """Of all that is left of it."""
    made = crediting.credit(
        visit.tx, _name(visit), visit.acting, reason=_reason(form),
        dated_on=None, days=visit.parts.billing.days, version=form.version,
    )  # fmt: skip
    return visit.done(f"{PATH}/{made['reference']}")


def dispute(visit: Visit, form: Form) -> Response:
    def act(name: str) -> dict[str, Any]:
        row = invoice_acts.read(visit, name)
        if row is None:
            raise _absent()
        disputing.dispute(
            visit.tx, name, visit.acting, cause=_cause(form), detail=_reason(form),
            clause=form.text("clause", longest=300) or None,
            amount=_amount(form, row["currency"]),
        )  # fmt: skip
        return row

    return _done(visit, form, act, "Dispute recorded")


def _done(visit: Visit, form: Form, act: Any, said: str) -> Response:
    """Do it; then the invoice as it is now, on its own page or beside the board."""
    name = _name(visit)
    beside = form.text("from", longest=10) == "board"
    try:
        row = act(name)
    except (IllegalMove, StaleVersion, Held) as refused:
        if not visit.is_htmx:
            raise
        return _refused(visit, refused)
    visit.parts.board.keep(visit.tx, [row["engagement_id"]])
    if not visit.is_htmx:
        return visit.done(f"{BOARD}?card={name}" if beside else f"{PATH}/{name}")
    if beside:
        return billing.changed(visit, name, Toast(said))
    shown = InvoicePage(_shown(visit, name))
    return visit.parts_of(_ONE, shown, "invoice", "invoice_head_beside", toast=Toast(said))


def _refused(visit: Visit, refused: IllegalMove | StaleVersion | Held) -> Response:
    """Beside the form, which keeps what was typed."""
    reasons = tuple(refused.reasons) if isinstance(refused, Held) else (refused.detail,)
    title = "It cannot go out" if isinstance(refused, Held) else "Decided by another"
    context = {"refused": Refused(title, reasons), "here": visit.path}
    answer = visit.page("pages/invoice_refused.html", context, status=409)
    answer.headers["HX-Retarget"] = "#notice"
    answer.headers["HX-Reswap"] = "innerHTML"
    return answer


def _list_page(visit: Visit) -> InvoicesPage:
    return InvoicesPage(InvoiceList(visit))


def _shown(visit: Visit, name: str) -> Shown:
    line, offset = _number(visit, "line"), min(_number(visit, "from"), _MOST_OFFSET)
    shown = invoice_page.read(visit, name, line=line, offset=offset)
    if shown is None:
        raise _absent()
    return shown


def _number(visit: Visit, name: str) -> int:
    text = visit.query(name, longest=9)
    return int(text) if text.isascii() and text.isdigit() else 0


def _absent() -> NotFound:
    return NotFound("There is no such invoice, or it is of another region.")


def _name(visit: Visit) -> str:
    return visit.request.path_params["id"]


def _reason(form: Form) -> str:
    reason = form.text("reason", longest=_LONGEST_REASON)
    if not reason:
        raise InvalidInput("This needs a reason.", [Problem("/reason", "is required")])
    return reason


def _cause(form: Form) -> DisputeCause:
    try:
        return DisputeCause(form.text("cause", longest=40))
    except ValueError:
        rule = "is one of the causes"
        raise InvalidInput("Say what it is about.", [Problem("/cause", rule)]) from None


def _amount(form: Form, currency: str) -> Money | None:
    text = form.text("amount", longest=30).replace(",", "")
    if not text:
        return None
    try:
        return Money(amount=Decimal(text), currency=currency)
    except (InvalidOperation, ValueError):
        rule = f"is an amount in {currency}, as 1200.50"
        raise InvalidInput("This is no amount.", [Problem("/amount", rule)]) from None


def _key(text: str) -> tuple[str, str]:
    kind, _, id = text.partition(":")
    try:
        return str(ItemKind(kind)), str(UUID(id))
    except ValueError:
        rule = "is kind and id of an item"
        raise InvalidInput("These cannot be read.", [Problem("/pick", rule)]) from None
