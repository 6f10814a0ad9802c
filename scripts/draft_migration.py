"""Draft a migration from the difference between `store/schema.py` and a migrated database.

    python scripts/draft_migration.py pre "say why"

The draft is a start: read it, complete its header, and make it safe for large tables.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

from fairlead.store.database import Database
from fairlead.store.migrate import MIGRATIONS, head, migrate
from fairlead.store.schema import metadata
from fairlead.store.server import EmbeddedServer


def main(phase: str, why: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder))
        database = Database(server.start())
        try:
            migrate(database)
            number = f"{int(head() or 0) + 1:04}"
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS))
            config.set_main_option("file_template", f"{number}_{phase}_%%(slug)s")
            with database.engine.connect() as connection:
                config.attributes.update(connection=connection, metadata=metadata)
                command.revision(config, message=why, autogenerate=True, rev_id=number)
        finally:
            database.close()
            server.stop()


if __name__ == "__main__":
    main(*sys.argv[1:3])
