"""Migrations: applied once whoever asks, in one direction, and equal to the tables in code."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from fairlead.store.database import Database
from fairlead.store.migrate import MIGRATIONS, difference, head, migrate
from fairlead.store.schema import metadata

MIGRATE = """
import pathlib, sys
from fairlead.store.database import Database
from fairlead.store.migrate import migrate
print(migrate(Database(sys.argv[1]), pathlib.Path(sys.argv[2])))
"""

VERSION = '''"""Add a table. Why: a test."""
from alembic import op
revision, down_revision = {revision!r}, {before!r}
def upgrade() -> None:
    op.execute("CREATE TABLE made_{revision} AS SELECT n FROM generate_series(1, 50000) n")
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY index_{revision} ON made_{revision} (n)")
'''


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Two migrations of our own, each with an index that is built concurrently."""
    folder = tmp_path / "100 % ours"
    (folder / "versions").mkdir(parents=True)
    shutil.copy(MIGRATIONS / "env.py", folder)
    for revision, before in (("0001", None), ("0002", "0001")):
        text = VERSION.format(revision=revision, before=before)
        (folder / "versions" / f"{revision}_pre_made.py").write_text(text)
    return folder


@pytest.fixture
def empty(empty_db_url: str) -> Iterator[Database]:
    database = Database(empty_db_url)
    yield database
    database.close()


def test_four_processes_at_once_migrate_once(empty: Database, history: Path) -> None:
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, empty.url, history],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    said = [starter.communicate(timeout=60) for starter in starters]

    assert [starter.returncode for starter in starters] == [0] * 4, said
    assert sorted(answer.strip() for answer, _ in said) == ["False", "False", "False", "True"]
    assert rows(empty, "SELECT version_num FROM alembic_version") == [{"version_num": "0002"}]


def test_a_database_that_is_up_to_date_is_left_alone(empty: Database, history: Path) -> None:
    assert migrate(empty, history)
    assert not migrate(empty, history)


def test_a_newer_database_is_left_alone_so_that_a_release_can_go_back(
    empty: Database, history: Path
) -> None:
    migrate(empty, history)
    (history / "versions" / "0002_pre_made.py").unlink()

    assert not migrate(empty, history)
    assert rows(empty, "SELECT version_num FROM alembic_version") == [{"version_num": "0002"}]


def test_a_migration_that_fails_leaves_nothing_of_itself(empty: Database, history: Path) -> None:
    broken = history / "versions" / "0002_pre_made.py"
    text = broken.read_text()
    broken.write_text(text.replace("with op.get", "raise RuntimeError\n    with op.get"))

    with pytest.raises(RuntimeError):
        migrate(empty, history)

    assert rows(empty, "SELECT to_regclass('made_0002')::text AS made") == [{"made": None}]
    broken.write_text(text)
    assert migrate(empty, history)


def test_migrated_equals_the_tables_in_code(db: Database) -> None:
    assert difference(db, metadata) == []


def test_the_history_is_one_line_and_its_file_names_say_the_order() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    revisions = [script.revision for script in scripts.walk_revisions()][::-1]

    assert scripts.get_heads() == [head()]
    assert revisions == sorted(file.name[:4] for file in MIGRATIONS.glob("versions/0*.py"))


def rows(database: Database, query: str) -> list[dict[str, object]]:
    with database.transaction() as tx:
        return tx.execute(query.encode()).fetchall()
