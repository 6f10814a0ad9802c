"""All tables, as one schema: what a migrated database is compared with."""

from __future__ import annotations

from fairlead.store import (
    billing_tables,
    payroll_tables,
    reconciliation_tables,
    revenue_tables,
    tables,
    time_tables,
)
from fairlead.store.columns import metadata

__all__ = [
    "billing_tables",
    "metadata",
    "payroll_tables",
    "reconciliation_tables",
    "revenue_tables",
    "tables",
    "time_tables",
]
