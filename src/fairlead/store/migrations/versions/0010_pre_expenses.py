"""Where an expense was spent and by which rule it is paid; exchange rates; approved is final.

Why: limits, per diems and mileage go by country, and other currencies by the rate of the day.
What was approved is never edited: the database refuses it, whatever code does.
pre: an older release neither reads nor writes what is new here, and edits nothing approved.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision, down_revision = "0010", "0009"

_REFUSE = """
CREATE FUNCTION refuse_change_of_approved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% % is approved: it is corrected by an entry that takes it back',
        TG_TABLE_NAME, OLD.id USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.alter_column(
        "expenses",
        "claimed",
        nullable=True,
        existing_type=sa.Numeric(24, 8),
        comment="in the engagement's currency; null: no rate is known yet",
        existing_comment="in the engagement's currency",
    )
    for column in (
        sa.Column(
            "country",
            sa.Text(),
            nullable=True,
            comment="where it was spent, ISO 3166-1 alpha-2",
        ),
        sa.Column(
            "hours_away",
            sa.Integer(),
            nullable=True,
            comment="of a per diem: on that day, 24 is all of it",
        ),
        sa.Column(
            "travel_day",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="of a per diem: the first or last day of a journey with a night",
        ),
        sa.Column(
            "provided",
            postgresql.JSONB(),
            server_default="[]",
            nullable=False,
            comment="of a per diem: meals that somebody else paid for",
        ),
        sa.Column("purchase_order", sa.Text(), nullable=True, comment="of a supplier's cost"),
    ):
        op.add_column("expenses", column)
    op.create_check_constraint(
        op.f("expenses_claimed_check"),
        "expenses",
        "state IN ('draft', 'returned') OR claimed IS NOT NULL",
    )
    op.create_table(
        "exchange_rates",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("from_currency", sa.Text(), nullable=False),
        sa.Column("to_currency", sa.Text(), nullable=False),
        sa.Column(
            "rate",
            sa.Numeric(24, 8),
            nullable=False,
            comment="of to_currency for one of from_currency; more than zero",
        ),
        sa.Column("source", sa.Text(), nullable=False, comment="who published it, such as ECB"),
        sa.Column("imported_by", sa.Text(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "day", "from_currency", "to_currency", name=op.f("exchange_rates_pkey")
        ),
        comment="What currencies were worth, by day. A rate that was used stays as it was.",
    )
    op.create_index(
        "exchange_rates_newest",
        "exchange_rates",
        ["from_currency", "to_currency", sa.text("day DESC")],
    )
    op.execute(_REFUSE)
    for table in ("time_entries", "expenses"):
        op.execute(
            f"CREATE TRIGGER {table}_approved BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW "
            "WHEN (OLD.state = 'approved') EXECUTE FUNCTION refuse_change_of_approved()"
        )
