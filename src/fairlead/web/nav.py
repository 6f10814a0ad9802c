"""The side bar: what a person may open, and what waits there for their team."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fairlead.store.counts import Waiting
from fairlead.trust.principals import Principal
from fairlead.trust.roles import Permission

Group = Literal["Work", "Run", "Insight", "Govern"]
GROUPS: tuple[Group, ...] = ("Work", "Run", "Insight", "Govern")


@dataclass(frozen=True)
class Entry:
    """A page of the side bar. Its module has it as `ENTRY`."""

    group: Group
    label: str
    path: str
    icon: str  #: a class of icons.css, without `i-`
    needs: Permission
    key: str | None = None  #: after `g`: the letter that goes there
    counts: str | None = None  #: a key of `store.counts.Waiting.by_page`


@dataclass(frozen=True)
class Link:
    """An entry as one reader sees it."""

    entry: Entry
    current: bool
    waiting: int
    or_more: bool


@dataclass(frozen=True)
class Section:
    group: Group
    links: tuple[Link, ...]


def open_to(entries: Sequence[Entry], reader: Principal) -> list[Entry]:
    return [entry for entry in entries if reader.may(entry.needs)]


def sections(
    entries: Sequence[Entry], reader: Principal, path: str, waiting: Waiting
) -> list[Section]:
    """Groups without an entry that this reader may open are left out."""
    shown = open_to(entries, reader)
    found: list[Section] = []
    for group in GROUPS:
        links = tuple(
            Link(
                entry,
                current=path == entry.path or path.startswith(f"{entry.path}/"),
                waiting=waiting.by_page.get(entry.counts or "", 0),
                or_more=entry.counts in waiting.cut,
            )
            for entry in shown
            if entry.group == group
        )
        if links:
            found.append(Section(group, links))
    return found
