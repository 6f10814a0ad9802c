"""The arrows between the rooms hold, and the check that says so can fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).parents[1]
LINT = Path(sys.executable).with_name("lint-imports")


def test_no_room_reaches_where_it_may_not() -> None:
    done = lint(HOME / ".importlinter")

    assert done.returncode == 0, done.stdout


def test_an_arrow_the_wrong_way_is_found_and_told_where_the_code_belongs(tmp_path: Path) -> None:
    """The real contract of the domain, turned on a room that does wait for the network."""
    rules = (HOME / ".importlinter").read_text("utf-8")
    turned = tmp_path / "importlinter.ini"
    turned.write_text(
        rules.replace("    fairlead.domain\nforbidden", "    fairlead.store\nforbidden")
    )

    done = lint(turned)

    assert done.returncode == 1
    assert "I/O belongs in an action or a port" in done.stdout


def lint(rules: Path) -> subprocess.CompletedProcess[str]:
    command = [LINT, "--no-cache", "--config", rules]
    return subprocess.run(command, cwd=HOME, capture_output=True, text=True)
