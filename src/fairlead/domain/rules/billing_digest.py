"""What a release holds for: one digest over an invoice's terms, lines and items (F086).

Whoever releases it releases exactly what was reviewed; any difference is another digest. Amounts
enter as whole minor units, rates in hundred-millionths, so that it is the same however they are
written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any


def item_words(
    kind: str,
    item: str,
    line: int,
    minutes: int | None,
    rate: int | None,
    amounts: tuple[int, int, int, int],
) -> str:
    """One item: `amounts` are its amount, discount, what is capped and what is drawn."""
    told = ("" if value is None else str(value) for value in (line, minutes, rate, *amounts))
    return "/".join((kind, item, *told))


def digest(
    header: Mapping[str, Any], lines: Iterable[Mapping[str, Any]], items: Iterable[str]
) -> str:
    """SHA-256 in hex. `header` and `lines` hold text and whole numbers; `items` as `item_words`
    tells them, in any order."""
    said = {"header": dict(header), "lines": [dict(line) for line in lines]}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256((text + "\n" + "\n".join(sorted(items))).encode()).hexdigest()
