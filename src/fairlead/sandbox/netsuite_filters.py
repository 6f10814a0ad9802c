"""Conditions by which a collection of the NetSuite sandbox is filtered.

https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1545222128.html
"""

from __future__ import annotations

import re
from collections.abc import Callable

from fairlead.sandbox.books import Record
from fairlead.sandbox.netsuite_records import TYPES
from fairlead.sandbox.netsuite_suiteql import BadQuery
from fairlead.sandbox.netsuite_tables import row_of

_TERM = re.compile(r'\s*(?:(?P<sign>[()\[\],])|"(?P<text>[^"]*)"|(?P<word>[^\s()\[\],"]+))')
_OPERATORS: dict[str, Callable[[str, list[str]], bool]] = {
    "IS": lambda value, wanted: value == wanted[0],
    "IS_NOT": lambda value, wanted: value != wanted[0],
    "CONTAIN": lambda value, wanted: wanted[0].lower() in value.lower(),
    "START_WITH": lambda value, wanted: value.lower().startswith(wanted[0].lower()),
    "EQUAL": lambda value, wanted: value == wanted[0],
    "ANY_OF": lambda value, wanted: value in wanted,
    "EMPTY": lambda value, wanted: value == "",
    "EMPTY_NOT": lambda value, wanted: value != "",
}


def parse_filter(kind: str, q: str) -> Callable[[Record], bool]:
    """Conditions on a collection. Raises `BadQuery`."""
    terms = [(match.lastgroup or "", match[match.lastgroup or 0]) for match in _TERM.finditer(q)]
    refused = BadQuery("Invalid query.")

    def take(sign: str) -> bool:
        if terms and terms[0][0] != "text" and terms[0][1] == sign:
            terms.pop(0)
            return True
        return False

    def need() -> str:
        if not terms or terms[0][0] == "sign":
            raise refused
        return terms.pop(0)[1]

    def condition() -> Callable[[Record], bool]:
        if take("("):
            inner = either()
            if not take(")"):
                raise refused
            return inner
        name, operator = need(), need()
        field = TYPES[kind].fields.get(name)
        if operator not in _OPERATORS or (field is None and name != "id"):
            raise refused
        wanted: list[str] = []
        if take("["):
            wanted.append(need())
            while take(","):
                wanted.append(need())
            if not take("]"):
                raise refused
        elif not operator.startswith("EMPTY"):
            wanted.append(need())
        fits, column = _OPERATORS[operator], name.lower()
        return lambda record: fits(row_of(record).get(column, ""), wanted)

    def both() -> Callable[[Record], bool]:
        tests = [condition()]
        while take("AND"):
            tests.append(condition())
        return lambda record: all(test(record) for test in tests)

    def either() -> Callable[[Record], bool]:
        tests = [both()]
        while take("OR"):
            tests.append(both())
        return lambda record: any(test(record) for test in tests)

    test = either()
    if terms:
        raise refused
    return test
