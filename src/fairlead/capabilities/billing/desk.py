"""What API and pages need to bill: the commands that ask policies or start runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from fairlead.capabilities.billing.proposing import Proposing
from fairlead.capabilities.billing.readiness import Readiness
from fairlead.capabilities.billing.releasing import Releasing
from fairlead.flow.library import Library
from fairlead.policy.tables import Policies


@dataclass(frozen=True)
class BillingDesk:
    policies: Policies
    library: Library

    @cached_property
    def proposing(self) -> Proposing:
        return Proposing(self.policies)

    @cached_property
    def releasing(self) -> Releasing:
        return Releasing(self.policies, self.library)

    @cached_property
    def readiness(self) -> Readiness:
        return Readiness(self.policies)
