"""Faults on demand: which rule strikes a call or a push, and how often it did.

Rules are evaluated in order; the first that strikes wins. A rule strikes where its `match` fits,
its `skip` is used up, its `times` is not, and its `chance` (from its own seeded generator, so
that a run can be repeated) says so.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from threading import Lock
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

CallKind = Literal[
    "lose_request", "lose_answer", "late_commit", "half_answer", "bad_json", "html", "slow",
    "status", "status_after", "rate_limit", "quota", "down", "expire_tokens", "partial_page",
    "stale_read", "drift", "wrong_success",
]  # fmt: skip
PushKind = Literal["duplicate_push", "shuffle_push", "drop_push", "delay_push"]


class Match(BaseModel):
    """Which calls a rule concerns. What is left out fits every call."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: str | None = None  #: a glob over the route's operation, as in `sobject.*`
    method: str | None = None
    path: str | None = None  #: a glob over the path below the system, percent-encoded as sent
    key: str | None = None  #: is part of the path, the query or the body

    def fits(self, facts: Facts) -> bool:
        return (
            (self.operation is None or fnmatchcase(facts.operation, self.operation))
            and (self.method is None or facts.method == self.method.upper())
            and (self.path is None or fnmatchcase(facts.path, self.path))
            and (self.key is None or self.key in facts.text)
        )


class Rule(BaseModel):
    """One fault. Times are seconds. Which fields a kind uses is in this package's README."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: CallKind | PushKind
    match: Match = Match()
    times: int | None = Field(default=None, ge=0)  #: null: without end, expire_tokens once
    skip: int = Field(default=0, ge=0)  #: so many fitting calls go unharmed first
    chance: float = Field(default=1, ge=0, le=1)  #: 0.25 strikes one call in four
    seed: int = 0

    delay_s: float = Field(default=0, ge=0, le=600)
    drip_s: float = Field(default=0, ge=0, le=60)  #: pause before each byte of the answer
    for_s: float | None = Field(default=None, gt=0)  #: the rule ends so long after it was set
    status: int | None = Field(default=None, ge=400, le=599)
    retry_after: float | str | None = None  #: seconds, "date", "none", or any text as it stands
    limit: int = Field(default=10, ge=0)  #: calls per `window_s`
    window_s: float = Field(default=1, gt=0)
    after: bool | None = None  #: whether the work is done before the wrong answer is given
    body: Any = None  #: what to answer instead of the usual wrong answer
    how: Literal["cut", "chunk", "gzip", "rename", "remove", "retype", "set"] | None = None
    at: str = ""  #: a dotted path in the answer; `*` is every element of a list
    to: Any = None  #: the new name, or the new value
    keep: int | None = Field(default=None, ge=0)  #: elements of the list; null: half of them
    copies: int = Field(default=2, ge=1, le=100)  #: deliveries of one push

    @model_validator(mode="after")
    def _says_enough(self) -> Self:
        if self.kind == "drift":
            if not self.at or self.how not in ("rename", "remove", "retype", "set"):
                raise ValueError("drift needs `at`, and `how`: rename, remove, retype or set")
            if self.how == "rename" and not isinstance(self.to, str):
                raise ValueError("to rename a field, give its new name in `to`")
        elif self.kind == "half_answer":
            if self.how not in (None, "cut", "chunk", "gzip"):
                raise ValueError("an answer is halved by `how`: cut, chunk or gzip")
        elif self.how is not None:
            raise ValueError(f"`how` means nothing to {self.kind}")
        if self.kind in ("late_commit", "stale_read", "delay_push", "shuffle_push"):
            if self.delay_s == 0:
                raise ValueError(f"{self.kind} needs `delay_s`")
        elif self.kind == "slow" and not (self.delay_s or self.drip_s):
            raise ValueError("slow needs `delay_s` or `drip_s`")
        return self

    @property
    def most(self) -> int | None:
        """How often it may strike. Tokens that expire at once for ever are another fault."""
        return 1 if self.kind == "expire_tokens" and self.times is None else self.times

    @property
    def strikes_pushes(self) -> bool:
        return self.kind.endswith("_push")


@dataclass(frozen=True)
class Facts:
    """What a rule may ask about a call or a push."""

    operation: str
    method: str
    path: str
    text: str  #: path, query and body together
    only_reads: bool = False
    signed_in: bool = False  #: it carries an access token


class Trap:
    """A rule that has been set, and what it did since."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.fitted = 0
        self.fired = 0
        self._set_at = time.monotonic()
        self._drawn = 0
        self._allowed: deque[float] = deque()  # when calls passed a quota

    def strikes(self, facts: Facts, now: float) -> bool:
        """`now` is monotonic seconds. Counts, so it is asked once per call."""
        rule = self.rule
        if rule.for_s is not None and now > self._set_at + rule.for_s:
            return False
        if not rule.match.fits(facts) or not self._concerns(facts):
            return False
        self.fitted += 1
        if self.fitted <= rule.skip or (rule.most is not None and self.fired >= rule.most):
            return False
        if rule.chance < 1 and self.draw() >= rule.chance:
            return False
        if rule.kind == "quota" and self._within_quota(now):
            return False
        self.fired += 1
        return True

    def quota_free_in(self, now: float) -> float:
        """Seconds until the oldest counted call leaves the window."""
        if not self._allowed:
            return self.rule.window_s
        return max(0.0, self._allowed[0] + self.rule.window_s - now)

    def draw(self) -> float:
        """The next number of the rule's own sequence, from 0 to 1; its seed says which."""
        self._drawn += 1
        return drawn(self.rule.seed, self._drawn)

    def _concerns(self, facts: Facts) -> bool:
        if self.rule.kind == "stale_read":
            return facts.only_reads or self.rule.match.operation is not None
        if self.rule.kind == "expire_tokens":
            return facts.signed_in
        return True

    def _within_quota(self, now: float) -> bool:
        while self._allowed and self._allowed[0] <= now - self.rule.window_s:
            self._allowed.popleft()
        if len(self._allowed) >= self.rule.limit:
            return False
        self._allowed.append(now)
        return True


class Faults:
    """The rules of one system. Threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._traps: tuple[Trap, ...] = ()

    def set(self, rules: Sequence[Rule]) -> None:
        """Replace all rules; counts begin at nought."""
        with self._lock:
            self._traps = tuple(Trap(rule) for rule in rules)

    def of_call(self, facts: Facts) -> Trap | None:
        return self._first(facts, pushes=False)

    def of_push(self, facts: Facts) -> Trap | None:
        return self._first(facts, pushes=True)

    @property
    def none(self) -> bool:
        return not self._traps

    def shown(self) -> list[dict[str, Any]]:
        """Each rule as it was set, with how many calls fitted and how often it struck."""
        with self._lock:
            return [
                {
                    **trap.rule.model_dump(exclude_unset=True),
                    "fitted": trap.fitted,
                    "fired": trap.fired,
                }
                for trap in self._traps
            ]

    def _first(self, facts: Facts, *, pushes: bool) -> Trap | None:
        now = time.monotonic()
        with self._lock:
            for trap in self._traps:
                if trap.rule.strikes_pushes == pushes and trap.strikes(facts, now):
                    return trap
        return None


def drawn(seed: int, nr: int) -> float:
    """The number at place `nr` of a sequence of chances from 0 to 1, the same on every machine."""
    return int.from_bytes(sha256(f"{seed}:{nr}".encode()).digest()[:6]) / 2**48
