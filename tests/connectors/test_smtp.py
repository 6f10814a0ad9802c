"""SMTP: the port's contract, what only a mail server does, and each trouble in its right class."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from contract_mail import ANA, BO, KEY, Bench, MailContract, ShownMail, a_notice, key
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fairlead.connectors.kit.declaration import Level, Writes
from fairlead.connectors.kit.http import Gate, OpenGate
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.connectors.smtp.adapter import SmtpMail
from fairlead.connectors.smtp.addresses import BadAddress, mailbox
from fairlead.connectors.smtp.declaration import CONNECTOR
from fairlead.connectors.smtp.message import compose
from fairlead.connectors.smtp.settings import SmtpSettings
from fairlead.errors import (
    AnswerLost,
    SystemRefused,
    SystemTrouble,
    SystemUnavailable,
    Throttled,
)
from fairlead.ports.messages import Mail, Notice
from fairlead.sandbox.process import SandboxProcess
from fairlead.sandbox.smtp import Smtp
from fairlead.sandbox.smtp_door import certificate_for
from fairlead.sandbox.world import SystemSpec, World

SYSTEM = "smtp"
FIXTURES = Path(__file__).parents[2] / "src/fairlead/connectors/smtp/fixtures"


class Watching:
    """A gate that keeps what it is told."""

    def __init__(self) -> None:
        self.entered = 0
        self.told: list[SystemTrouble | None] = []

    def enter(self) -> None:
        self.entered += 1

    def leave(self, trouble: SystemTrouble | None) -> None:
        self.told.append(trouble)


def adapter(settings: Mapping[str, Any], gate: Gate | None = None) -> SmtpMail:
    given = SmtpSettings.model_validate(settings)
    line = CONNECTOR.connect(SYSTEM, given, gate or OpenGate())
    return SmtpMail(SYSTEM, given, line, FieldMap.load(CONNECTOR.mapping))


class SmtpBench(Bench):
    def __init__(self, sandbox: SandboxProcess, system: str = SYSTEM) -> None:
        self.sandbox, self.system = sandbox, system
        self.settings = sandbox.client_settings(system) | {"total_timeout_s": 5}
        self.mail = adapter(self.settings)

    def held(self) -> list[dict[str, Any]]:
        return [held["body"] for held in self.sandbox.records(self.system, "messages")]

    def received(self) -> list[ShownMail]:
        return [
            ShownMail(
                to=tuple(body["to"]),
                subject=body["subject"],
                text=body["text"],
                links=tuple(body["links"]),
                message_id=body["message_id"],
            )
            for body in self.held()
        ]


@pytest.fixture
def smtp(sandbox: SandboxProcess) -> SmtpBench:
    sandbox.clear()
    return SmtpBench(sandbox)


class TestSmtpMail(MailContract):
    @pytest.fixture
    def bench(self, smtp: SmtpBench) -> Bench:
        return smtp


# -- the mail itself ---------------------------------------------------------------------------


def test_the_mail_says_that_no_person_wrote_it(smtp: SmtpBench) -> None:
    smtp.mail.send((ANA,), a_notice(), key=KEY)
    [body] = smtp.held()
    headers = dict(body["headers"])
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["From"] == "Fairlead <fairlead@tarn-holloway.example>"
    assert headers["Message-ID"].endswith("@tarn-holloway.example>")
    assert headers["Date"]
    assert body["from"] == "fairlead@tarn-holloway.example"


def test_the_html_says_the_same_and_nothing_in_it_is_markup(smtp: SmtpBench) -> None:
    notice = a_notice(title="A < B & C", text="<script>alert(1)</script>\nsecond line\n\nlast")
    smtp.mail.send((ANA,), notice, key=KEY)
    html = smtp.held()[0]["html"]
    assert "<h2>A &lt; B &amp; C</h2>" in html
    assert "<p>&lt;script&gt;alert(1)&lt;/script&gt;<br>second line</p>\n<p>last</p>" in html
    assert "desk/7?tab=ask&amp;x=1" in html


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "//evil.example"])
def test_a_link_that_no_browser_should_follow_is_left_out(smtp: SmtpBench, link: str) -> None:
    smtp.mail.send((ANA,), a_notice(link=link), key=KEY)
    [body] = smtp.held()
    assert link not in body["raw"]
    assert body["links"] == []


@pytest.mark.parametrize(
    "title",
    [
        "a\r\nBcc: x@y.example",
        "a\nBcc: x",
        "a\rBcc: x",
        "a\u2028Bcc: x",
        "a\x85Bcc: x",
        "\x00a\x0b",
    ],
)
def test_a_title_cannot_become_another_header(smtp: SmtpBench, title: str) -> None:
    smtp.mail.send((ANA,), a_notice(title=title), key=KEY)
    [body] = smtp.held()
    assert [name for name, _ in body["headers"]].count("Bcc") == 0
    assert body["subject"] == " ".join(title.replace("\x00", "").split())
    assert body["to"] == [ANA]


@given(title=st.text(min_size=1, max_size=200), text=st.text(max_size=500))
def test_whatever_is_written_stays_where_it_belongs(title: str, text: str) -> None:
    mail = compose(
        Notice(title=title, text=text),
        [ANA],
        sender="f@t.example",
        sender_name="Fairlead",
        domain="t.example",
        key=KEY,
        now=datetime(2026, 3, 2, tzinfo=UTC),
    )
    raw = mail.as_bytes()
    read = message_from_bytes(raw, policy=policy.SMTP)
    names = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version"]
    assert [*read.keys()] == [*names, "Content-Type"]
    assert raw.isascii()
    assert raw.endswith(b"\r\n")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert [part.get_content_type() for part in read.iter_parts()] == ["text/plain", "text/html"]


def test_a_recorded_mail_is_composed_to_the_letter() -> None:
    mail = compose(
        Notice(
            title="Übergabe TH-2038",
            text="Brindle Mutual signed.\n\nMargin 31 %.",
            link="https://fairlead.example/desk/7?a=1&b=2",
        ),
        [ANA, BO],
        sender="fairlead@tarn-holloway.example",
        sender_name="Fairlead",
        domain="tarn-holloway.example",
        key=KEY,
        now=datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
    )
    recorded = (FIXTURES / "notice.eml").read_bytes().replace(b"\n", b"\r\n")
    assert mail.as_bytes() == recorded


# -- addresses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_as", "sent_as"),
    [
        ("ana+handoff@b.example", "ana+handoff@b.example"),
        ("o'brien@B.Example", "o'brien@b.example"),
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("  ana@b.example ", "ana@b.example"),
    ],
)
def test_an_address_is_sent_as_dns_wants_it(smtp: SmtpBench, given_as: str, sent_as: str) -> None:
    smtp.mail.send((given_as,), a_notice(), key=KEY)
    assert smtp.held()[0]["to"] == [sent_as]


def test_a_name_beyond_ascii_reaches_a_server_that_knows_it(smtp: SmtpBench) -> None:
    smtp.mail.send(("müller@bücher.example", ANA), a_notice(), key=KEY)
    assert smtp.held()[0]["to"] == ["müller@xn--bcher-kva.example", ANA]
    assert smtp.received()[0].subject == a_notice().title


@pytest.mark.parametrize(
    "bad",
    [
        ".a@b.example",
        "a..b@c.example",
        "a@" + "b" * 64 + ".example",
        "ä" * 33 + "@b.example",
        "a@b.example>",
        "a\u2028b@c.example",
    ],
)
def test_an_address_that_none_can_be_is_said(bad: str) -> None:
    with pytest.raises(BadAddress):
        mailbox(bad)


# -- the ways to a server ----------------------------------------------------------------------


def mail_server(**changes: Any) -> dict[str, Any]:
    """Settings of a sandbox server; what is given as None is left out."""
    settings = Smtp.example_settings() | changes
    client = settings["client"] | {name: changes[name] for name in changes if name != "utf8"}
    client = {name: value for name, value in client.items() if name not in ("certificate", "key")}
    settings["client"] = {name: value for name, value in client.items() if value is not None}
    return {name: value for name, value in settings.items() if value is not None}


@pytest.fixture(scope="module")
def servers() -> Iterator[SandboxProcess]:
    kinds: dict[str, dict[str, Any]] = {
        "implicit": mail_server(tls="implicit"),
        "open": mail_server(tls="none", user=None, password=None),
        "old": mail_server(tls="none", user=None, password=None, utf8=False),
    }
    specs = [SystemSpec(id=id, dialect="smtp", settings=given) for id, given in kinds.items()]
    with SandboxProcess(World(systems=tuple(specs))) as running:
        yield running


@pytest.mark.parametrize(
    ("system", "encrypted", "signed_in"), [("implicit", True, True), ("open", False, False)]
)
def test_a_mail_goes_each_way_that_a_server_may_want(
    servers: SandboxProcess, system: str, encrypted: bool, signed_in: bool
) -> None:
    servers.clear()
    bench = SmtpBench(servers, system)
    bench.mail.send((ANA,), a_notice(), key=KEY)
    [body] = bench.held()
    assert (body["encrypted"], body["signed_in"]) == (encrypted, signed_in)


def test_starttls_comes_before_the_password(smtp: SmtpBench) -> None:
    smtp.mail.send((ANA,), a_notice(), key=KEY)
    [body] = smtp.held()
    assert (body["encrypted"], body["signed_in"]) == (True, True)


def test_encryption_that_is_not_offered_is_not_done_without(servers: SandboxProcess) -> None:
    servers.clear()
    bench = SmtpBench(servers, "open")
    with pytest.raises(SystemUnavailable, match="STARTTLS"):
        adapter(bench.settings | {"tls": "starttls"}).send((ANA,), a_notice(), key=KEY)
    assert bench.held() == []


def test_a_server_that_nobody_vouches_for_gets_no_password(smtp: SmtpBench) -> None:
    other, _ = certificate_for("127.0.0.1")
    for trusted in (None, other):
        mail = adapter(smtp.settings | {"trusted_certificates": trusted})
        with pytest.raises(SystemUnavailable, match="certificate verify failed"):
            mail.send((ANA,), a_notice(), key=KEY)


def test_a_certificate_of_another_name_is_not_believed(smtp: SmtpBench) -> None:
    mail = adapter(smtp.settings | {"host": "localhost"})
    with pytest.raises(SystemUnavailable, match="certificate"):
        mail.send((ANA,), a_notice(), key=KEY)


def test_a_wrong_password_concerns_the_system_and_not_the_mail(smtp: SmtpBench) -> None:
    mail = adapter(smtp.settings | {"password": "of-last-year"})
    for ask in (mail.ping, lambda: mail.send((ANA,), a_notice(), key=KEY)):
        with pytest.raises(SystemUnavailable, match="535"):
            ask()


def test_a_missing_sign_in_concerns_the_system_and_not_the_mail(smtp: SmtpBench) -> None:
    mail = adapter(smtp.settings | {"user": None, "password": None})
    with pytest.raises(SystemUnavailable, match="530"):
        mail.send((ANA,), a_notice(), key=KEY)


def test_an_old_server_says_whom_it_cannot_reach(servers: SandboxProcess) -> None:
    servers.clear()
    bench = SmtpBench(servers, "old")
    with pytest.raises(SystemRefused, match=r"SMTPUTF8.*müller@b\.example"):
        bench.mail.send(("müller@b.example", ANA), a_notice(), key=KEY)
    assert bench.held() == []
    bench.mail.send((ANA,), a_notice(title="Grüße"), key=KEY)
    assert bench.received()[0].subject == "Grüße"


def test_a_server_is_at_the_same_port_after_a_restart(tmp_path: Path) -> None:
    spec = SystemSpec(id="mail", dialect="smtp", settings=mail_server())
    with SandboxProcess(World(systems=(spec,)), data=tmp_path) as running:
        bench = SmtpBench(running, "mail")
        bench.mail.send((ANA,), a_notice(), key=key(1))
        running.stop()
        with pytest.raises(SystemUnavailable):
            bench.mail.ping()
        running.start_again()
        bench.mail.send((ANA,), a_notice(), key=key(2))
        assert len(bench.received()) == 2


# -- trouble -----------------------------------------------------------------------------------


TROUBLES: dict[str, tuple[str, dict[str, Any], type[SystemTrouble], bool]] = {
    "no greeting": ("session.open", {"kind": "lose_request"}, SystemUnavailable, False),
    "greeting 554": ("session.open", {"kind": "status", "status": 554}, SystemUnavailable, False),
    "greeting 421": ("session.open", {"kind": "status", "status": 421}, SystemUnavailable, False),
    "sender 451": ("mail.from", {"kind": "status", "status": 451}, SystemUnavailable, False),
    "sender 553": ("mail.from", {"kind": "status", "status": 553}, SystemRefused, False),
    "lost at the sender": ("mail.from", {"kind": "lose_answer"}, SystemUnavailable, False),
    "recipient 450": ("mail.to", {"kind": "status", "status": 450}, SystemUnavailable, False),
    "recipient 550": ("mail.to", {"kind": "status", "status": 550}, SystemRefused, False),
    "greylisted": ("mail.to", {"kind": "rate_limit"}, Throttled, False),
    "lost at a recipient": ("mail.to", {"kind": "lose_request"}, SystemUnavailable, False),
    "data 451": ("mail.data", {"kind": "status", "status": 451}, SystemUnavailable, False),
    "data 554": ("mail.data", {"kind": "status", "status": 554}, SystemRefused, False),
    "lost at data": ("mail.data", {"kind": "lose_request"}, SystemUnavailable, False),
    "451 after the dot": ("mail.send", {"kind": "status", "status": 451}, SystemUnavailable, False),
    "552 after the dot": ("mail.send", {"kind": "status", "status": 552}, SystemRefused, False),
    "throttled after the dot": ("mail.send", {"kind": "rate_limit"}, Throttled, False),
    "dropped after the dot": ("mail.send", {"kind": "lose_request"}, AnswerLost, False),
    "sent, then dropped": ("mail.send", {"kind": "lose_answer"}, AnswerLost, True),
    "sent, half an answer": ("mail.send", {"kind": "half_answer"}, AnswerLost, True),
    "sent, then a web page": ("mail.send", {"kind": "html", "after": True}, AnswerLost, True),
    "sent, then silence": ("mail.send", {"kind": "slow", "delay_s": 1}, AnswerLost, True),
}  # fmt: skip


@pytest.mark.parametrize("name", TROUBLES)
def test_only_silence_after_the_final_dot_leaves_a_mail_that_is_perhaps_sent(
    smtp: SmtpBench, name: str
) -> None:
    operation, fault, wanted, sent = TROUBLES[name]
    gate = Watching()
    mail = adapter(smtp.settings | {"last_timeout_s": 0.5}, gate)
    smtp.sandbox.faults(SYSTEM, {"match": {"operation": operation}, "times": 1, **fault})
    with pytest.raises(SystemTrouble) as caught:
        mail.send((ANA, BO), a_notice(), key=KEY)
    assert type(caught.value) is wanted
    assert smtp.sandbox.fired(SYSTEM) == [1]
    assert (gate.entered, gate.told) == (1, [caught.value])
    if fault["kind"] == "slow":
        awaited(lambda: len(smtp.held()) == 1)
    assert len(smtp.held()) == sent
    mail.send((ANA, BO), a_notice(), key=KEY)
    assert len({held["message_id"] for held in smtp.held()}) == 1
    assert gate.told[1:] == [None]


def awaited(done: Callable[[], bool], within_s: float = 10) -> None:
    """The sandbox cannot call us, so we look again and again."""
    end = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def test_where_one_cannot_have_it_nobody_gets_it_and_the_one_is_named(smtp: SmtpBench) -> None:
    gone = {"match": {"path": "/to/bo@*"}, "kind": "status", "status": 550}
    busy = {"match": {"path": "/to/ana@*"}, "kind": "status", "status": 450}
    smtp.sandbox.faults(SYSTEM, gone, busy)
    with pytest.raises(SystemRefused) as caught:
        smtp.mail.send((ANA, BO), a_notice(), key=KEY)
    assert BO in str(caught.value)
    assert ANA not in str(caught.value)
    assert "(550)" in str(caught.value)
    assert smtp.held() == []


def test_nobody_at_the_address_is_an_outage() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    mail = adapter({"host": "127.0.0.1", "port": port, "tls": "none", "sender": ANA})
    with pytest.raises(SystemUnavailable, match="ConnectionRefused"):
        mail.send((ANA,), a_notice(), key=KEY)


def test_who_answers_with_something_else_is_no_mail_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        speaking = Thread(target=answer)
        speaking.start()
        port = listening.getsockname()[1]
        mail = adapter({"host": "127.0.0.1", "port": port, "tls": "none", "sender": ANA})
        with pytest.raises(SystemUnavailable):
            mail.ping()
        speaking.join()


# -- settings and the declaration --------------------------------------------------------------


@pytest.mark.parametrize(("tls", "port"), [("starttls", 587), ("implicit", 465), ("none", 25)])
def test_each_way_has_its_port(tls: str, port: int) -> None:
    given = SmtpSettings.model_validate({"host": "mail.example", "tls": tls, "sender": ANA})
    assert given.port_in_use == port


@pytest.mark.parametrize(
    "wrong",
    [
        {"sender": "fairlead"},
        {"user": "fairlead"},
        {"sender_name": "Fairlead\r\nBcc: x@y.example"},
        {"domain": "a b"},
        {"host": "mail.example\n"},
        {"tls": "maybe"},
        {"base_url": "https://mail.example"},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SmtpSettings.model_validate({"host": "mail.example", "sender": ANA} | wrong)


def test_the_password_is_never_shown() -> None:
    given = {"host": "mail.example", "sender": ANA, "user": "u", "password": "se-cret"}
    settings = SmtpSettings.model_validate(given)
    assert "se-cret" not in f"{settings!r} {settings}"


def test_every_method_of_the_port_is_declared() -> None:
    methods = {name for name in vars(Mail) if not name.startswith("_")}
    assert set(CONNECTOR.operations) == {f"mail.{name}" for name in methods}
    sending = CONNECTOR.operations["mail.send"]
    assert isinstance(sending, Writes)
    assert (sending.level, sending.find) == (Level.L0, None)
