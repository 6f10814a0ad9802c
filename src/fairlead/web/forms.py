"""What a form sent: read within limits, before anybody looks at it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from fairlead.errors import InvalidInput, Problem
from fairlead.web.refusals import Malformed, TooLarge, WrongMediaType

_TYPE = "application/x-www-form-urlencoded"
_FILES_TYPE = "multipart/form-data"
_MOST_FILES = 10
_MOST_BYTES_OF_FILES = 24 * 1024 * 1024
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


@dataclass(frozen=True)
class Upload:
    """One file of a form."""

    name: str  #: as the browser says; it proves nothing
    content: bytes


class FormWithFiles(Form):
    """The fields of one request, and its files."""

    def __init__(self, fields: Sequence[tuple[str, str]], files: Sequence[Upload]) -> None:
        super().__init__(fields)
        self.files = tuple(files)


async def read_with_files(request: Request) -> FormWithFiles:
    """A form with files (`multipart/form-data`, RFC 7578). Files without a name are left out: a
    browser sends one where nothing was chosen.

    Raises `WrongMediaType`, `TooLarge`, `Malformed`.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FILES_TYPE:
        raise WrongMediaType("Only forms of our own pages are read here.")
    try:
        parser = MultiPartParser(
            request.headers, _counted(request), max_files=_MOST_FILES, max_fields=_MOST_FIELDS
        )
        found = await parser.parse()
    except MultiPartException:
        raise Malformed("This form cannot be read.") from None
    try:
        fields = [(name, one) for name, one in found.multi_items() if isinstance(one, str)]
        given = [one for _, one in found.multi_items() if not isinstance(one, str)]
        files = [Upload(one.filename, await one.read()) for one in given if one.filename]
    finally:
        await found.close()
    return FormWithFiles(fields, files)


async def _counted(request: Request) -> AsyncGenerator[bytes]:
    """The body, as far as it is not too large."""
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > _MOST_BYTES_OF_FILES:
            raise TooLarge(f"Files have at most {_MOST_BYTES_OF_FILES // 1024**2} MiB in all.")
        yield chunk


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
