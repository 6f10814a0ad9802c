"""SOQL as far as integrations use it, parsed strictly.

https://developer.salesforce.com/docs/platform/salesforce-soql-sosl/guide/sforce-api-calls-soql-select.html

SELECT of fields, relationship paths, child subqueries and COUNT(); WHERE with comparisons, LIKE,
IN, NOT IN, semi-joins, AND, OR, NOT and parentheses; ORDER BY, LIMIT, OFFSET. As in Salesforce,
AND and OR are not mixed without parentheses. Of semi-joins a query has at most two, neither under
OR or NOT; each is on another object, selects one field of its own, and has no semi-join itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

Constant = str | Decimal | bool | date | datetime | None
Comparison = Literal["=", "!=", "<", "<=", ">", ">=", "LIKE", "IN", "NOT IN"]


class Malformed(Exception):
    """The query is not SOQL. The message is what MALFORMED_QUERY says."""


@dataclass(frozen=True)
class Asks:
    path: str
    operator: Comparison
    value: Constant | tuple[Constant, ...] | Query


@dataclass(frozen=True)
class Not:
    part: Condition


@dataclass(frozen=True)
class Both:
    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Either:
    parts: tuple[Condition, ...]


Condition = Asks | Not | Both | Either


@dataclass(frozen=True)
class Order:
    path: str
    descending: bool
    nulls_last: bool


@dataclass(frozen=True)
class Query:
    fields: tuple[str, ...]  #: as written, paths with dots
    children: tuple[Query, ...]  #: subqueries; each one's `source` is a relationship's name
    counts: bool  #: SELECT COUNT()
    source: str
    where: Condition | None
    order: tuple[Order, ...]
    limit: int | None
    offset: int


_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')"
    r"|(?P<moment>\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:?\d\d))?)"
    r"|(?P<number>[+-]?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z]\w*(?:\.[A-Za-z]\w*)*)"
    r"|(?P<sign><=|>=|!=|<>|[=<>(),]))"
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "_": "_", "%": "%"}
_MOST_SEMI_JOINS = 2
_RESERVED = {
    "SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "ORDER", "LIMIT", "OFFSET", "IN", "LIKE", "NULL",
}  # fmt: skip


def parse(text: str) -> Query:
    """Raises `Malformed`."""
    reader = _Reader(_tokens(text))
    query = reader.query()
    if reader.left:
        raise Malformed(f"unexpected token: '{reader.left[0][1]}'")
    return query


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise Malformed(f"line 1:{at} no viable alternative at character '{text[at]}'")
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.left = tokens
        self._depth = 0

    def query(self) -> Query:
        self._expect("SELECT")
        fields: list[str] = []
        children: list[Query] = []
        counts = False
        while True:
            if self._take("("):
                children.append(self.query())
                self._expect(")")
            else:
                name = self._name()
                if name.upper() == "COUNT" and self._take("("):
                    self._expect(")")
                    counts = True
                else:
                    fields.append(name)
            if not self._take(","):
                break
        if counts and (fields or children):
            raise Malformed("COUNT() must be the only element in the SELECT list")
        repeated = {name for name in fields if [f.lower() for f in fields].count(name.lower()) > 1}
        if repeated:
            raise Malformed(f"duplicate field selected: {sorted(repeated)[0]}")
        self._expect("FROM")
        source = self._name()
        where = self._condition() if self._take("WHERE") else None
        order = self._order() if self._take("ORDER") else ()
        limit = self._count() if self._take("LIMIT") else None
        offset = self._count() if self._take("OFFSET") else 0
        _check_semi_joins(source, where)
        return Query(tuple(fields), tuple(children), counts, source, where, order, limit, offset)

    def _order(self) -> tuple[Order, ...]:
        self._expect("BY")
        found: list[Order] = []
        while True:
            path = self._name()
            descending = self._take("DESC")
            if not descending:
                self._take("ASC")
            nulls_last = False
            if self._take("NULLS"):
                nulls_last = self._take("LAST")
                if not nulls_last:
                    self._expect("FIRST")
            found.append(Order(path, descending, nulls_last))
            if not self._take(","):
                return tuple(found)

    def _condition(self) -> Condition:
        self._depth += 1
        if self._depth > 50:
            raise Malformed("the condition is nested too deeply")
        parts = [self._part()]
        joined = ""
        while word := next((w for w in ("AND", "OR") if self._take(w)), ""):
            if joined and word != joined:
                raise Malformed(f"unexpected token: {word}")
            joined = word
            parts.append(self._part())
        self._depth -= 1
        if not joined:
            return parts[0]
        if joined == "OR":
            return Either(tuple(parts))
        return Both(tuple(parts))

    def _part(self) -> Condition:
        if self._take("NOT"):
            return Not(self._part())
        if self._take("("):
            inside = self._condition()
            self._expect(")")
            return inside
        path = self._name()
        if self._take("NOT"):
            self._expect("IN")
            return Asks(path, "NOT IN", self._set())
        if self._take("IN"):
            return Asks(path, "IN", self._set())
        if self._take("LIKE"):
            return Asks(path, "LIKE", self._literal())
        for sign in ("=", "!=", "<=", ">=", "<", ">"):
            if self._take(sign):
                return Asks(path, sign, self._literal())
        if self._take("<>"):
            return Asks(path, "!=", self._literal())
        raise Malformed(f"unexpected token: '{self.left[0][1] if self.left else '<EOF>'}'")

    def _set(self) -> tuple[Constant, ...] | Query:
        self._expect("(")
        if self.left and self.left[0][1].upper() == "SELECT":
            found: tuple[Constant, ...] | Query = self.query()
        else:
            values = [self._literal()]
            while self._take(","):
                values.append(self._literal())
            found = tuple(values)
        self._expect(")")
        return found

    def _literal(self) -> Constant:
        kind, text = self.left.pop(0) if self.left else ("", "<EOF>")
        match kind, text.upper():
            case "text", _:
                return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), text[1:-1])
            case "number", _:
                return Decimal(text)
            case "moment", _:
                return _moment(text)
            case "word", "TRUE" | "FALSE":
                return text.upper() == "TRUE"
            case "word", "NULL":
                return None
            case _:
                raise Malformed(f"unexpected token: '{text}'")

    def _count(self) -> int:
        kind, text = self.left.pop(0) if self.left else ("", "<EOF>")
        if kind != "number" or not text.isdigit():
            raise Malformed(f"unexpected token: '{text}'")
        return int(text)

    def _name(self) -> str:
        kind, text = self.left.pop(0) if self.left else ("", "<EOF>")
        if kind != "word" or text.upper() in _RESERVED:
            raise Malformed(f"unexpected token: '{text}'")
        return text

    def _take(self, wanted: str) -> bool:
        if self.left and self.left[0][0] != "text" and self.left[0][1].upper() == wanted:
            self.left.pop(0)
            return True
        return False

    def _expect(self, wanted: str) -> None:
        if not self._take(wanted):
            raise Malformed(
                f"expecting '{wanted}', found '{self.left[0][1] if self.left else '<EOF>'}'"
            )


def tests_of(condition: Condition | None) -> list[Asks]:
    """Every test in a condition, to check fields and types before anything is read."""
    match condition:
        case None:
            return []
        case Asks():
            return [condition]
        case Not(part):
            return tests_of(part)
        case Both(parts) | Either(parts):
            return [test for part in parts for test in tests_of(part)]


def _check_semi_joins(source: str, where: Condition | None) -> None:
    """What Salesforce allows of them. Raises `Malformed`."""
    joins = [test.value for test in tests_of(where) if isinstance(test.value, Query)]
    at_the_top = where.parts if isinstance(where, Both) else (where,)
    top = [p.value for p in at_the_top if isinstance(p, Asks) and isinstance(p.value, Query)]
    if len(joins) > len(top):
        raise Malformed(
            "Semi join sub-selects are only allowed at the top level WHERE expressions and not in "
            "nested WHERE expressions."
        )
    if len(joins) > _MOST_SEMI_JOINS:
        raise Malformed(f"Maximum {_MOST_SEMI_JOINS} semi join sub-selects are allowed.")
    for join in joins:
        if join.source.lower() == source.lower():
            raise Malformed("The inner and outer selects should not be on the same object type")
        if any(isinstance(test.value, Query) for test in tests_of(join.where)):
            raise Malformed("Nested semi join sub-selects are not supported")
        if join.order or join.limit is not None or any("." in name for name in join.fields):
            raise Malformed("semi join sub-selects select one field, without ORDER BY or LIMIT")


def _moment(text: str) -> date | datetime:
    try:
        return (
            datetime.fromisoformat(text).astimezone(UTC)
            if "T" in text
            else date.fromisoformat(text)
        )
    except ValueError as bad:
        raise Malformed(f"invalid date: {text}") from bad
