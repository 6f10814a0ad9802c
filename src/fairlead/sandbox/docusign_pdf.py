"""Small PDFs, the same bytes for the same words. ISO 32000-1; nothing but ASCII in them."""

from __future__ import annotations

from collections.abc import Sequence

_TOP, _LEADING, _LINES = 800, 16, 46  # points, points, and how many lines a page takes


def pdf(pages: Sequence[Sequence[str]]) -> bytes:
    """One page per list of lines; what does not fit on its page is left out."""
    kids = " ".join(f"{4 + 2 * nr} 0 R" for nr in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for nr, lines in enumerate(pages):
        drawn = " T* ".join(f"({_escaped(line)}) Tj" for line in lines[:_LINES])
        text = f"BT /F1 11 Tf 60 {_TOP} Td {_LEADING} TL {drawn} ET"
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {5 + 2 * nr} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>",
            f"<< /Length {len(text)} >>\nstream\n{text}\nendstream",
        ]
    whole = "%PDF-1.4\n"
    offsets: list[int] = []
    for nr, written in enumerate(objects, start=1):
        offsets.append(len(whole))
        whole += f"{nr} 0 obj\n{written}\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    whole += (
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
        f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(whole)}\n%%EOF\n"
    )
    return whole.encode("ascii")


def _escaped(line: str) -> str:
    """A literal string; what WinAnsi has not got becomes a question mark."""
    return "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b"()\\" else f"\\{byte:03o}"
        for byte in line.encode("cp1252", "replace")
    )
