"""Circles among things that wait for one another. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Set
from graphlib import CycleError, TopologicalSorter


def circles(after: Mapping[str, Set[str]]) -> list[tuple[str, ...]]:
    """Each circle of names, every one of which waits for the next; told from its first name.

    A circle is opened where it was found and the search goes on, so that every one is told.
    """
    open_graph = {name: set(befores) for name, befores in after.items()}
    found: list[tuple[str, ...]] = []
    while True:
        try:
            TopologicalSorter(open_graph).prepare()
        except CycleError as circle:
            path: list[str] = list(reversed(circle.args[1]))[:-1]
            start = path.index(min(path))
            found.append((*path[start:], *path[:start]))
            open_graph[path[0]].discard(path[1 % len(path)])
        else:
            return found
