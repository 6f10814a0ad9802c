"""Bodies that two readers could read in two ways are refused, each with where and why."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from fairlead.api import strict_json
from fairlead.api.refusals import Malformed

from .conftest import Office


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        pytest.param(b'{"reason": "\\ud800"}', "/reason", "surrogate", id="lone-surrogate"),
        pytest.param(b'{"a": [1, NaN]}', "/a/1", "JSON can write", id="nan"),
        pytest.param(b'{"a": -Infinity}', "/a", "JSON can write", id="infinity"),
        pytest.param(b'{"a": {"b": 1e400}}', "/a/b", "64 bits", id="1e400"),
        pytest.param(b'{"a": 1e999999999}', "/a", "64 bits", id="endless-exponent"),
        pytest.param(b'{"a": 9223372036854775808}', "/a", "64 bits", id="2-to-the-63"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", "/a", "64 bits", id="5000-digits"),
        pytest.param(b'{"a": {"x": 1, "x": 1}}', "/a", "once", id="duplicate-keys"),
        pytest.param(b'{"a": "\\u0000"}', "/a", "NUL", id="nul"),
        pytest.param(b'{"\\u0000": 1}', "", "NUL", id="nul-in-a-key"),
        pytest.param(b'{"a/b~": "\\udc00"}', "/a~1b~0", "surrogate", id="escaped-pointer"),
        pytest.param(b'{"a": "\xff"}', "", "UTF-8", id="not-utf-8"),
        pytest.param(b"\xef\xbb\xbf{}", "", "byte order mark", id="bom"),
        pytest.param(b"[" * 65 + b"]" * 65, "", "nested", id="65-deep"),
        pytest.param(b"[" * 100_000, "", "nested", id="100000-deep"),
        pytest.param(b'{"a": 1', "", "JSON", id="cut"),
        pytest.param(b"", "", "JSON", id="empty"),
        pytest.param(b"{} {}", "", "JSON", id="two-values"),
        pytest.param(b'{"a": "\n"}', "", "JSON", id="raw-control-character"),
    ],
)
def test_it_is_refused_with_a_pointer(body: bytes, pointer: str, words: str) -> None:
    with pytest.raises(Malformed) as refused:
        strict_json.read(body)

    (problem,) = refused.value.problems
    assert problem.pointer == pointer
    assert words in problem.rule


@pytest.mark.parametrize(
    ("body", "value"),
    [
        pytest.param(b"[" * 64 + b"]" * 64, None, id="64-deep"),
        pytest.param(b'"[[{{"', "[[{{", id="brackets-in-text"),
        pytest.param(b'"\\"[\\\\"', '"[\\', id="escaped-quotes"),
        pytest.param(b"-9223372036854775808", -(2**63), id="least-integer"),
        pytest.param(b"0.1", Decimal("0.1"), id="exact-fraction"),
        pytest.param('"\\ud83d\\ude00 é"'.encode(), "\U0001f600 é", id="surrogate-pair"),
    ],
)
def test_what_has_one_meaning_is_read(body: bytes, value: Any) -> None:
    read = strict_json.read(body)

    assert value is None or read == value


def test_every_fault_is_named_up_to_a_bound() -> None:
    with pytest.raises(Malformed) as refused:
        strict_json.read(json.dumps([float("nan")] * 500).encode())

    assert [problem.pointer for problem in refused.value.problems[:3]] == ["/0", "/1", "/2"]
    assert len(refused.value.problems) == 20


SIX: dict[str, tuple[bytes, int]] = {
    "lone-surrogate": (b'{"approved": true, "reason": "\\ud800"}', 400),
    "nan": (b'{"approved": NaN}', 400),
    "1e400": (b'{"approved": 1e400}', 400),
    "60-mb": (b'{"approved": true, "reason": "' + b"a" * 60_000_000 + b'"}', 413),
    "duplicate-keys": (b'{"approved": false, "approved": true}', 400),
    "nul": (b'{"approved": false, "reason": "\\u0000"}', 400),
}


@pytest.mark.parametrize("name", SIX)
def test_the_six_bodies_that_break_a_stock_app(shared_office: Office, name: str) -> None:
    body, status = SIX[name]
    answer = shared_office.post(
        "pmo-lead",
        "/api/v1/tasks/x/answer",
        content=body,
        headers={"content-type": "application/json"},
    )

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) < 2000


def test_a_body_without_a_declared_length_is_cut_off_too(shared_office: Office) -> None:
    def endless() -> Any:
        for _ in range(40):
            yield b" " * 65_536

    answer = shared_office.post(
        "pmo-lead",
        "/api/v1/tasks/x/answer",
        content=endless(),
        headers={"content-type": "application/json"},
    )

    assert answer.status_code == 413


@pytest.mark.parametrize("given", ["text/plain", "application/x-www-form-urlencoded", None])
def test_another_media_type_is_refused(shared_office: Office, given: str | None) -> None:
    headers = {} if given is None else {"content-type": given}
    answer = shared_office.post(
        "pmo-lead", "/api/v1/tasks/x/answer", content=b"{}", headers=headers
    )

    assert answer.status_code == 415
