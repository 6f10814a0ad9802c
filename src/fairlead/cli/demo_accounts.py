"""What the weeks of work came to, engagement by engagement. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rich.table import Table
from rich.text import Text

from fairlead.cli.demo_money import Money
from fairlead.domain.values import Money as Amount


def told(money: Money) -> list[dict[str, Any]]:
    """Contract, earned, billed, held (why) and margin; null is what cannot be told."""
    return [
        _account(one, money.readiness[one["engagement"]]["readiness"]) for one in money.statements
    ]


def _account(statement: Mapping[str, Any], ready: Mapping[str, Any]) -> dict[str, Any]:
    position: Mapping[str, Any] = statement["position"] or {}
    costs: Mapping[str, Any] = statement["costs"] or {}
    margin: Mapping[str, Any] = costs.get("margin") or {}
    return {
        "engagement": statement["number"],
        "client": ready["client"],
        "contract": statement["value"],
        "earned": position.get("earned"),
        "billed": position.get("billed"),
        "held": ready["held"],
        "why": [blocker["words"] for blocker in ready["blockers"]],
        "margin": margin.get("ratio"),
        "unmeasured": statement["unmeasured"],
    }


def table(accounts: list[dict[str, Any]]) -> Table:
    shown = Table(title="What the work came to")
    for name in ("engagement", "client"):
        shown.add_column(name)
    for name in ("contract", "earned", "billed", "held"):
        shown.add_column(name, justify="right")
    shown.add_column("why")
    shown.add_column("margin", justify="right")
    for one in accounts:
        margin = "-" if one["margin"] is None else f"{Decimal(one['margin']) * 100:.0f} %"
        shown.add_row(
            one["engagement"],
            Text(one["client"]),
            *(_money(one[name]) for name in ("contract", "earned", "billed", "held")),
            Text("\n".join(one["why"]) or str(one["unmeasured"] or "")),
            margin,
        )
    return shown


def _money(amount: Mapping[str, Any] | None) -> str:
    return "-" if amount is None else str(Amount.model_validate(amount))
