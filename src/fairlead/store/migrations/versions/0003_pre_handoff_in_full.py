"""Agreements, parts, comparisons and documents of an engagement.

Why: contracts are read where they are kept, deals have parts, and systems are compared.
pre: an older release neither reads nor writes what is new here.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision, down_revision = "0003", "0002"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "engagements",
        sa.Column(
            "agreement",
            sa.Text(),
            nullable=True,
            comment="its id in the system that holds the contract",
        ),
    )
    op.add_column(
        "engagements",
        sa.Column(
            "parent",
            sa.Text(),
            nullable=True,
            comment="of a part: the engagement that it belongs to",
        ),
    )
    op.add_column(
        "engagements",
        sa.Column(
            "compare_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.text("now() + interval '1 day'"),
            comment="when its systems are next compared",
        ),
    )
    op.create_index(
        "engagements_by_agreement",
        "engagements",
        ["agreement"],
        postgresql_where=sa.text("agreement IS NOT NULL"),
    )
    op.create_index(
        "engagements_parts",
        "engagements",
        ["parent"],
        postgresql_where=sa.text("parent IS NOT NULL"),
    )
    op.create_index(
        "engagements_compare",
        "engagements",
        ["compare_at"],
        postgresql_where=sa.text("state = 'launched'"),
    )
    op.create_table(
        "blobs",
        sa.Column("digest", sa.Text(), nullable=False, comment="SHA-256 of the bytes, in hex"),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("body", postgresql.BYTEA(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("blobs_pkey")),
        comment="Documents on their way from one system to another.",
    )
    op.create_table(
        "differences",
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column(
            "field",
            sa.Text(),
            nullable=False,
            comment="as in ownership.yaml, such as project.ends_on",
        ),
        sa.Column(
            "system",
            sa.Text(),
            nullable=False,
            comment="the follower that says something else",
        ),
        sa.Column("owner", sa.Text(), nullable=False, comment="the system that is right"),
        sa.Column("owner_value", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("system_value", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column(
            "amount", sa.Numeric(24, 8), nullable=True, comment="by which they differ, in currency"
        ),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=False, comment="owner_wins or ask"),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("engagement_id", "field", "system", name=op.f("differences_pkey")),
        comment="What systems say differently today; a row goes when they agree again.",
    )
    op.create_index(
        "differences_oldest",
        "differences",
        ["first_seen_at", "engagement_id", "field", "system"],
    )
