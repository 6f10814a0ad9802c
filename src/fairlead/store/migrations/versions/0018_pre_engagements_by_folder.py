"""An index for whose folder a document lies in.

Why: documents that appear in a folder become evidence, and each is asked for its engagement.
pre: an older release does not name it. Making it reads the table once, and lets nobody write to it
meanwhile: about a second for each million rows.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0018", "0017"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index(
        "engagements_by_folder", "engagements", [sa.text("(body #>> '{refs,folder,id}')")]
    )
