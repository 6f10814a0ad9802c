"""Style sheets, scripts and the mark: read once, served under a path that changes with them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class File:
    content: bytes
    media_type: str


class Static:
    def __init__(self, folder: Path) -> None:
        self.files: Mapping[str, File] = {
            path.relative_to(folder).as_posix(): File(path.read_bytes(), _TYPES[path.suffix])
            for path in sorted(folder.rglob("*"))
            if path.suffix in _TYPES
        }
        digest = hashlib.sha256()
        for name, file in self.files.items():
            digest.update(name.encode() + b"\0" + file.content)
        self.version = digest.hexdigest()[:16]  #: of everything, so that one may import another

    def url(self, name: str) -> str:
        """Raises KeyError for a file that is not there."""
        assert self.files[name]
        return f"/static/{self.version}/{name}"


STATIC = Static(Path(__file__).parent)
