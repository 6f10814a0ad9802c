"""Tables of time and expense: who may book where, what was booked, and what is wrong with it.

Each index says which query it serves. Times are UTC; days are those of the person who worked.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from fairlead.store.columns import at, count, day, json, metadata, money, text


def _decided() -> tuple[sa.Column[Any], ...]:
    """Who answers for a row of time or expense, and since when."""
    return (
        text("entered_by", comment="person:… or system:…"),
        at("entered_at"),
        at("submitted_at", null=True),
        text("decided_by", null=True, comment="who approved or returned it"),
        at("decided_at", null=True),
        text("reason", null=True, comment="why it was returned, or is a correction"),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    )


deliveries = sa.Table(
    "deliveries",
    metadata,
    text("engagement_id", primary_key=True),
    text("number"),
    text("code", comment="of the project"),
    text("name"),
    text("client_name"),
    text("region"),
    text("legal_entity"),
    text("currency"),
    text("contract_type"),
    text("billing_method"),
    text("revenue_method"),
    day("starts_on"),
    day("ends_on"),
    json("body"),  # domain.model.delivery.Delivery
    at("opened_at"),
    at("closed_at", null=True, comment="nothing more is booked on it"),
    sa.Column("version", sa.Integer, nullable=False),
    sa.UniqueConstraint("code"),
    # what is worked on, by company
    sa.Index(
        "deliveries_open", "legal_entity", "number", postgresql_where=sa.text("closed_at IS NULL")
    ),
    comment="Launched engagements, as those who work on and bill them need them.",
)

work_packages = sa.Table(
    "work_packages",
    metadata,
    text("engagement_id", primary_key=True),
    text("code", primary_key=True),
    text("name"),
    sa.Column("minutes", sa.Integer, nullable=False, comment="budgeted"),
    day("starts_on"),
    day("ends_on"),
    sa.Column("billable", sa.Boolean, nullable=False),
    day("closed_on", null=True, comment="nothing is booked on it after this day"),
    comment="What time is booked on, in sets; the same as in the body of its delivery.",
)

resources = sa.Table(
    "resources",
    metadata,
    text("id", primary_key=True, comment="of the person, as people.yaml or the HR system's record"),
    text("name"),
    text("email", null=True),
    text("region", null=True),
    text("country", null=True, comment="ISO 3166-1 alpha-2; whose holidays and working-time law"),
    text("calendar", null=True, comment="of firm.yaml; null: by country, then region"),
    text("legal_entity", null=True, comment="of ours, that employs them"),
    sa.Column("minutes_per_week", sa.Integer, nullable=False, comment="contracted"),
    text("manager", null=True, comment="a resource's id"),
    json("roles"),  # labour categories in which they can be booked
    day("starts_on", null=True),
    day("ends_on", null=True),
    text("source", comment="the system or person that said so"),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    # who signs in is found by address
    sa.Index("resources_by_email", sa.text("lower(email)")),
    # the people of a manager
    sa.Index("resources_by_manager", "manager", postgresql_where=sa.text("manager IS NOT NULL")),
    comment="People who book time, as the HR system says.",
)

cost_rates = sa.Table(
    "cost_rates",
    metadata,
    text("resource_id", primary_key=True),
    sa.Column("valid_from", sa.Date, primary_key=True, comment="until the next row's first day"),
    money("per_hour"),
    text("currency"),
    text("source"),
    comment="What an hour of a person costs, by date. Seen with costs.read only.",
)

assignments = sa.Table(
    "assignments",
    metadata,
    text("id", primary_key=True),
    text("engagement_id"),
    text("resource_id"),
    text("role", comment="the labour category that they are booked and billed in"),
    text("task", null=True, comment="code of a work package; null: any"),
    day("starts_on"),
    day("ends_on"),
    sa.Column("minutes", sa.Integer, comment="planned in all; null: not limited"),
    text("source", comment="the system or person that said so"),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    # what a person may book on
    sa.Index("assignments_by_resource", "resource_id", "starts_on"),
    # who works on an engagement
    sa.Index("assignments_by_engagement", "engagement_id", "resource_id"),
)

time_entries = sa.Table(
    "time_entries",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, comment="a function of source and its own id"),
    text("engagement_id"),
    text("task", null=True, comment="code of a work package"),
    text("resource_id"),
    day("day"),
    sa.Column("minutes", sa.Integer, nullable=False, comment="negative: takes back another entry"),
    text("role", comment="labour category"),
    text("category", comment="kind of time: work, travel, standby…"),
    sa.Column("billable", sa.Boolean, nullable=False),
    text("narrative", server_default=""),
    sa.Column("begins", sa.Integer, comment="minutes from local midnight; null: not known"),
    sa.Column("ends", sa.Integer, comment="minutes from local midnight of the same day"),
    text("state", comment="domain.model.time_entry.EntryState"),
    day("period", null=True, comment="first day of the month that it is booked in; from approval"),
    text("source", comment="web, api, import:… or a system's id"),
    text("source_id", comment="its id there"),
    sa.Column("reverses", sa.Uuid, comment="the entry that this one takes back"),
    text("region", null=True),
    text("legal_entity", null=True, comment="that invoices the engagement"),
    *_decided(),
    at("changed_at", null=True, comment="entered, changed or moved to another state"),
    sa.UniqueConstraint("source", "source_id"),
    # an entry is taken back once at most
    sa.Index(
        "time_entries_reversed", "reverses", unique=True,
        postgresql_where=sa.text("reverses IS NOT NULL"),
    ),
    # a person's week
    sa.Index("time_entries_by_resource", "resource_id", "day"),
    # the work on an engagement
    sa.Index("time_entries_by_engagement", "engagement_id", "day"),
    # what waits for approval
    sa.Index(
        "time_entries_waiting", "engagement_id", "day",
        postgresql_where=sa.text("state = 'submitted'"),
    ),
    # what was decided of a week
    sa.Index(
        "time_entries_decided", "day", postgresql_where=sa.text("state IN ('approved', 'returned')")
    ),
)  # fmt: skip

expenses = sa.Table(
    "expenses",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, comment="a function of source and its own id"),
    text("engagement_id"),
    text("task", null=True),
    text("resource_id"),
    day("day"),
    text("category", comment="lodging, meals, per_diem, mileage, air…"),
    money("quantity", null=True, comment="nights, kilometres or days, where the category counts"),
    money("amount", comment="as paid, tax included, in currency; negative: takes another back"),
    text("currency"),
    money("rate", null=True, comment="engagement's currency per unit of currency, on the day"),
    money("claimed", null=True, comment="in the engagement's currency; null: no rate is known yet"),
    text("country", null=True, comment="where it was spent, ISO 3166-1 alpha-2"),
    sa.Column("hours_away", sa.Integer, comment="of a per diem: on that day, 24 is all of it"),
    sa.Column(
        "travel_day", sa.Boolean, nullable=False, server_default="false",
        comment="of a per diem: the first or last day of a journey with a night",
    ),
    sa.Column(
        "provided", JSONB, nullable=False, server_default="[]",
        comment="of a per diem: meals that somebody else paid for",
    ),
    text("purchase_order", null=True, comment="of a supplier's cost"),
    text("merchant", server_default=""),
    text("note", server_default=""),
    text("receipt", null=True, comment="digest of a blob"),
    sa.Column("billable", sa.Boolean, nullable=False),
    text("state"),
    day("period", null=True),
    text("source"),
    text("source_id"),
    sa.Column("reverses", sa.Uuid),
    text("region", null=True),
    text("legal_entity", null=True),
    *_decided(),
    sa.UniqueConstraint("source", "source_id"),
    # what is to be approved, paid and billed has a price
    sa.CheckConstraint("state IN ('draft', 'returned') OR claimed IS NOT NULL", name="claimed"),
    sa.Index(
        "expenses_reversed", "reverses", unique=True,
        postgresql_where=sa.text("reverses IS NOT NULL"),
    ),
    sa.Index("expenses_by_resource", "resource_id", "day"),
    sa.Index("expenses_by_receipt", "receipt", postgresql_where=sa.text("receipt IS NOT NULL")),
    sa.Index("expenses_by_engagement", "engagement_id", "day"),
    sa.Index(
        "expenses_waiting", "engagement_id", "day",
        postgresql_where=sa.text("state = 'submitted'"),
    ),
    # what was decided of a week
    sa.Index(
        "expenses_decided", "day", postgresql_where=sa.text("state IN ('approved', 'returned')")
    ),
)  # fmt: skip

exchange_rates = sa.Table(
    "exchange_rates",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    text("from_currency", primary_key=True),
    text("to_currency", primary_key=True),
    money("rate", comment="of to_currency for one of from_currency; more than zero"),
    text("source", comment="who published it, such as ECB"),
    text("imported_by"),
    at("imported_at"),
    # the newest on or before a day
    sa.Index("exchange_rates_newest", "from_currency", "to_currency", sa.text("day DESC")),
    comment="What currencies were worth, by day. A rate that was used stays as it was.",
)

findings = sa.Table(
    "findings",
    metadata,
    text("kind", primary_key=True, comment="time or expense"),
    sa.Column("item_id", sa.Uuid, primary_key=True),
    text("rule", primary_key=True, comment="such as T-04"),
    text("severity", comment="error or warning"),
    text("value", comment="what was found, in words"),
    text("remedy", comment="what to do about it"),
    comment="What the rules say of an entry as it is now; written anew when it is judged.",
)

timesheets = sa.Table(
    "timesheets",
    metadata,
    text("resource_id", primary_key=True),
    sa.Column("week", sa.Date, primary_key=True, comment="its Monday"),
    text("state", comment="open, submitted or closed"),
    at("due_at", comment="when the submission window closes"),
    at("submitted_at", null=True),
    at("reminded_at", null=True),
    at("escalated_at", null=True),
    text("escalated_as", null=True, comment="cause of the exception that tells of it"),
    text("declared", null=True, comment="why it is complete although less was worked"),
    count("reminders"),
    # windows that have closed, or are about to
    sa.Index("timesheets_due", "due_at", postgresql_where=sa.text("state = 'open'")),
    # what was told to a team and is still missing
    sa.Index(
        "timesheets_escalated",
        "escalated_as",
        postgresql_where=sa.text("escalated_as IS NOT NULL"),
    ),
)

periods = sa.Table(
    "periods",
    metadata,
    text("legal_entity", primary_key=True),
    sa.Column("month", sa.Date, primary_key=True, comment="its first day"),
    text("state", comment="open or closed"),
    text("closed_by", null=True),
    at("closed_at", null=True),
    comment="Months in which nothing more is booked. One without a row is open.",
)

absences = sa.Table(
    "absences",
    metadata,
    text("resource_id", primary_key=True),
    sa.Column("starts_on", sa.Date, primary_key=True),
    text("source", primary_key=True, comment="the system or person that said so"),
    day("ends_on"),
    text("kind", comment="the HR system's own word"),
    comment="Approved time off, in whole days, both included.",
)

time_validations = sa.Table(
    "time_validations",
    metadata,
    text("id", primary_key=True),
    json("scope"),  # capabilities.time.validation.Scope
    text("state", comment="waiting, running, done or cancelled"),
    sa.Column("entries", sa.BigInteger, nullable=False, comment="that it is to judge"),
    sa.Column("judged", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("errors", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("warnings", sa.BigInteger, nullable=False, server_default="0"),
    text("after", null=True, comment="the last person whose entries are judged"),
    text("asked_by"),
    at("asked_at"),
    at("ended_at", null=True),
    # what is to be carried on
    sa.Index(
        "time_validations_open", "asked_at", postgresql_where=sa.text("ended_at IS NULL")
    ),
    comment="Judging many entries at once: how far it is. Carried on after any interruption.",
)  # fmt: skip

deputies = sa.Table(
    "deputies",
    metadata,
    text("id", primary_key=True),
    text("person", comment="whose work the deputy does"),
    text("deputy"),
    day("starts_on"),
    day("ends_on", comment="the last day"),
    text("named_by"),
    at("named_at"),
    at("ended_at", null=True, comment="before its last day"),
    sa.CheckConstraint("person <> deputy", name="of_another"),
    sa.CheckConstraint("starts_on <= ends_on", name="in_order"),
    # both sides of one person
    sa.Index("deputies_by_person", "person", "ends_on"),
    sa.Index("deputies_by_deputy", "deputy", "ends_on"),
    comment="Who acts in whose stead, from when to when. Days are those of UTC.",
)

engagement_managers = sa.Table(
    "engagement_managers",
    metadata,
    text("engagement_id", primary_key=True),
    text("person"),
    text("named_by"),
    at("named_at"),
    comment="Who manages an engagement and approves its time; where nobody is named, its region's "
    "project managers do.",
)

period_moves = sa.Table(
    "period_moves",
    metadata,
    text("id", primary_key=True),
    text("legal_entity"),
    sa.Column("month", sa.Date, nullable=False, comment="its first day"),
    text("wanted", comment="open or closed"),
    sa.Column(
        "carry", sa.Boolean, nullable=False,
        comment="what waits in it is booked in the next open month",
    ),
    text("reason"),
    text("state", comment="asked, done or withdrawn"),
    text("asked_by"),
    at("asked_at"),
    text("decided_by", null=True, comment="never who asked"),
    at("decided_at", null=True),
    sa.CheckConstraint("state <> 'done' OR decided_by <> asked_by", name="by_two"),
    # one at a time
    sa.Index(
        "period_moves_asked", "legal_entity", "month", unique=True,
        postgresql_where=sa.text("state = 'asked'"),
    ),
    comment="Months that were asked to be closed, or opened again: one asks, another decides.",
)  # fmt: skip
