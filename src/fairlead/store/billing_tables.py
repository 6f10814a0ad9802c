"""Tables of milestones, billing and invoices.

An item (time, expense, milestone, charge) is in at most one live invoice: `invoice_items_live`
holds it. Each index says which query it serves. Times are UTC. Amounts are exact, in the currency
beside them.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA

from fairlead.store.columns import Xid8, at, day, json, metadata, money, text

bill_rates = sa.Table(
    "bill_rates",
    metadata,
    text("engagement_id", primary_key=True),
    text("role", primary_key=True, comment="labour category"),
    text(
        "resource_id", primary_key=True, comment="a person's own rate; empty: whoever has the role"
    ),
    sa.Column("valid_from", sa.Date, primary_key=True, comment="until the next row's first day"),
    money("per_hour"),
    text("currency"),
    text("source", comment="contract, card or change order that it comes from"),
    comment="What an hour is billed at, by date.",
)

milestones = sa.Table(
    "milestones",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, comment="a function of engagement and number"),
    text("engagement_id"),
    sa.Column("number", sa.Integer, nullable=False),
    text("name"),
    money("amount"),
    text("currency"),
    day("due_on"),
    text("state", comment="domain.model.milestone.MilestoneState"),
    text("accepts", comment="client or internal"),
    text("clause", null=True, comment="of the contract that it rests on"),
    sa.Column(
        "submission", sa.Integer, nullable=False, server_default="0", comment="how often submitted"
    ),
    text("submitted_by", null=True),
    at("submitted_at", null=True),
    text("run_id", null=True, comment="that carries the last submission"),
    text("accepted_by", null=True),
    at("accepted_at", null=True),
    text("digest", null=True, comment="of what was accepted: milestone and evidence"),
    text("reason", null=True, comment="why it was sent back"),
    text("region", null=True),
    json("ref", null=True),  # in the project system
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.UniqueConstraint("engagement_id", "number"),
    # what is due, or late
    sa.Index(
        "milestones_open", "due_on", "id", postgresql_where=sa.text("state <> 'accepted'")
    ),
)  # fmt: skip

evidence = sa.Table(
    "evidence",
    metadata,
    text("id", primary_key=True),
    sa.Column("milestone_id", sa.Uuid, sa.ForeignKey("milestones.id"), nullable=False),
    text("kind", comment="upload, link or event"),
    text("name"),
    text("digest", null=True, comment="of an upload's blob"),
    text("url", null=True),
    json("ref", null=True),
    text("revision", null=True, comment="of what ref names"),
    text("media_type", null=True, comment="of an upload, told from its content"),
    sa.Column("size", sa.Integer, comment="bytes"),
    text("added_by"),
    at("added_at"),
    at("withdrawn_at", null=True),
    sa.Index("evidence_by_milestone", "milestone_id", "added_at"),
)

acceptance_links = sa.Table(
    "acceptance_links",
    metadata,
    sa.Column("token_hash", BYTEA, primary_key=True, comment="SHA-256 of what the link carries"),
    sa.Column("milestone_id", sa.Uuid, sa.ForeignKey("milestones.id"), nullable=False),
    sa.Column("submission", sa.Integer, nullable=False),
    text("digest", comment="of milestone and evidence, as they were sent"),
    text("email", comment="of the client's person to whom it was sent"),
    text("name", comment="of that person"),
    text("made_by"),
    at("made_at"),
    at("expires_at"),
    at("used_at", null=True),
    text("decision", null=True, comment="accepted or sent_back"),
    text("signed_as", null=True, comment="the name that was typed"),
    at("withdrawn_at", null=True),
    sa.Index("acceptance_links_by_milestone", "milestone_id"),
)

charges = sa.Table(
    "charges",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, comment="a function of engagement, term and period"),
    text("engagement_id"),
    text("kind", comment="scheduled, recurring, retainer or adjustment"),
    text("name"),
    day("due_on", comment="from when it may be invoiced"),
    day("starts_on", null=True, comment="of the service that it pays for"),
    day("ends_on", null=True),
    money("amount"),
    text("currency"),
    text("clause", null=True),
    text("source", comment="the contract or change order that it comes from"),
    text("region", null=True),
    text("made_by", null=True, comment="who added it afterwards; null: the contract, at launch"),
    at("made_at"),
    at("cancelled_at", null=True),
    sa.Index("charges_by_engagement", "engagement_id", "due_on"),
    comment="Fees that a contract makes due by date: instalments, recurring fees, retainers.",
)

invoice_numbers = sa.Sequence("invoice_numbers", start=1001, metadata=metadata)

invoices = sa.Table(
    "invoices",
    metadata,
    text("id", primary_key=True),
    text("reference", comment="ours: BIL-1001; the ERP gives the invoice's number"),
    text("engagement_id"),
    text("kind", comment="domain.model.invoice.InvoiceKind"),
    sa.Column(
        "credits", sa.Text, sa.ForeignKey("invoices.id"), comment="the invoice it takes back"
    ),
    text("state", comment="domain.model.invoice.InvoiceState"),
    text("client_name"),
    text("legal_entity"),
    text("region", null=True),
    text("currency"),
    money("net", comment="sum of its lines; negative for a credit"),
    money("work", null=True, comment="of net: time and expenses before what a retainer pays"),
    money("drawn", null=True, comment="of net: what a retainer pays, so negative on an invoice"),
    text("terms", null=True, comment="of invoicing by which it was made, as JSON"),
    text("purchase_order", null=True),
    sa.Column("payment_days", sa.Integer, nullable=False),
    day("dated_on"),
    day("starts_on", null=True, comment="first day of what it bills"),
    day("ends_on", null=True),
    text("digest", comment="of what is released: lines, items and terms"),
    text("proposed_by"),
    at("proposed_at"),
    text("reviewed_by", null=True),
    at("reviewed_at", null=True),
    text("released_by", null=True),
    at("released_at", null=True),
    text("reason", null=True, comment="why it was discarded, or what a credit is for"),
    json("ref", null=True),  # in the ERP
    text("number", null=True, comment="that the ERP gave"),
    money("tax", null=True, comment="as the ERP computed it"),
    money("total", null=True),
    day("due_on", null=True),
    at("posted_at", null=True),
    money("paid", null=True, comment="so far"),
    at("paid_at", null=True, comment="when it was paid in full"),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.UniqueConstraint("reference"),
    sa.Index("invoices_by_engagement", "engagement_id", "proposed_at"),
    # the board
    sa.Index("invoices_by_state", "state", "proposed_at", "id"),
)

invoice_lines = sa.Table(
    "invoice_lines",
    metadata,
    sa.Column("invoice_id", sa.Text, sa.ForeignKey("invoices.id"), primary_key=True),
    sa.Column("line", sa.Integer, primary_key=True),
    text("kind", comment="domain.model.invoice.LineKind"),
    text("description"),
    money("quantity"),
    text("unit", comment="hour, day, piece…"),
    money("unit_price"),
    money("amount", comment="rounded to the currency's minor unit"),
    text("tax_code", null=True),
    text("clause", null=True, comment="of the contract, where the price comes from"),
)

invoice_items = sa.Table(
    "invoice_items",
    metadata,
    # that it is there is checked for all rows of a statement at once, by a trigger
    text("invoice_id"),
    text("kind", comment="time, expense, milestone or charge"),
    sa.Column("item_id", sa.Uuid, nullable=False),
    sa.Column("line", sa.Integer, nullable=False),
    sa.Column("minutes", sa.Integer, comment="of time"),
    money("rate", null=True, comment="per hour, of time; of expenses the mark-up, 0.05 is 5 %"),
    text("rate_source", null=True),
    money("amount", comment="its share of the line; the shares of a line add up to it"),
    money("discount", null=True, comment="its share of the discount; null: none"),
    money("capped", null=True, comment="its share of what is beyond the cap; null: none"),
    money("drawn", null=True, comment="its share of what a retainer pays; null: none"),
    sa.Column("frees", sa.Boolean, comment="of a credit: the item may be billed again"),
    sa.Column("live", sa.Boolean, nullable=False, comment="false: credited or discarded"),
    # an item is in at most one live invoice, whoever asks and however often
    sa.Index(
        "invoice_items_live", "kind", "item_id", unique=True, postgresql_where=sa.text("live")
    ),
    # where an item was billed, credited, billed again
    sa.PrimaryKeyConstraint("kind", "item_id", "invoice_id"),
    # what an invoice is made of
    sa.Index("invoice_items_by_invoice", "invoice_id"),
    comment="Which items each line of an invoice or credit is made of.",
)

payments = sa.Table(
    "payments",
    metadata,
    sa.Column("invoice_id", sa.Text, sa.ForeignKey("invoices.id"), primary_key=True),
    text("ref", primary_key=True, comment="of the payment in the ERP"),
    day("paid_on"),
    money("amount"),
    text("currency"),
    at("read_at"),
)

billing_holds = sa.Table(
    "billing_holds",
    metadata,
    text("id", primary_key=True),
    text("engagement_id"),
    text("kind", null=True, comment="of one item; null: the engagement is held as a whole"),
    sa.Column("item_id", sa.Uuid, comment="null: the engagement is held as a whole"),
    text("reason"),
    text("placed_by"),
    at("placed_at"),
    text("lifted_by", null=True),
    at("lifted_at", null=True),
    text("lifted_because", null=True),
    # an item, or an engagement, is held once at a time
    sa.Index(
        "billing_holds_open",
        "engagement_id",
        "kind",
        "item_id",
        unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    ),
    comment="What is not to be invoiced for now, and why.",
)

billing_runs = sa.Table(
    "billing_runs",
    metadata,
    text("id", primary_key=True),
    text("asked_by"),
    at("asked_at"),
    day("dated_on", null=True, comment="null: when it was asked for, in each company"),
    day("until", null=True, comment="last day of work that is billed; null: that of the invoice"),
    text("region", null=True),
    text("legal_entity", null=True),
    sa.Column("engagements", sa.Integer, nullable=False),
    sa.Column("done", sa.Integer, nullable=False, server_default="0"),
    sa.Column("invoices", sa.Integer, nullable=False, server_default="0"),
    sa.Column("items", sa.Integer, nullable=False, server_default="0"),
    at("ended_at", null=True),
    # what is to be carried on
    sa.Index("billing_runs_open", "asked_at", postgresql_where=sa.text("ended_at IS NULL")),
    comment="Invoice runs over many engagements, with how far they are.",
)

billing_run_engagements = sa.Table(
    "billing_run_engagements",
    metadata,
    sa.Column("run_id", sa.Text, sa.ForeignKey("billing_runs.id"), primary_key=True),
    text("engagement_id", primary_key=True),
    text("outcome", null=True, comment="in words; null: its turn has not come"),
    # what is left of a run
    sa.Index(
        "billing_run_engagements_left", "run_id", "engagement_id",
        postgresql_where=sa.text("outcome IS NULL"),
    ),
)  # fmt: skip

rate_changes = sa.Table(
    "rate_changes",
    metadata,
    text("id", primary_key=True),
    text("engagement_id"),
    text("role"),
    text("resource_id", comment="empty: whoever has the role"),
    day("valid_from"),
    money("per_hour"),
    text("currency"),
    text("reason"),
    text("state", comment="proposed, approved or refused"),
    text("proposed_by"),
    at("proposed_at"),
    text("decided_by", null=True),
    at("decided_at", null=True),
    sa.Index("rate_changes_by_engagement", "engagement_id", "proposed_at"),
    comment="New bill rates, proposed by one person and approved by another.",
)

disputes = sa.Table(
    "disputes",
    metadata,
    text("id", primary_key=True),
    sa.Column("invoice_id", sa.Text, sa.ForeignKey("invoices.id"), nullable=False),
    text("engagement_id"),
    text("cause", comment="domain.model.dispute.DisputeCause"),
    text("field", null=True, comment="of deal or contract that it goes back to"),
    text("clause", null=True),
    text("detail"),
    money("amount", null=True, comment="disputed; null: all of it"),
    text("opened_by"),
    at("opened_at"),
    text("closed_by", null=True),
    at("closed_at", null=True),
    text("outcome", null=True, comment="credited, upheld or withdrawn"),
    text("answer", null=True),
    sa.Index("disputes_by_invoice", "invoice_id"),
    # what clients dispute, newest first
    sa.Index("disputes_by_time", "opened_at", "id"),
    comment="What a client does not accept of an invoice, and what it goes back to (F089).",
)

readiness_board = sa.Table(
    "readiness_board",
    metadata,
    text("engagement_id", primary_key=True),
    text("number"),
    text("client_name"),
    text("region", null=True),
    text("legal_entity"),
    text("currency"),
    money("ready", comment="what a proposal would take, before discounts"),
    at("ready_since", null=True, comment="when it was first seen to be; null: nothing is ready"),
    sa.Column("blocked", sa.Boolean, nullable=False),
    money("held", comment="what a proposal would not take, though work is done or a fee is due"),
    at("since", null=True, comment="of the oldest blocker; null: none that has a beginning"),
    json("body"),  # domain.rules.billing_readiness.Readiness
    at("computed_at"),
    # the lanes of the board
    sa.Index(
        "readiness_board_blocked", "since", "engagement_id", postgresql_where=sa.text("blocked")
    ),
    sa.Index(
        "readiness_board_ready", "ready_since", "engagement_id",
        postgresql_where=sa.text("ready > 0"),
    ),
    # one card of it
    sa.Index("readiness_board_number", "number"),
    # what was worked out too long ago
    sa.Index("readiness_board_age", "computed_at"),
    comment="How ready each open engagement was to be invoiced when it was last worked out.",
)  # fmt: skip

readiness_feed = sa.Table(
    "readiness_feed",
    metadata,
    text("name", primary_key=True, comment="board"),
    sa.Column("tx", Xid8, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    comment="One row: up to where the events were followed that change the readiness board.",
)
