"""An index for who handed in the same receipt.

Why: each expense that is entered or judged is compared with those that have its receipt.
pre: an older release does not name it. Making it reads the table once, and lets nobody write to it
meanwhile: about a second for each million rows.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0023", "0022"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index(
        "expenses_by_receipt",
        "expenses",
        ["receipt"],
        postgresql_where=sa.text("receipt IS NOT NULL"),
    )
