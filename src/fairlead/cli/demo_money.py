"""What the weeks of work came to, as the API tells it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass
class Money:
    statements: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    invoices: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    items: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    readiness: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    paid: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    """Address → approved hours of the month that was given to payroll."""
    clients: list[str] = field(default_factory=list[str])  #: who was asked to accept, by mail
