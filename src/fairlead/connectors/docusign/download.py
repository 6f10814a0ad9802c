"""Documents as files. The kit's client takes only JSON as a success; this one only whole PDFs."""

from __future__ import annotations

from typing import Any, Self

import httpx

from fairlead.connectors.kit.http import Http

_BEGINS, _ENDS = b"%PDF-", b"%%EOF"
_TAIL = 1024  # bytes in which the end mark stands (ISO 32000-1, Annex H)


class Downloads(Http):
    """The same system, connections, sign-in, budget and bounds, for answers that are PDFs."""

    @classmethod
    def of(cls, http: Http) -> Self:
        other = object.__new__(cls)
        other.__dict__.update(http.__dict__)
        return other

    @staticmethod
    def _parsed(response: httpx.Response, content: bytes) -> Any:
        """The file's bytes. A page of a proxy, and a file cut short, are no answer."""
        if not response.is_success:
            return Http._parsed(response, content)
        kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "application/pdf":
            raise ValueError("the answer is not a PDF")
        if not content.startswith(_BEGINS) or _ENDS not in content[-_TAIL:]:
            raise ValueError("the answer is not a whole PDF")
        return content
