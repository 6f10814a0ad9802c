"""What a rule says of one entry: which rule, what it found, and what to do about it."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from fairlead.domain.values import Value


class Severity(StrEnum):
    ERROR = "error"  #: it cannot be submitted so
    WARNING = "warning"  #: an approver must look at it by itself


class Finding(Value):
    item: UUID
    rule: str  #: stable, such as `T-04`
    severity: Severity
    value: str  #: what was found, with the limit that it breaks
    remedy: str  #: what whoever entered it can do
