"""A list that is shown a page at a time: its rows, where it goes on, and the views of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from fairlead.store import saved_views
from fairlead.store.saved_views import SavedView
from fairlead.web.addresses import LONGEST_CURSOR, Address
from fairlead.web.visit import Visit

PAGE = 50

After = TypeVar("After")


class Listing(ABC, Generic[After]):
    """Each part is read when it is printed, so that a fragment costs what it shows.

    `after` is the place in the list behind which this page begins. Null: at its beginning, also
    where the address held what we never wrote.
    """

    def __init__(self, visit: Visit, address: Address, after: After | None) -> None:
        self._visit, self.address, self._after = visit, address, after

    @abstractmethod
    def _read(self, limit: int) -> Sequence[Mapping[str, Any]]:
        """The rows that fit, from where this page begins."""

    @abstractmethod
    def _ends(self, row: Mapping[str, Any]) -> str:
        """The place of this row, as the address keeps it."""

    @cached_property
    def _found(self) -> Sequence[Mapping[str, Any]]:
        """One more than fits tells that there is another page."""
        return self._read(PAGE + 1)

    @property
    def _rows(self) -> Sequence[Mapping[str, Any]]:
        return self._found[:PAGE]

    @property
    def next(self) -> str | None:
        """The address of the next page. Null: this is the last."""
        if len(self._found) <= PAGE:
            return None
        return self.address.but(after=self._ends(self._found[PAGE - 1]))

    @property
    def here(self) -> str:
        """This page of the list, for a refresh."""
        return self.address.but(after=cursor_of(self._visit) or None)

    @property
    def is_later(self) -> bool:
        """Not the first page."""
        return self._after is not None

    @cached_property
    def views(self) -> list[SavedView]:
        return saved_views.of(self._visit.tx, self._visit.who.id, self.address.path)


def cursor_of(visit: Visit) -> str:
    """Where this page begins, as the address has it."""
    return visit.query("after", longest=LONGEST_CURSOR)
