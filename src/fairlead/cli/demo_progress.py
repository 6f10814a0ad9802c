"""What a person sees of the demo: lines or a live panel while it runs, tables at its end."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fairlead.cli import demo_accounts
from fairlead.cli.demo_ledger import Row

_STATES = ("received", "in_setup", "awaiting_launch", "launched", "declined")
#: (deal, owner) → in words who must act.
Whom = Callable[[str, str], str]

_EVERY_S = 3.0
_SHOWN = 8


class Progress:
    """Writes to standard error only, so that standard output holds nothing but the result."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._began = time.monotonic()
        self._lines: list[str] = []
        self._counts: Counter[str] = Counter()
        self._told_at = 0.0
        self._told = ""
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=self._panel, console=self._console, refresh_per_second=4,
                transient=True,
            )  # fmt: skip
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Nothing moves any more; what is said from now on stays."""
        if self._live:
            self._live.stop()
            self._live = None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def say(self, words: str) -> None:
        """Something happened."""
        line = f"{self.seconds:5.1f} s  {words}"
        self._lines.append(line)
        if not self._live:
            print(line, file=sys.stderr, flush=True)

    def count(self, states: Mapping[str, int]) -> None:
        """How many engagements are in which state."""
        self._counts = Counter(states)
        words = ", ".join(f"{states[s]} {_words(s)}" for s in _STATES if states.get(s))
        due = time.monotonic() - self._told_at > _EVERY_S
        if not self._live and words and words != self._told and due:
            self._told_at, self._told = time.monotonic(), words
            self.say(words)

    def _panel(self) -> Group:
        states = "   ".join(f"{_words(s)} {self._counts[s]}" for s in _STATES)
        head = Text(f"Fairlead demo   {self.seconds:.0f} s   {states}", style="bold")
        return Group(head, *(Text(line) for line in self._lines[-_SHOWN:]))


def show(result: Mapping[str, Any], whom: Whom, proof: Sequence[Row]) -> None:
    """The tables, on standard output."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 150)
    console.print(_engagements(result["engagements"], whom))
    console.print(demo_accounts.table(result["accounts"]))
    console.print(_faults(result["faults"]))
    console.print(_proof(proof))
    effects = result["effects"]
    console.print(
        f"Effects: {effects['confirmed']} confirmed, {effects['refused']} refused,"
        f" {effects['unknown']} unknown."
    )


def _engagements(engagements: Sequence[Mapping[str, Any]], whom: Whom) -> Table:
    table = Table(title="Engagements")
    for name in ("deal", "state", "waits for", "whom"):
        table.add_column(name)
    table.add_column("seconds", justify="right")
    for one in engagements:
        waiting = one["waiting_on"]
        reasons = "\n".join(f"{_words(w['step'])}: {w['reason']}" for w in waiting)
        holders = "\n".join(whom(one["deal"], wait["owner"]) for wait in waiting)
        state = Text(_words(one["state"]), style=_colour(one["state"]))
        table.add_row(
            Text(one["deal"]), state, Text(reasons), Text(holders), f"{one['seconds']:.1f}"
        )
    return table


def _faults(faults: Mapping[str, int]) -> Table:
    table = Table(title="Faults that were really injected")
    table.add_column("fault")
    table.add_column("fired", justify="right")
    for name, times in faults.items():
        table.add_row(Text(name), Text(str(times), style="" if times else "red"))
    return table


def _proof(proof: Sequence[Row]) -> Table:
    table = Table(title="Proof: what the deals call for, counted in the systems' own ledgers")
    table.add_column("system")
    table.add_column("object")
    for name in ("expected", "found", "duplicates", "missing"):
        table.add_column(name, justify="right")
    for row in proof:
        numbers = (row.expected, row.found, row.duplicates, row.missing)
        style = "" if row.holds else "bold red"
        table.add_row(row.system, row.object, *(str(n) for n in numbers), style=style)
    return table


def _colour(state: str) -> str:
    return {"launched": "green", "declined": "magenta"}.get(state, "yellow")


def _words(name: str) -> str:
    return name.replace("_", " ")
