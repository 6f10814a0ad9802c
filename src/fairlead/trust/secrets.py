"""Secrets are named in the configuration and kept elsewhere: in a file or in the environment.

A file is read again when it changes, so that a secret can be rotated without a restart (F157).
No value is ever shown: it is a `SecretStr` from the moment that it is read.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, SecretStr, model_validator

from fairlead.domain.values import Value
from fairlead.errors import InvalidDefinition

_LONGEST = 64 * 1024  #: bytes; a file beyond this is no secret, but a mistake


class SecretSource(Value):
    """Where one secret is: exactly one of the two."""

    file: Path | None = None  #: absolute, or relative to the data directory
    env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")

    @model_validator(mode="after")
    def _exactly_one(self) -> SecretSource:
        if (self.file is None) == (self.env is None):
            raise ValueError("say either file or env")
        return self

    def __str__(self) -> str:
        return f"env {self.env}" if self.env else f"file {self.file}"


class Secrets:
    """Reads secrets, each file again only when it has changed. Safe between threads."""

    def __init__(self, data: Path, environment: Mapping[str, str] = os.environ) -> None:
        self._data, self._environment = data, environment
        self._read: dict[Path, tuple[tuple[int, int, int], SecretStr]] = {}
        self._lock = threading.Lock()

    def get(self, source: SecretSource) -> SecretStr:
        """The secret as it is now, without the line end that editors add.

        Raises `InvalidDefinition` naming the place, never the value.
        """
        if source.env is not None:
            value = self._environment.get(source.env, "")
            if not value:
                raise InvalidDefinition(f"The environment variable {source.env} is not set.")
            return SecretStr(value)
        return self._file(self._data / (source.file or ""))

    def _file(self, path: Path) -> SecretStr:
        try:
            found = path.stat()
            # The inode too: a rotation that renames a new file over the old keeps neither.
            state = (found.st_mtime_ns, found.st_size, found.st_ino)
            with self._lock:
                kept = self._read.get(path)
                if kept and kept[0] == state:
                    return kept[1]
            if found.st_size > _LONGEST:
                raise InvalidDefinition(f"The secret in {path} is longer than {_LONGEST} bytes.")
            value = path.read_text("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as unreadable:
            why = type(unreadable).__name__
            raise InvalidDefinition(f"The secret in {path} cannot be read: {why}.") from None
        if not value:
            raise InvalidDefinition(f"The secret in {path} is empty.")
        secret = SecretStr(value)
        with self._lock:
            self._read[path] = (state, secret)
        return secret
