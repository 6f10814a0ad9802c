"""Tables of reconciliation: what was compared with which system, and what differs."""

from __future__ import annotations

import sqlalchemy as sa

from fairlead.store.columns import at, count, day, json, metadata, money, text

reconciliations = sa.Table(
    "reconciliations",
    metadata,
    text("engagement_id", primary_key=True),
    text("system", primary_key=True),
    text("kept", primary_key=True, comment="time, expense or invoice"),
    count("ours"),
    count("theirs"),
    money("our_sum", comment="hours, or money without tax"),
    money("their_sum"),
    text("unit", comment="hour, or a currency"),
    text("region", null=True),
    at("compared_at"),
    # what was compared longest ago
    sa.Index("reconciliations_oldest", "compared_at", "engagement_id", "system", "kept"),
    comment="The last complete comparison of an engagement's records with one system's.",
)

discrepancies = sa.Table(
    "discrepancies",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, comment="a function of what differs, and where"),
    text("engagement_id"),
    text("system"),
    text("kept"),
    text("kind", comment="domain.model.discrepancy.DiscrepancyKind"),
    text("key", comment="of our record; empty: none of ours"),
    json("refs"),  # ids of the records there
    money("ours", null=True),
    money("theirs", null=True),
    money("difference", comment="theirs less ours"),
    text("unit"),
    day("day", null=True),
    text("whose"),
    text("words"),
    text("remedy"),
    text("region", null=True),
    at("first_seen_at"),
    at("last_seen_at"),
    # of one comparison, which the next one replaces
    sa.Index("discrepancies_of", "engagement_id", "system", "kept"),
    # the report, oldest first
    sa.Index("discrepancies_oldest", "first_seen_at", "id"),
    comment="What differs today; a row goes when both sides agree again.",
)

reconciliation_due = sa.Table(
    "reconciliation_due",
    metadata,
    text("engagement_id", primary_key=True),
    at("due_at"),
    sa.Index("reconciliation_due_next", "due_at"),
    comment="When the records of an engagement are compared next.",
)
