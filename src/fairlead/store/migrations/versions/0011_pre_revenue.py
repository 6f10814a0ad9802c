"""Tables of revenue, margin and leakage.

Why: what is earned, deferred and lost is kept by month, with what it follows from.
pre: an older release neither reads nor writes what is new here.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision, down_revision = "0011", "0010"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "contract_terms",
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column(
            "valid_from", sa.Date(), nullable=False, comment="until the next row's first day"
        ),
        sa.Column(
            "price",
            sa.Numeric(precision=24, scale=8),
            nullable=False,
            comment="of the contract, changes included",
        ),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False, comment="budgeted"),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column(
            "treatment",
            sa.Text(),
            nullable=False,
            comment="domain.model.revenue.Treatment, of the change that it is",
        ),
        sa.Column(
            "source", sa.Text(), nullable=False, comment="the contract or change that said so"
        ),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("engagement_id", "valid_from", name=op.f("contract_terms_pkey")),
        comment="What a contract was worth and how long it ran, by date.",
    )
    op.create_table(
        "forecasts",
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("minutes_left", sa.Integer(), nullable=False, comment="of work, by estimate"),
        sa.Column("minutes_done", sa.Integer(), nullable=False, comment="approved by that day"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("engagement_id", "made_on", name=op.f("forecasts_pkey")),
        comment="What is left to do, where those who know say otherwise than the budget.",
    )
    op.create_table(
        "revenue_jobs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False, comment="its first day"),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("regions", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("legal_entities", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "reached",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="the last engagement that was computed",
        ),
        sa.Column("engagements", sa.Integer(), server_default="0", nullable=False),
        sa.Column("changed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("held", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "expected", sa.Integer(), nullable=False, comment="engagements, when it was asked for"
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("revenue_jobs_pkey")),
        comment="Computing a month, chunk by chunk: whoever is stopped is carried on.",
    )
    op.create_index(
        "revenue_jobs_open",
        "revenue_jobs",
        ["asked_at"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "revenue_batches",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("legal_entity", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False, comment="its first day"),
        sa.Column(
            "number", sa.Integer(), nullable=False, comment="of this company, region and month"
        ),
        sa.Column(
            "state", sa.Text(), nullable=False, comment="domain.model.revenue_batch.BatchState"
        ),
        sa.Column("computed_by", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=True),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("digest", sa.Text(), nullable=True, comment="of the entries that are proposed"),
        sa.Column("reason", sa.Text(), nullable=True, comment="why it was sent back"),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("revenue_batches_pkey")),
        sa.UniqueConstraint(
            "legal_entity",
            "region",
            "month",
            "number",
            name=op.f("revenue_batches_legal_entity_region_month_number_key"),
        ),
    )
    op.create_index("revenue_batches_newest", "revenue_batches", ["month", "id"], unique=False)
    op.create_index(
        "revenue_batches_open",
        "revenue_batches",
        ["legal_entity", "region", "month"],
        unique=True,
        postgresql_where=sa.text("state IN ('computed', 'proposed')"),
    )
    op.create_table(
        "revenue_entries",
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False, comment="its first day"),
        sa.Column("revision", sa.Integer(), nullable=False, comment="from 1; the last one counts"),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column(
            "state", sa.Text(), nullable=False, comment="domain.model.revenue_batch.EntryState"
        ),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "earned",
            sa.Numeric(precision=24, scale=8),
            nullable=False,
            comment="by the end of the month, cumulative; so are the next four",
        ),
        sa.Column("billed", sa.Numeric(precision=24, scale=8), nullable=False),
        sa.Column("wip", sa.Numeric(precision=24, scale=8), nullable=False),
        sa.Column("accrued", sa.Numeric(precision=24, scale=8), nullable=False),
        sa.Column("deferred", sa.Numeric(precision=24, scale=8), nullable=False),
        sa.Column(
            "revenue",
            sa.Numeric(precision=24, scale=8),
            nullable=False,
            comment="of the month: the change of earned; so are the next three",
        ),
        sa.Column("billed_change", sa.Numeric(precision=24, scale=8), nullable=False),
        sa.Column("wip_change", sa.Numeric(precision=24, scale=8), nullable=False),
        sa.Column("deferred_change", sa.Numeric(precision=24, scale=8), nullable=False),
        sa.Column("basis", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False, comment="of basis and figures"),
        sa.Column("warnings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("ref", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("reversal_ref", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["revenue_batches.id"], name=op.f("revenue_entries_batch_id_fkey")
        ),
        sa.PrimaryKeyConstraint(
            "engagement_id", "month", "revision", name=op.f("revenue_entries_pkey")
        ),
        comment="Revenue of one engagement and month.",
    )
    op.create_index(
        "revenue_entries_by_batch", "revenue_entries", ["batch_id", "engagement_id"], unique=False
    )
    op.create_table(
        "leaks",
        sa.Column("kind", sa.Text(), nullable=False, comment="domain.model.leakage.LeakKind"),
        sa.Column(
            "item_id", sa.Text(), nullable=False, comment="of an entry, an expense or a package"
        ),
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("legal_entity", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False, comment="team"),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column(
            "amount",
            sa.Numeric(precision=24, scale=8),
            nullable=True,
            comment="null: no rate was agreed",
        ),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "gone_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="since then it leaks no more",
        ),
        sa.PrimaryKeyConstraint("kind", "item_id", name=op.f("leaks_pkey")),
        comment="Money that was worked for and may never be asked for.",
    )
    op.create_index(
        "leaks_open",
        "leaks",
        ["engagement_id", "kind"],
        unique=False,
        postgresql_where=sa.text("gone_at IS NULL"),
    )
