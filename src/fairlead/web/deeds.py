"""What was done to an approval, a task or an exception, in the words that a page has for it."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.web.formats import words
from fairlead.work.words import ExceptionAction

_DEEDS: Mapping[str, str] = {
    ExceptionAction.RETRY: "Retried",
    ExceptionAction.SUPPLY: "Values supplied",
    ExceptionAction.CHOOSE: "Chosen",
    ExceptionAction.SKIP: "Skipped",
    ExceptionAction.OVERRIDE: "Overridden",
    ExceptionAction.DISMISS: "Dismissed",
    "assigned": "Reassigned",
    "overdue": "Said to be overdue",
}


def done(what: str) -> str:
    """Of an action, a state, or a type of event: `retry` and `exception.retry` → `Retried`."""
    plain = what.rpartition(".")[2]
    return _DEEDS.get(plain) or words(plain)
