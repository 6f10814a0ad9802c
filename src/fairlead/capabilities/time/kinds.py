"""The kinds of time of a firm, in `time.yaml`: one list for all systems (F074)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl
from pydantic import Field, model_validator

from fairlead.config import SystemConfig, read
from fairlead.domain.model.pay_sheet import PayKind
from fairlead.domain.rules.time_facts import KINDS
from fairlead.domain.values import Name, Value
from fairlead.errors import InvalidDefinition

#: A system that serves one of these keeps time, and must have a name for every kind.
KEEP_TIME = frozenset({"projects", "bookkeeping"})


class Kind(Value):
    code: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")  #: `travel`
    name: Name
    billable: bool  #: whether it may be billed at all
    pay: PayKind = "regular"  #: how payroll pays it
    systems: dict[str, Name] = Field(default_factory=dict[str, str])
    """What it is called elsewhere: by system id, or by the name of a format that is imported."""


class Kinds(Value):
    """All kinds of time. The first is the usual one."""

    kinds: tuple[Kind, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> Kinds:
        codes = [kind.code for kind in self.kinds]
        if twice := sorted({code for code in codes if codes.count(code) > 1}):
            raise ValueError(f"two kinds have the code {twice[0]}")
        for system in {system for kind in self.kinds for system in kind.systems}:
            names = [
                kind.systems[system].casefold() for kind in self.kinds if system in kind.systems
            ]
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"{system} would have two kinds called {twice[0]}")
        return self

    @property
    def usual(self) -> Kind:
        return self.kinds[0]

    def get(self, code: str) -> Kind | None:
        return next((kind for kind in self.kinds if kind.code == code), None)

    def named(self, name: str, *, source: str) -> Kind | None:
        """By what a system calls it, else by our code or name; upper and lower case are alike."""
        wanted = name.strip().casefold()
        for kind in self.kinds:
            if kind.systems.get(source, "").casefold() == wanted:
                return kind
        for kind in self.kinds:
            if wanted in (kind.code, kind.name.casefold()):
                return kind
        return None

    def frame(self) -> pl.DataFrame:
        rows = [(kind.code, kind.billable) for kind in self.kinds]
        return pl.DataFrame(rows, schema=KINDS, orient="row")

    def missing(self, systems: Iterable[SystemConfig]) -> Sequence[str]:
        """The set-up check: every kind that a system which keeps time has no name for."""
        return [
            f"time.yaml: kind {kind.code} has no name in {system.id}; "
            "until it has, time of this kind cannot be kept there"
            for system in systems
            if system.enabled and any(serves.port in KEEP_TIME for serves in system.serves)
            for kind in self.kinds
            if system.id not in kind.systems
        ]


def load_kinds(folder: Path, systems: Iterable[SystemConfig]) -> Kinds:
    """`time.yaml`, checked against the systems. Raises `InvalidDefinition` with every fault."""
    kinds = read(folder / "time.yaml", Kinds)
    if missing := kinds.missing(systems):
        raise InvalidDefinition("time.yaml cannot be used:", list(missing))
    return kinds
