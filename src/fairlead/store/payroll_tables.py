"""Tables of payroll: which approved time went there on which sheet. Times are UTC."""

from __future__ import annotations

import sqlalchemy as sa

from fairlead.store.columns import at, json, metadata, text

payroll_months = sa.Table(
    "payroll_months",
    metadata,
    text("id", primary_key=True, comment="payroll:TH-LTD:2026-10"),
    text("legal_entity", comment="of ours, that employs"),
    text("region", null=True, comment="always null: a company is in no region"),
    sa.Column("month", sa.Date, nullable=False, comment="its first day"),
    text("system"),
    at("formed_at"),
    at("compare_at", comment="when payroll is asked next what it holds"),
    sa.UniqueConstraint("legal_entity", "month"),
    # what is to be compared
    sa.Index("payroll_months_due", "compare_at"),
    comment="A month of a company, of which hours were given to its payroll system, once.",
)

payroll_sheets = sa.Table(
    "payroll_sheets",
    metadata,
    text("id", primary_key=True, comment="a function of the month and the person"),
    sa.Column("payroll_month_id", sa.Text, sa.ForeignKey("payroll_months.id"), nullable=False),
    text("resource_id"),
    json("lines"),  # domain.model.pay_sheet.PayLine
    sa.Index("payroll_sheets_of", "payroll_month_id", "resource_id", unique=True),
    comment="One person's hours of a month. That they are there is told by the effects.",
)

payroll_entries = sa.Table(
    "payroll_entries",
    metadata,
    sa.Column("entry_id", sa.Uuid, primary_key=True, comment="of time; each is paid once"),
    sa.Column("sheet_id", sa.Text, sa.ForeignKey("payroll_sheets.id"), nullable=False),
    comment="The approved time that a sheet is made of.",
)
