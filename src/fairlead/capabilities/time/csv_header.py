"""Which format a file that is imported has, by its header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fairlead.capabilities.time.csv_cells import plain
from fairlead.capabilities.time.csv_file import Sheet
from fairlead.errors import InvalidInput, Problem


@dataclass(frozen=True)
class Format:
    name: str
    columns: Mapping[str, tuple[str, ...]]
    """What we read → the names that the column has; the first that is there counts."""
    needs: tuple[str, ...]  #: without which it is not this format
    tells: tuple[str, ...] = ()  #: columns that no other format has
    nothing: str = ""  #: what stands in a cell of which nothing is known


def recognised(sheet: Sheet, formats: Sequence[Format]) -> tuple[Format, Mapping[str, int]]:
    """The format by the header, and the column of each thing that we read. The first is our own.

    Raises `InvalidInput` where no format fits, or a column that we read is there twice.
    """
    header = [plain(name) for name in sheet.header]
    for format in formats:
        held = {
            ours: next((plain(name) for name in names if plain(name) in header), None)
            for ours, names in format.columns.items()
        }
        columns = {ours: header.index(name) for ours, name in held.items() if name is not None}
        if set(format.needs) <= set(columns) and set(format.tells) <= set(header):
            twice = [sheet.header[at] for at in columns.values() if header.count(header[at]) > 1]
            if twice:
                problems = [Problem("", f"row 1: the column {name} comes once") for name in twice]
                raise InvalidInput("The file cannot be read.", problems)
            return format, columns
    own, *others = formats
    wanted = ", ".join(name.capitalize() for names in own.columns.values() for name in names)
    known = f"that of {', '.join(one.name for one in others)}, or " if others else ""
    rule = f"row 1: the header is {known}our own: {wanted}"
    raise InvalidInput("The file cannot be read.", [Problem("", rule)])
