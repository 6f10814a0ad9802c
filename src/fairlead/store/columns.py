"""What every table is made of: one metadata, naming, and columns of the usual kinds."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.base import ischema_names


class Xid8(sa.types.UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id: in what order transactions began to write."""

    cache_ok = True

    def get_col_spec(self, **kw: object) -> str:
        return "xid8"


# so that a database is compared with these tables in full
cast("dict[str, Any]", ischema_names)["xid8"] = Xid8


metadata = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)


def at(name: str, *, null: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null, comment=comment)


def json(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, JSONB, nullable=null)


def text(
    name: str,
    *,
    null: bool = False,
    primary_key: bool = False,
    comment: str | None = None,
    server_default: str | None = None,
) -> sa.Column[str]:
    return sa.Column(
        name,
        sa.Text,
        nullable=null,
        primary_key=primary_key,
        comment=comment,
        server_default=server_default,
    )


def count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")


def money(name: str, *, null: bool = False, comment: str | None = None) -> sa.Column[Decimal]:
    """An exact amount; its currency stands beside it."""
    return sa.Column(name, sa.Numeric(24, 8), nullable=null, comment=comment)


def day(name: str, *, null: bool = False, comment: str | None = None) -> sa.Column[date]:
    """A calendar day, in the zone of whom it is about."""
    return sa.Column(name, sa.Date, nullable=null, comment=comment)
