"""No input breaks the server: mutated requests over every route that there is."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fairlead.api.permissions import PERMISSIONS

from .conftest import Office

pytestmark = [pytest.mark.slow, pytest.mark.takes(82)]

WHO = st.sampled_from(
    [None, "controller", "pmo-lead", "administrator", "integration-operator", "relay", "auditor"]
)
NASTY = st.sampled_from(
    [
        "%00",
        "%ff",
        "%ed%a0%80",
        "..",
        "%2e%2e%2f",
        "ENG-2001",
        "e-2001",
        "r-2001",
        "d-2001",
        "1",
        "-1",
        "9" * 30,
        "1e400",
        "a" * 300,
        "'--",
        "%25",
        "\U0001f600",
        "%0d%0aX:%20y",
        "*",
        "~",
    ]
)
NAMES = st.sampled_from(
    ["limit", "cursor", "state", "q", "region", "system", "mine", "kind", "playbook", "x", "%00"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["\0", "1.0", "retry", "supply", "pmo-lead", "contract.signed", "events.send"]
    )
)
FIELDS = st.sampled_from(
    [
        "approved",
        "reason",
        "action",
        "values",
        "person",
        "principal",
        "scopes",
        "days",
        "specversion",
        "id",
        "source",
        "type",
        "time",
        "data",
        "engagement",
        "deal",
        "state",
        "",
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(FIELDS | st.text(), inner, max_size=6)
    ),
    max_leaves=15,
)
RAW = st.sampled_from(
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"a": NaN}',
        b'{"approved": 1e400}',
        b'{"reason": "\\ud800"}',
        b'{"reason": "\\u0000"}',
        b'{"a": 1, "a": 2}',
        b"[" * 5000,
        b"9" * 5000,
        b'"\xed\xa0\x80"',
    ]
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "content-type",
            "if-match",
            "idempotency-key",
            "traceparent",
            "x-correlation-id",
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
            "accept",
            "x-http-method-override",
        ]
    ),
    st.sampled_from(
        ['"1"', "*", "application/json", "text/plain", "a" * 500, "\xe9", "k", "DELETE"]
    )
    | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30).map(str.strip),
    max_size=4,
)


@settings(
    max_examples=2000,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    route=st.sampled_from(sorted(PERMISSIONS)),
    who=WHO,
    method=st.none() | st.sampled_from(["PUT", "PATCH", "HEAD", "OPTIONS", "GET", "POST", "TRACE"]),
    ids=st.lists(NASTY | st.text(max_size=8), min_size=1, max_size=2),
    query=st.lists(st.tuples(NAMES, NASTY), max_size=3),
    headers=HEADERS,
    body=st.none() | RAW | VALUES.map(lambda value: json.dumps(value).encode()),
)
def test_whatever_is_sent_one_well_formed_answer_comes_back(
    shared_office: Office,
    route: str,
    who: str | None,
    method: str | None,
    ids: list[str],
    query: list[tuple[str, str]],
    headers: dict[str, Any],
    body: bytes | None,
) -> None:
    own, template = route.split(" ")
    safe = [_addressable(id) for id in ids]
    path = re.sub(r"\{\w+\}", lambda _: safe[0], template)
    text = "&".join(f"{name}={_addressable(value)}" for name, value in query)
    given_headers = {"content-type": "application/json"} | headers

    answer = shared_office.call(
        who,
        method or own,
        f"{path}?{text}" if text else path,
        content=body,
        headers={name: value.encode("latin-1") for name, value in given_headers.items()},
    )

    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400 and method != "HEAD":
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        assert len(answer.content) < 16_384
        assert answer.json()["status"] == answer.status_code
        assert "Traceback" not in answer.text
        for error in answer.json()["errors"]:
            assert len(error["rule"]) <= 200
            assert len(error["pointer"]) <= 200


def _addressable(text: str) -> str:
    """As a client may put it on the wire: escapes stay, what HTTP cannot carry is escaped."""
    return re.sub(
        r"[^A-Za-z0-9%._~*'-]",
        lambda m: "".join(f"%{byte:02x}" for byte in m[0].encode("utf-8", "surrogatepass")),
        text,
    )
