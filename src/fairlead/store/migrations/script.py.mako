"""${message}.

Why:
pre or post: (pre is applied while the previous release still runs, so it only adds.)
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision, down_revision = "${up_revision}", ${repr(down_revision)}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    ${upgrades if upgrades else "pass"}
