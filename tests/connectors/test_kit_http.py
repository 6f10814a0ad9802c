"""The one HTTP client of all connectors: what trouble outside says about the work."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.connectors.kit.http import (
    Http,
    Reply,
    Token,
    TokenSource,
    meaning_of,
    meaning_of_status,
    retry_after,
)
from fairlead.errors import (
    AnswerLost,
    SystemRefused,
    SystemTrouble,
    SystemUnavailable,
    Throttled,
)

NOW = datetime(2026, 11, 2, 9, 41, 7, tzinfo=UTC)
CUT_GZIP = gzip.compress(b'["' + bytes(range(35, 90)) + b'"]')[:-30]
ROOT = "https://good.example/org"

#: What httpx raises where its caller misuses it. That is a bug of ours, and must look like one.
OUR_MISUSE = {
    httpx.StreamError, httpx.StreamConsumed, httpx.StreamClosed, httpx.ResponseNotRead,
    httpx.RequestNotRead, httpx.CookieConflict,
}  # fmt: skip

NOT_SENT = {httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout}
NEVER_GOOD = {
    httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError, httpx.TooManyRedirects,
}  # fmt: skip


def exceptions_of_httpx() -> list[type[Exception]]:
    found = [one for one in vars(httpx).values() if isinstance(one, type)]
    return sorted({one for one in found if issubclass(one, Exception)}, key=lambda e: e.__name__)


@pytest.mark.parametrize("foreign", exceptions_of_httpx(), ids=lambda e: e.__name__)
def test_every_exception_of_httpx_has_a_meaning(foreign: type[Exception]) -> None:
    trouble = foreign.__new__(foreign)

    if foreign in OUR_MISUSE:
        assert meaning_of(trouble) is None
    elif foreign in NOT_SENT:
        assert meaning_of(trouble) is SystemUnavailable
    elif foreign in NEVER_GOOD:
        assert meaning_of(trouble) is SystemRefused
    else:
        assert meaning_of(trouble) is AnswerLost


def test_a_bug_of_ours_stays_one() -> None:
    assert meaning_of(KeyError("x")) is None


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (200, None), (204, None), (299, None), (300, SystemRefused), (302, SystemRefused),
        (400, SystemRefused), (403, SystemRefused), (404, SystemRefused), (408, AnswerLost),
        (409, AnswerLost), (422, SystemRefused), (425, AnswerLost), (429, Throttled),
        (500, AnswerLost), (502, AnswerLost), (503, AnswerLost), (599, AnswerLost),
    ],
)  # fmt: skip
def test_what_a_status_says_about_the_work(
    status: int, meaning: type[SystemTrouble] | None
) -> None:
    assert meaning_of_status(status) is meaning


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        pytest.param("7", 7, id="seconds"),
        pytest.param("0", 0, id="at-once"),
        pytest.param("1.5", 1.5, id="with-a-fraction"),
        pytest.param("Mon, 02 Nov 2026 09:42:07 GMT", 60, id="date"),
        pytest.param("Mon, 02 Nov 2026 09:42:07 -0000", 60, id="date-without-zone"),
        pytest.param("Mon, 02 Nov 2026 09:00:00 GMT", None, id="date-gone-by"),
        pytest.param("999999", 900, id="more-than-a-quarter-of-an-hour"),
        pytest.param("9" * 400, 900, id="absurd"),
        pytest.param("Fri, 31 Dec 9999 23:59:59 GMT", 900, id="absurd-date"),
        pytest.param("-5", None, id="negative"),
        pytest.param("NaN", None, id="not-a-number"),
        pytest.param("inf", None, id="endless"),
        pytest.param("1e3", None, id="exponent"),
        pytest.param("٧", None, id="digits-of-another-script"),
        pytest.param("soon", None, id="words"),
        pytest.param("", None, id="empty"),
    ],
)
def test_how_long_to_stay_away(header: str, wait: float | None) -> None:
    expected = None if wait is None else timedelta(seconds=wait)

    assert retry_after({"retry-after": header}, NOW) == expected
    assert retry_after({}, NOW) is None


@given(st.text(max_size=40) | st.from_regex(r"\w{3}, \d{1,2} \w{3} \d{4,6} \d\d:\d\d:\d\d [+-]\d+"))
def test_no_retry_after_is_believed_for_longer_than_a_quarter_of_an_hour(header: str) -> None:
    wait = retry_after({"retry-after": header}, NOW)

    assert wait is None or timedelta(0) <= wait <= timedelta(minutes=15)


# -- over a real socket ------------------------------------------------------------------------


@contextmanager
def server(*answers: bytes | Callable[[socket.socket], None]) -> Generator[str]:
    """Answers one connection after the other with these bytes, whatever it is asked."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        for answer in answers:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                try:
                    if isinstance(answer, bytes):
                        connection.sendall(answer)
                    else:
                        answer(connection)
                except OSError:
                    continue  # the client hung up, which is what some tests are about

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()
        thread.join(5)


