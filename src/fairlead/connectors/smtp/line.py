"""One mail server: what each of its replies, and each silence, says about the mail.

A mail is sent once the server has answered well to the end of its data; a 4yz or 5yz reply to any
command, that one included, says that it did not take the mail (RFC 5321 4.2.1, 4.2.5). A
connection that ends before the final dot leaves nothing behind (4.1.1.4). So only silence after
the final dot leaves a mail that is perhaps sent.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from fairlead.connectors.kit.http import Gate
from fairlead.connectors.smtp.settings import SmtpSettings
from fairlead.errors import AnswerLost, SystemRefused, SystemTrouble, SystemUnavailable, Throttled

_GOODBYE_S = 2.0
_TAKEN = range(200, 300)
#: A refusal that is about us and not about the mail: sign-in and encryption (RFC 4954 6).
_ABOUT_US = {530, 534, 535, 538}
#: A policy of the server, as rate limits and greylisting are (RFC 3463 3.8).
_ASKED_TO_WAIT = re.compile(r"4\.7\.\d")


@dataclass(frozen=True)
class Envelope:
    sender: str
    recipients: Sequence[str]
    content: bytes  #: lines end in CRLF, the last one too
    utf8: bool  #: only a server that knows SMTPUTF8 can carry it


class MailLine:
    """Every mail has a connection of its own. Threads may share it."""

    def __init__(self, system: str, settings: SmtpSettings, gate: Gate) -> None:
        self._system, self._settings, self._gate = system, settings, gate
        self._context = ssl.create_default_context(cadata=settings.trusted_certificates)

    def ping(self) -> None:
        """Greet, encrypt and sign in, as for a mail."""
        self._passing(lambda: self._in_session(lambda smtp: None))

    def send(self, envelope: Envelope) -> None:
        """To all recipients, or to none."""

        def deliver(smtp: smtplib.SMTP) -> None:
            self._announce(smtp, envelope)
            self._hand_over(smtp, envelope)

        self._passing(lambda: self._in_session(deliver))

    def _passing(self, work: Callable[[], None]) -> None:
        self._gate.enter()
        trouble: SystemTrouble | None = None
        try:
            work()
        except SystemTrouble as caught:
            trouble = caught
            raise
        finally:
            self._gate.leave(trouble)

    # -- a session -----------------------------------------------------------------------------

    def _in_session(self, work: Callable[[smtplib.SMTP], None]) -> None:
        smtp: smtplib.SMTP | None = None
        try:
            with self._nothing_sent():
                smtp = self._connected()
                self._wait_at_most(smtp, self._settings.total_timeout_s)
                self._greet(smtp)
            work(smtp)
        finally:
            if smtp is not None:
                self._say_goodbye(smtp)

    def _connected(self) -> smtplib.SMTP:
        given = self._settings
        timeout, own = given.connect_timeout_s, given.own_domain
        if given.tls == "implicit":
            return smtplib.SMTP_SSL(
                given.host, given.port_in_use, own, timeout=timeout, context=self._context
            )
        return smtplib.SMTP(given.host, given.port_in_use, own, timeout=timeout)

    def _greet(self, smtp: smtplib.SMTP) -> None:
        """Encryption that is not offered is not done without: who takes it away may listen."""
        given = self._settings
        smtp.ehlo_or_helo_if_needed()
        if given.tls == "starttls":
            smtp.starttls(context=self._context)
            smtp.ehlo_or_helo_if_needed()
        if given.user is not None and given.password is not None:
            smtp.login(given.user, given.password.get_secret_value())

    @staticmethod
    def _say_goodbye(smtp: smtplib.SMTP) -> None:
        """Whatever it answers, what was said about the mail stays said."""
        with suppress(OSError, ValueError):
            MailLine._wait_at_most(smtp, _GOODBYE_S)
            smtp.docmd("QUIT")
        smtp.close()

    @staticmethod
    def _wait_at_most(smtp: smtplib.SMTP, seconds: float) -> None:
        if smtp.sock is not None:
            smtp.sock.settimeout(seconds)

    # -- a mail --------------------------------------------------------------------------------

    def _announce(self, smtp: smtplib.SMTP, envelope: Envelope) -> None:
        """Sender and recipients. Where one cannot have the mail, nobody gets it."""
        options: list[str] = []
        if envelope.utf8:
            if not smtp.has_extn("smtputf8"):
                them = ", ".join(one for one in envelope.recipients if not one.isascii())
                why = f"it does not know SMTPUTF8 (RFC 6531), so it cannot reach {them}."
                raise SystemRefused(self._system, why)
            options = ["BODY=8BITMIME", "SMTPUTF8"]
        with self._nothing_sent():
            self._agree(smtp.mail(envelope.sender, options), f"the sender {envelope.sender}")
            replies = [(one, smtp.rcpt(one)) for one in envelope.recipients]
        refused = [(one, reply) for one, reply in replies if reply[0] not in _TAKEN]
        if refused:  # what needs a person goes before what may pass by itself
            one, reply = max(refused, key=lambda pair: pair[1][0])
            same = [who for who, said in refused if said[0] // 100 == reply[0] // 100]
            raise self._said(reply, ", ".join(same) or one)

    def _hand_over(self, smtp: smtplib.SMTP, envelope: Envelope) -> None:
        them = ", ".join(envelope.recipients)
        with self._nothing_sent():
            self._agree(smtp.docmd("DATA"), f"the mail to {them}", wanted=range(354, 355))
            smtp.send(re.sub(rb"(?m)^\.", b"..", envelope.content))
        try:
            self._wait_at_most(smtp, self._settings.last_timeout_s)
            smtp.send(b".\r\n")
            reply = smtp.getreply()
        except OSError as lost:
            why = f"It fell silent after the whole mail to {them}. {_words(lost)}"
            raise AnswerLost(self._system, why) from lost
        if reply[0] not in _TAKEN:
            raise self._said(reply, f"the mail to {them}", otherwise=AnswerLost)

    def _agree(
        self, reply: tuple[int, bytes], about: str, *, wanted: Sequence[int] = _TAKEN
    ) -> None:
        if reply[0] not in wanted:
            raise self._said(reply, about)

    # -- what may go wrong ---------------------------------------------------------------------

    @contextmanager
    def _nothing_sent(self) -> Generator[None]:
        """Until the final dot no trouble leaves a mail behind. Every error of `smtplib` and
        `ssl` is an OSError; a password beyond ASCII is a ValueError of `smtplib`."""
        try:
            yield
        except smtplib.SMTPResponseException as said:
            text = said.smtp_error
            raw = text if isinstance(text, bytes) else str(text).encode()
            kind = self._kind(said.smtp_code, _text(raw), SystemUnavailable)
            kind = SystemUnavailable if kind is SystemRefused else kind
            raise kind(self._system, f"({said.smtp_code}) {_text(raw)}") from said
        except (OSError, ValueError) as trouble:
            raise SystemUnavailable(self._system, _words(trouble)) from trouble

    def _said(
        self,
        reply: tuple[int, bytes],
        about: str,
        *,
        otherwise: type[SystemTrouble] = SystemUnavailable,
    ) -> SystemTrouble:
        code, text = reply[0], _text(reply[1])
        kind = self._kind(code, text, otherwise)
        return kind(self._system, f"{about}: ({code}) {text}"[:500], payload=text)

    @staticmethod
    def _kind(code: int, text: str, otherwise: type[SystemTrouble]) -> type[SystemTrouble]:
        if code in _ABOUT_US:
            return SystemUnavailable
        if 400 <= code < 500:
            return Throttled if _ASKED_TO_WAIT.match(text) else SystemUnavailable
        return SystemRefused if 500 <= code < 600 else otherwise


def _text(raw: bytes) -> str:
    return " ".join(raw.decode("utf-8", "replace").split())[:300]


def _words(trouble: Exception) -> str:
    return f"{type(trouble).__name__}: {trouble}"[:300]
