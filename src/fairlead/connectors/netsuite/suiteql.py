"""SuiteQL as text that cannot be broken out of.

Every value from outside passes through `quoted` or `containing`. Functions are those that Oracle
lists as supported:
https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_158513731864.html
`LIKE … ESCAPE` is that of the Oracle database under it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from fairlead.domain.company_names import FROM, PAIRS, TO
from fairlead.errors import InvalidDefinition

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def columns(names: Iterable[str]) -> str:
    """Raises `InvalidDefinition` where a field map names something that is no column."""
    found = list(dict.fromkeys(names))
    if bad := [name for name in found if not _IDENTIFIER.fullmatch(name)]:
        raise InvalidDefinition("The field map names columns that cannot be asked for:", bad)
    return ", ".join(found)


def select(wanted: str, table: str, where: str, *, order: str = "id") -> str:
    """All rows that fit, in an order that paging can rely on: `order` is unique."""
    parts = ["SELECT", wanted, "FROM", table, "WHERE", where, "ORDER BY", order]
    return " ".join(parts)


def quoted(text: str) -> str:
    return "'" + _CONTROL.sub(" ", text).replace("'", "''") + "'"


def containing(expression: str, text: str) -> str:
    literal = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{expression} LIKE {quoted('%' + literal + '%')} ESCAPE '\\'"


def folded(column: str) -> str:
    """The column in the one spelling of `company_names.fold`."""
    expression = f"TRANSLATE(LOWER({column}), {quoted(FROM)}, {quoted(TO)})"
    for pair, single in PAIRS:
        expression = f"REPLACE({expression}, {quoted(pair)}, {quoted(single)})"
    return expression


def bare(column: str) -> str:
    """The column in capitals without spaces, dots, hyphens and slashes, as `bare_text` does."""
    return f"TRANSLATE(UPPER({column}), 'A .-/', 'A')"


def bare_text(text: str) -> str:
    return text.upper().translate(dict.fromkeys(map(ord, " .-/")))
