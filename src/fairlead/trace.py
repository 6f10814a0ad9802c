"""The correlation id that travels with a run's work through every system and log line (F180)."""

from __future__ import annotations

from contextvars import ContextVar

correlation: ContextVar[str] = ContextVar("correlation", default="")
