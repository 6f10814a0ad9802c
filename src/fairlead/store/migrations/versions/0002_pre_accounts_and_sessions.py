"""Accounts, sessions and what a person sets for themselves.

Why: people sign in to pages; until now only programs came, with keys.
pre: an older release neither reads nor writes these tables.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "accounts",
        sa.Column("person", sa.Text(), nullable=False, comment="an id of people.yaml"),
        sa.Column(
            "password_hash",
            sa.Text(),
            nullable=False,
            comment="Argon2id, with its salt and costs",
        ),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("person", name=op.f("accounts_pkey")),
        comment="Passwords of people who sign in here, and not through an identity provider.",
    )
    op.create_table(
        "sign_in_failures",
        sa.Column(
            "name",
            postgresql.BYTEA(),
            nullable=False,
            comment="SHA-256 of an account or address",
        ),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("sign_in_failures_pkey")),
        comment="Who must wait before the next attempt; nothing is left of it after a day.",
    )
    op.create_index("sign_in_failures_oldest", "sign_in_failures", ["last_at"])
    op.create_table(
        "sessions",
        sa.Column(
            "id_hash",
            postgresql.BYTEA(),
            nullable=False,
            comment="SHA-256 of the id in the cookie",
        ),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "auth_time",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when the person last proved who they are",
        ),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("sessions_pkey")),
    )
    op.create_index("sessions_by_person", "sessions", ["person"])
    op.create_index("sessions_oldest", "sessions", ["seen_at"])
    op.create_table(
        "preferences",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column(
            "theme",
            sa.Text(),
            nullable=True,
            comment="light or dark; null: as the system is set",
        ),
        sa.Column(
            "letter_keys",
            sa.Boolean(),
            server_default="true",
            nullable=False,
            comment="whether single letters are shortcuts (WCAG 2.1.4)",
        ),
        sa.PrimaryKeyConstraint("person", name=op.f("preferences_pkey")),
    )
    op.create_table(
        "saved_views",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column(
            "page",
            sa.Text(),
            nullable=False,
            comment="the path of the page, such as /engagements",
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "query",
            sa.Text(),
            nullable=False,
            comment="the address's query: filters, sort and tab",
        ),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("person", "page", "name", name=op.f("saved_views_pkey")),
    )
