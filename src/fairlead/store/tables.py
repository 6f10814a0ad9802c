"""Tables of the handoff, the engine and the people.

Each index says which query it serves. Times are UTC. Those of time, expense and billing stand in
`time_tables` and `billing_tables`.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA

from fairlead.store.columns import Xid8, metadata
from fairlead.store.columns import at as _at
from fairlead.store.columns import count as _count
from fairlead.store.columns import json as _json
from fairlead.store.columns import text as _text


def _of_deal(name: str, field: str, *, comment: str | None = None) -> sa.Column[str]:
    """A field of an engagement's deal, as `domain.rules.deal_terms` completes it; the database
    fills it from `body`. Written as PostgreSQL writes it, so that both can be compared."""
    said = f"((body -> 'deal'::text) ->> '{field}'::text)"
    supplied = f"((body -> 'supplied'::text) ->> '{field}'::text)"
    made = sa.Computed(f"COALESCE(NULLIF(btrim({said}), ''::text), {supplied})", persisted=True)
    return sa.Column(name, sa.Text, made, nullable=True, comment=comment)


engagement_numbers = sa.Sequence("engagement_numbers", start=2001, metadata=metadata)

engagements = sa.Table(
    "engagements",
    metadata,
    _text("id", primary_key=True, comment="a function of source system and id"),
    _text("number", comment="ENG-2038"),
    _text("source_system"),
    _text("source_id"),
    _text("state"),
    _text("name"),
    _text("client_name", null=True),
    _text("region", null=True),
    _text("legal_entity", null=True),
    _text("currency", null=True),
    sa.Column("value", sa.Numeric(24, 8), comment="of the deal, in currency"),
    _text("project_code", null=True),
    _json("body"),
    _at("opened_at"),
    _at("launched_at", null=True),
    sa.Column("version", sa.Integer, nullable=False),
    _text("agreement", null=True, comment="its id in the system that holds the contract"),
    _text("parent", null=True, comment="of a part: the engagement that it belongs to"),
    sa.Column(
        "compare_at", sa.DateTime(timezone=True), nullable=False,
        server_default=sa.text("now() + interval '1 day'"),
        comment="when its systems are next compared",
    ),
    # what the list is filtered by
    _of_deal("service_line", "service_line"),
    _of_deal("contract_type", "contract_type"),
    _of_deal("client_tier", "client_tier"),
    _of_deal("seller", "owner", comment="who sold it, as the CRM names them"),
    sa.UniqueConstraint("number"),
    sa.UniqueConstraint("source_system", "source_id"),
    # whose folder a document lies in
    sa.Index("engagements_by_folder", sa.text("(body #>> '{refs,folder,id}')")),
    sa.UniqueConstraint("project_code"),
    # the list of engagements, newest first, a page at a time
    sa.Index("engagements_newest", "opened_at", "id"),
    sa.Index("engagements_by_state", "state", "opened_at", "id"),
    # whose contract changed
    sa.Index(
        "engagements_by_agreement", "agreement",
        postgresql_where=sa.text("agreement IS NOT NULL"),
    ),
    # the parts of one
    sa.Index("engagements_parts", "parent", postgresql_where=sa.text("parent IS NOT NULL")),
    # those that are due for a comparison
    sa.Index(
        "engagements_compare", "compare_at", postgresql_where=sa.text("state = 'launched'"),
    ),
)  # fmt: skip

playbooks = sa.Table(
    "playbooks",
    metadata,
    _text("digest", primary_key=True, comment="of the compiled playbook with its variants"),
    _text("name"),
    sa.Column("version", sa.Integer, nullable=False),
    _json("body"),
    _at("first_used_at"),
    comment="Compiled playbooks that runs follow. Never changed: a run keeps its version.",
)

runs = sa.Table(
    "runs",
    metadata,
    _text("id", primary_key=True, comment="a function of playbook, subject and occurrence"),
    _text("playbook"),
    sa.Column("digest", sa.Text, sa.ForeignKey("playbooks.digest"), nullable=False),
    _text("subject_type"),
    _text("subject_id"),
    _text("region", null=True, comment="whose rows a reader of one region may see"),
    _text("correlation"),
    _json("input"),
    _text("state", comment="active, undoing, completed, declined or cancelled"),
    _text("ends_as", null=True, comment="while undoing: declined or cancelled"),
    _at("ready_at", null=True, comment="null: nothing to advance until somebody wakes it"),
    _at("started_at"),
    _at("ended_at", null=True),
    # taking ready runs, oldest first, by any worker
    sa.Index("runs_ready", "ready_at", postgresql_where=sa.text("ready_at IS NOT NULL")),
    # runs of an engagement; waking them
    sa.Index("runs_by_subject", "subject_id"),
    sa.Index("runs_newest", "started_at", "id"),
)

steps = sa.Table(
    "steps",
    metadata,
    sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id"), primary_key=True),
    _text("name", primary_key=True),
    sa.Column("occurrence", sa.Integer, primary_key=True, server_default="1"),
    _text("kind"),
    _text("state", comment="flow.states.StepState"),
    _text("owner"),
    _text("system", null=True, comment="outward steps: where it acts"),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
    sa.Column(
        "crashes", sa.Integer, nullable=False, server_default="0",
        comment="attempts begun and never ended, in a row",
    ),
    _text("worker", null=True, comment="while running: who has it"),
    _at("ready_at", null=True, comment="not before this; a timer's time"),
    _at("due_at", null=True, comment="its SLA"),
    _at("overdue_at", null=True, comment="when its owner was told that the SLA has lapsed"),
    _at("started_at"),
    _at("ended_at", null=True),
    _json("result", null=True),
    _text("because", null=True, comment="why it waits, was skipped, refused or failed"),
    # an outward worker takes the oldest ready step of one system
    sa.Index(
        "steps_outward", "system", "started_at",
        postgresql_where=sa.text("state = 'ready'"),
    ),
    # giving back the steps of a dead worker
    sa.Index("steps_running", "worker", postgresql_where=sa.text("state = 'running'")),
    # timers that are due
    sa.Index(
        "steps_timers", "ready_at",
        postgresql_where=sa.text("state = 'waiting' AND ready_at IS NOT NULL"),
    ),
    # what every open engagement waits for
    sa.Index(
        "steps_unfinished", "run_id",
        postgresql_where=sa.text("state NOT IN ('done', 'skipped', 'refused', 'cancelled')"),
    ),
    # SLAs that have lapsed
    sa.Index(
        "steps_due", "due_at",
        postgresql_where=sa.text("ended_at IS NULL AND overdue_at IS NULL AND due_at IS NOT NULL"),
    ),
)  # fmt: skip

effects = sa.Table(
    "effects",
    metadata,
    _text("key", primary_key=True, comment="a function of the business object and its revision"),
    _text("run_id"),
    _text("step"),
    sa.Column("occurrence", sa.Integer, nullable=False),
    _text("subject_id"),
    _text("system"),
    _text("operation"),
    _text("digest", comment="of the request: a repeat with other content is a conflict"),
    _json("request"),
    _text("state", comment="intended, confirmed, refused or unknown"),
    _json("ref", null=True),
    _count("attempts"),
    _at("intended_at"),
    _at("tried_at", null=True, comment="the last time that a call may have left us"),
    _at("settled_at", null=True),
    _text("answer", null=True, comment="what the other system last said, without secrets"),
    # effects of an engagement, a run
    sa.Index("effects_by_subject", "subject_id", "intended_at"),
    sa.Index("effects_by_run", "run_id"),
    # what is not settled, per system
    sa.Index(
        "effects_open", "system", "tried_at",
        postgresql_where=sa.text("state IN ('intended', 'unknown')"),
    ),
    sa.Index("effects_newest", "intended_at", "key"),
    sa.Index("effects_by_system", "system", "intended_at", "key"),
)  # fmt: skip

tasks = sa.Table(
    "tasks",
    metadata,
    _text("id", primary_key=True, comment="a function of run, step and occurrence"),
    _text("kind", comment="approval or task"),
    _text("run_id"),
    _text("step"),
    sa.Column("occurrence", sa.Integer, nullable=False),
    _text("subject_id"),
    _text("region", null=True),
    _text("title"),
    _text("role", comment="who may answer"),
    _text("fallback_role", null=True, comment="may answer too, since the SLA has lapsed"),
    _text("assignee", null=True, comment="a person; null: whoever has the role"),
    _json("excluded"),  # people who may not answer: they asked, or supplied what is judged
    sa.Column("amount", sa.Numeric(24, 8), comment="that the answer commits, in currency"),
    _text("currency", null=True),
    _json("shown"),  # what the answer is about; its digest is what was approved
    _text("because", null=True, comment="why this role: the words of the policy's row"),
    _text("decision_id", null=True),
    _text("state", comment="open, approved, refused, done or cancelled"),
    _text("answered_by", null=True),
    _text("reason", null=True),
    _at("opened_at"),
    _at("due_at", null=True),
    _at("answered_at", null=True),
    _at("escalated_at", null=True),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    # the work queue of a role, most urgent first
    sa.Index("tasks_queue", "role", "due_at", postgresql_where=sa.text("state = 'open'")),
    sa.Index("tasks_newest", "opened_at", "id"),
    sa.Index("tasks_by_run", "run_id"),
    # escalation
    sa.Index(
        "tasks_due", "due_at",
        postgresql_where=sa.text("state = 'open' AND escalated_at IS NULL"),
    ),
)  # fmt: skip

exceptions = sa.Table(
    "exceptions",
    metadata,
    _text("id", primary_key=True),
    _text("cause", comment="one open exception per cause"),
    _text("class", comment="work.exceptions.CauseClass"),
    _text("team", comment="its owner"),
    _text("assignee", null=True),
    _text("title"),
    _text("detail"),
    _text("remedy"),
    _json("gaps"),
    _json("payload", null=True),
    _json("difference", null=True),
    _json("actions"),
    _text("system", null=True),
    _text("run_id", null=True),
    _text("step", null=True),
    sa.Column("occurrence", sa.Integer),
    _text("subject_id", null=True),
    _text("region", null=True),
    sa.Column("amount", sa.Numeric(24, 8), comment="money at risk, in currency"),
    _text("currency", null=True),
    sa.Column("times", sa.Integer, nullable=False, server_default="1"),
    _text("state", comment="open or resolved"),
    _at("opened_at"),
    _at("due_at", null=True),
    _at("escalated_at", null=True),
    _at("resolved_at", null=True),
    _text("resolved_by", null=True),
    _text("resolution", null=True, comment="which action ended it, or `by itself`"),
    _text("reason", null=True),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Index(
        "exceptions_open_cause", "cause", unique=True,
        postgresql_where=sa.text("state = 'open'"),
    ),
    sa.Index("exceptions_newest", "opened_at", "id"),
    sa.Index("exceptions_by_run", "run_id"),
    sa.Index("exceptions_by_subject", "subject_id"),
    sa.Index("exceptions_by_team", "team", "due_at", postgresql_where=sa.text("state = 'open'")),
    sa.Index(
        "exceptions_due", "due_at",
        postgresql_where=sa.text("state = 'open' AND escalated_at IS NULL"),
    ),
)  # fmt: skip

decisions = sa.Table(
    "decisions",
    metadata,
    _text("id", primary_key=True),
    _text("policy"),
    sa.Column("version", sa.Integer, nullable=False),
    _text("row", comment="the id of the row that fired"),
    _json("facts"),
    _json("answer"),
    _text("run_id", null=True),
    _text("step", null=True),
    _text("subject_id", null=True),
    _at("at"),
    sa.Index("decisions_newest", "at", "id"),
    sa.Index("decisions_by_subject", "subject_id", "at"),
)

chains = sa.Table(
    "chains",
    metadata,
    _text("chain", primary_key=True, comment="an engagement's id, or the name of another log"),
    sa.Column("length", sa.BigInteger, nullable=False),
    sa.Column("head", BYTEA, nullable=False),
    comment="The head of each chain; locked while an event is added.",
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("tx", Xid8, nullable=False, server_default=sa.text("pg_current_xact_id()")),
    _text("chain"),
    sa.Column("position", sa.BigInteger, nullable=False, comment="in its chain, from 1"),
    _text("type"),
    _at("at"),
    _text("actor", comment="person:…, system:… or fairlead"),
    _text("correlation", null=True),
    _text("region", null=True),
    _json("attributes"),
    _json("objects"),  # [[id, type, qualifier], …]: OCEL 2.0's event-to-object relations
    sa.Column("hash", BYTEA, nullable=False, comment="of this event and the one before"),
    sa.UniqueConstraint("chain", "position"),
    # the feed: by transaction, so that none that commits late is passed over
    sa.Index("events_feed", "tx", "seq"),
    comment="Append-only, hash-chained per engagement; in the shape of OCEL 2.0.",
)

checkpoints = sa.Table(
    "checkpoints",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _at("at"),
    sa.Column("chains", sa.BigInteger, nullable=False),
    sa.Column("events", sa.BigInteger, nullable=False),
    sa.Column("root", BYTEA, nullable=False, comment="over all chain heads, in order"),
)

inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _text("source", comment="a system's id, or the `source` of a CloudEvent"),
    _text("message", comment="the sender's id of the message; with source, known once"),
    _text("kind", comment="webhook, change or event"),
    _text("queue", comment="the system that must be asked, or `events`"),
    _text("correlation"),
    _json("headers"),
    sa.Column("body", BYTEA, nullable=False, comment="as it came"),
    sa.Column("deliveries", sa.Integer, nullable=False, server_default="1"),
    _text("state", comment="ready, running, done, ignored or parked"),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
    sa.Column("crashes", sa.Integer, nullable=False, server_default="0"),
    _text("worker", null=True),
    _at("received_at"),
    _at("ready_at"),
    _at("ended_at", null=True),
    _text("outcome", null=True, comment="what it led to, or why nothing"),
    sa.UniqueConstraint("source", "message"),
    sa.Index("inbox_ready", "queue", "ready_at", "id", postgresql_where=sa.text("state = 'ready'")),
    sa.Index("inbox_running", "worker", postgresql_where=sa.text("state = 'running'")),
    # messages in one state, newest first
    sa.Index("inbox_by_state", "state", "id"),
)

notifications = sa.Table(
    "notifications",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _text("once", null=True, comment="said once under this key"),
    _text("role"),
    _text("region", null=True),
    _text("about"),
    _text("text"),
    _text("subject_id", null=True),
    _at("at"),
    sa.UniqueConstraint("once"),
    sa.Index("notifications_by_role", "role", "id"),
)

systems = sa.Table(
    "systems",
    metadata,
    _text("id", primary_key=True),
    _text("breaker", server_default="closed", comment="closed or open"),
    _text("reason", null=True),
    _at("opened_at", null=True),
    _at("probe_at", null=True),
    _count("probes"),
    _at("not_before", null=True, comment="it asked us to stay away until then"),
    sa.Column("draining", sa.Boolean, nullable=False, server_default="false"),
    sa.Column("tokens", sa.Double, comment="calls left in the budget at tokens_at"),
    _at("tokens_at", null=True),
    _text("paused_by", null=True, comment="a person who paused it"),
    _at("polled_to", null=True, comment="every change up to here is in the inbox"),
    _at("poll_at", null=True, comment="the next poll"),
    _at("last_ok_at", null=True),
    _at("polled_at", null=True, comment="the start of the last complete pass"),
    comment="What all workers must agree on about each outside system.",
)

workers = sa.Table(
    "workers",
    metadata,
    _text("id", primary_key=True),
    sa.Column("lock", sa.BigInteger, nullable=False, comment="held by its session while it lives"),
    sa.Column("backend", sa.Integer, nullable=False, comment="PostgreSQL process of the session"),
    _text("host"),
    sa.Column("pid", sa.Integer, nullable=False),
    _at("started_at"),
    _at("beat_at"),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    _text("id", primary_key=True),
    _text("principal"),
    sa.Column("secret_hash", BYTEA, nullable=False, comment="SHA-256 of the secret"),
    _json("scopes"),
    _at("created_at"),
    _at("expires_at", null=True),
    _at("revoked_at", null=True),
)

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    _text("principal", primary_key=True),
    _text("route", primary_key=True),
    _text("key", primary_key=True),
    _text("request_digest"),
    sa.Column("status", sa.Integer, comment="null while the first request is being carried out"),
    _json("body", null=True),
    _at("at"),
)

accounts = sa.Table(
    "accounts",
    metadata,
    _text("person", primary_key=True, comment="an id of people.yaml"),
    _text("password_hash", comment="Argon2id, with its salt and costs"),
    _at("changed_at"),
    comment="Passwords of people who sign in here, and not through an identity provider.",
)

sign_in_failures = sa.Table(
    "sign_in_failures",
    metadata,
    sa.Column("name", BYTEA, primary_key=True, comment="SHA-256 of an account or address"),
    sa.Column("failures", sa.Integer, nullable=False),
    _at("last_at"),
    # forgetting those that are long ago
    sa.Index("sign_in_failures_oldest", "last_at"),
    comment="Who must wait before the next attempt; nothing is left of it after a day.",
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id_hash", BYTEA, primary_key=True, comment="SHA-256 of the id in the cookie"),
    _text("person"),
    _json("roles"),  # as they were at sign-in: others end the session
    _at("auth_time", comment="when the person last proved who they are"),
    _at("seen_at"),
    # ending all sessions of one person
    sa.Index("sessions_by_person", "person"),
    # forgetting those that have ended by time
    sa.Index("sessions_oldest", "seen_at"),
)

preferences = sa.Table(
    "preferences",
    metadata,
    _text("person", primary_key=True),
    _text("theme", null=True, comment="light or dark; null: as the system is set"),
    sa.Column(
        "letter_keys", sa.Boolean, nullable=False, server_default="true",
        comment="whether single letters are shortcuts (WCAG 2.1.4)",
    ),
)  # fmt: skip

saved_views = sa.Table(
    "saved_views",
    metadata,
    _text("person", primary_key=True),
    _text("page", primary_key=True, comment="the path of the page, such as /engagements"),
    _text("name", primary_key=True),
    _text("query", comment="the address's query: filters, sort and tab"),
    _at("saved_at"),
)

blobs = sa.Table(
    "blobs",
    metadata,
    _text("digest", primary_key=True, comment="SHA-256 of the bytes, in hex"),
    _text("media_type"),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("body", BYTEA, nullable=False),
    _at("at"),
    comment="Documents on their way from one system to another.",
)

differences = sa.Table(
    "differences",
    metadata,
    _text("engagement_id", primary_key=True),
    _text("field", primary_key=True, comment="as in ownership.yaml, such as project.ends_on"),
    _text("system", primary_key=True, comment="the follower that says something else"),
    _text("owner", comment="the system that is right"),
    _json("owner_value", null=True),
    _json("system_value", null=True),
    _text("region", null=True),
    sa.Column("amount", sa.Numeric(24, 8), comment="by which they differ, in currency"),
    _text("currency", null=True),
    _text("rule", comment="owner_wins or ask"),
    _at("first_seen_at"),
    _at("last_seen_at"),
    # the report, oldest first
    sa.Index("differences_oldest", "first_seen_at", "engagement_id", "field", "system"),
    comment="What systems say differently today; a row goes when they agree again.",
)

packets = sa.Table(
    "packets",
    metadata,
    _text("digest", primary_key=True, comment="domain.rules.handover.digest"),
    _json("content"),  # field of what was agreed → value
    _at("at"),
    comment="What was accepted, by digest; the same content is kept once.",
)
