"""One's own time and expenses, by the week: entered, judged at once, handed in (F067, F069)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from fairlead.capabilities.time import cells, submission, whose
from fairlead.capabilities.time.cells import Cell, More, Row, Saved
from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.errors import InvalidInput, NotAllowed, NotFound, Problem
from fairlead.trust.roles import Permission
from fairlead.web import hours
from fairlead.web.forms import Form, FormWithFiles
from fairlead.web.nav import Entry
from fairlead.web.pages import my_time_expenses as expenses
from fairlead.web.pages.my_time_expenses import ExpenseForm, WeekExpenses
from fairlead.web.pages.my_time_week import PATH, GridCell, Week, row_id, row_of
from fairlead.web.routing import command, page, upload
from fairlead.web.visit import Toast, Visit

ENTRY = Entry(
    group="Work",
    label="My time",
    path=PATH,
    icon="cal",
    needs=Permission.TIME_ENTER,
    key="m",
    counts="my-time",
)

_TEMPLATE = "pages/my_time.html"
_CELL = "pages/my_time_cell.html"
_LONGEST_NOTE = 4000


@dataclass(frozen=True)
class Fault:
    """What keeps the week from being handed in, and where it is."""

    href: str | None
    where: str
    text: str


@dataclass(frozen=True)
class Trouble:
    """Why a cell was not saved. `instead`: what stands there, where somebody else changed it."""

    text: str
    instead: GridCell | None = None
    typed: str = ""


@dataclass(frozen=True)
class MyTimePage:
    week: Week
    spent: WeekExpenses
    open_cell: GridCell | None = None
    open_expense: ExpenseForm | None = None
    faults: Sequence[Fault] = ()
    cell: GridCell | None = None  #: that was just saved
    trouble: Trouble | None = None
    said: str = ""  #: to who cannot see the grid
    part: bool = False  #: blocks beside the first find their own places


def routes() -> list[Route]:
    may = Permission.TIME_ENTER
    at = f"{PATH}/expenses"
    return [
        page(PATH, show, needs=may),
        page(f"{PATH}/cell", show_cell, needs=may),
        page(f"{PATH}/expense", show_expense, needs=may),
        page(f"{at}/{{id}}/receipt", expenses.receipt, needs=may),
        command(f"{PATH}/cells", save_cell, needs=may),
        command(f"{PATH}/submit", submit, needs=may),
        command(f"{PATH}/take-back", take_back, needs=may),
        command(f"{PATH}/declare", declare, needs=may),
        upload(at, save_expense, needs=may),
        command(f"{at}/{{id}}/delete", delete_expense, needs=may),
        command(f"{at}/submit", submit_expenses, needs=may),
        command(f"{at}/{{id}}/take-back", take_back_expense, needs=may),
    ]


def show(visit: Visit) -> Response:
    """The week in which the day of the address is, else this one."""
    who = _who(visit)
    if who is None:
        return visit.page("pages/my_time_nobody.html", {"name": visit.person.name})
    return visit.page(_TEMPLATE, _page(visit, who))


def show_cell(visit: Visit) -> Response:
    """The week with one cell opened: its note, its hours of the day, what the rules say."""
    who = _must_book(visit)
    row, day = _place(visit.query("cell", longest=1000))
    week = Week(visit, who, hours.monday_of(str(day), day)).adding(row)
    cell = week.cell(f"{row_id(row)}-{day.weekday()}")
    if cell is None:
        raise NotFound("There is no such line in your week.")
    return visit.page(_TEMPLATE, MyTimePage(week, WeekExpenses(visit, who, week), open_cell=cell))


def save_cell(visit: Visit, form: Form) -> Response:
    """What one cell holds. Findings, sums and the state of the week come back with it."""
    who = _must_book(visit)
    row, day = _place(form.text("cell", longest=1000))
    week = Week(visit, who, hours.monday_of(str(day), day)).adding(row)
    id, typed = f"{row_id(row)}-{day.weekday()}", form.text("hours", longest=20)
    try:
        minutes = hours.minutes_of(typed)
        said = Cell(
            row=row,
            day=day,
            minutes=minutes,
            more=_more(form),
            entry=_uuid(form.text("entry", longest=40)),
            version=form.number("version"),
        )
        with visit.tx.transaction():
            saved = cells.save(visit.tx, visit.acting, visit.parts.times, said)
    except InvalidInput as unfit:
        if not visit.is_htmx:
            raise
        return _refused(visit, week, id, unfit, typed)
    if saved.conflict:
        return _conflict(visit, week, id, saved, typed)
    if not visit.is_htmx:
        return visit.done(_back(visit, day))
    return _saved(visit, week, id, form)


def submit(visit: Visit, form: Form) -> Response:
    """Hand in the week. What keeps it from being handed in is listed, each with its cell."""
    who, monday = _must_book(visit), _monday(form)
    try:
        with visit.tx.transaction():
            visit.parts.times.submit(visit.tx, visit.acting, monday)
    except InvalidInput as unfit:
        week = Week(visit, who, monday)
        faults = _faults(week, unfit)
        context = MyTimePage(week, WeekExpenses(visit, who, week), faults=faults, part=True)
        if not visit.is_htmx:
            return visit.page(_TEMPLATE, context, status=422)
        return visit.parts_of(_TEMPLATE, context, "my_week", nav=False, status=422)
    return _week_again(visit, who, monday, Toast("The week is handed in"))


def take_back(visit: Visit, form: Form) -> Response:
    """What nobody has decided on yet is a draft again."""
    who, monday = _must_book(visit), _monday(form)
    visit.parts.times.take_back(visit.tx, visit.acting, monday)
    return _week_again(visit, who, monday, Toast("Taken back; it is a draft again"))


def declare(visit: Visit, form: Form) -> Response:
    """The week is complete although less was worked; nobody is reminded of it any more."""
    who, monday = _must_book(visit), _monday(form)
    reason = form.text("reason", longest=2000)
    submission.declare(visit.tx, visit.acting, monday, reason)
    return _week_again(visit, who, monday, Toast("The week is complete as it is"))


def show_expense(visit: Visit) -> Response:
    """The week with the form of an expense: of a new one, or of the one that the address names."""
    who = _must_book(visit)
    week = Week(visit, who)
    form = expenses.form_of(visit, who, week, visit.query("id", longest=40))
    context = MyTimePage(week, WeekExpenses(visit, who, week), open_expense=form)
    return visit.page(_TEMPLATE, context)


def save_expense(visit: Visit, form: FormWithFiles) -> Response:
    """Enter or change an expense, with its receipt where one is sent."""
    who, monday = _must_book(visit), _monday(form)
    week = Week(visit, who, monday)
    try:
        with visit.tx.transaction():
            told = expenses.save(visit, form)
    except InvalidInput as unfit:
        if not visit.is_htmx:
            raise
        typed = expenses.form_again(visit, who, week, form, unfit)
        context = MyTimePage(week, WeekExpenses(visit, who, week), open_expense=typed)
        return visit.parts_of(_TEMPLATE, context, "my_expense", nav=False, status=422)
    return _expenses_again(visit, who, monday, Toast(told))


def delete_expense(visit: Visit, form: Form) -> Response:
    who, monday = _must_book(visit), _monday(form)
    id = expenses.id_of(visit.request.path_params["id"])
    visit.parts.expenses.delete(visit.tx, visit.acting, id, form.version)
    return _expenses_again(visit, who, monday, Toast("Deleted"))


def take_back_expense(visit: Visit, form: Form) -> Response:
    who, monday = _must_book(visit), _monday(form)
    id = expenses.id_of(visit.request.path_params["id"])
    visit.parts.expenses.recall(visit.tx, visit.acting, id)
    return _expenses_again(visit, who, monday, Toast("Taken back; it is a draft again"))


def submit_expenses(visit: Visit, form: Form) -> Response:
    """Hand in what has no error of those that were shown; the rest says what is wrong."""
    who, monday = _must_book(visit), _monday(form)
    ids = {expenses.id_of(text) for text in form.all("pick")}
    if not ids:
        raise InvalidInput("Nothing is to be handed in.", [Problem("/pick", "names an expense")])
    done = visit.parts.expenses.submit(visit.tx, visit.acting, ids)
    kept = f"; {len(done.refused)} kept back" if done.refused else ""
    tone = "warn" if done.refused else "ok"
    toast = Toast(f"Handed in: {len(done.submitted)}{kept}", tone)
    return _expenses_again(visit, who, monday, toast)


def _page(visit: Visit, who: ResourceRecord, monday: date | None = None) -> MyTimePage:
    week = Week(visit, who, monday)
    wanted = visit.query("row", longest=1000)
    if (row := row_of(wanted)) is not None:
        kind = visit.query("kind", longest=40)
        known = visit.parts.kinds.get(kind)
        week.adding(row.model_copy(update={"category": known.code}) if known else row)
    return MyTimePage(week, WeekExpenses(visit, who, week))


def _who(visit: Visit) -> ResourceRecord | None:
    try:
        return whose.resource_of(visit.tx, visit.acting)
    except NotAllowed:
        return None


def _must_book(visit: Visit) -> ResourceRecord:
    return whose.resource_of(visit.tx, visit.acting)


def _saved(visit: Visit, week: Week, id: str, form: Form) -> Response:
    cell = week.cell(id)
    assert cell is not None  # its line was added
    said = f"{cell.hours or 'Nothing'}, {cell.label}"
    if cell.said:
        said += ". " + " ".join(f"{one.rule}: {one.value} {one.remedy}" for one in cell.said)
    context = MyTimePage(week, WeekExpenses(visit, week.who, week), cell=cell, said=said, part=True)
    toast = Toast("Saved") if form.text("more", longest=5) else None
    return visit.parts_of(_CELL, context, "my_cell", "my_sums", nav=False, toast=toast)


def _refused(visit: Visit, week: Week, id: str, unfit: InvalidInput, typed: str) -> Response:
    text = " ".join(f"{problem.pointer[1:]} {problem.rule}." for problem in unfit.problems)
    return _cell_trouble(visit, week, id, Trouble(text[:1].upper() + text[1:], typed=typed), 422)


def _conflict(visit: Visit, week: Week, id: str, saved: Saved, typed: str) -> Response:
    """Both values, and the choice. Nothing is overwritten."""
    cell = week.cell(id)
    if saved.row is None:
        text = "It was deleted elsewhere meanwhile."
    elif cell is not None and not cell.may_change:
        text = f"It is {cell.state[1]} by now, with {hours.shown(saved.row['minutes'])}."
    else:
        text = f"{hours.shown(saved.row['minutes'])} was saved elsewhere meanwhile."
    return _cell_trouble(visit, week, id, Trouble(text, cell, typed), 409)


def _cell_trouble(visit: Visit, week: Week, id: str, trouble: Trouble, status: int) -> Response:
    cell = week.cell(id)
    if cell is None or not visit.is_htmx:
        raise InvalidInput("The cell was not saved.", [Problem("/hours", trouble.text)])
    context = MyTimePage(
        week, WeekExpenses(visit, week.who, week), cell=cell, trouble=trouble, part=True
    )
    answer = visit.parts_of(_CELL, context, "my_trouble", nav=False, status=status)
    answer.headers["HX-Reswap"] = "outerHTML"
    answer.headers["HX-Retarget"] = f"#k-{id}"
    return answer


def _week_again(visit: Visit, who: ResourceRecord, monday: date, toast: Toast) -> Response:
    if not visit.is_htmx:
        return visit.done(f"{PATH}?week={monday}")
    week = _as_seen(visit, who, monday)
    context = MyTimePage(week, WeekExpenses(visit, who, week), part=True)
    return visit.parts_of(_TEMPLATE, context, "my_week", toast=toast)


def _expenses_again(visit: Visit, who: ResourceRecord, monday: date, toast: Toast) -> Response:
    if not visit.is_htmx:
        return visit.done(f"{PATH}?week={monday}#my-expenses")
    week = _as_seen(visit, who, monday)
    context = MyTimePage(week, WeekExpenses(visit, who, week), part=True)
    return visit.parts_of(_TEMPLATE, context, "my_expense", "my_expenses", toast=toast)


def _as_seen(visit: Visit, who: ResourceRecord, monday: date) -> Week:
    """With the lines that were added to the page from which a command came."""
    around = parse_qs(urlsplit(visit.request.headers.get("hx-current-url", "")).query)
    rows = (row_of(text) for text in ",".join(around.get("rows", ())).split(",")[:60])
    return Week(visit, who, monday).adding(*(row for row in rows if row is not None))


def _faults(week: Week, unfit: InvalidInput) -> list[Fault]:
    """Each problem of an entry beside its cell."""
    by_entry = {
        str(cell.row["id"]): cell for row in week.rows for cell in row.cells if cell.row is not None
    }
    faults: list[Fault] = []
    for problem in unfit.problems:
        cell = by_entry.get(problem.pointer.rpartition("/")[2])
        href = f"#i-{cell.id}" if cell else None
        faults.append(Fault(href, cell.label if cell else "The week", problem.rule))
    return faults


def _place(text: str) -> tuple[Row, date]:
    token, _, day = text.rpartition(":")
    row = row_of(token)
    try:
        found = date.fromisoformat(day)
    except ValueError:
        found = None
    if row is None or found is None or not 2000 <= found.year <= 2099:
        rule = "is a line and a day of the week"
        raise InvalidInput("This cell cannot be read.", [Problem("/cell", rule)])
    return row, found


def _more(form: Form) -> More | None:
    if not form.text("more", longest=5):
        return None
    begins = hours.clock_of(form.text("begins", longest=10), "begins")
    ends = hours.clock_of(form.text("ends", longest=10), "ends")
    if begins is not None and ends is not None and ends <= begins:
        ends += 1440  # it ended on the next day
    note = form.text("note", longest=_LONGEST_NOTE)
    return More(narrative=note, begins=begins, ends=ends)


def _monday(form: Form) -> date:
    try:
        day = date.fromisoformat(form.text("week", longest=10))
    except ValueError:
        day = None
    if day is None or day.weekday() != 0 or not 2000 <= day.year <= 2098:
        raise InvalidInput("Say which week.", [Problem("/week", "is a Monday")])
    return day


def _uuid(text: str) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput("This cell cannot be read.", [Problem("/entry", "is an id")]) from None


def _back(visit: Visit, day: date) -> str:
    around = urlsplit(visit.request.headers.get("referer", ""))
    query = f"?{around.query}" if around.path == PATH and around.query else f"?week={day}"
    return f"{PATH}{query}"
