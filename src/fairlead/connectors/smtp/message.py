"""A notice as a mail: text, simple HTML, and headers that cannot be injected into. Pure."""

from __future__ import annotations

import hashlib
import unicodedata
from base64 import b32encode
from collections.abc import Sequence
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape

from fairlead.domain.ids import EffectKey
from fairlead.ports.messages import Notice

_STYLE = "font-family: sans-serif; line-height: 1.5; max-width: 40em"


def message_id(key: EffectKey, domain: str) -> str:
    """`<…@domain>`, the same for the same key: RFC 5322 3.6.4 lets a repeat carry it again."""
    return f"<{_digest(key)}@{domain}>"


def compose(
    notice: Notice,
    to: Sequence[str],
    *,
    sender: str,
    sender_name: str,
    domain: str,
    key: EffectKey,
    now: datetime,
) -> EmailMessage:
    """The mail to all of `to` (from `addresses.mailbox`). But for `Date`, the same each time."""
    mail = EmailMessage(policy.SMTPUTF8 if needs_utf8([sender, *to]) else policy.SMTP)
    mail["From"] = _address(sender, sender_name)
    mail["To"] = [_address(one) for one in to]
    mail["Subject"] = one_line(notice.title)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = message_id(key, domain)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note answers it
    # 7 bits whatever the server knows, and no line too long for one
    mail.set_content(_plain(notice), cte="quoted-printable")
    mail.add_alternative(_html(notice), subtype="html", cte="quoted-printable")
    mail.set_boundary(f"={_digest(key)}=")  # no line of quoted-printable holds `=fl`
    return mail


def needs_utf8(addresses: Sequence[str]) -> bool:
    """Whether a local part is beyond ASCII, which only SMTPUTF8 (RFC 6531) can carry."""
    return not all(address.isascii() for address in addresses)


def one_line(title: str) -> str:
    """Without line breaks and control characters of any kind, so that it stays one header."""
    return " ".join(_printable(" ".join(title.split())).split())


def _plain(notice: Notice) -> str:
    link = [f"{one_line(notice.link_text)}:\n{_link(notice)}"] if _link(notice) else []
    return "\n\n".join([one_line(notice.title), *_paragraphs(notice), *link]) + "\n"


def _html(notice: Notice) -> str:
    lines = [f"<h2>{escape(one_line(notice.title))}</h2>"]
    for paragraph in _paragraphs(notice):
        lines.append(f"<p>{'<br>'.join(escape(paragraph).splitlines())}</p>")
    if link := _link(notice):
        words = escape(one_line(notice.link_text))
        lines.append(f'<p><a href="{escape(link)}">{words}</a></p>')
    return (
        f'<!DOCTYPE html>\n<html>\n<body style="{_STYLE}">\n'
        + "\n".join(lines)
        + "\n</body>\n</html>\n"
    )


def _paragraphs(notice: Notice) -> list[str]:
    text = "\n".join(_printable(line).rstrip() for line in notice.text.splitlines())
    return [block.strip("\n") for block in text.split("\n\n") if block.strip()]


def _link(notice: Notice) -> str | None:
    """Only where a browser goes: a link of another kind is left out."""
    link = "".join((notice.link or "").split())
    return _printable(link) if link.startswith(("https://", "http://")) else None


def _printable(text: str) -> str:
    return "".join(
        char for char in text if char == "\t" or unicodedata.category(char) not in ("Cc", "Cs")
    )


def _address(address: str, name: str = "") -> Address:
    local, _, domain = address.rpartition("@")
    return Address(display_name=name, username=local, domain=domain)


def _digest(key: EffectKey) -> str:
    return "fl-" + b32encode(hashlib.sha256(key.encode()).digest()).decode().rstrip("=").lower()
