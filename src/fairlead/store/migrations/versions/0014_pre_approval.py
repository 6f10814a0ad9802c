"""Who manages an engagement, and who acts in whose stead.

Why: time and expenses are approved by the engagement's manager, or by a deputy while one is away.
pre: an older release names neither.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0014", "0013"


def upgrade() -> None:
    op.create_table(
        "deputies",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False, comment="whose work the deputy does"),
        sa.Column("deputy", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False, comment="the last day"),
        sa.Column("named_by", sa.Text(), nullable=False),
        sa.Column("named_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "ended_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="before its last day",
        ),
        sa.CheckConstraint("person <> deputy", name=op.f("deputies_of_another_check")),
        sa.CheckConstraint("starts_on <= ends_on", name=op.f("deputies_in_order_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("deputies_pkey")),
        comment="Who acts in whose stead, from when to when. Days are those of UTC.",
    )
    op.create_index("deputies_by_person", "deputies", ["person", "ends_on"])
    op.create_index("deputies_by_deputy", "deputies", ["deputy", "ends_on"])
    op.create_table(
        "engagement_managers",
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("named_by", sa.Text(), nullable=False),
        sa.Column("named_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("engagement_id", name=op.f("engagement_managers_pkey")),
        comment="Who manages an engagement and approves its time; where nobody is named, its"
        " region's project managers do.",
    )
