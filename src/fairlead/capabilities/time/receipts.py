"""What is taken as a receipt, told by its content and not by what it is called."""

from __future__ import annotations

from fairlead.errors import InvalidInput, Problem

MOST_BYTES = 10 * 1024 * 1024  #: larger than any page that a telephone takes a picture of
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_PDF = b"%PDF-"
#: Brands of an ISO base media file that holds a HEIF image (ISO/IEC 23008-12, annex B).
_HEIF = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})


def media_type_of(content: bytes) -> str:
    """PDF, PNG, JPEG or HEIC. Raises `InvalidInput` for anything else, and for too much of it."""
    if not content:
        _refuse("is not empty")
    if len(content) > MOST_BYTES:
        _refuse(f"has at most {MOST_BYTES} bytes")
    if _PDF in content[:1024]:  # readers accept it within the first 1,024 bytes
        return "application/pdf"
    if content.startswith(_PNG):
        return "image/png"
    if content.startswith(_JPEG):
        return "image/jpeg"
    if content[4:8] == b"ftyp" and content[8:12] in _HEIF:
        return "image/heic"
    _refuse("is a PDF, PNG, JPEG or HEIC file")
    raise AssertionError


def _refuse(rule: str) -> None:
    raise InvalidInput("This cannot be kept as a receipt.", [Problem("", rule)])
