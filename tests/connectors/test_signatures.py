"""Who may push to us: genuine deliveries pass, forged ones do not."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fairlead.connectors.kit.signatures import TOLERANCE_S, sign, standard_webhook
from fairlead.errors import InvalidDefinition, NotAllowed

NOW = 1_793_612_467.4
SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()
BODY = b'{"replayId":6}'


@dataclass(frozen=True)
class Delivery:
    headers: dict[str, str] = field(default_factory=lambda: sign("msg_1", BODY, SECRET, NOW))
    body: bytes = BODY
    secrets: tuple[str, ...] = (SECRET,)
    now: float = NOW

    def verified(self) -> str:
        return standard_webhook(self.headers, self.body, self.secrets, self.now)

    def but(self, **headers: str | None) -> Delivery:
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {**self.headers, **changed}
        return replace(self, headers={n: v for n, v in kept.items() if v is not None})


def signature(delivery: Delivery) -> str:
    return delivery.headers["webhook-signature"]


def test_the_signature_of_the_specification_is_ours() -> None:
    """The worked example of the reference libraries."""
    body = b'{"test": 2432232314}'
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    headers = sign("msg_p5jXN8AQM9LWM0D4loKWxJek", body, secret, 1614265330)

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(
    id=st.text(st.sampled_from("abcXYZ0189_-"), min_size=1, max_size=60),
    body=st.binary(max_size=300),
    key=st.binary(min_size=24, max_size=64),
    drift=st.integers(-TOLERANCE_S + 1, TOLERANCE_S - 1),
)
@settings(max_examples=200)
def test_every_genuine_delivery_passes_and_tells_its_id(
    id: str, body: bytes, key: bytes, drift: int
) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()

    assert standard_webhook(sign(id, body, secret, NOW), body, [secret], NOW + drift) == id


@pytest.mark.parametrize(
    "delivery",
    [
        pytest.param(Delivery(secrets=(OTHER, SECRET)), id="the-older-of-two-secrets"),
        pytest.param(
            Delivery().but(webhook_signature=f"v1,AAAA {signature(Delivery())}"),
            id="the-second-of-two-signatures",
        ),
        pytest.param(
            Delivery().but(webhook_signature=f"v1a,AAAA {signature(Delivery())}"),
            id="beside-an-asymmetric-signature",
        ),
        pytest.param(Delivery(secrets=("", "whsec_", SECRET)), id="beside-unusable-secrets"),
        pytest.param(
            Delivery(now=int(NOW) + TOLERANCE_S), id="exactly-at-the-end-of-the-tolerance"
        ),
    ],
)
def test_a_genuine_delivery_passes(delivery: Delivery) -> None:
    assert delivery.verified() == "msg_1"


GOOD = Delivery()
EMPTY = "whsec_"
FORGED: dict[str, Delivery] = {
    "no-id": GOOD.but(webhook_id=None),
    "no-timestamp": GOOD.but(webhook_timestamp=None),
    "no-signature": GOOD.but(webhook_signature=None),
    "empty-signature": GOOD.but(webhook_signature=""),
    "id-swapped": GOOD.but(webhook_id="msg_2"),
    "id-twice": GOOD.but(webhook_id="msg_1, msg_1"),
    "timestamp-twice": GOOD.but(webhook_timestamp=f"{int(NOW)}, {int(NOW)}"),
    "signature-twice": GOOD.but(webhook_signature=f"{signature(GOOD)}, {signature(GOOD)}"),
    "timestamp-shifted": GOOD.but(webhook_timestamp=str(int(NOW) + 1)),
    "timestamp-in-words": GOOD.but(webhook_timestamp="NaN"),
    "timestamp-with-sign": GOOD.but(webhook_timestamp=f"+{int(NOW)}"),
    "timestamp-in-other-digits": GOOD.but(webhook_timestamp="١٧٩٣٦١٢٤٦٧"),
    "too-old": replace(GOOD, now=int(NOW) + TOLERANCE_S + 1),
    "from-the-future": replace(GOOD, now=int(NOW) - TOLERANCE_S - 1),
    "body-changed": replace(GOOD, body=BODY + b" "),
    "another-secret": replace(GOOD, secrets=(OTHER,)),
    "no-secret-known": replace(GOOD, secrets=()),
    "version-renamed-to-v1a": GOOD.but(webhook_signature=signature(GOOD).replace("v1,", "v1a,")),
    "version-in-capitals": GOOD.but(webhook_signature=signature(GOOD).replace("v1,", "V1,")),
    "without-version": GOOD.but(webhook_signature=signature(GOOD).removeprefix("v1,")),
    "signature-cut": GOOD.but(webhook_signature=signature(GOOD)[:-1]),
    "signature-not-ascii": GOOD.but(webhook_signature="v1,Ärger"),
    "hundreds-of-signatures": GOOD.but(webhook_signature=" ".join([signature(GOOD)] * 100)),
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
def test_a_forged_delivery_is_refused_without_a_hint(forged: Delivery) -> None:
    with pytest.raises(NotAllowed) as caught:
        forged.verified()

    assert caught.value.detail == "The call is not signed as this system signs."


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("", id="empty"),
        pytest.param(EMPTY, id="prefix-alone"),
        pytest.param("whsec_" + base64.b64encode(b"k" * 23).decode(), id="one-byte-short"),
        pytest.param("whsec_not base64!" + "x" * 40, id="not-base64"),
    ],
)
def test_an_unusable_secret_signs_nothing_and_accepts_nothing(secret: str) -> None:
    with pytest.raises(InvalidDefinition):
        sign("msg_1", BODY, secret, NOW)
    with pytest.raises(NotAllowed):
        replace(GOOD, secrets=(secret,)).verified()


def test_an_id_with_a_dot_is_refused_although_it_is_signed() -> None:
    """`a.1` at time 2 and `a` at time 1.2 would sign the same text."""
    with pytest.raises(NotAllowed):
        replace(GOOD, headers=sign("msg.1", BODY, SECRET, NOW)).verified()


changes: dict[str, Callable[[Any], Delivery]] = {
    "body": lambda made: replace(GOOD, body=made.encode("utf-8", "replace")),
    "id": lambda made: GOOD.but(webhook_id=made),
    "timestamp": lambda made: GOOD.but(webhook_timestamp=made),
    "signature": lambda made: GOOD.but(webhook_signature=made),
    "one-more-signature": lambda made: GOOD.but(webhook_signature=f"v1,{made}"),
    "secret": lambda made: replace(GOOD, secrets=(made,)),
}


@given(part=st.sampled_from(sorted(changes)), made=st.text(max_size=80))
@settings(max_examples=1000)
def test_no_forgery_passes(part: str, made: str) -> None:
    forged = changes[part](made)
    assume(forged != GOOD)

    with pytest.raises(NotAllowed):
        forged.verified()


@given(at=st.integers(0, len(signature(GOOD)) - 1), to=st.characters(codec="ascii"))
@settings(max_examples=300)
def test_no_changed_character_of_a_signature_passes(at: int, to: str) -> None:
    text = signature(GOOD)
    changed = text[:at] + to + text[at + 1 :]
    assume(changed != text)

    with pytest.raises(NotAllowed):
        GOOD.but(webhook_signature=changed).verified()
