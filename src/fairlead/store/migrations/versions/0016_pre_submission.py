"""What was said of a week that is missing, and why one is complete with less.

Why: a week is told to its team once, and ends the exception when it comes in.
pre: an older release does not name these columns.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0016", "0015"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "timesheets",
        sa.Column(
            "escalated_as",
            sa.Text(),
            nullable=True,
            comment="cause of the exception that tells of it",
        ),
    )
    op.add_column(
        "timesheets",
        sa.Column(
            "declared",
            sa.Text(),
            nullable=True,
            comment="why it is complete although less was worked",
        ),
    )
    op.create_index(
        "timesheets_escalated",
        "timesheets",
        ["escalated_as"],
        postgresql_where=sa.text("escalated_as IS NOT NULL"),
    )
