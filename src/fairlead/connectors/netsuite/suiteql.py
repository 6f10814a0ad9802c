"""SuiteQL as text that cannot be broken out of.

Every value from outside passes through `quoted` or `containing`. Functions are those that Oracle
lists as supported:
https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_158513731864.html
`LIKE … ESCAPE` is that of the Oracle database under it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

from fairlead.domain.company_names import FROM, PAIRS, TO
from fairlead.errors import InvalidDefinition

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_FORMATS = {"date": "YYYY-MM-DD", "datetime": 'YYYY-MM-DD"T"HH24:MI:SS"Z"'}
_IDS_IN_ONE_QUERY = 500  # Oracle takes at most 1,000 in one IN list
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def columns(names: Iterable[str]) -> str:
    """Raises `InvalidDefinition` where a field map names something that is no column."""
    found = list(dict.fromkeys(names))
    if bad := [name for name in found if not _IDENTIFIER.fullmatch(name)]:
        raise InvalidDefinition("The field map names columns that cannot be asked for:", bad)
    return ", ".join(found)


def selected(column: str, kind: str) -> str:
    """One column as it is asked for: dates and times in ISO 8601, whatever the account's format.

    SuiteQL tells times in the zone of the user that asks, so that user's zone is GMT (README).
    """
    name = columns([column])
    if kind not in _FORMATS:
        return name
    return f"TO_CHAR({name}, '{_FORMATS[kind]}') AS {name}"


def day(when: date) -> str:
    return f"TO_DATE('{when.isoformat()}', 'YYYY-MM-DD')"


def moment(when: datetime) -> str:
    """To the second, which is as fine as SuiteQL tells times; never later than `when`."""
    text = when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"TO_TIMESTAMP('{text}', 'YYYY-MM-DD HH24:MI:SS')"


def among(column: str, ids: Iterable[str]) -> Iterator[str]:
    """Conditions that together hold for the rows with any of these ids."""
    every = sorted(set(ids))
    for start in range(0, len(every), _IDS_IN_ONE_QUERY):
        some = ", ".join(quoted(one) for one in every[start : start + _IDS_IN_ONE_QUERY])
        yield f"{column} IN ({some})"


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


def folded_email(column: str) -> str:
    return f"LOWER({columns([column])})"


def bare(column: str) -> str:
    """The column in capitals without spaces, dots, hyphens and slashes, as the kit's `bare`."""
    return f"TRANSLATE(UPPER({column}), 'A .-/', 'A')"
