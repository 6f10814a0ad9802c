"""What an uploaded file is, told from its bytes and never from its name (F078). Pure."""

from __future__ import annotations

import unicodedata
from io import BytesIO
from zipfile import BadZipFile, ZipFile

from fairlead.errors import InvalidInput, Problem

MOST_BYTES = 10 * 1024 * 1024
_MOST_PARTS = 10_000  #: of a package; a document has hundreds
_DIRECTORY = 64 * 1024  #: bytes of a package's `mimetype`, at most

_OOXML = {
    "word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
_OPEN_DOCUMENT = tuple(
    f"application/vnd.oasis.opendocument.{kind}" for kind in ("text", "spreadsheet", "presentation")
)
#: Media type → what a file of it is called, at its end.
ENDINGS = {
    "application/pdf": ".pdf",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "text/plain": ".txt",
    **dict(zip(_OOXML.values(), (".docx", ".xlsx", ".pptx"), strict=True)),
    **dict(zip(_OPEN_DOCUMENT, (".odt", ".ods", ".odp"), strict=True)),
}


def media_type(content: bytes) -> str:
    """Raises `InvalidInput` for what is empty, larger than 10 MiB, or no PDF, PNG, JPEG, text in
    UTF-8, or document of an office program without macros."""
    if not content:
        raise _refused("The file is empty.", "has content")
    if len(content) > MOST_BYTES:
        raise _refused("The file is too large.", f"has {MOST_BYTES // 1024**2} MiB at most")
    found = _known(content)
    if found is None:
        rule = "is a PDF, PNG, JPEG, plain text, or an office document without macros"
        raise _refused("Files of this kind are not taken as evidence.", rule)
    return found


def _known(content: bytes) -> str | None:
    if content.startswith(b"%PDF-"):  # ISO 32000-1, 7.5.2
        return "application/pdf"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):  # W3C PNG, 5.2
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):  # ITU-T T.81, B.1.1.3: SOI and the next marker
        return "image/jpeg"
    if content.startswith(b"PK\x03\x04"):
        return _office(content)
    return "text/plain" if _is_text(content) else None


def _office(content: bytes) -> str | None:
    """ECMA-376 part 2 and ODF 1.3 part 2: both are ZIP packages that say what they hold."""
    try:
        with ZipFile(BytesIO(content)) as package:
            names = package.namelist()
            if len(names) > _MOST_PARTS or any(_runs(name) for name in names):
                return None
            if "[Content_Types].xml" in names:
                kinds = [kind for part, kind in _OOXML.items() if _holds(names, part)]
                return kinds[0] if len(kinds) == 1 else None
            if names[:1] == ["mimetype"] and package.getinfo("mimetype").file_size < _DIRECTORY:
                said = package.read("mimetype").decode("ascii", "replace")
                return said if said in _OPEN_DOCUMENT else None
    except (BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError):
        return None
    return None


def _holds(names: list[str], part: str) -> bool:
    return any(name.startswith(part) for name in names)


def _runs(name: str) -> bool:
    """A part with a program in it: macros of OOXML, Basic and scripts of ODF."""
    lower = name.casefold()
    return lower.endswith("vbaproject.bin") or lower.startswith(("basic/", "scripts/"))


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return not any(unicodedata.category(one) == "Cc" and one not in "\t\n\r\f" for one in text)


def _refused(detail: str, rule: str) -> InvalidInput:
    return InvalidInput(detail, [Problem("/file", rule)])
