"""Mail addresses as SMTP takes them. Pure."""

from __future__ import annotations

import re

# Local parts without quotes: nobody's real address needs them, and quotes hide other addresses.
_ADDRESS = re.compile(r"""([^\s<>()\[\],;:\\"@\x00-\x20\x7f-\xa0]+)@([^\s<>()\[\],;:\\"@/%]+)""")
_LONGEST_LOCAL, _LONGEST = 64, 254  # octets; RFC 5321 4.5.3.1


class BadAddress(ValueError):
    """It is no mail address. Names it."""


def mailbox(text: str) -> str:
    """An address with its domain in ASCII, as DNS wants it (`müller@bücher.example` →
    `müller@xn--bcher-kva.example`). Raises `BadAddress`."""
    parts = _ADDRESS.fullmatch(text.strip())
    if parts is None or parts[1].startswith(".") or ".." in parts[1] or parts[1].endswith("."):
        raise BadAddress(f"{text!r} is no mail address")
    local, domain = parts.groups()
    try:
        address = f"{local}@{domain.encode('idna').decode('ascii').lower()}"
    except UnicodeError as bad:
        raise BadAddress(f"{text!r} is no mail address: its domain is none") from bad
    if len(local.encode()) > _LONGEST_LOCAL or len(address.encode()) > _LONGEST:
        raise BadAddress(f"{text!r} is longer than a mail address may be")
    return address
