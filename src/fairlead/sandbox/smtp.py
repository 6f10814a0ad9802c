"""A mail server as far as the connector uses it: RFC 5321 with STARTTLS, AUTH and SMTPUTF8.

Each mail that it takes is a record of `messages`, keyed by its Message-ID. The steps of a session
are operations that faults can strike, and a fault's `status` is the reply's code: `session.open`
(the greeting), `mail.from`, `mail.to` (path `/to/{address}`), `mail.data` (the command) and
`mail.send` (after the final dot).
"""

from __future__ import annotations

import re
import secrets
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from typing import Any, ClassVar, cast

from fairlead.sandbox.books import Record
from fairlead.sandbox.dialect import Answer, Call, Dialect, Route
from fairlead.sandbox.door import Door
from fairlead.sandbox.smtp_door import SmtpDoor, certificate_for

_HREF = re.compile(r"""href=["']([^"']*)["']""")
_BARE = re.compile(r"https?://\S+")

Body = dict[str, Any]


class Smtp(Dialect):
    vendor = "smtp"
    door: ClassVar[type[Door] | None] = SmtpDoor

    @classmethod
    def example_settings(cls) -> Body:
        """STARTTLS and a password, with a certificate of its own for 127.0.0.1."""
        certificate, key = certificate_for("127.0.0.1")
        password = secrets.token_hex(12)
        user = "fairlead@tarn-holloway.example"
        client = {
            "tls": "starttls", "trusted_certificates": certificate, "sender": user, "user": user,
            "password": password,
        }  # fmt: skip
        return {
            "tls": "starttls", "certificate": certificate, "key": key, "user": user,
            "password": password, "client": client,
        }  # fmt: skip

    def routes(self) -> list[Route]:
        return [
            Route("SMTP", "/session", "session.open", _agreed, reads=True),
            Route("SMTP", "/from", "mail.from", _agreed, reads=True),
            Route("SMTP", "/to/{address:path}", "mail.to", _agreed, reads=True),
            Route("SMTP", "/data", "mail.data", _agreed, reads=True),
            Route("SMTP", "/messages", "mail.send", self._send),
        ]

    def authenticate(self, call: Call, route: Route) -> None:
        """Passwords are the door's business, and only it can ask: HTTP has no method `SMTP`."""

    def plant(self, kind: str, body: Body) -> Record:
        return self.books.create(kind, body, key=body.get("message_id"))

    def too_many(self, retry_after_s: float | None) -> Answer:
        """SMTP has no word for how long."""
        return Answer(451, "4.7.1 Try again later")

    def broken(self, status: int) -> Answer:
        kind = "5" if status >= 500 else "4"
        return Answer(status, f"{kind}.3.0 It did not work")

    def _send(self, call: Call) -> Answer:
        sent = call.json()
        raw = str(sent["content"]).encode("latin-1")
        mail = message_from_bytes(raw, policy=policy.SMTP)
        text, html = _part(mail, "plain"), _part(mail, "html")
        links = [*map(unescape, _HREF.findall(html)), *_BARE.findall(text)]
        held: Body = {
            "from": sent["from"],
            "to": sent["to"],
            "subject": str(mail["subject"] or ""),
            "text": text,
            "html": html,
            "message_id": str(mail["message-id"] or ""),
            "links": list(dict.fromkeys(links)),
            "headers": [[name, str(value)] for name, value in mail.items()],
            "encrypted": sent["encrypted"],
            "signed_in": sent["signed_in"],
            "raw": sent["content"],
        }  # fmt: skip
        record = self.books.create("messages", held, key=held["message_id"] or None)
        return Answer(250, f"2.0.0 Taken as {record.id}")


def _agreed(call: Call) -> Answer:
    return Answer(250, "2.0.0 Ok")


def _part(mail: EmailMessage, subtype: str) -> str:
    part = mail.get_body((subtype,))
    return "" if part is None else cast("str", part.get_content()).replace("\r\n", "\n")
