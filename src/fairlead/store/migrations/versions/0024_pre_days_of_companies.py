"""An invoice run may be of the day on which it was asked for, which is another in each company.

Why: a run over companies in several zones was of one day for all, that of UTC.
pre: an older release writes both days always, and has no run to read that was asked for without.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0024", "0023"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for column, comment in (
        ("dated_on", "null: when it was asked for, in each company"),
        ("until", "last day of work that is billed; null: that of the invoice"),
    ):
        op.alter_column(
            "billing_runs", column, existing_type=sa.Date(), nullable=True, comment=comment
        )
