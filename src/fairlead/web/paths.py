"""Addresses inside Fairlead: where one may be sent after signing in (ASVS 3.7.2)."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

HOME = "/"
_LONGEST = 2000
_NOT_TO = ("/sign-in", "/sign-out", "/live")


def local(wanted: str | None) -> str:
    """`wanted` where it is a path of ours, else the first page.

    A browser reads `//host`, `/\\host` and both with signs of percent encoding or control
    characters as another site; whatever could be read so is not followed.
    """
    if not wanted or len(wanted) > _LONGEST or not wanted.startswith("/"):
        return HOME
    seen = wanted
    for _ in range(4):
        if seen.startswith("//") or "\\" in seen or not _printable(seen):
            return HOME
        decoded = unquote(seen)
        if decoded == seen:
            break
        seen = decoded
    else:
        return HOME
    try:
        split = urlsplit(wanted)
    except ValueError:
        return HOME
    if split.scheme or split.netloc or split.path.rstrip("/") in _NOT_TO:
        return HOME
    return wanted


def _printable(text: str) -> bool:
    return all(letter.isprintable() for letter in text)
