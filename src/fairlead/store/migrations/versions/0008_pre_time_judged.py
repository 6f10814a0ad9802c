"""Hours of the day, absences, and judging in bulk.

Why: rest between two days can be judged where the hours are known; nobody books while on leave;
and judging a million entries shows how far it is and goes on where it was interrupted.
pre: an older release names none of this. The new columns may be empty.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision, down_revision = "0008", "0007"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "time_entries",
        sa.Column("begins", sa.Integer, comment="minutes from local midnight; null: not known"),
    )
    op.add_column(
        "time_entries",
        sa.Column("ends", sa.Integer, comment="minutes from local midnight of the same day"),
    )
    op.create_table(
        "absences",
        sa.Column("resource_id", sa.Text, nullable=False),
        sa.Column("starts_on", sa.Date, nullable=False),
        sa.Column("source", sa.Text, nullable=False, comment="the system or person that said so"),
        sa.Column("ends_on", sa.Date, nullable=False),
        sa.Column("kind", sa.Text, nullable=False, comment="the HR system's own word"),
        sa.PrimaryKeyConstraint("resource_id", "starts_on", "source", name="absences_pkey"),
        comment="Approved time off, in whole days, both included.",
    )
    op.create_table(
        "time_validations",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("scope", postgresql.JSONB, nullable=False),
        sa.Column("state", sa.Text, nullable=False, comment="waiting, running, done or cancelled"),
        sa.Column("entries", sa.BigInteger, nullable=False, comment="that it is to judge"),
        sa.Column("judged", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("errors", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("warnings", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("after", sa.Text, comment="the last person whose entries are judged"),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="time_validations_pkey"),
        comment="Judging many entries at once: how far it is. Carried on after any interruption.",
    )
    op.create_index(
        "time_validations_open",
        "time_validations",
        ["asked_at"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )
