"""Tables of revenue, margin and leakage.

Revenue is booked by months, each as the change since the month before. What was approved is never
edited: a later revision takes it back. Each index says which query it serves. Amounts are exact, in
the currency beside them; times are UTC.
"""

from __future__ import annotations

import sqlalchemy as sa

from fairlead.store.columns import at, count, day, json, metadata, money, text

contract_terms = sa.Table(
    "contract_terms",
    metadata,
    text("engagement_id", primary_key=True),
    sa.Column("valid_from", sa.Date, primary_key=True, comment="until the next row's first day"),
    money("price", comment="of the contract, changes included"),
    text("currency"),
    sa.Column("minutes", sa.Integer, nullable=False, comment="budgeted"),
    day("starts_on"),
    day("ends_on"),
    text("treatment", comment="domain.model.revenue.Treatment, of the change that it is"),
    text("source", comment="the contract or change that said so"),
    at("noted_at"),
    comment="What a contract was worth and how long it ran, by date.",
)

forecasts = sa.Table(
    "forecasts",
    metadata,
    text("engagement_id", primary_key=True),
    sa.Column("made_on", sa.Date, primary_key=True),
    sa.Column("minutes_left", sa.Integer, nullable=False, comment="of work, by estimate"),
    sa.Column("minutes_done", sa.Integer, nullable=False, comment="approved by that day"),
    text("reason"),
    text("made_by"),
    at("made_at"),
    comment="What is left to do, where those who know say otherwise than the budget.",
)

revenue_jobs = sa.Table(
    "revenue_jobs",
    metadata,
    text("id", primary_key=True),
    sa.Column("month", sa.Date, nullable=False, comment="its first day"),
    text("asked_by"),
    json("regions", null=True),  # null: all
    json("legal_entities", null=True),  # null: all
    at("asked_at"),
    text("reached", server_default="", comment="the last engagement that was computed"),
    count("engagements"),
    count("changed"),
    count("held"),
    sa.Column("expected", sa.Integer, nullable=False, comment="engagements, when it was asked for"),
    at("ended_at", null=True),
    # what is to be carried on
    sa.Index("revenue_jobs_open", "asked_at", postgresql_where=sa.text("ended_at IS NULL")),
    comment="Computing a month, chunk by chunk: whoever is stopped is carried on.",
)

revenue_batches = sa.Table(
    "revenue_batches",
    metadata,
    text("id", primary_key=True),
    text("legal_entity"),
    text("region"),
    sa.Column("month", sa.Date, nullable=False, comment="its first day"),
    sa.Column("number", sa.Integer, nullable=False, comment="of this company, region and month"),
    text("state", comment="domain.model.revenue_batch.BatchState"),
    json("computed_by"),  # everybody who had it computed; none of them may approve it
    at("computed_at"),
    text("proposed_by", null=True),
    at("proposed_at", null=True),
    text("approved_by", null=True),
    at("approved_at", null=True),
    text("digest", null=True, comment="of the entries that are proposed"),
    text("reason", null=True, comment="why it was sent back"),
    at("posted_at", null=True),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.UniqueConstraint("legal_entity", "region", "month", "number"),
    # one at a time is worked on
    sa.Index(
        "revenue_batches_open", "legal_entity", "region", "month", unique=True,
        postgresql_where=sa.text("state IN ('computed', 'proposed')"),
    ),
    # the list
    sa.Index("revenue_batches_newest", "month", "id"),
)  # fmt: skip

revenue_entries = sa.Table(
    "revenue_entries",
    metadata,
    text("engagement_id", primary_key=True),
    sa.Column("month", sa.Date, primary_key=True, comment="its first day"),
    sa.Column("revision", sa.Integer, primary_key=True, comment="from 1; the last one counts"),
    sa.Column("batch_id", sa.Text, sa.ForeignKey("revenue_batches.id"), nullable=False),
    text("state", comment="domain.model.revenue_batch.EntryState"),
    text("method"),
    text("currency"),
    money("earned", comment="by the end of the month, cumulative; so are the next four"),
    money("billed"),
    money("wip"),
    money("accrued"),
    money("deferred"),
    money("revenue", comment="of the month: the change of earned; so are the next three"),
    money("billed_change"),
    money("wip_change"),
    money("deferred_change"),
    json("basis"),  # domain.model.revenue.RevenueFacts: it gives the figures again
    text("digest", comment="of basis and figures"),
    json("warnings"),
    json("ref", null=True),  # its journal in the ledger
    json("reversal_ref", null=True),  # the journal that takes it back
    at("computed_at"),
    # what a batch is made of
    sa.Index("revenue_entries_by_batch", "batch_id", "engagement_id"),
    comment="Revenue of one engagement and month.",
)  # fmt: skip

leaks = sa.Table(
    "leaks",
    metadata,
    text("kind", primary_key=True, comment="domain.model.leakage.LeakKind"),
    text("item_id", primary_key=True, comment="of an entry, an expense or a package"),
    text("engagement_id"),
    text("region", null=True),
    text("legal_entity"),
    text("owner", comment="team"),
    day("day"),
    sa.Column("minutes", sa.Integer, nullable=False),
    money("amount", null=True, comment="null: no rate was agreed"),
    text("currency"),
    text("why"),
    at("first_seen_at"),
    at("last_seen_at"),
    at("gone_at", null=True, comment="since then it leaks no more"),
    # what leaks, by engagement
    sa.Index("leaks_open", "engagement_id", "kind", postgresql_where=sa.text("gone_at IS NULL")),
    comment="Money that was worked for and may never be asked for.",
)

leak_sweeps = sa.Table(
    "leak_sweeps",
    metadata,
    sa.Column("day", sa.Date, primary_key=True, comment="in UTC"),
    text("reached", server_default="", comment="the last engagement that was looked at"),
    count("engagements"),
    at("ended_at", null=True),
    comment="Looking for what leaks, once a day: whoever is stopped is carried on.",
)
