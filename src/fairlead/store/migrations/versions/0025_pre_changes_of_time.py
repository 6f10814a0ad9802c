"""When an entry of time was changed last, and when a system was polled last.

Why: our time is held against the project system's, and what changed since that was asked, or was
not told to us yet, is no difference.
pre: an older release does not name them; what it writes is taken as unchanged.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0025", "0024"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "time_entries",
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="entered, changed or moved to another state",
        ),
    )
    op.add_column(
        "systems",
        sa.Column(
            "polled_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="the start of the last complete pass",
        ),
    )
