"""What cannot go on without a person: the board, one exception, and acting on them (F112-F115)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from fairlead.errors import (
    IllegalMove,
    InvalidInput,
    NotAllowed,
    NotFound,
    Problem,
    StaleVersion,
)
from fairlead.store.exception_board import Board
from fairlead.trust.roles import Permission
from fairlead.web import csv_table, deeds, gap_form, kept_views
from fairlead.web.formats import count, words
from fairlead.web.forms import Form
from fairlead.web.gap_form import GapForm
from fairlead.web.nav import Entry
from fairlead.web.pages import exception_pane
from fairlead.web.pages.differences import DifferenceList
from fairlead.web.pages.exception_list import COLUMNS, PATH, BoardList
from fairlead.web.pages.exception_pane import Pane, Undo
from fairlead.web.routing import command, page
from fairlead.web.visit import Toast, Visit
from fairlead.web.who_else import name_of
from fairlead.work import owners
from fairlead.work.words import ExceptionAction

ENTRY = Entry(
    group="Work",
    label="Exceptions",
    path=PATH,
    icon="octagon",
    needs=Permission.EXCEPTIONS_READ,
    key="x",
    counts="exceptions",
)

_TEMPLATE = "pages/exceptions.html"
_MOST_AT_ONCE = 200
_LONGEST_REASON = 2000
_FOLLOWS: Mapping[ExceptionAction, str] = {
    ExceptionAction.SUPPLY: "the gate looks again",
    ExceptionAction.CHOOSE: "the step goes on",
    ExceptionAction.SKIP: "the run goes on",
    ExceptionAction.OVERRIDE: "the run goes on",
}


@dataclass(frozen=True)
class Result:
    """What became of one of several."""

    title: str
    number: str | None
    done: bool
    words: str


@dataclass(frozen=True)
class ExceptionsPage:
    list: BoardList
    pane: Pane | None
    chosen: bool  #: the address names the exception; else the first of the list is shown
    results: tuple[Result, ...] = ()
    given: bool = False  #: what was supplied is still to be looked at by its gate
    oob: bool = False  #: the blocks beside the first find their own places


@dataclass(frozen=True)
class DifferencesPage:
    list: DifferenceList


@dataclass(frozen=True)
class DecidedNote:
    title: str
    text: str
    href: str


def routes() -> list[Route]:
    see, settle = Permission.EXCEPTIONS_READ, Permission.EXCEPTIONS_RESOLVE
    return [
        page(PATH, show, needs=see),
        page(f"{PATH}.csv", download, needs=see),
        page(f"{PATH}/differences", differences, needs=see),
        page(f"{PATH}/differences.csv", download_differences, needs=see),
        page(f"{PATH}/{{id}}", show_one, needs=see),
        *kept_views.routes(PATH, "exception_views", _TEMPLATE, _list_page, needs=see),
        command(f"{PATH}/bulk", bulk, needs=settle),
        command(f"{PATH}/{{id}}/act", act, needs=settle),
        command(f"{PATH}/{{id}}/assign", assign, needs=settle),
    ]


def show(visit: Visit) -> Response:
    """The list, with its first exception beside it."""
    board = BoardList(visit)
    wants_list = visit.is_htmx and visit.request.headers.get("hx-target") == "exception-list"
    first = board.rows[0].id if board.rows and not wants_list else None
    pane = exception_pane.read(visit, first) if first else None
    return visit.page(_TEMPLATE, ExceptionsPage(board, pane, chosen=False))


def show_one(visit: Visit) -> Response:
    """The list with one exception, whether the filters let it through or not."""
    pane = _pane(visit, _id(visit))
    return visit.page(_TEMPLATE, ExceptionsPage(BoardList(visit), pane, chosen=True))


def download(visit: Visit) -> Response:
    """The filtered table, whole."""
    return csv_table.download("exceptions", [head for _, head in COLUMNS], BoardList(visit).file())


def differences(visit: Visit) -> Response:
    """What systems say differently today."""
    return visit.page("pages/exceptions_differences.html", DifferencesPage(DifferenceList(visit)))


def download_differences(visit: Visit) -> Response:
    found = DifferenceList(visit)
    return csv_table.download("differences", found.heads, found.file())


def act(visit: Visit, form: Form) -> Response:
    """Retry, supply, choose, skip, override or dismiss."""
    id = _id(visit)
    found = _found(visit, id)
    if form.text("more"):
        longer = gap_form.read(found["gaps"], visit.parts.firm, form, more=3)
        pane = _pane(visit, id, gaps=longer)
        if visit.is_htmx:
            return _answer(visit, pane, None)
        return visit.page(_TEMPLATE, ExceptionsPage(BoardList(visit), pane, chosen=True))
    action = _action(form.text("action", longest=20))
    reason = form.text("reason", longest=_LONGEST_REASON)
    if action == ExceptionAction.SUPPLY:
        visit.must(Permission.ENGAGEMENTS_CORRECT)
    try:
        visit.parts.exceptions.resolve(
            visit.tx,
            id,
            visit.acting,
            action,
            values=_values(found, action, form),
            reason=reason,
            version=form.version,
        )
    except InvalidInput as unfit:
        if action != ExceptionAction.SUPPLY or not visit.is_htmx:
            raise
        typed = gap_form.read(found["gaps"], visit.parts.firm, form).told(unfit.problems)
        return _answer(visit, _pane(visit, id, gaps=typed), None, status=422)
    except (IllegalMove, StaleVersion):
        if not visit.is_htmx:
            raise
        return _decided(visit, id)
    if not visit.is_htmx:
        return visit.done(BoardList(visit).address.at(f"{PATH}/{id}"))
    given = action == ExceptionAction.SUPPLY
    return _answer(visit, _pane(visit, id), Toast(_said(action)), given=given)


def assign(visit: Visit, form: Form) -> Response:
    """Give it to a person, or back to its team. What was before can be had again."""
    id = _id(visit)
    found = _found(visit, id)
    person = form.text("person", longest=200) or None
    if person is not None:
        _must_be_able(visit, found, person)
    try:
        visit.parts.exceptions.assign(visit.tx, id, visit.acting, person, version=form.version)
    except (IllegalMove, StaleVersion):
        if not visit.is_htmx:
            raise
        return _decided(visit, id)
    if not visit.is_htmx:
        return visit.done(BoardList(visit).address.at(f"{PATH}/{id}"))
    to = name_of(visit, person) if person else words(found["team"])
    before = found["assignee"]
    undo = Undo(f"Given to {to}.", before or "") if before != person else None
    return _answer(visit, _pane(visit, id, undo=undo), Toast(f"Given to {to}"))


def bulk(visit: Visit, form: Form) -> Response:
    """Retry or give away several, each for itself: one that cannot be does not stop the others."""
    picked = _picked(form)
    retry = form.text("do", longest=20) == "retry"
    person, reason = form.text("person", longest=200), form.text("reason", longest=_LONGEST_REASON)
    if not retry and not person:
        raise InvalidInput("Say to whom.", [Problem("/person", "is a person who may resolve them")])
    rows = [(id, version, Board(visit.tx, visit.scope).one(id)) for id, version in picked]
    # always in one order, so that two who pick the same never wait for each other in a circle
    rows.sort(key=lambda row: ((row[2] or {}).get("run_id") or "", row[0]))
    results = [_one_of(visit, row, retry, person, reason) for row in rows]
    done = sum(result.done for result in results)
    toast = Toast(f"{deeds.done('retry' if retry else 'assigned')}: {done} of {len(results)}")
    if not visit.is_htmx:
        return visit.done(BoardList(visit).address.here)
    context = ExceptionsPage(BoardList(visit), None, chosen=False, results=tuple(results), oob=True)
    return visit.parts_of(_TEMPLATE, context, "bulk_results", "exception_list", toast=toast)


def _list_page(visit: Visit) -> ExceptionsPage:
    return ExceptionsPage(BoardList(visit), None, chosen=False)


def _answer(
    visit: Visit, pane: Pane, toast: Toast | None, *, given: bool = False, status: int = 200
) -> Response:
    """The pane as it is now, and the list beside it where something was done."""
    context = ExceptionsPage(BoardList(visit), pane, chosen=True, given=given, oob=True)
    blocks = ("pane", "exception_list") if toast else ("pane",)
    done = toast is not None
    return visit.parts_of(_TEMPLATE, context, *blocks, toast=toast, nav=done, status=status)


def _decided(visit: Visit, id: str) -> Response:
    """Beside the form, which keeps what was typed."""
    note = DecidedNote(
        "Decided by another",
        f"{exception_pane.decided(visit, id)} What you entered was not saved and is still here.",
        BoardList(visit).address.at(f"{PATH}/{id}"),
    )
    answer = visit.page("pages/exceptions_decided.html", {"note": note}, status=409)
    answer.headers["HX-Retarget"] = "#notice"
    answer.headers["HX-Reswap"] = "innerHTML"
    return answer


def _one_of(
    visit: Visit,
    row: tuple[str, int, dict[str, Any] | None],
    retry: bool,
    person: str,
    reason: str,
) -> Result:
    id, version, found = row
    if found is None:
        return Result("An exception", None, False, "There is no such exception.")
    title, number = found["title"], found["number"]
    try:
        with visit.tx.transaction():  # a savepoint: what this one wrote goes, the others stay
            if retry:
                visit.parts.exceptions.resolve(
                    visit.tx,
                    id,
                    visit.acting,
                    ExceptionAction.RETRY,
                    values={},
                    reason=reason,
                    version=version,
                )
            else:
                _must_be_able(visit, found, person)
                visit.parts.exceptions.assign(visit.tx, id, visit.acting, person, version=version)
    except (IllegalMove, StaleVersion):
        if found["state"] == "open" and "retry" not in found["actions"] and retry:
            return Result(title, number, False, "It has nothing to try again; open it.")
        return Result(title, number, False, exception_pane.decided(visit, id))
    except (NotAllowed, InvalidInput, NotFound) as refused:
        return Result(title, number, False, refused.detail)
    said = deeds.done("retry") if retry else f"Given to {name_of(visit, person)}"
    return Result(title, number, True, said)


def _must_be_able(visit: Visit, found: Mapping[str, Any], person: str) -> None:
    owners.must_be_possible(
        visit.parts.people, person, region=found["region"], legal_entity=found["legal_entity"]
    )


def _pane(visit: Visit, id: str, *, gaps: GapForm | None = None, undo: Undo | None = None) -> Pane:
    pane = exception_pane.read(visit, id, gaps=gaps, undo=undo)
    if pane is None:
        raise NotFound("There is no such exception, or it is of another region.")
    return pane


def _found(visit: Visit, id: str) -> dict[str, Any]:
    found = Board(visit.tx, visit.scope).one(id)
    if found is None:
        raise NotFound("There is no such exception, or it is of another region.")
    return found


def _id(visit: Visit) -> str:
    return visit.request.path_params["id"]


def _action(text: str) -> ExceptionAction:
    try:
        return ExceptionAction(text)
    except ValueError:
        rule = "is one of its actions"
        raise InvalidInput("Say what to do.", [Problem("/action", rule)]) from None


def _said(action: ExceptionAction) -> str:
    told = deeds.done(action)
    return f"{told}; {_FOLLOWS[action]}" if action in _FOLLOWS else told


def _values(found: Mapping[str, Any], action: ExceptionAction, form: Form) -> dict[str, Any]:
    if action == ExceptionAction.SUPPLY:
        return gap_form.values_of(found["gaps"], form)
    if action == ExceptionAction.CHOOSE:
        return {"choice": form.text("choice", longest=300)}
    return {}


def _picked(form: Form) -> list[tuple[str, int]]:
    """What was ticked: id and the version that was shown."""
    found: dict[str, int] = {}
    for text in form.all("pick"):
        id, _, version = text.rpartition(":")
        if not id or not (version.isascii() and version.isdigit() and len(version) < 10):
            raise InvalidInput("These cannot be read.", [Problem("/pick", "is id and version")])
        found[id] = int(version)
    if not 0 < len(found) <= _MOST_AT_ONCE:
        rule = f"is of 1 to {count(_MOST_AT_ONCE, 'exception')}"
        raise InvalidInput("Select what this is about.", [Problem("/pick", rule)])
    return list(found.items())
