"""Who added a fee after the launch.

Why: whoever adds a fee does not bill it.
pre: an older release does not write it, and one without it is the contract's.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0021", "0020"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "charges",
        sa.Column(
            "made_by",
            sa.Text(),
            nullable=True,
            comment="who added it afterwards; null: the contract, at launch",
        ),
    )
