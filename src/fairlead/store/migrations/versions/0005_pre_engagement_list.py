"""What the list of engagements is filtered by, and the steps that are not over.

Why: the list counts all engagements of a reader per stage and per filter, and must not open each
one's JSON for it. The columns are made by the database itself, so they are right whoever writes.
pre: an older release neither reads nor names them. Adding them writes the table once, under its
lock: about a second for each 100,000 engagements.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0005", "0004"

_FIELDS = {
    "service_line": "service_line",
    "contract_type": "contract_type",
    "client_tier": "client_tier",
    "seller": "owner",
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    comments = {"seller": "who sold it, as the CRM names them"}
    for name, field in _FIELDS.items():
        said = f"((body -> 'deal'::text) ->> '{field}'::text)"
        supplied = f"((body -> 'supplied'::text) ->> '{field}'::text)"
        op.add_column(
            "engagements",
            sa.Column(
                name,
                sa.Text(),
                sa.Computed(
                    f"COALESCE(NULLIF(btrim({said}), ''::text), {supplied})", persisted=True
                ),
                nullable=True,
                comment=comments.get(name),
            ),
        )
    op.create_index(
        "steps_unfinished",
        "steps",
        ["run_id"],
        postgresql_where=sa.text("state NOT IN ('done', 'skipped', 'refused', 'cancelled')"),
    )
