"""What a submission of a milestone, its evidence and its links hold.

Why: who submitted it may not accept it, a link is good for one submission as it was sent, and
evidence is told apart by what it is.
pre: an older release writes none of these rows; the new columns are empty or have a default.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision, down_revision = "0012", "0011"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _add(
        "milestones",
        sa.Column(
            "submission",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="how often submitted",
        ),
        sa.Column("submitted_by", sa.Text(), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_id", sa.Text(), nullable=True, comment="that carries the last submission"),
        sa.Column("ref", postgresql.JSONB(), nullable=True),
    )
    _add(
        "evidence",
        sa.Column("revision", sa.Text(), nullable=True, comment="of what ref names"),
        sa.Column(
            "media_type", sa.Text(), nullable=True, comment="of an upload, told from its content"
        ),
        sa.Column("size", sa.Integer(), nullable=True, comment="bytes"),
    )
    # no release has written a row of it yet
    _add(
        "acceptance_links",
        sa.Column("submission", sa.Integer(), nullable=False),
        sa.Column(
            "digest",
            sa.Text(),
            nullable=False,
            comment="of milestone and evidence, as they were sent",
        ),
        sa.Column("decision", sa.Text(), nullable=True, comment="accepted or sent_back"),
        sa.Column("signed_as", sa.Text(), nullable=True, comment="the name that was typed"),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
    )


def _add(table: str, *columns: sa.Column[object]) -> None:
    for column in columns:
        op.add_column(table, column)
