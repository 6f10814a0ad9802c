"""Webhooks: kept until they are delivered, signed as the dialect signs.

A dialect that says nothing else signs in the Standard Webhooks way: the signature is `v1,` and
base64 of HMAC-SHA256 over `{id}.{timestamp}.{body}`. The id stays the same over retries, the
timestamp is that of the attempt.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Any
from urllib.parse import urlsplit

import httpx
import simplejson

from fairlead.errors import InvalidDefinition
from fairlead.sandbox.books import Books
from fairlead.sandbox.faults import Facts, Faults

#: Seconds until the next attempt, by how many have failed; the last one goes on for a day.
_BACK_OFF_S = (0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)
_ATTEMPTS = 300
_ANSWER_WITHIN_S = 10
_AT_ONCE = 50


#: (secret, body, message id, Unix time in seconds) → the headers that prove who sent it. Raises
#: `InvalidDefinition` where it cannot sign with such a secret.
Sign = Callable[[str, bytes, str, float], dict[str, str]]


@dataclass(frozen=True)
class Receiver:
    """Where a system's webhooks go. What a secret looks like is for who signs with it to say."""

    url: str
    secret: str

    @classmethod
    def of(cls, url: str, secret: str) -> Receiver:
        """Raises `InvalidDefinition`."""
        if not url.startswith(("http://", "https://")):
            raise InvalidDefinition("A webhook goes to an http or https address.")
        return cls(url, secret)


def signed(secret: str, body: bytes, id: str, now: float) -> dict[str, str]:
    """The headers of one attempt in the Standard Webhooks way; `now` is Unix time in seconds.

    `secret` is `whsec_` and base64. Raises `InvalidDefinition` for another one.
    """
    if not secret.startswith("whsec_"):
        raise InvalidDefinition("A webhook secret is `whsec_` and base64.")
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as bad:
        raise InvalidDefinition("A webhook secret is `whsec_` and base64.") from bad
    stamp = str(int(now))
    mixed = hmac.new(key, f"{id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(mixed).decode()}",
    }


class Pushes:
    """One system's outgoing webhooks, in its books, and the thread that delivers them.

    Nothing goes out before `sign_with` has said how it is signed.
    """

    def __init__(self, books: Books, faults: Faults, receiver: Receiver | None) -> None:
        self._books, self._faults, self._receiver = books, faults, receiver
        self._sign: Sign | None = None
        self._woken = Condition()
        self._news = True
        self._stopped = False
        self._thread = Thread(target=self._run, name=f"pushes-{books.system}", daemon=True)
        self._thread.start()

    def sign_with(self, sign: Sign) -> None:
        """Raises `InvalidDefinition` where it cannot sign for the receiver that there is."""
        _try(sign, self._receiver)
        self._sign = sign
        self._wake()

    def send_to(self, receiver: Receiver | None) -> None:
        """Raises `InvalidDefinition` where its secret cannot be signed with."""
        if self._sign is not None:
            _try(self._sign, receiver)
        self._receiver = receiver
        self._wake()

    def push(self, body: dict[str, Any]) -> None:
        """Take one webhook, unless nobody has asked for any. Faults may drop, delay or double."""
        if self._receiver is None:
            return
        text = simplejson.dumps(body, use_decimal=True)
        path = urlsplit(self._receiver.url).path
        trap = self._faults.of_push(Facts("push", "POST", path, f"{path} {text}"))
        copies, delay_s = 1, 0.0
        if trap:
            match trap.rule.kind:
                case "drop_push":
                    return
                case "duplicate_push":
                    copies = trap.rule.copies
                case "shuffle_push":
                    delay_s = trap.rule.delay_s * trap.draw()
                case _:
                    delay_s = trap.rule.delay_s
        self._keep([(f"msg_{uuid.uuid4().hex}", text)] * copies, time.time() + delay_s)

    def again(self, bodies: list[tuple[str, dict[str, Any]]]) -> None:
        """Send (id, body) in this order, whatever the faults say."""
        kept = [(id, simplejson.dumps(body, use_decimal=True)) for id, body in bodies]
        self._keep(kept, time.time())

    def shown(self) -> list[dict[str, Any]]:
        """Every push: waiting, delivered or given up."""
        with self._books.transaction() as db:
            rows = db.execute("SELECT id, state, attempts, due, body FROM pushes ORDER BY nr")
            return [
                {
                    "id": id,
                    "state": state,
                    "attempts": attempts,
                    "due": due,
                    "body": simplejson.loads(body, use_decimal=True),
                }
                for id, state, attempts, due, body in rows.fetchall()
            ]

    def stop(self) -> None:
        self._stopped = True
        self._wake()
        self._thread.join(_ANSWER_WITHIN_S + 1)

    def _keep(self, pushes: list[tuple[str, str]], due: float) -> None:
        with self._books.transaction() as db:
            db.executemany(
                "INSERT INTO pushes (id, body, due) VALUES (?, ?, ?)",
                [(id, text, due) for id, text in pushes],
            )
        self._wake()

    def _wake(self) -> None:
        with self._woken:
            self._news = True
            self._woken.notify()

    def _run(self) -> None:
        with httpx.Client(timeout=_ANSWER_WITHIN_S, trust_env=False) as client:
            while not self._stopped:
                with self._woken:
                    self._news = False
                if self._receiver is not None and self._sign is not None:
                    self._deliver(client, self._receiver, self._sign)
                wait_s = self._next_due_in()
                with self._woken:
                    if not self._news:
                        self._woken.wait(wait_s)

    def _next_due_in(self) -> float | None:
        """Seconds until there is something to do; None: until somebody wakes us."""
        if self._receiver is None or self._sign is None:
            return None
        with self._books.transaction() as db:
            row = db.execute("SELECT min(due) FROM pushes WHERE state = 'waiting'").fetchone()
        return None if row[0] is None else max(0.0, row[0] - time.time())

    def _deliver(self, client: httpx.Client, receiver: Receiver, sign: Sign) -> None:
        with self._books.transaction() as db:
            due: list[tuple[int, str, str, int]] = db.execute(
                "SELECT nr, id, body, attempts FROM pushes WHERE state = 'waiting' AND due <= ?"
                " ORDER BY due, nr LIMIT ?",
                (time.time(), _AT_ONCE),
            ).fetchall()
        for nr, id, text, attempts in due:
            if self._stopped:
                return
            done = self._attempt(client, receiver, sign, id, text.encode())
            state = "delivered" if done else "waiting"
            if attempts + 1 >= _ATTEMPTS and not done:
                state = "given up"
            pause_s = _BACK_OFF_S[min(attempts, len(_BACK_OFF_S) - 1)]
            with self._books.transaction() as db:
                db.execute(
                    "UPDATE pushes SET state = ?, attempts = ?, due = ? WHERE nr = ?",
                    (state, attempts + 1, time.time() + (0 if done else pause_s), nr),
                )

    @staticmethod
    def _attempt(
        client: httpx.Client, receiver: Receiver, sign: Sign, id: str, body: bytes
    ) -> bool:
        try:
            proof = sign(receiver.secret, body, id, time.time())
            headers = {"content-type": "application/json", **proof}
            return client.post(receiver.url, content=body, headers=headers).is_success
        except (httpx.HTTPError, httpx.InvalidURL):
            return False


def _try(sign: Sign, receiver: Receiver | None) -> None:
    """Whoever sets a secret learns at once that it is unusable, not the thread that delivers."""
    if receiver is not None:
        sign(receiver.secret, b"{}", "msg_0", 0)
