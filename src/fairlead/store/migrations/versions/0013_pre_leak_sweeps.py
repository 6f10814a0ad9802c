"""How far the day's look for what leaks is.

Why: whoever is stopped is carried on, and a day is looked at once.
pre: an older release neither reads nor writes what is new here.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0013", "0012"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "leak_sweeps",
        sa.Column("day", sa.Date(), nullable=False, comment="in UTC"),
        sa.Column(
            "reached",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="the last engagement that was looked at",
        ),
        sa.Column("engagements", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("day", name=op.f("leak_sweeps_pkey")),
        comment="Looking for what leaks, once a day: whoever is stopped is carried on.",
    )
