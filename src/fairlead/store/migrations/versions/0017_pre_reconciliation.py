"""What was compared with which system, and what differs.

Why: our records are held against the ledger's, and a report of differences needs their age.
pre: an older release neither reads nor writes what is new here.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision, down_revision = "0017", "0016"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "discrepancies",
        sa.Column("id", sa.Uuid(), nullable=False, comment="a function of what differs, and where"),
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("kept", sa.Text(), nullable=False),
        sa.Column(
            "kind", sa.Text(), nullable=False, comment="domain.model.discrepancy.DiscrepancyKind"
        ),
        sa.Column("key", sa.Text(), nullable=False, comment="of our record; empty: none of ours"),
        sa.Column("refs", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("ours", sa.Numeric(precision=24, scale=8), nullable=True),
        sa.Column("theirs", sa.Numeric(precision=24, scale=8), nullable=True),
        sa.Column(
            "difference",
            sa.Numeric(precision=24, scale=8),
            nullable=False,
            comment="theirs less ours",
        ),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("whose", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("discrepancies_pkey")),
        comment="What differs today; a row goes when both sides agree again.",
    )
    op.create_index(
        "discrepancies_of", "discrepancies", ["engagement_id", "system", "kept"], unique=False
    )
    op.create_index("discrepancies_oldest", "discrepancies", ["first_seen_at", "id"], unique=False)
    op.create_table(
        "reconciliation_due",
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("engagement_id", name=op.f("reconciliation_due_pkey")),
        comment="When the records of an engagement are compared next.",
    )
    op.create_index("reconciliation_due_next", "reconciliation_due", ["due_at"], unique=False)
    op.create_table(
        "reconciliations",
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("kept", sa.Text(), nullable=False, comment="time, expense or invoice"),
        sa.Column("ours", sa.Integer(), server_default="0", nullable=False),
        sa.Column("theirs", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "our_sum",
            sa.Numeric(precision=24, scale=8),
            nullable=False,
            comment="hours, or money without tax",
        ),
        sa.Column("their_sum", sa.Numeric(precision=24, scale=8), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False, comment="hour, or a currency"),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("compared_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "engagement_id", "system", "kept", name=op.f("reconciliations_pkey")
        ),
        comment="The last complete comparison of an engagement's records with one system's.",
    )
    op.create_index(
        "reconciliations_oldest",
        "reconciliations",
        ["compared_at", "engagement_id", "system", "kept"],
        unique=False,
    )
