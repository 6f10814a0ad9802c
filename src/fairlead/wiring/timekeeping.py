"""What keeps time, wired; `bootstrap` asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fairlead.capabilities.handoff.firm import Calendars
from fairlead.capabilities.time.entering import Times
from fairlead.capabilities.time.expense_importing import ExpenseImports
from fairlead.capabilities.time.importing import Imports
from fairlead.capabilities.time.judging import Judging
from fairlead.capabilities.time.kinds import Kinds, load_kinds
from fairlead.config import Systems
from fairlead.policy.tables import Policies


@dataclass(frozen=True)
class Timekeeping:
    kinds: Kinds
    judging: Judging
    times: Times
    imports: Imports
    expense_imports: ExpenseImports

    @classmethod
    def of(
        cls, config: Path, policies: Policies, calendars: Calendars, systems: Systems
    ) -> Timekeeping:
        """Raises `InvalidDefinition` where a kind of time has no name in a system that keeps it."""
        kinds = load_kinds(config, systems.all())
        judging = Judging(policies, calendars, kinds)
        return cls(
            kinds,
            judging,
            Times(judging, kinds),
            Imports(judging, kinds),
            ExpenseImports(policies, calendars, kinds),
        )
