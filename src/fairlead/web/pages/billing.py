"""Billing readiness: the board, one card of it, and the commands that begin there (F081, F082)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from fairlead.capabilities.billing import reviewing
from fairlead.capabilities.billing.paper import InvoicePaper
from fairlead.capabilities.billing.proposing import Proposed
from fairlead.domain.rules.billing_readiness import Readiness
from fairlead.errors import IllegalMove, InvalidInput, NotFound, Problem
from fairlead.store import readiness_board
from fairlead.store.database import Tx
from fairlead.trust.roles import Permission
from fairlead.web import csv_table
from fairlead.web.csv_table import Cell
from fairlead.web.formats import count, money_text, words
from fairlead.web.forms import Form
from fairlead.web.nav import Entry
from fairlead.web.pages import billing_pane
from fairlead.web.pages.billing_board import PATH, Board, sees
from fairlead.web.pages.billing_pane import InvoicePane, ReadyPane
from fairlead.web.routing import command, page
from fairlead.web.visit import Toast, Visit

ENTRY = Entry(
    group="Run",
    label="Billing",
    path=PATH,
    icon="invoice",
    needs=Permission.BILLING_READ,
    key="b",
    counts="billing",
)

_TEMPLATE = "pages/billing.html"
_MOST_AT_ONCE = 100
_LONGEST_REASON = 2000


@dataclass(frozen=True)
class Outcome:
    """What came of one engagement that was to be drafted."""

    number: str
    client: str
    drafted: tuple[tuple[str, str, int], ...]  #: reference, net, version: of each invoice
    words: str


@dataclass(frozen=True)
class BillingPage:
    board: Board
    ready: ReadyPane | None = None
    invoice: InvoicePane | None = None
    selected: str | None = None
    chosen: bool = False  #: the address names the card
    outcomes: tuple[Outcome, ...] = ()
    may_draft: bool = False
    today: date | None = None  #: in the company whose board it is; null: it differs by company
    oob: bool = False  #: the card finds its own place


@dataclass(frozen=True)
class PreviewPage:
    papers: tuple[InvoicePaper, ...]
    number: str


def routes() -> list[Route]:
    see, propose = Permission.BILLING_READ, Permission.BILLING_PROPOSE
    return [
        page(PATH, show, needs=see),
        page(f"{PATH}.csv", download, needs=see),
        page(f"{PATH}/preview/{{number}}", preview, needs=see),
        command(f"{PATH}/draft", draft, needs=propose),
        command(f"{PATH}/hold", hold, needs=propose),
        command(f"{PATH}/lift", lift, needs=propose),
    ]


def show(visit: Visit) -> Response:
    """The board, with the card that the address names, else the first, below it."""
    board = Board(visit)
    return visit.page(_TEMPLATE, _page(visit, board, card=board.card))


def preview(visit: Visit) -> Response:
    """What drafting an engagement today would make; loaded beside its card."""
    number = visit.request.path_params["number"]
    papers = billing_pane.preview(visit, number)
    if papers is None:
        raise NotFound("There is no such engagement, or it is of another region.")
    return visit.page("pages/billing_preview.html", PreviewPage(papers, number))


def download(visit: Visit) -> Response:
    """Every engagement that is blocked or ready, with its blockers."""
    heads = ("Engagement", "Client", "Name", "Entity", "Region", "Currency", "Ready", "Held",
             "Percent", "Since (UTC)", "Blockers", "Worked out (UTC)")  # fmt: skip
    return csv_table.download("billing-readiness", heads, _file(visit, Board(visit).entity))


def draft(visit: Visit, form: Form) -> Response:
    """Draft what is ready: of one engagement, or of all that the board shows as ready."""
    board = Board(visit)
    dated_on, until = _day(form, "dated_on"), _day(form, "until")
    number = form.text("number", longest=40)
    if number:
        ids = [_engagement(visit, number)]
    else:
        ids = readiness_board.all_ready(visit.tx, sees(visit), board.entity, _MOST_AT_ONCE)
    made = visit.parts.billing.proposing.propose(
        visit.tx, ids, visit.acting, dated_on=dated_on, until=until
    )
    visit.parts.board.keep(visit.tx, ids)
    outcomes = _outcomes(visit, made)
    drafted = [one for outcome in outcomes for one in outcome.drafted]
    if not visit.is_htmx:
        return visit.done(board.address.but(card=drafted[0][0] if drafted else number or None))
    said = count(len(drafted), "invoice") + " drafted" if drafted else "Nothing was drafted"
    card = drafted[0][0] if drafted else number or board.card
    context = _page(visit, Board(visit), card=card, outcomes=outcomes, oob=True)
    toast = Toast(said, "ok" if drafted else "warn")
    answer = visit.parts_of(_TEMPLATE, context, "board", "outcomes", "preview", toast=toast)
    answer.headers["HX-Push-Url"] = board.address.but(card=card)
    return answer


def hold(visit: Visit, form: Form) -> Response:
    """Keep an engagement from being invoiced, with the reason; it can be let go again."""
    number = form.text("number", longest=40)
    id = _engagement(visit, number)
    reviewing.hold(visit.tx, id, visit.acting, reason=form.text("reason", longest=_LONGEST_REASON))
    return _after(visit, id, number, "Held; nothing of it is drafted until it is let go")


def lift(visit: Visit, form: Form) -> Response:
    number = form.text("number", longest=40)
    id = _engagement(visit, number)
    pane = billing_pane.ready_pane(visit, number)
    if pane is None or pane.hold is None or pane.hold.id != form.text("hold", longest=60):
        raise IllegalMove("The hold", "lifted", "lifted")
    reason = form.text("reason", longest=_LONGEST_REASON)
    reviewing.lift(visit.tx, pane.hold.id, visit.acting, reason=reason)
    return _after(visit, id, number, "Let go")


def changed(visit: Visit, card: str, toast: Toast) -> Response:
    """The board and the card after a command on it."""
    context = _page(visit, Board(visit), card=card, oob=True)
    return visit.parts_of(_TEMPLATE, context, "board", "outcomes", "preview", toast=toast)


def _after(visit: Visit, id: str, number: str, said: str) -> Response:
    visit.parts.board.keep(visit.tx, [id])
    if not visit.is_htmx:
        return visit.done(Board(visit).address.but(card=number))
    return changed(visit, number, Toast(said))


def _page(
    visit: Visit,
    board: Board,
    *,
    card: str | None,
    outcomes: tuple[Outcome, ...] = (),
    oob: bool = False,
) -> BillingPage:
    """The pane is left out where only the board is asked for anew."""
    selected = card or board.first
    ready = invoice = None
    if selected is not None and (oob or not _is_refresh(visit)):
        if selected.startswith("BIL-"):
            invoice = billing_pane.invoice_pane(visit, selected)
        else:
            ready = billing_pane.ready_pane(visit, selected)
    return BillingPage(
        board=board,
        ready=ready,
        invoice=invoice,
        selected=selected,
        chosen=card is not None,
        outcomes=outcomes,
        may_draft=visit.who.may(Permission.BILLING_PROPOSE),
        today=board.today,
        oob=oob,
    )


def _is_refresh(visit: Visit) -> bool:
    return visit.is_htmx and visit.request.headers.get("hx-target") == "board"


def _engagement(visit: Visit, number: str) -> str:
    """Its id. Raises `NotFound` for what is not theirs to see."""
    row = readiness_board.one(visit.tx, sees(visit), number)
    if row is None:
        raise NotFound("There is no such engagement, or it is of another region.")
    return str(row["engagement_id"])


def _outcomes(visit: Visit, made: dict[str, Proposed]) -> tuple[Outcome, ...]:
    rows = {row["engagement_id"]: row for row in readiness_board.named(visit.tx, list(made))}
    return tuple(
        Outcome(
            number=rows[id]["number"],
            client=rows[id]["client_name"],
            drafted=tuple((ref, money_text(net, cents=True), 1) for _, ref, net in one.invoices),
            words=one.words[:1].upper() + one.words[1:],
        )
        for id, one in made.items()
        if id in rows
    )


def _day(form: Form, name: str) -> date | None:
    """Null where it is left empty."""
    text = form.text(name, longest=10)
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year < 2100:
        rule = "is a day of this century, as 2026-11-28"
        raise InvalidInput("This is no day.", [Problem(f"/{name}", rule)])
    return day


def _file(visit: Visit, entity: str | None) -> Iterator[Sequence[Cell]]:
    scope, size = sees(visit), csv_table.page_size()

    def read(tx: Tx, last: dict[str, Any] | None) -> list[dict[str, Any]]:
        after = "" if last is None else str(last["engagement_id"])
        return readiness_board.page(tx, scope, entity, after=after, limit=size)

    for row in csv_table.pages(visit, read):
        one = Readiness.model_validate(row["body"])
        blockers = "; ".join(f"{found.words} ({words(found.team)})" for found in one.blockers)
        yield (
            one.number, one.client, one.name, one.legal_entity, one.region, one.ready.currency,
            one.ready.amount, one.held.amount, one.percent, row["since"], blockers,
            row["computed_at"],
        )  # fmt: skip
