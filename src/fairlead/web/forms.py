"""What a form sent: read within limits, before anybody looks at it."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl

from starlette.requests import Request

from fairlead.errors import InvalidInput, Problem
from fairlead.web.refusals import Malformed, TooLarge, WrongMediaType

_TYPE = "application/x-www-form-urlencoded"
_MOST_BYTES = 256 * 1024
_MOST_FIELDS = 1000
_LONGEST = 4000


class Form:
    """The fields of one request, in their order."""

    def __init__(self, fields: Sequence[tuple[str, str]]) -> None:
        self._fields = tuple(fields)

    def text(self, name: str, *, longest: int = _LONGEST) -> str:
        """Without blanks around it; empty where it is missing. Raises `InvalidInput`."""
        value = next((value for key, value in self._fields if key == name), "").strip()
        if len(value) > longest or "\0" in value:
            rule = f"has {longest} characters at most"
            raise InvalidInput("This is too long.", [Problem(f"/{name}", rule)])
        return value

    def secret(self, name: str) -> str:
        """As it was typed. Whoever takes it checks its length."""
        return next((value for key, value in self._fields if key == name), "")

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(value for key, value in self._fields if key == name)

    def number(self, name: str) -> int | None:
        """A whole number from 0; null where it is missing. Raises `InvalidInput`."""
        text = self.text(name, longest=20)
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise InvalidInput("This is no number.", [Problem(f"/{name}", "is a whole number")])
        return int(text)

    @property
    def version(self) -> int:
        """Of what was shown. Raises `InvalidInput` where the form does not say."""
        found = self.number("version")
        if found is None:
            problem = Problem("/version", "is the version of what was shown")
            raise InvalidInput("This form does not say what it was about.", [problem])
        return found


async def read(request: Request) -> Form:
    """Raises `WrongMediaType`, `TooLarge`, `Malformed`."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise WrongMediaType("Only forms of our own pages are read here.")
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > _MOST_BYTES:
            raise TooLarge(f"A form has at most {_MOST_BYTES} bytes.")
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(raw),
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:  # an UnicodeDecodeError is one too
        raise Malformed("This form cannot be read.") from None
    return Form(pairs)
