"""Indexes for what the pages list.

Why: messages in one state, the effects of one system and the open exceptions of a team are read
newest or most urgent first, and were found by reading everything.
pre: an older release does not name them. Making them reads each table once, and lets nobody write
to it meanwhile: about a second for each million rows.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0006", "0005"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index("inbox_by_state", "inbox", ["state", "id"])
    op.create_index("effects_by_system", "effects", ["system", "intended_at", "key"])
    op.create_index(
        "exceptions_by_team",
        "exceptions",
        ["team", "due_at"],
        postgresql_where=sa.text("state = 'open'"),
    )
