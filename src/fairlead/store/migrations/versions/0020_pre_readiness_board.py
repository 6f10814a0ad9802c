"""The board of billing, kept: how ready each open engagement is to be invoiced.

Why: working it out for every engagement takes too long to be done whenever somebody looks.
pre: an older release neither reads nor writes what is new here.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision, down_revision = "0020", "0019"


class Xid8(sa.types.UserDefinedType[int]):
    cache_ok = True

    def get_col_spec(self, **kw: object) -> str:
        return "xid8"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "readiness_board",
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("client_name", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("legal_entity", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "ready",
            sa.Numeric(precision=24, scale=8),
            nullable=False,
            comment="what a proposal would take, before discounts",
        ),
        sa.Column(
            "ready_since",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it was first seen to be; null: nothing is ready",
        ),
        sa.Column("blocked", sa.Boolean(), nullable=False),
        sa.Column(
            "held",
            sa.Numeric(precision=24, scale=8),
            nullable=False,
            comment="what a proposal would not take, though work is done or a fee is due",
        ),
        sa.Column(
            "since",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="of the oldest blocker; null: none that has a beginning",
        ),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("engagement_id", name=op.f("readiness_board_pkey")),
        comment="How ready each open engagement was to be invoiced when it was last worked out.",
    )
    op.create_index("readiness_board_age", "readiness_board", ["computed_at"], unique=False)
    op.create_index(
        "readiness_board_blocked",
        "readiness_board",
        ["since", "engagement_id"],
        unique=False,
        postgresql_where=sa.text("blocked"),
    )
    op.create_index("readiness_board_number", "readiness_board", ["number"], unique=False)
    op.create_index(
        "readiness_board_ready",
        "readiness_board",
        ["ready_since", "engagement_id"],
        unique=False,
        postgresql_where=sa.text("ready > 0"),
    )
    op.create_table(
        "readiness_feed",
        sa.Column("name", sa.Text(), nullable=False, comment="board"),
        sa.Column("tx", Xid8(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("readiness_feed_pkey")),
        comment="One row: up to where the events were followed that change the readiness board.",
    )
