"""What was accepted, kept under its digest.

Why: when a packet is reopened, both sides see what has changed since they accepted it.
pre: an older release neither reads nor writes what is new here.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision, down_revision = "0004", "0003"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "packets",
        sa.Column("digest", sa.Text(), nullable=False, comment="domain.rules.handover.digest"),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("packets_pkey")),
        comment="What was accepted, by digest; the same content is kept once.",
    )
