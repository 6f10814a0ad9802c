"""Tables of time, expense, milestones, billing and invoices.

Why: what consultants do becomes what finance can invoice, each item in at most one live invoice.
pre: an older release neither reads nor writes what is new here.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision, down_revision = "0007", "0006"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "assignments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.Column(
            "role",
            sa.Text(),
            nullable=False,
            comment="the labour category that they are booked and billed in",
        ),
        sa.Column("task", sa.Text(), nullable=True, comment="code of a work package; null: any"),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column(
            "minutes", sa.Integer(), nullable=True, comment="planned in all; null: not limited"
        ),
        sa.Column("source", sa.Text(), nullable=False, comment="the system or person that said so"),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("assignments_pkey")),
    )
    op.create_index(
        "assignments_by_engagement", "assignments", ["engagement_id", "resource_id"], unique=False
    )
    op.create_index(
        "assignments_by_resource", "assignments", ["resource_id", "starts_on"], unique=False
    )
    op.create_table(
        "bill_rates",
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False, comment="labour category"),
        sa.Column(
            "resource_id",
            sa.Text(),
            nullable=False,
            comment="a person's own rate; empty: whoever has the role",
        ),
        sa.Column(
            "valid_from", sa.Date(), nullable=False, comment="until the next row's first day"
        ),
        sa.Column("per_hour", sa.Numeric(precision=24, scale=8), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "source",
            sa.Text(),
            nullable=False,
            comment="contract, card or change order that it comes from",
        ),
        sa.PrimaryKeyConstraint(
            "engagement_id", "role", "resource_id", "valid_from", name=op.f("bill_rates_pkey")
        ),
        comment="What an hour is billed at, by date.",
    )
    op.create_table(
        "charges",
        sa.Column(
            "id", sa.Uuid(), nullable=False, comment="a function of engagement, term and period"
        ),
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="scheduled, recurring, retainer or adjustment",
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False, comment="from when it may be invoiced"),
        sa.Column("starts_on", sa.Date(), nullable=True, comment="of the service that it pays for"),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=24, scale=8), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=True),
        sa.Column(
            "source",
            sa.Text(),
            nullable=False,
            comment="the contract or change order that it comes from",
        ),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("charges_pkey")),
        comment="Fees that a contract makes due by date: instalments, recurring fees, retainers.",
    )
    op.create_index("charges_by_engagement", "charges", ["engagement_id", "due_on"], unique=False)
    op.create_table(
        "cost_rates",
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.Column(
            "valid_from", sa.Date(), nullable=False, comment="until the next row's first day"
        ),
        sa.Column("per_hour", sa.Numeric(precision=24, scale=8), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("resource_id", "valid_from", name=op.f("cost_rates_pkey")),
        comment="What an hour of a person costs, by date. Seen with costs.read only.",
    )
    op.create_table(
        "deliveries",
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False, comment="of the project"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("client_name", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("legal_entity", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("contract_type", sa.Text(), nullable=False),
        sa.Column("billing_method", sa.Text(), nullable=False),
        sa.Column("revenue_method", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "closed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="nothing more is booked on it",
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("engagement_id", name=op.f("deliveries_pkey")),
        sa.UniqueConstraint("code", name=op.f("deliveries_code_key")),
        comment="Launched engagements, as those who work on and bill them need them.",
    )
    op.create_index(
        "deliveries_open",
        "deliveries",
        ["legal_entity", "number"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "expenses",
        sa.Column("id", sa.Uuid(), nullable=False, comment="a function of source and its own id"),
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=True),
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column(
            "category", sa.Text(), nullable=False, comment="lodging, meals, per_diem, mileage, air…"
        ),
        sa.Column(
            "quantity",
            sa.Numeric(precision=24, scale=8),
            nullable=True,
            comment="nights, kilometres or days, where the category counts",
        ),
        sa.Column(
            "amount",
            sa.Numeric(precision=24, scale=8),
            nullable=False,
            comment="as paid, tax included, in currency; negative: takes another back",
        ),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "rate",
            sa.Numeric(precision=24, scale=8),
            nullable=True,
            comment="engagement's currency per unit of currency, on the day",
        ),
        sa.Column(
            "claimed",
            sa.Numeric(precision=24, scale=8),
            nullable=False,
            comment="in the engagement's currency",
        ),
        sa.Column("merchant", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("receipt", sa.Text(), nullable=True, comment="digest of a blob"),
        sa.Column("billable", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("period", sa.Date(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("reverses", sa.Uuid(), nullable=True),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("legal_entity", sa.Text(), nullable=True),
        sa.Column("entered_by", sa.Text(), nullable=False, comment="person:… or system:…"),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True, comment="who approved or returned it"),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "reason", sa.Text(), nullable=True, comment="why it was returned, or is a correction"
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("expenses_pkey")),
        sa.UniqueConstraint("source", "source_id", name=op.f("expenses_source_source_id_key")),
    )
    op.create_index("expenses_by_engagement", "expenses", ["engagement_id", "day"], unique=False)
    op.create_index("expenses_by_resource", "expenses", ["resource_id", "day"], unique=False)
    op.create_index(
        "expenses_reversed",
        "expenses",
        ["reverses"],
        unique=True,
        postgresql_where=sa.text("reverses IS NOT NULL"),
    )
    op.create_index(
        "expenses_waiting",
        "expenses",
        ["engagement_id", "day"],
        unique=False,
        postgresql_where=sa.text("state = 'submitted'"),
    )
    op.create_table(
        "findings",
        sa.Column("kind", sa.Text(), nullable=False, comment="time or expense"),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False, comment="such as T-04"),
        sa.Column("severity", sa.Text(), nullable=False, comment="error or warning"),
        sa.Column("value", sa.Text(), nullable=False, comment="what was found, in words"),
        sa.Column("remedy", sa.Text(), nullable=False, comment="what to do about it"),
        sa.PrimaryKeyConstraint("kind", "item_id", "rule", name=op.f("findings_pkey")),
        comment="What the rules say of an entry as it is now; written anew when it is judged.",
    )
    op.create_table(
        "invoices",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column(
            "reference",
            sa.Text(),
            nullable=False,
            comment="ours: BIL-1001; the ERP gives the invoice's number",
        ),
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="invoice or credit"),
        sa.Column("credits", sa.Text(), nullable=True, comment="the invoice it takes back"),
        sa.Column("state", sa.Text(), nullable=False, comment="domain.model.invoice.InvoiceState"),
        sa.Column("client_name", sa.Text(), nullable=False),
        sa.Column("legal_entity", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "net",
            sa.Numeric(precision=24, scale=8),
            nullable=False,
            comment="sum of its lines; negative for a credit",
        ),
        sa.Column("purchase_order", sa.Text(), nullable=True),
        sa.Column("payment_days", sa.Integer(), nullable=False),
        sa.Column("dated_on", sa.Date(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True, comment="first day of what it bills"),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column(
            "digest",
            sa.Text(),
            nullable=False,
            comment="of what is released: lines, items and terms",
        ),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_by", sa.Text(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "reason",
            sa.Text(),
            nullable=True,
            comment="why it was discarded, or what a credit is for",
        ),
        sa.Column("ref", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("number", sa.Text(), nullable=True, comment="that the ERP gave"),
        sa.Column(
            "tax",
            sa.Numeric(precision=24, scale=8),
            nullable=True,
            comment="as the ERP computed it",
        ),
        sa.Column("total", sa.Numeric(precision=24, scale=8), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid", sa.Numeric(precision=24, scale=8), nullable=True, comment="so far"),
        sa.Column(
            "paid_at", sa.DateTime(timezone=True), nullable=True, comment="when it was paid in full"
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["credits"], ["invoices.id"], name=op.f("invoices_credits_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("invoices_pkey")),
        sa.UniqueConstraint("reference", name=op.f("invoices_reference_key")),
    )
    op.create_index(
        "invoices_by_engagement", "invoices", ["engagement_id", "proposed_at"], unique=False
    )
    op.create_index("invoices_by_state", "invoices", ["state", "proposed_at", "id"], unique=False)
    op.create_table(
        "milestones",
        sa.Column("id", sa.Uuid(), nullable=False, comment="a function of engagement and number"),
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=24, scale=8), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column(
            "state", sa.Text(), nullable=False, comment="domain.model.milestone.MilestoneState"
        ),
        sa.Column("accepts", sa.Text(), nullable=False, comment="client or internal"),
        sa.Column("clause", sa.Text(), nullable=True, comment="of the contract that it rests on"),
        sa.Column("accepted_by", sa.Text(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "digest",
            sa.Text(),
            nullable=True,
            comment="of what was accepted: milestone and evidence",
        ),
        sa.Column("reason", sa.Text(), nullable=True, comment="why it was sent back"),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("milestones_pkey")),
        sa.UniqueConstraint(
            "engagement_id", "number", name=op.f("milestones_engagement_id_number_key")
        ),
    )
    op.create_index(
        "milestones_open",
        "milestones",
        ["due_on", "id"],
        unique=False,
        postgresql_where=sa.text("state <> 'accepted'"),
    )
    op.create_table(
        "periods",
        sa.Column("legal_entity", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False, comment="its first day"),
        sa.Column("state", sa.Text(), nullable=False, comment="open or closed"),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("legal_entity", "month", name=op.f("periods_pkey")),
        comment="Months in which nothing more is booked. One without a row is open.",
    )
    op.create_table(
        "resources",
        sa.Column(
            "id",
            sa.Text(),
            nullable=False,
            comment="of the person, as people.yaml or the HR system's record",
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column(
            "country",
            sa.Text(),
            nullable=True,
            comment="ISO 3166-1 alpha-2; whose holidays and working-time law",
        ),
        sa.Column(
            "calendar",
            sa.Text(),
            nullable=True,
            comment="of firm.yaml; null: by country, then region",
        ),
        sa.Column("legal_entity", sa.Text(), nullable=True, comment="of ours, that employs them"),
        sa.Column("minutes_per_week", sa.Integer(), nullable=False, comment="contracted"),
        sa.Column("manager", sa.Text(), nullable=True, comment="a resource's id"),
        sa.Column("roles", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False, comment="the system or person that said so"),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("resources_pkey")),
        comment="People who book time, as the HR system says.",
    )
    op.create_index(
        "resources_by_email", "resources", [sa.literal_column("lower(email)")], unique=False
    )
    op.create_index(
        "resources_by_manager",
        "resources",
        ["manager"],
        unique=False,
        postgresql_where=sa.text("manager IS NOT NULL"),
    )
    op.create_table(
        "time_entries",
        sa.Column("id", sa.Uuid(), nullable=False, comment="a function of source and its own id"),
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=True, comment="code of a work package"),
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column(
            "minutes", sa.Integer(), nullable=False, comment="negative: takes back another entry"
        ),
        sa.Column("role", sa.Text(), nullable=False, comment="labour category"),
        sa.Column(
            "category", sa.Text(), nullable=False, comment="kind of time: work, travel, standby…"
        ),
        sa.Column("billable", sa.Boolean(), nullable=False),
        sa.Column("narrative", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="domain.model.time_entry.EntryState"),
        sa.Column(
            "period",
            sa.Date(),
            nullable=True,
            comment="first day of the month that it is booked in; from approval",
        ),
        sa.Column(
            "source", sa.Text(), nullable=False, comment="web, api, import:… or a system's id"
        ),
        sa.Column("source_id", sa.Text(), nullable=False, comment="its id there"),
        sa.Column(
            "reverses", sa.Uuid(), nullable=True, comment="the entry that this one takes back"
        ),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("legal_entity", sa.Text(), nullable=True, comment="that invoices the engagement"),
        sa.Column("entered_by", sa.Text(), nullable=False, comment="person:… or system:…"),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True, comment="who approved or returned it"),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "reason", sa.Text(), nullable=True, comment="why it was returned, or is a correction"
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("time_entries_pkey")),
        sa.UniqueConstraint("source", "source_id", name=op.f("time_entries_source_source_id_key")),
    )
    op.create_index(
        "time_entries_by_engagement", "time_entries", ["engagement_id", "day"], unique=False
    )
    op.create_index(
        "time_entries_by_resource", "time_entries", ["resource_id", "day"], unique=False
    )
    op.create_index(
        "time_entries_reversed",
        "time_entries",
        ["reverses"],
        unique=True,
        postgresql_where=sa.text("reverses IS NOT NULL"),
    )
    op.create_index(
        "time_entries_waiting",
        "time_entries",
        ["engagement_id", "day"],
        unique=False,
        postgresql_where=sa.text("state = 'submitted'"),
    )
    op.create_table(
        "timesheets",
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.Column("week", sa.Date(), nullable=False, comment="its Monday"),
        sa.Column("state", sa.Text(), nullable=False, comment="open, submitted or closed"),
        sa.Column(
            "due_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when the submission window closes",
        ),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminders", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("resource_id", "week", name=op.f("timesheets_pkey")),
    )
    op.create_index(
        "timesheets_due",
        "timesheets",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "work_packages",
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False, comment="budgeted"),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("billable", sa.Boolean(), nullable=False),
        sa.Column(
            "closed_on", sa.Date(), nullable=True, comment="nothing is booked on it after this day"
        ),
        sa.PrimaryKeyConstraint("engagement_id", "code", name=op.f("work_packages_pkey")),
        comment="What time is booked on, in sets; the same as in the body of its delivery.",
    )
    op.create_table(
        "acceptance_links",
        sa.Column(
            "token_hash",
            postgresql.BYTEA(),
            nullable=False,
            comment="SHA-256 of what the link carries",
        ),
        sa.Column("milestone_id", sa.Uuid(), nullable=False),
        sa.Column(
            "email", sa.Text(), nullable=False, comment="of the client's person to whom it was sent"
        ),
        sa.Column("name", sa.Text(), nullable=False, comment="of that person"),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["milestone_id"], ["milestones.id"], name=op.f("acceptance_links_milestone_id_fkey")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("acceptance_links_pkey")),
    )
    op.create_index(
        "acceptance_links_by_milestone", "acceptance_links", ["milestone_id"], unique=False
    )
    op.create_table(
        "evidence",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("milestone_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="upload, link or event"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True, comment="of an upload's blob"),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("ref", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["milestone_id"], ["milestones.id"], name=op.f("evidence_milestone_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("evidence_pkey")),
    )
    op.create_index("evidence_by_milestone", "evidence", ["milestone_id", "added_at"], unique=False)
    op.create_table(
        "invoice_items",
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="time, expense, milestone or charge"),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=True, comment="of time"),
        sa.Column(
            "rate",
            sa.Numeric(precision=24, scale=8),
            nullable=True,
            comment="per hour, of time; mark-up included, of expenses",
        ),
        sa.Column("rate_source", sa.Text(), nullable=True),
        sa.Column(
            "amount",
            sa.Numeric(precision=24, scale=8),
            nullable=False,
            comment="its share of the line; the shares of a line add up to it",
        ),
        sa.Column("live", sa.Boolean(), nullable=False, comment="false: credited or discarded"),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("invoice_items_invoice_id_fkey")
        ),
        sa.PrimaryKeyConstraint("invoice_id", "kind", "item_id", name=op.f("invoice_items_pkey")),
        comment="Which items each line of an invoice or credit is made of.",
    )
    op.create_index("invoice_items_by_item", "invoice_items", ["kind", "item_id"], unique=False)
    op.create_index(
        "invoice_items_live",
        "invoice_items",
        ["kind", "item_id"],
        unique=True,
        postgresql_where=sa.text("live"),
    )
    op.create_table(
        "invoice_lines",
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="domain.model.invoice.LineKind"),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=24, scale=8), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False, comment="hour, day, piece…"),
        sa.Column("unit_price", sa.Numeric(precision=24, scale=8), nullable=False),
        sa.Column(
            "amount",
            sa.Numeric(precision=24, scale=8),
            nullable=False,
            comment="rounded to the currency's minor unit",
        ),
        sa.Column("tax_code", sa.Text(), nullable=True),
        sa.Column(
            "clause",
            sa.Text(),
            nullable=True,
            comment="of the contract, where the price comes from",
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("invoice_lines_invoice_id_fkey")
        ),
        sa.PrimaryKeyConstraint("invoice_id", "line", name=op.f("invoice_lines_pkey")),
    )
    op.create_table(
        "payments",
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False, comment="of the payment in the ERP"),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=24, scale=8), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("payments_invoice_id_fkey")
        ),
        sa.PrimaryKeyConstraint("invoice_id", "ref", name=op.f("payments_pkey")),
    )
