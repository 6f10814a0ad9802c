"""Which approved time went to payroll, on which sheet.

Why: each hour is given to payroll once, and what comes afterwards goes with the next month.
pre: an older release neither reads nor writes what is new here.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision, down_revision = "0026", "0025"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "payroll_months",
        sa.Column("id", sa.Text(), nullable=False, comment="payroll:TH-LTD:2026-10"),
        sa.Column("legal_entity", sa.Text(), nullable=False, comment="of ours, that employs"),
        sa.Column(
            "region", sa.Text(), nullable=True, comment="always null: a company is in no region"
        ),
        sa.Column("month", sa.Date(), nullable=False, comment="its first day"),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("formed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "compare_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when payroll is asked next what it holds",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("payroll_months_pkey")),
        sa.UniqueConstraint(
            "legal_entity", "month", name=op.f("payroll_months_legal_entity_month_key")
        ),
        comment="A month of a company, of which hours were given to its payroll system, once.",
    )
    op.create_index("payroll_months_due", "payroll_months", ["compare_at"])
    op.create_table(
        "payroll_sheets",
        sa.Column(
            "id", sa.Text(), nullable=False, comment="a function of the month and the person"
        ),
        sa.Column("payroll_month_id", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("payroll_sheets_pkey")),
        sa.ForeignKeyConstraint(
            ["payroll_month_id"],
            ["payroll_months.id"],
            name=op.f("payroll_sheets_payroll_month_id_fkey"),
        ),
        comment="One person's hours of a month. That they are there is told by the effects.",
    )
    op.create_index(
        "payroll_sheets_of", "payroll_sheets", ["payroll_month_id", "resource_id"], unique=True
    )
    op.create_table(
        "payroll_entries",
        sa.Column("entry_id", sa.Uuid(), nullable=False, comment="of time; each is paid once"),
        sa.Column("sheet_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("payroll_entries_pkey")),
        sa.ForeignKeyConstraint(
            ["sheet_id"], ["payroll_sheets.id"], name=op.f("payroll_entries_sheet_id_fkey")
        ),
        comment="The approved time that a sheet is made of.",
    )
