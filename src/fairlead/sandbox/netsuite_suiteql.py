"""The part of SuiteQL that the NetSuite sandbox understands.

    SELECT * | column [AS name] | function AS name, …
    FROM table [WHERE condition] [ORDER BY column [ASC|DESC], …]

Conditions: = != <> < > <= >=, [NOT] LIKE [ESCAPE], [NOT] IN, IS [NOT] NULL, NOT, AND, OR and
parentheses. Functions: UPPER, LOWER, REPLACE, TRANSLATE, TO_CHAR, TO_DATE and TO_TIMESTAMP of
dates with the elements YYYY MM DD HH24 MI SS, as Oracle documents them:
https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_158513731864.html
Values are text, as SuiteQL answers them; true and false are `T` and `F`; what is empty is null.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache

Row = Mapping[str, str]
Text = Callable[[Row], str | None]
Test = Callable[[Row], bool]


class Moment(str):
    """A date, `2026-03-02`, or a time, `2026-03-02 08:40:00`, UTC: so told by TO_CHAR only."""

    __slots__ = ()

    @classmethod
    def of(cls, instant: str) -> Moment:
        """From ISO 8601 with a Z at its end."""
        return cls(instant.removesuffix("Z").replace("T", " "))

    def in_the_accounts_format(self) -> str:
        year, month, day = map(int, self[:10].split("-"))
        return f"{month}/{day}/{year}"


_TOKEN = re.compile(
    r"\s+|(?P<text>'(?:[^']|'')*')|(?P<number>\d+(?:\.\d+)?)|(?P<word>[A-Za-z_][A-Za-z0-9_.]*)"
    r"|(?P<sign><=|>=|<>|!=|[=<>(),*])"
)
_COMPARISONS: dict[str, Callable[[int], bool]] = {
    "=": lambda order: order == 0,
    "!=": lambda order: order != 0,
    "<>": lambda order: order != 0,
    "<": lambda order: order < 0,
    ">": lambda order: order > 0,
    "<=": lambda order: order <= 0,
    ">=": lambda order: order >= 0,
}
_ARGUMENTS = {
    "UPPER": 1, "LOWER": 1, "REPLACE": 3, "TRANSLATE": 3, "TO_CHAR": 2, "TO_DATE": 2,
    "TO_TIMESTAMP": 2,
}  # fmt: skip
_ELEMENT = re.compile(r'YYYY|MM|DD|HH24|MI|SS|"(?P<literal>[^"]*)"|(?P<sign>[-/.,;: ])')
_DAY, _TIME = "%Y-%m-%d", "%Y-%m-%d %H:%M:%S"
_PATTERNS = {"YYYY": "%Y", "MM": "%m", "DD": "%d", "HH24": "%H", "MI": "%M", "SS": "%S"}
_RESERVED = frozenset(
    {"SELECT", "FROM", "WHERE", "ORDER", "BY", "AND", "OR", "NOT", "LIKE", "IN", "IS", "NULL",
     "ESCAPE", "ASC", "DESC", "AS"}
)  # fmt: skip


class BadQuery(Exception):
    """The statement is not one that we understand; says why."""


@dataclass(frozen=True)
class Query:
    table: str  #: in small letters
    columns: tuple[tuple[Text, str], ...]  #: (value, name in the answer); empty: all columns
    used: frozenset[str]  #: every column that is named anywhere
    where: Test
    order: tuple[tuple[str, bool], ...]  #: (column, descending)

    def run(self, rows: Iterable[Row]) -> list[dict[str, str]]:
        found = [row for row in rows if self.where(row)]
        for column, descending in reversed(self.order):
            found.sort(key=lambda row: _sortable(row.get(column)), reverse=descending)
        if not self.columns:
            return [{name: _told(value) for name, value in row.items()} for row in found]
        answered = [{name: value(row) for value, name in self.columns} for row in found]
        return [
            {name: _told(value) for name, value in row.items() if value is not None}
            for row in answered
        ]


def parse(statement: str) -> Query:
    """Raises `BadQuery`."""
    return _Parser(statement).query()


class _Parser:
    def __init__(self, statement: str) -> None:
        self._tokens, self._at = _tokens(statement), 0
        self._used: set[str] = set()

    def query(self) -> Query:
        self._need("SELECT")
        columns: list[tuple[Text, str]] = []
        if not self._take("*"):
            columns.append(self._selected())
            while self._take(","):
                columns.append(self._selected())
        self._need("FROM")
        table = self._word().lower()
        where: Test = self._either() if self._take("WHERE") else lambda row: True
        order: list[tuple[str, bool]] = []
        if self._take("ORDER"):
            self._need("BY")
            order.append(self._ordered())
            while self._take(","):
                order.append(self._ordered())
        if self._at < len(self._tokens):
            raise BadQuery(f"Invalid or unsupported search near {self._tokens[self._at]}.")
        return Query(table, tuple(columns), frozenset(self._used), where, tuple(order))

    def _selected(self) -> tuple[Text, str]:
        word = self._word()
        if word.upper() in _ARGUMENTS and self._take("("):
            value = self._function(word.upper())
            self._need("AS")
            return value, self._word().lower()
        column = self._named(word)
        return (
            lambda row: row.get(column),
            self._word().lower() if self._take("AS") else column,
        )

    def _ordered(self) -> tuple[str, bool]:
        column = self._column()
        descending = self._take("DESC")
        if not descending:
            self._take("ASC")
        return column, descending

    def _either(self) -> Test:
        tests = [self._both()]
        while self._take("OR"):
            tests.append(self._both())
        return lambda row: any(test(row) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._take("AND"):
            tests.append(self._one())
        return lambda row: all(test(row) for test in tests)

    def _one(self) -> Test:
        if self._take("NOT"):
            denied = self._one()
            return lambda row: not denied(row)
        if self._take("("):
            inner = self._either()
            self._need(")")
            return inner
        left = self._value()
        if self._take("IS"):
            wanted = not self._take("NOT")
            self._need("NULL")
            return lambda row: (left(row) is None) == wanted
        denies = self._take("NOT")
        if self._take("LIKE"):
            return _unless(denies, left, self._like(left))
        if self._take("IN"):
            return _unless(denies, left, self._in(left))
        sign = self._next()
        if denies or sign not in _COMPARISONS:
            raise BadQuery(f"Invalid or unsupported search near {sign}.")
        numeric = self._at < len(self._tokens) and self._tokens[self._at][0].isdigit()
        return _compared(left, self._value(), _COMPARISONS[sign], numeric=numeric)

    def _like(self, left: Text) -> Test:
        pattern, escape = self._value(), self._value() if self._take("ESCAPE") else None

        def test(row: Row) -> bool:
            value, wanted = left(row), pattern(row)
            sign = escape(row) if escape else None
            if value is None or wanted is None:
                return False
            return _pattern(wanted, sign).fullmatch(value) is not None

        return test

    def _in(self, left: Text) -> Test:
        self._need("(")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        self._need(")")
        if len(values) > 1000:
            raise BadQuery("The maximum number of expressions in a list is 1000.")
        equal = _COMPARISONS["="]
        tests = [_compared(left, value, equal) for value in values]
        return lambda row: any(test(row) for test in tests)

    def _value(self) -> Text:
        token = self._next()
        if token.startswith("'"):
            text = token[1:-1].replace("''", "'")
            return lambda row: text or None  # Oracle holds an empty text to be null
        if token[0].isdigit():
            return lambda row: token
        if token.upper() in _ARGUMENTS and self._take("("):
            return self._function(token.upper())
        column = self._named(token)
        return lambda row: row.get(column)

    def _function(self, name: str) -> Text:
        arguments = [self._value()]
        while self._take(","):
            arguments.append(self._value())
        self._need(")")
        if len(arguments) != _ARGUMENTS[name]:
            raise BadQuery(f"{name} takes {_ARGUMENTS[name]} arguments.")

        def value(row: Row) -> str | None:
            first, *rest = [argument(row) for argument in arguments]
            return None if first is None else _applied(name, first, [one or "" for one in rest])

        return value

    def _column(self) -> str:
        return self._named(self._word())

    def _named(self, word: str) -> str:
        if word.upper() in _RESERVED or not re.match(r"[A-Za-z_]", word):
            raise BadQuery(f"Invalid or unsupported search near {word}.")
        column = word.lower().rpartition(".")[2]
        self._used.add(column)
        return column

    def _word(self) -> str:
        word = self._next()
        if not re.match(r"[A-Za-z_]", word) or word.upper() in _RESERVED:
            raise BadQuery(f"Invalid or unsupported search near {word}.")
        return word

    def _next(self) -> str:
        if self._at == len(self._tokens):
            raise BadQuery("Invalid or unsupported search: it ends too soon.")
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, wanted: str) -> bool:
        fits = self._at < len(self._tokens) and self._tokens[self._at].upper() == wanted
        self._at += fits
        return fits

    def _need(self, wanted: str) -> None:
        if not self._take(wanted):
            near = self._tokens[self._at] if self._at < len(self._tokens) else "its end"
            raise BadQuery(f"Invalid or unsupported search: {wanted} expected near {near}.")


def _tokens(statement: str) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(statement):
        match = _TOKEN.match(statement, at)
        if match is None:
            raise BadQuery(f"Invalid or unsupported search at character {at + 1}.")
        if match.lastgroup:
            found.append(match[0])
        at = match.end()
    return found


def _applied(name: str, value: str, rest: list[str]) -> str:
    match name:
        case "UPPER":
            return value.upper()
        case "LOWER":
            return value.lower()
        case "REPLACE":
            return value.replace(rest[0], rest[1])
        case "TO_CHAR":
            kept = _TIME if len(value) > len("2026-03-02") else _DAY
            return _moment(value, kept).strftime(_format(rest[0]))
        case "TO_DATE" | "TO_TIMESTAMP":
            when = _moment(value, _format(rest[0]))
            return when.strftime(_DAY if name == "TO_DATE" else _TIME)
        case _:  # TRANSLATE: letters beyond the end of the second list are dropped
            before, after = rest
            table = {ord(one): after[i] if i < len(after) else None for i, one in enumerate(before)}
            return value.translate(table)


def _told(value: str) -> str:
    return value.in_the_accounts_format() if isinstance(value, Moment) else value


def _moment(value: str, pattern: str) -> datetime:
    try:
        return datetime.strptime(value, pattern).replace(tzinfo=UTC)
    except ValueError as bad:
        raise BadQuery(f"Invalid or unsupported search: {value} is no date of that form.") from bad


@lru_cache(maxsize=64)
def _format(wanted: str) -> str:
    """A format of Oracle's as one of Python's."""
    parts: list[str] = []
    at = 0
    while at < len(wanted):
        found = _ELEMENT.match(wanted, at)
        if found is None:
            raise BadQuery(f"Invalid or unsupported date format {wanted}.")
        literal = found["literal"] if found["literal"] is not None else found["sign"]
        parts.append(_PATTERNS[found[0]] if literal is None else literal)
        at = found.end()
    return "".join(parts)


def _unless(denies: bool, left: Text, test: Test) -> Test:
    """What is null fits neither a condition nor its denial."""
    if not denies:
        return test
    return lambda row: left(row) is not None and not test(row)


def _compared(
    left: Text, right: Text, fits: Callable[[int], bool], *, numeric: bool = False
) -> Test:
    """`numeric`: the right side is a number, so that 9 comes before 10."""

    def test(row: Row) -> bool:
        one, other = left(row), right(row)
        if one is None or other is None:
            return False
        if numeric:
            first, second = _sortable(one), _sortable(other)
            return fits((first > second) - (first < second))
        return fits((one > other) - (one < other))

    return test


def _sortable(value: str | None) -> tuple[int, Decimal, str]:
    if value is None:
        return (2, Decimal(0), "")
    try:
        number = Decimal(value)
    except InvalidOperation:
        return (1, Decimal(0), value)
    return (0, number, "") if number.is_finite() else (1, Decimal(0), value)


@lru_cache(maxsize=256)
def _pattern(wanted: str, escape: str | None) -> re.Pattern[str]:
    if escape is not None and len(escape) != 1:
        raise BadQuery("The escape must be one character.")
    parts: list[str] = []
    letters = iter(wanted)
    for letter in letters:
        if letter == escape:
            following = next(letters, "")
            if following not in ("%", "_", escape):
                raise BadQuery("The escape character must come before %, _ or itself.")
            parts.append(re.escape(following))
        else:
            parts.append({"%": ".*", "_": "."}.get(letter, re.escape(letter)))
    return re.compile("".join(parts), re.DOTALL)