def answer(status: str, body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = [
        f"HTTP/1.1 {status}", f"content-length: {len(body) if length is None else length}",
        "connection: close", *(headers or ("content-type: application/json",)),
    ]  # fmt: skip
    return "\r\n".join([*lines, "", ""]).encode() + body


def test_an_answer_is_complete_json_and_its_decimals_are_exact() -> None:
    with server(answer("200 OK", b'{"amount": 0.1000}')) as url:
        reply = Http("s", url).send("GET", "/x")

    assert str(Decimal("0.1000")) == str(reply.body["amount"])


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(answer("200 OK", b'{"a": 1}', length=20), id="shorter-than-it-said"),
        pytest.param(answer("200 OK", b'{"a": '), id="json-cut-off"),
        pytest.param(answer("200 OK", b'{"a": NaN}'), id="not-a-number"),
        pytest.param(answer("200 OK", b"[" * 200_000), id="deeper-than-anybody-means"),
        pytest.param(answer("200 OK", b"<html>", "content-type: text/html"), id="html-in-a-200"),
        pytest.param(answer("200 OK", b"\xff", "content-type: application/json"), id="not-utf-8"),
        pytest.param(
            answer("200 OK", CUT_GZIP, "content-type: application/json", "content-encoding: gzip"),
            id="gzip-cut-off",
        ),
        pytest.param(b"", id="connection-closed-without-a-word"),
        pytest.param(b"nonsense\r\n\r\n", id="not-http"),
        pytest.param(answer("200 OK", b'"' + b"x" * 10_000_001 + b'"'), id="over-ten-megabytes"),
        pytest.param(
            answer("200 OK", gzip.compress(b'"' + b"x" * 10_000_001 + b'"'),
                   "content-type: application/json", "content-encoding: gzip"),
            id="a-small-answer-that-unpacks-to-over-ten-megabytes",
        ),
    ],
)  # fmt: skip
def test_half_or_strange_answers_are_perhaps_done(sent: bytes) -> None:
    with server(sent) as url, pytest.raises(AnswerLost):
        Http("s", url, total_timeout_s=5).send("POST", "/x", json={})


def test_who_does_not_listen_did_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(SystemUnavailable):
        Http("s", f"http://127.0.0.1:{port}").send("POST", "/x")


def test_a_redirect_is_refused_and_not_followed() -> None:
    with server(answer("200 OK", b"{}")) as elsewhere:
        moved = answer("302 Found", b"", f"location: {elsewhere}/x")
        with server(moved) as url, pytest.raises(SystemRefused, match="302"):
            Http("s", url).send("GET", "/x")


def drip(first: bytes, drop: bytes, pause_s: float, stop: threading.Event) -> Callable[..., None]:
    def write(connection: socket.socket) -> None:
        connection.sendall(first)
        while not stop.wait(pause_s):
            connection.sendall(drop)

    return write


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(answer("200 OK", b"", length=1_000_000), id="in-the-body"),
    ],
)
def test_a_server_that_drips_is_left_when_the_time_is_up(first: bytes) -> None:
    stop = threading.Event()
    with server(drip(first, b" ", 0.05, stop)) as url:
        began = time.monotonic()
        try:
            with pytest.raises(AnswerLost):
                Http("s", url, total_timeout_s=0.5).send("POST", "/x")
        finally:
            stop.set()

    assert time.monotonic() - began < 3


# -- sign-in and addresses ---------------------------------------------------------------------


def http(*replies: httpx.Response, tokens: TokenSource | None = None) -> Http:
    waiting = iter(replies)
    transport = httpx.MockTransport(lambda _: next(waiting))
    plain = Http("s", ROOT, transport=transport)
    return plain.with_sign_in(tokens) if tokens else plain


def source(*values: str) -> TokenSource:
    waiting = iter(values)
    return TokenSource(lambda: Token(next(waiting), time.monotonic() + 3600))


def test_a_401_is_answered_by_one_fresh_sign_in() -> None:
    replies = httpx.Response(401, json={}), httpx.Response(200, json={"ok": 1})

    assert http(*replies, tokens=source("old", "new")).send("GET", "/x").body == {"ok": 1}


def test_a_second_401_means_that_nothing_was_done() -> None:
    replies = httpx.Response(401, json={}), httpx.Response(401, json={})

    with pytest.raises(SystemUnavailable, match="fresh sign-in"):
        http(*replies, tokens=source("old", "new")).send("POST", "/x")


@pytest.mark.parametrize(
    "trouble", [AnswerLost("s", "x"), SystemRefused("s", "x"), SystemUnavailable("s", "x")]
)
def test_trouble_with_the_sign_in_means_that_nothing_was_done(trouble: SystemTrouble) -> None:
    def fail() -> Token:
        raise trouble

    with pytest.raises(SystemUnavailable):
        http(tokens=TokenSource(fail)).send("POST", "/x")


def test_a_request_to_wait_stays_one_while_signing_in() -> None:
    def fail() -> Token:
        raise Throttled("s", "x", retry_after=timedelta(seconds=9))

    with pytest.raises(Throttled) as caught:
        http(tokens=TokenSource(fail)).send("POST", "/x")

    assert caught.value.retry_after == timedelta(seconds=9)


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/x",
        "https://good.example.evil.example/x",
        "https://good.example/organisation/x",
        "https://good.example/other",
        ".evil.example/x",
        "@evil.example/x",
    ],
)
def test_an_address_outside_the_system_is_not_called(path: str) -> None:
    with pytest.raises(SystemRefused, match="another host"):
        http().send("GET", path)


def test_a_full_address_inside_the_system_is_called() -> None:
    assert http(httpx.Response(200, json=[])).send("GET", f"{ROOT}/page/2").body == []


def test_a_404_may_be_an_answer() -> None:
    assert http(httpx.Response(404, json={})).send("GET", "/x", may_miss=True).status == 404
    with pytest.raises(SystemRefused):
        http(httpx.Response(404, json={})).send("GET", "/x")


def test_a_vendors_own_meaning_goes_before_the_status() -> None:
    def classify(reply: Reply) -> type[SystemTrouble] | None:
        return Throttled if reply.body == "wait" else None

    wait, no = httpx.Response(403, json="wait"), httpx.Response(403, json="no")
    client = http(wait, no).with_dialect(lambda reply: f"said {reply.body}", classify)

    with pytest.raises(Throttled, match="said wait"):
        client.send("GET", "/x")
    with pytest.raises(SystemRefused, match="said no"):
        client.send("GET", "/x")
