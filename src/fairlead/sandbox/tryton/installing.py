"""Tryton from the package index, at the versions of `requirements.lock`, away from ours."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_LOCK = Path(__file__).with_name("requirements.lock")
_PIP = ["-m", "pip", "--no-input", "--quiet", "--disable-pip-version-check", "install"]
#: The index answers within seconds or not at all; whoever waits is a person or a test run.
_PATIENCE = ["--retries", "1", "--timeout", "10"]


class TrytonTrouble(RuntimeError):
    """Tryton cannot be used here, or not any more; the words say why."""


class CannotInstall(TrytonTrouble):
    """The package index cannot be reached, or does not have what the lock file names."""


def versions() -> str:
    """What tells one set of packages from another."""
    return hashlib.sha256(_LOCK.read_bytes()).hexdigest()[:12]


def is_installed(home: Path) -> bool:
    return (_place(home) / "whole").exists()


def install(home: Path) -> Path:
    """The folder with Tryton's programs, installed where it is not yet. Safe from many processes.

    A folder appears only once it is whole. Raises `CannotInstall` with what pip said.
    """
    place = _place(home)
    with alone(home):
        if not (place / "whole").exists():
            shutil.rmtree(place, ignore_errors=True)
            _install(place)
            (place / "whole").touch()
    return place / "bin"


def _place(home: Path) -> Path:
    return home / f"venv-{versions()}"


@contextmanager
def alone(home: Path) -> Generator[None]:
    """One process at a time in this folder."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(place: Path) -> None:
    _run([sys.executable, "-m", "venv", str(place)])
    python = str(place / "bin" / "python")
    _run([python, *_PIP, *_PATIENCE, "--require-hashes", "-r", str(_LOCK)])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-600:]
        raise CannotInstall(
            f"Tryton could not be installed: {said}\npip must reach a package index; PIP_INDEX_URL"
            " or pip's own configuration says which."
        )
