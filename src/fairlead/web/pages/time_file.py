"""The lists of time and expenses as files: a column for each fact, hours as decimals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from fairlead.store.time_board import Tab
from fairlead.web.csv_table import Cell

_HEADS = (
    *("Kind", "Person", "Engagement", "Client", "Day", "Task", "Category", "Hours", "Currency"),
    *("Amount", "Billable", "State", "Findings", "Reason", "Submitted (UTC)", "Decided (UTC)"),
    "Decided by",
)
_LATE_HEADS = (
    *("Person", "Week", "Contracted hours", "Handed in", "Drafts", "Due (UTC)", "Reminded (UTC)"),
    "Manager",
)


def heads(tab: Tab) -> Sequence[str]:
    return _LATE_HEADS if tab == "missing" else _HEADS


def cells(row: Mapping[str, Any], tab: Tab) -> Sequence[Cell]:
    """One row of the list, as the heads name them."""
    return _late_cells(row) if tab == "missing" else _cells(row)


def _cells(row: Mapping[str, Any]) -> Sequence[Cell]:
    minutes = row["minutes"]
    return (
        row["kind"],
        row["name"] or row["resource_id"],
        row["number"],
        row["client_name"],
        str(row["day"]),
        row["task"],
        row["category"],
        None if minutes is None else _hours(minutes),
        row["currency"] if row["amount"] is not None else None,
        row["amount"],
        "yes" if row["billable"] else "no",
        row["state"],
        "; ".join(f"{one['rule']} {one['value']}" for one in row["findings"]),
        row["reason"],
        row["submitted_at"],
        row["decided_at"],
        row["decided_by"],
    )


def _late_cells(row: Mapping[str, Any]) -> Sequence[Cell]:
    return (
        row["name"],
        str(row["week"]),
        _hours(row["minutes_per_week"]),
        _hours(row["handed"]),
        _hours(row["drafts"]),
        row["due_at"],
        row["reminded_at"],
        row["manager_name"],
    )


def _hours(minutes: int) -> Decimal:
    return (Decimal(minutes) / 60).quantize(Decimal("0.01"))
