"""Where to kill and what to break, taken from a recorded run, never from a list by hand."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

#: What may befall the call that a schedule is about; None: nothing.
FAULTS = (None, "lose_answer", "lose_request", "half_answer", "status")
#: Told a varying number of times in a run; later ones than these may not come.
_VARYING = {"woken": 2, "burst stored": 3}
_IDS = ((r"eid:[\w-]+", "eid:*"), (r"/\d+(?=/|$)", "/*"), (r"/00\d\w+(?=/|$)", "/*"))


@dataclass(frozen=True)
class Call:
    """The `nth` call of one kind in a run. `path` is a glob that fits any run's ids."""

    vendor: str
    method: str
    path: str
    nth: int

    def rule(self, fault: str) -> dict[str, Any]:
        """What the sandbox does to it."""
        match = {"method": self.method, "path": self.path}
        extra = {"status": 503} if fault == "status" else {}
        return {"kind": fault, "match": match, "times": 1, "skip": self.nth - 1, **extra}


@dataclass(frozen=True)
class Schedule:
    """Kill the worker at the `nth` passing of a place; break `broken` by `fault` meanwhile."""

    place: str  #: a seam, or `call received`, `call committed`, `call answered` of `call`
    nth: int
    call: Call | None
    fault: str | None
    broken: Call | None

    @property
    def only_reads(self) -> bool:
        """The call changes nothing there: signing in, and what is looked up once."""
        return self.call is not None and self.broken is None

    @property
    def boundary(self) -> str:
        return f"{self.place} {self.call.method} {self.call.path}" if self.call else self.place

    def trap(self) -> dict[str, Any]:
        where = {"method": self.call.method, "path": self.call.path} if self.call else {}
        return {"place": self.place, "nth": self.nth, **where}

    def __str__(self) -> str:
        return f"{self.boundary} #{self.nth} with {self.fault or 'no fault'}"


@dataclass(frozen=True)
class _Passed:
    place: str
    nth: int
    thread: int
    call: Call | None


class Recording:
    """The places that one run passed, in order."""

    def __init__(self, file: Path) -> None:
        self.passed: list[_Passed] = []
        seen: Counter[tuple[str, str, str]] = Counter()
        for line in file.read_text("utf-8").splitlines():
            told = json.loads(line)
            place, call = str(told["place"]), None
            path = general(str(told.get("path", "")))
            seen[place, told.get("method", ""), path] += 1
            nth = seen[place, told.get("method", ""), path]
            if path:
                call = Call(str(told["system"]).partition("-")[0], told["method"], path, nth)
            if nth <= _VARYING.get(place, nth):
                self.passed.append(_Passed(place, nth, told["thread"], call))

    def seams(self) -> list[_Passed]:
        return [passed for passed in self.passed if passed.call is None]

    def calls(self, place: str) -> list[_Passed]:
        return [passed for passed in self.passed if passed.call and passed.place == place]

    def near(self, seam: _Passed, writes: set[Call]) -> Call | None:
        """The write that a seam is about: the first that its operation made, else the nearest."""
        about = f"{seam.place.partition(':')[0]}: about to call"
        before = [p for p in self.seams() if (p.place, p.nth <= seam.nth) == (about, True)]
        begun = before[-1] if before else seam
        at = self.passed.index(begun)
        found = [
            (passed.thread != begun.thread, index < at, abs(index - at), passed.call)
            for index, passed in enumerate(self.passed)
            if passed.call in writes and passed.place == "call received"
        ]
        return min(found, key=lambda one: one[:3])[3] if found else None


def general(path: str) -> str:
    """A path as a glob that fits the same call of another run."""
    for pattern, glob in _IDS:
        path = re.sub(pattern, glob, path)
    return path


def writes_of(recording: Recording, ledger: Iterable[dict[str, Any]]) -> set[Call]:
    """Those calls that left something in the ledger of a system outside."""
    left = {(row["system"].partition("-")[0], row["method"], row["path"]) for row in ledger}
    return {
        passed.call
        for passed in recording.calls("call received")
        if passed.call
        and any(
            (vendor, method) == (passed.call.vendor, passed.call.method)
            and fnmatchcase(path, passed.call.path)
            for vendor, method, path in left
        )
    }


def schedules(clean: Recording, faulty: Recording, writes: set[Call]) -> Sequence[Schedule]:
    """Every boundary with every fault; a boundary that only a fault leads to, with each fault."""
    found: list[Schedule] = []
    for seam in clean.seams():
        near = clean.near(seam, writes)
        faults = (None,) if seam.place in _VARYING else FAULTS
        found += [Schedule(seam.place, seam.nth, None, fault, near) for fault in faults]
    known = {seam.place for seam in clean.seams()}
    first_call = {call.path: call for call in writes if call.nth == 1}
    for seam in faulty.seams():
        if seam.place not in known and seam.nth == 1:
            near = faulty.near(seam, set(first_call.values()))
            found += [Schedule(seam.place, 1, None, fault, near) for fault in FAULTS if fault]
    for point in ("received", "committed", "answered"):
        for passed in clean.calls(f"call {point}"):
            call = passed.call
            if call in writes:
                found += [Schedule(passed.place, passed.nth, call, f, call) for f in FAULTS]
            else:
                found.append(Schedule(passed.place, passed.nth, call, None, None))
    return found
