"""What invoicing needs besides: holds, runs, changes of rates, disputes, and an item's reductions.

Why: an item's discount, cap and retainer follow it into credits, so that each cent is found again.
pre: an older release neither reads nor writes what is new here.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0009", "0008"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(sa.schema.CreateSequence(sa.Sequence("invoice_numbers", start=1001)))
    op.create_table(
        "billing_holds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Text(),
            nullable=True,
            comment="of one item; null: the engagement is held as a whole",
        ),
        sa.Column(
            "item_id", sa.Uuid(), nullable=True, comment="null: the engagement is held as a whole"
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_by", sa.Text(), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_because", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("billing_holds_pkey")),
        comment="What is not to be invoiced for now, and why.",
    )
    op.create_index(
        "billing_holds_open",
        "billing_holds",
        ["engagement_id", "kind", "item_id"],
        unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "billing_runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dated_on", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False, comment="last day of work that is billed"),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("legal_entity", sa.Text(), nullable=True),
        sa.Column("engagements", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("invoices", sa.Integer(), server_default="0", nullable=False),
        sa.Column("items", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("billing_runs_pkey")),
        comment="Invoice runs over many engagements, with how far they are.",
    )
    op.create_index(
        "billing_runs_open",
        "billing_runs",
        ["asked_at"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "rate_changes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=False, comment="empty: whoever has the role"),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("per_hour", sa.Numeric(precision=24, scale=8), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="proposed, approved or refused"),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("rate_changes_pkey")),
        comment="New bill rates, proposed by one person and approved by another.",
    )
    op.create_index(
        "rate_changes_by_engagement", "rate_changes", ["engagement_id", "proposed_at"], unique=False
    )
    op.create_table(
        "billing_run_engagements",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column(
            "outcome", sa.Text(), nullable=True, comment="in words; null: its turn has not come"
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["billing_runs.id"], name=op.f("billing_run_engagements_run_id_fkey")
        ),
        sa.PrimaryKeyConstraint(
            "run_id", "engagement_id", name=op.f("billing_run_engagements_pkey")
        ),
    )
    op.create_index(
        "billing_run_engagements_left",
        "billing_run_engagements",
        ["run_id", "engagement_id"],
        unique=False,
        postgresql_where=sa.text("outcome IS NULL"),
    )
    op.create_table(
        "disputes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False, comment="domain.model.dispute.DisputeCause"),
        sa.Column(
            "field", sa.Text(), nullable=True, comment="of deal or contract that it goes back to"
        ),
        sa.Column("clause", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column(
            "amount",
            sa.Numeric(precision=24, scale=8),
            nullable=True,
            comment="disputed; null: all of it",
        ),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True, comment="credited, upheld or withdrawn"),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("disputes_invoice_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("disputes_pkey")),
        comment="What a client does not accept of an invoice, and what it goes back to (F089).",
    )
    op.create_index("disputes_by_invoice", "disputes", ["invoice_id"], unique=False)
    op.create_index("disputes_by_time", "disputes", ["opened_at", "id"], unique=False)
    op.add_column(
        "invoice_items",
        sa.Column(
            "discount",
            sa.Numeric(precision=24, scale=8),
            nullable=True,
            comment="its share of the discount; null: none",
        ),
    )
    op.add_column(
        "invoice_items",
        sa.Column(
            "capped",
            sa.Numeric(precision=24, scale=8),
            nullable=True,
            comment="its share of what is beyond the cap; null: none",
        ),
    )
    op.add_column(
        "invoice_items",
        sa.Column(
            "drawn",
            sa.Numeric(precision=24, scale=8),
            nullable=True,
            comment="its share of what a retainer pays; null: none",
        ),
    )
    op.add_column(
        "invoice_items",
        sa.Column(
            "frees",
            sa.Boolean(),
            nullable=True,
            comment="of a credit: the item may be billed again",
        ),
    )
    op.alter_column(
        "invoice_items",
        "rate",
        existing_type=sa.NUMERIC(precision=24, scale=8),
        comment="per hour, of time; of expenses the mark-up, 0.05 is 5 %",
        existing_comment="per hour, of time; mark-up included, of expenses",
        existing_nullable=True,
    )
    op.add_column(
        "invoices",
        sa.Column(
            "work",
            sa.Numeric(precision=24, scale=8),
            nullable=True,
            comment="of net: time and expenses before what a retainer pays",
        ),
    )
    op.add_column(
        "invoices",
        sa.Column(
            "drawn",
            sa.Numeric(precision=24, scale=8),
            nullable=True,
            comment="of net: what a retainer pays, so negative on an invoice",
        ),
    )
    op.add_column(
        "invoices",
        sa.Column(
            "terms", sa.Text(), nullable=True, comment="of invoicing by which it was made, as JSON"
        ),
    )
    op.alter_column(
        "invoices",
        "kind",
        existing_type=sa.TEXT(),
        comment="domain.model.invoice.InvoiceKind",
        existing_comment="invoice or credit",
        existing_nullable=False,
    )
