"""Several processes at work on one folder, as a demo and the workers of a test run."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from fairlead.sandbox.tryton.installing import alone


@contextmanager
def in_use(home: Path, start: Callable[[], str], stop: Callable[[], None]) -> Generator[str]:
    """What `start` answers. The last one to leave stops it; one that was killed does not count."""
    folder = home / "users"
    own = folder / f"{os.getpid()}-{uuid4().hex}"
    with alone(home):
        folder.mkdir(exist_ok=True)
        own.touch()
        answer = start()
    try:
        yield answer
    finally:
        with alone(home):
            own.unlink(missing_ok=True)
            for user in folder.iterdir():
                if not _runs(int(user.name.partition("-")[0])):
                    user.unlink()
            if not any(folder.iterdir()):
                stop()


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
