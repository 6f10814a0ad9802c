"""How a channel is named, and how we know it again. Pure.

Slack keeps no reference of ours on a channel, and takes nothing but a name in the call that makes
it. So the name ends in letters that follow from our key, and Slack keeps names unique. The
purpose, which is set last of all, carries a longer one: it says that the work is done.
"""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections.abc import Iterable

from fairlead.domain.ids import EffectKey

LONGEST_NAME = 80
LONGEST_PURPOSE = 250  # and topic; in characters

_REFERENCE = re.compile(r"(?<![a-z0-9-])fl-[a-z2-7]{26}(?![a-z0-9])")
_SUFFIX = 10  # letters of five bits: two keys of one workspace in 2^50


def reference(key: EffectKey) -> str:
    """What the purpose carries: 130 bits of the key's SHA-256, as `fl-` and 26 letters."""
    return f"fl-{_letters(key)[:26]}"


def suffix(key: EffectKey) -> str:
    return f"-{_letters(key)[:_SUFFIX]}"


def channel_name(code: str, name: str, key: EffectKey) -> str:
    """Code, name, and what follows from the key, as far as 80 characters go.

    Lower case letters and digits of any script, hyphens and underscores
    (https://docs.slack.dev/reference/methods/conversations.create).
    """
    last = suffix(key)
    words = "-".join(part for part in (_slug(code), _slug(name)) if part)
    return words[: LONGEST_NAME - len(last)].rstrip("-_") + last


def purpose(code: str, name: str, key: EffectKey) -> str:
    """For people, and for us. The reference comes whole, whatever the length of the name."""
    last = f" (Fairlead {reference(key)})"
    return cut(f"{code} {name}", LONGEST_PURPOSE - len(last)) + last


def is_done(purpose: str, key: EffectKey) -> bool:
    return reference(key) in _REFERENCE.findall(purpose)


def carries(names: Iterable[str], purpose: str, key: EffectKey) -> bool:
    """Whether a channel of these names, former ones included, is that of the key."""
    if _REFERENCE.search(purpose):
        return is_done(purpose, key)
    return any(name.endswith(suffix(key)) for name in names)


def cut(text: str, longest: int) -> str:
    """As Slack counts: what it escapes (`&`, `<`, `>`) may take five characters."""
    kept = text
    while len(_escaped(kept)) > longest:
        kept = kept[:-1]
    return kept


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _letters(key: EffectKey) -> str:
    return base64.b32encode(hashlib.sha256(key.encode()).digest()).decode().lower()


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).lower())
    kept = "".join(char if _allowed(char) else "-" for char in plain)
    return re.sub("-{2,}", "-", kept).strip("-_")


def _allowed(char: str) -> bool:
    return char in "-_" or (char.isalnum() and char == char.lower())
