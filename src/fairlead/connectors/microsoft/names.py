"""Names as SharePoint and Teams take them. Pure."""

from __future__ import annotations

import mimetypes
import re
from pathlib import PurePosixPath

#: https://support.microsoft.com/en-us/office/64883a5d-228e-48f5-b3d2-eb39e07630fa
_NOT_IN_FILES = re.compile(r'["*:<>?/\\|\x00-\x1f\x7f#%]+')
_RESERVED = re.compile(
    r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?|\.lock|desktop\.ini|~\$.*|forms|_t|_w"
)
_LONGEST_FILE = 128  # characters, so that the whole path stays below 400

#: https://learn.microsoft.com/en-us/microsoftteams/limits-specifications-teams
_NOT_IN_CHANNELS = re.compile(r"[~#%&*{}+/\\:<>?|'\",\x00-\x1f\x7f]+")
_LONGEST_CHANNEL = 50


def folder_name(code: str, name: str) -> str:
    """The code and as much of the name as fits."""
    return _as_file(f"{code} {name}")[:_LONGEST_FILE].rstrip(" .")


def file_name(name: str, media_type: str) -> str:
    """The name with the ending that says what it is: SharePoint goes by that, not by a header."""
    clean = _as_file(name)
    ending = PurePosixPath(clean).suffix
    if not ending or mimetypes.guess_type(clean)[0] is None:
        ending = mimetypes.guess_extension(media_type, strict=False) or ""
        return clean[: _LONGEST_FILE - len(ending)].rstrip(" .") + ending
    return clean[: -len(ending)][: _LONGEST_FILE - len(ending)].rstrip(" .") + ending


def channel_name(code: str, name: str) -> str:
    """The code and as much of the name as fits: 50 UTF-16 units, which is how Teams counts."""
    clean = " ".join(_NOT_IN_CHANNELS.sub(" ", f"{code} {name}").replace("..", ".").split())
    clean = clean.lstrip("_. ")
    while len(clean.encode("utf-16-le")) > 2 * _LONGEST_CHANNEL:
        clean = clean[:-1]
    return clean.rstrip(" .")


def _as_file(name: str) -> str:
    clean = " ".join(_NOT_IN_FILES.sub("-", name).split()).replace("_vti_", "-vti-")
    clean = clean.strip(" .") or "-"
    return f"-{clean}" if _RESERVED.fullmatch(clean) else clean
