"""What policies say of time: figures and which rules count, for each group that occurs.

A table is asked once for each distinct (policy, facts), not once an entry.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import polars as pl

from fairlead.domain.rules.time_facts import TERMS
from fairlead.domain.rules.time_rules import RULES, Check, Limits
from fairlead.domain.values import Value
from fairlead.policy.tables import Policies, Policy, decide

_SWITCHED = tuple(rule.id for rule in RULES if not rule.fixed)


class LimitFacts(Value):
    """What `time-limits` may ask. `country` is that of who works; the rest of the engagement."""

    time_policy: str
    country: str
    region: str
    contract_type: str
    client: str


class CheckFacts(LimitFacts):
    """What `time-checks` may ask."""

    rule: str


class Terms:
    """Asks the two policies, and remembers what each version said."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies
        self._known: dict[tuple[int, int, LimitFacts], dict[str, Any]] = {}

    def asked(self, now: datetime) -> frozenset[str]:
        """The facts that the policies ask for; the others need not be told apart."""
        names = ("time-limits", "time-checks")
        said = [fact for name in names for fact in self._policies.as_of(name, now).inputs]
        return frozenset(said) - {"rule"}

    def frame(self, pairs: Iterable[tuple[int, int, LimitFacts]], now: datetime) -> pl.DataFrame:
        """`pairs`: group of engagements, group of people, and what holds for both."""
        limits = self._policies.as_of("time-limits", now)
        checks = self._policies.as_of("time-checks", now)
        rows = [
            {"group": group, "place": place, **self._said(limits, checks, facts, now)}
            for group, place, facts in pairs
        ]
        schema = pl.Schema({**TERMS, **dict.fromkeys(_SWITCHED, pl.String())})
        return pl.DataFrame(rows, schema=schema)

    def _said(
        self, limits: Policy, checks: Policy, facts: LimitFacts, now: datetime
    ) -> dict[str, Any]:
        """Raises `InvalidDefinition` where an answer is no figure, or no word of `Check`."""
        key = (limits.version, checks.version, facts)
        if key not in self._known:
            said = Limits.model_validate(decide(limits, facts, now).answer).model_dump()
            for rule in _SWITCHED:
                asked = CheckFacts(**facts.model_dump(), rule=rule)
                said[rule] = Check(str(decide(checks, asked, now).answer["check"])).value
            self._known[key] = said
        return self._known[key]
