"""Who asked for a month to be closed or opened, and who decided.

Why: a month is closed, and opened again, by two people.
pre: an older release does not name it.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0015", "0014"


def upgrade() -> None:
    op.create_table(
        "period_moves",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("legal_entity", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False, comment="its first day"),
        sa.Column("wanted", sa.Text(), nullable=False, comment="open or closed"),
        sa.Column(
            "carry",
            sa.Boolean(),
            nullable=False,
            comment="what waits in it is booked in the next open month",
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="asked, done or withdrawn"),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True, comment="never who asked"),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state <> 'done' OR decided_by <> asked_by", name=op.f("period_moves_by_two_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("period_moves_pkey")),
        comment="Months that were asked to be closed, or opened again: one asks, another decides.",
    )
    op.create_index(
        "period_moves_asked",
        "period_moves",
        ["legal_entity", "month"],
        unique=True,
        postgresql_where=sa.text("state = 'asked'"),
    )
