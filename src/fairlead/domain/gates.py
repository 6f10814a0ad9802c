"""What a gate answers: clear, or blocked with every gap named."""

from __future__ import annotations

from fairlead.domain.values import Value


class Gap(Value):
    """One thing that must be true and is not: where, whose it is, and what to do."""

    field: str  #: dotted path in the subject, such as `contract.signed_on`
    problem: str  #: in words that a person reads, unchanged everywhere
    owner: str  #: the team that can supply it
    remedy: str
    kind: str = "text"  #: what may be supplied: text, date, decimal, country, choice, list…
    choices: tuple[str, ...] = ()  #: where only these are accepted
    suppliable: bool = True  #: false: it can only be mended in its own system


class Clear(Value):
    """The gate is open."""


class Blocked(Value):
    gaps: tuple[Gap, ...]  #: every gap, not the first
