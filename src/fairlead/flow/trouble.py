"""A fault of meaning in a definition, and its place."""

from __future__ import annotations

from dataclasses import dataclass

Path = tuple[str | int, ...]  #: keys and list indexes, from the root of a file


@dataclass(frozen=True)
class Trouble:
    """One fault of meaning: in which file, at which key, and what to do about it."""

    file: str  #: the playbook's or the variant's name
    path: Path
    message: str
