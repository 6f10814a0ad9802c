"""What we need from a procurement system, or from the ledger that serves as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from fairlead.domain.ids import EffectKey
from fairlead.domain.model.requisition import HeldRequisition, Requisition
from fairlead.domain.model.vendor import Vendor
from fairlead.domain.values import ExternalRef


class Procurement(Protocol):
    """See `fairlead.ports` for what every port promises."""

    def ping(self) -> None: ...

    def vendors(self, name: str) -> Sequence[Vendor]:
        """Every vendor whose name shares its first significant word; all pages."""
        ...

    def create_requisition(
        self, requisition: Requisition, *, project: ExternalRef, key: EffectKey
    ) -> ExternalRef:
        """A purchase requisition that is tied to the project's record in the same system."""
        ...

    def find_requisition(self, key: EffectKey) -> ExternalRef | None: ...

    def requisitions(self, refs: Sequence[ExternalRef]) -> Sequence[HeldRequisition]:
        """These requisitions as they are now. One that is no more is left out."""
        ...
