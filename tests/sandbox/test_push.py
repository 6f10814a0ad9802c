"""Webhooks: signed, kept until they arrive, and disturbed on demand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator

import pytest

from fairlead.sandbox.process import SandboxProcess

from .conftest import SECRET, Receiver


@pytest.fixture
def pushing(sandbox: SandboxProcess, receiver: Receiver) -> Iterator[SandboxProcess]:
    wanted = {"url": receiver.url, "secret": SECRET}
    sandbox.control.put("/_sandbox/tiny/webhook", json=wanted).raise_for_status()
    yield sandbox
    sandbox.clear()


def plant(sandbox: SandboxProcess, count: int = 1) -> list[str]:
    return [sandbox.plant("tiny", "thing", {"n": n})["id"] for n in range(count)]


def next_of(receiver: Receiver) -> str:
    return json.loads(receiver.next()[1])["planted"]


def states(sandbox: SandboxProcess) -> list[str]:
    answer = sandbox.control.get("/_sandbox/tiny/pushes").json()
    return [push["state"] for push in answer["pushes"]]


def test_a_push_is_signed_as_standard_webhooks_says(
    pushing: SandboxProcess, receiver: Receiver
) -> None:
    plant(pushing)
    headers, body = receiver.next()

    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body.decode()}"
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    mac = base64.b64encode(hmac.new(key, signed.encode(), hashlib.sha256).digest()).decode()
    assert f"v1,{mac}" == headers["webhook-signature"]
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 5


def test_a_refused_push_comes_again_under_the_same_id(
    pushing: SandboxProcess, receiver: Receiver
) -> None:
    receiver.status = 503
    plant(pushing)
    first, again = receiver.next(), receiver.next()
    receiver.status = 204
    last = receiver.next()

    assert first[0]["webhook-id"] == again[0]["webhook-id"] == last[0]["webhook-id"]
    assert first[1] == again[1] == last[1]


def test_nothing_is_sent_where_nobody_asked(sandbox: SandboxProcess) -> None:
    plant(sandbox)

    assert states(sandbox) == []


def test_pushes_arrive_in_order_without_faults(pushing: SandboxProcess, receiver: Receiver) -> None:
    ids = plant(pushing, 5)

    assert ids == [next_of(receiver) for _ in ids]


def test_a_duplicated_push_has_one_id(pushing: SandboxProcess, receiver: Receiver) -> None:
    pushing.faults("tiny", {"kind": "duplicate_push", "copies": 3, "times": 1})
    plant(pushing, 2)
    got = [receiver.next() for _ in range(4)]

    ids = [headers["webhook-id"] for headers, _ in got]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert pushing.fired("tiny") == [1]


def test_a_dropped_push_never_comes(pushing: SandboxProcess, receiver: Receiver) -> None:
    pushing.faults("tiny", {"kind": "drop_push", "times": 1})
    lost, kept = plant(pushing, 2)

    assert kept == next_of(receiver) != lost
    assert len(states(pushing)) == 1


def test_a_delayed_push_comes_after_the_next(pushing: SandboxProcess, receiver: Receiver) -> None:
    pushing.faults("tiny", {"kind": "delay_push", "delay_s": 0.3, "times": 1})
    late, early = plant(pushing, 2)

    assert [early, late] == [next_of(receiver), next_of(receiver)]


def test_shuffled_pushes_all_come_in_another_order(
    pushing: SandboxProcess, receiver: Receiver
) -> None:
    pushing.faults("tiny", {"kind": "shuffle_push", "delay_s": 0.5})
    ids = plant(pushing, 8)
    got = [next_of(receiver) for _ in ids]

    assert sorted(ids) == sorted(got)
    assert ids != got


def test_a_rule_may_choose_pushes_by_their_body(
    pushing: SandboxProcess, receiver: Receiver
) -> None:
    pushing.faults("tiny", {"kind": "drop_push", "match": {"key": '"planted": "1"'}})
    plant(pushing, 2)

    assert next_of(receiver) == "2"


def test_call_faults_leave_pushes_alone(pushing: SandboxProcess, receiver: Receiver) -> None:
    pushing.faults("tiny", {"kind": "down"})
    (id,) = plant(pushing)

    assert id == next_of(receiver)
    assert pushing.fired("tiny") == [0]


def test_an_old_body_can_be_sent_again(pushing: SandboxProcess, receiver: Receiver) -> None:
    body = {"planted": "7"}
    again = {"body": body, "times": 3, "id": "msg_old"}
    pushing.control.post("/_sandbox/tiny/push", json=again).raise_for_status()
    got = [receiver.next() for _ in range(3)]

    assert [headers["webhook-id"] for headers, _ in got] == ["msg_old"] * 3
    assert [body] * 3 == [json.loads(content) for _, content in got]


def test_bodies_can_be_sent_in_another_order(pushing: SandboxProcess, receiver: Receiver) -> None:
    bodies = [{"planted": str(n)} for n in range(8)]
    asked = {"bodies": bodies, "shuffle": True, "seed": 3}
    pushing.control.post("/_sandbox/tiny/push", json=asked).raise_for_status()
    got = [next_of(receiver) for _ in bodies]

    assert list("01234567") == sorted(got)
    assert list("01234567") != got


@pytest.mark.parametrize(
    "webhook",
    [
        pytest.param({"url": "http://x", "secret": "plain"}, id="no-prefix"),
        pytest.param({"url": "http://x", "secret": "whsec_???"}, id="not-base64"),
        pytest.param({"url": "ftp://x", "secret": SECRET}, id="not-http"),
    ],
)
def test_a_webhook_that_cannot_be_signed_is_refused(
    sandbox: SandboxProcess, webhook: dict[str, str]
) -> None:
    assert sandbox.control.put("/_sandbox/tiny/webhook", json=webhook).status_code == 422
