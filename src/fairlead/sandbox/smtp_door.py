"""The port of a mail server: aiosmtpd speaks the protocol, the kernel decides what is answered."""

from __future__ import annotations

import asyncio
import logging
import ssl
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session, TLSSetupException
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fairlead.sandbox.dialect import Answer
from fairlead.sandbox.door import Ask, Door

_AGREED = 250
_log = logging.getLogger(__name__)


class SmtpDoor(Door):
    """Settings: `tls` (starttls, implicit or none), `certificate` and `key` (PEM), `user` and
    `password` (else nobody signs in), `utf8` (false: it does not know SMTPUTF8)."""

    def __init__(self, settings: Mapping[str, Any], ask: Ask) -> None:
        super().__init__(settings, ask)
        logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd warns of its own code
        self._way = str(settings.get("tls", "none"))
        self._context = _context(settings) if self._way != "none" else None
        self.tls = self._context if self._way == "implicit" else None

    def connection(self) -> asyncio.BaseProtocol:
        wants_password = "user" in self.settings
        return _Session(
            self.ask,
            self._steps(),
            enable_SMTPUTF8=bool(self.settings.get("utf8", True)),
            hostname="mail.sandbox.example",
            ident="ESMTP",
            tls_context=self._context if self._way == "starttls" else None,
            require_starttls=self._way == "starttls",
            auth_required=wants_password,
            auth_require_tls=self._way == "starttls",
            authenticator=self._signs_in,
            auth_exclude_mechanism=None if wants_password else ("LOGIN", "PLAIN"),
            loop=asyncio.get_running_loop(),
        )

    def _steps(self) -> SimpleNamespace:
        """What aiosmtpd asks on the way of one mail, under the names that it looks for."""
        return SimpleNamespace(
            handle_MAIL=self._mail_from,
            handle_RCPT=self._mail_to,
            handle_DATA=self._mail_sent,
            handle_exception=self._troubled,
        )

    async def _mail_from(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = await refused(server, await self.ask("SMTP", "/from", {"address": address}))
        if refusal is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return refusal or "250 2.1.0 Ok"

    async def _mail_to(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        path = f"/to/{quote(address, safe='@')}"
        refusal = await refused(server, await self.ask("SMTP", path, {"address": address}))
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 2.1.5 Ok"

    async def _mail_sent(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.original_content or b""
        sent = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "content": content.decode("latin-1"),
            "encrypted": _encrypted(server),
            "signed_in": bool(session.authenticated),
        }
        answer = await self.ask("SMTP", "/messages", sent)
        return await refused(server, answer) or f"{_AGREED} {answer.body if answer else ''}"

    def _signs_in(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any
    ) -> AuthResult:
        known = LoginPassword(
            str(self.settings.get("user")).encode(), str(self.settings.get("password")).encode()
        )
        return AuthResult(success=given == known, handled=False)  # it says 535 itself

    async def _troubled(self, error: Exception) -> str:
        """A client that does not believe our certificate is no fault of ours."""
        if not isinstance(error, TLSSetupException):
            _log.error("A mail session failed", exc_info=error)
        return "451 4.3.0 It did not work"


class _Session(SMTP):
    """One connection, which the kernel may refuse or drop before each reply."""

    def __init__(self, ask: Ask, steps: SimpleNamespace, **options: Any) -> None:
        super().__init__(steps, **options)
        self._ask = ask
        self._smtp_methods["DATA"] = self._data

    async def _handle_client(self) -> None:
        refusal = await refused(self, await self._ask("SMTP", "/session", {}))
        if refusal is None:
            await super()._handle_client()
        elif isinstance(self.transport, asyncio.Transport):
            await self.push(refusal)
            self.transport.close()

    async def _data(self, arg: str | None) -> None:
        refusal = await refused(self, await self._ask("SMTP", "/data", {}))
        if refusal is None:
            await self.smtp_DATA(arg or "")
        else:
            await self.push(refusal)


async def refused(server: SMTP, answer: Answer | None) -> str | None:
    """The reply that says no; None where the kernel agreed.

    Where the connection is to be dropped it is dropped, and this never returns: aiosmtpd cancels
    what waits when a connection is lost.
    """
    if answer is None:
        if isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
        await asyncio.get_running_loop().create_future()
        raise AssertionError("nobody sets that future")
    if isinstance(answer.body, bytes):
        return answer.body.decode("utf-8", "replace").splitlines()[0]
    if answer.status == _AGREED:
        return None
    return f"{answer.status} {answer.body}"


def _encrypted(server: SMTP) -> bool:
    transport = server.transport
    return transport is not None and transport.get_extra_info("ssl_object") is not None


def certificate_for(address: str) -> tuple[str, str]:
    """A certificate for an IP address, signed by itself, and its key; both PEM. For one year."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sandbox mail server")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(pem).decode(), private.decode()


def _context(settings: Mapping[str, Any]) -> ssl.SSLContext:
    """The standard library takes certificates from files only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "certificate.pem"
        file.touch(mode=0o600)
        file.write_text(f"{settings['certificate']}{settings['key']}", "utf-8")
        context.load_cert_chain(file)
    return context
