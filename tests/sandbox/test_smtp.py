"""The mail server's door: the kernel's faults, counts, ledger and reset, over the real protocol."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from fairlead.connectors.kit.http import trusted
from fairlead.errors import InvalidDefinition
from fairlead.sandbox.process import SandboxProcess
from fairlead.sandbox.smtp import Smtp
from fairlead.sandbox.world import SystemSpec, World

ANA, BO = "ana@firm.example", "bo@firm.example"
MAIL = (
    b"From: a@b.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@b.example>\r\n"
    b"\r\nSee https://fairlead.example/desk/7\r\n.beginning with a dot\r\n"
)


@pytest.fixture(scope="module")
def running() -> Iterator[SandboxProcess]:
    known = Smtp.example_settings()
    plain = {"tls": "none"}
    systems = (
        SystemSpec(id="mail", dialect="smtp", settings=plain),
        SystemSpec(id="locked", dialect="smtp", settings=known),
    )
    with SandboxProcess(World(systems=systems)) as process:
        yield process


@pytest.fixture
def sandbox(running: SandboxProcess) -> SandboxProcess:
    running.clear()
    return running


def wait_until(true: Callable[[], bool], within_s: float = 5) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def connected(sandbox: SandboxProcess, system: str = "mail") -> smtplib.SMTP:
    known = sandbox.client_settings(system)
    return smtplib.SMTP(known["host"], known["port"], "client.example", timeout=5)


def test_a_mail_is_a_record_and_a_row_of_the_ledger(sandbox: SandboxProcess) -> None:
    with connected(sandbox) as client:
        assert client.sendmail("a@b.example", [ANA, BO], MAIL) == {}
    [held] = sandbox.records("mail", "messages")
    body = held["body"]
    assert (held["key"], body["from"], body["to"]) == ("<1@b.example>", "a@b.example", [ANA, BO])
    assert body["subject"] == "Grüße"
    assert body["links"] == ["https://fairlead.example/desk/7"]
    assert ".beginning with a dot" in body["text"].splitlines()
    assert [row["key"] for row in sandbox.ledger("mail", "messages")] == ["<1@b.example>"]


def test_each_step_is_counted(sandbox: SandboxProcess) -> None:
    with connected(sandbox) as client:
        client.sendmail("a@b.example", [ANA, BO], MAIL)
    counts = {row["operation"]: row["count"] for row in sandbox.calls("mail")["counts"]}
    assert counts == {
        "session.open": 1, "mail.from": 1, "mail.to": 2, "mail.data": 1, "mail.send": 1
    }  # fmt: skip


def test_a_fault_strikes_one_recipient_with_its_own_code(sandbox: SandboxProcess) -> None:
    sandbox.faults("mail", {"kind": "status", "status": 550, "match": {"path": f"/to/{BO}"}})
    with connected(sandbox) as client:
        refused = client.sendmail("a@b.example", [ANA, BO], MAIL)
    assert refused == {BO: (550, b"5.3.0 It did not work")}
    assert sandbox.records("mail", "messages")[0]["body"]["to"] == [ANA]


def test_who_hangs_up_stops_no_work(sandbox: SandboxProcess) -> None:
    """The work of a slow mail is done though nobody waits for it any more."""
    slow = {"kind": "slow", "delay_s": 0.5, "match": {"operation": "mail.send"}}
    sandbox.faults("mail", slow)
    client = connected(sandbox)
    client.ehlo()
    client.mail("a@b.example")
    client.rcpt(ANA)
    client.docmd("DATA")
    client.send(MAIL + b".\r\n")
    wait_until(lambda: sandbox.fired("mail") == [1])
    client.close()
    wait_until(lambda: len(sandbox.records("mail", "messages")) == 1)


def test_a_reset_forgets_the_mails_and_keeps_the_port(sandbox: SandboxProcess) -> None:
    before = sandbox.client_settings("mail")["port"]
    with connected(sandbox) as client:
        client.sendmail("a@b.example", [ANA], MAIL)
        sandbox.clear()
        client.sendmail("a@b.example", [BO], MAIL)
    assert [held["body"]["to"] for held in sandbox.records("mail", "messages")] == [[BO]]
    found = sandbox.control.get("/_sandbox/systems").json()["systems"]
    assert {"id": "mail", "dialect": "smtp", "port": before} in found


def test_nothing_comes_in_before_encryption_and_a_password(sandbox: SandboxProcess) -> None:
    known = sandbox.client_settings("locked")
    with connected(sandbox, "locked") as client:
        client.ehlo()
        assert client.mail("a@b.example")[0] == 530
        assert "auth" not in client.esmtp_features
        assert known["tls"] == "starttls"


def test_a_mail_cannot_come_in_by_http(sandbox: SandboxProcess) -> None:
    replies = [
        httpx.request(
            method, f"{sandbox.url}/mail/messages", json={"content": ""}, verify=trusted()
        )
        for method in ("SMTP", "POST")
    ]
    assert [reply.status_code for reply in replies] == [400, 405]
    assert sandbox.records("mail", "messages") == []


def test_a_planted_mail_is_found_by_its_message_id(sandbox: SandboxProcess) -> None:
    sandbox.plant("mail", "messages", {"message_id": "<7@x.example>", "to": [ANA]})
    assert len(sandbox.records("mail", "messages", key="<7@x.example>")) == 1


def test_a_port_that_is_taken_is_said_at_the_start(sandbox: SandboxProcess) -> None:
    taken = sandbox.client_settings("mail")["port"]
    spec = SystemSpec(id="mail", dialect="smtp", settings={"tls": "none", "port": taken})
    with pytest.raises((RuntimeError, InvalidDefinition)):
        SandboxProcess(World(systems=(spec,)))
