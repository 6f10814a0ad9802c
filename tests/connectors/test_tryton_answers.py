"""What Tryton answered once, read by the adapter: no server is needed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from contract_ledger import HOME, a_client, a_key

from fairlead.connectors.kit.http import Http
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.connectors.tryton import adapter, sheet
from fairlead.connectors.tryton.adapter import TrytonLedger
from fairlead.connectors.tryton.declaration import CONNECTOR
from fairlead.connectors.tryton.settings import TrytonSettings
from fairlead.connectors.tryton.sign_in import sign_in
from fairlead.domain.values import ExternalRef, Money
from fairlead.errors import AnswerLost, SystemRefused, SystemTrouble, SystemUnavailable

FIXTURES = Path(adapter.__file__).with_name("fixtures")
CLIENT = ExternalRef(system="tryton", kind="party.party", id="6")
PROJECT = ExternalRef(system="tryton", kind="project.work", id="1")
LOCKED = (
    "<!doctype html>\n<title>503 Service Unavailable</title>\n<p>could not obtain lock on row in"
    " relation &#34;ir_sequence_strict&#34;</p>\n"
)
Answer = Callable[[httpx.Request], httpx.Response]


def fixture(name: str) -> httpx.Response:
    content = (FIXTURES / name).read_bytes()
    return httpx.Response(200, content=content, headers={"content-type": "application/json"})


def html(status: int, text: str = "<h1>No</h1>") -> httpx.Response:
    return httpx.Response(status, text=text, headers={"content-type": "text/html"})


def connected(answer: Answer, **changes: Any) -> TrytonLedger:
    known = {"base_url": "https://tryton.example", "database": "th", "key": "0f1e"}
    settings = TrytonSettings.model_validate({**known, **changes})
    plain = Http("tryton", str(settings.base_url), transport=httpx.MockTransport(answer))
    http = plain.with_sign_in(sign_in("tryton", settings, plain))
    return TrytonLedger("tryton", settings, http, FieldMap.load(CONNECTOR.mapping))


class TestReading:
    def test_a_party_is_read_as_a_client(self) -> None:
        told = connected(lambda _: fixture("parties.json")).client(CLIENT)

        assert told == a_client(
            ref=CLIENT, tax_id="DE811569869", domain="halden.example", currency="EUR",
            tier="strategic", address=HOME,
        )  # fmt: skip

    def test_a_work_is_read_as_a_project(self) -> None:
        told = connected(lambda _: fixture("project.json")).project(PROJECT)

        assert told is not None
        budget = Money(amount=Decimal("120000.00"), currency="EUR")
        assert (told.name, told.budget, told.closed) == ("Ledger renewal", budget, False)

    def test_a_call_names_database_company_and_key(self) -> None:
        asked: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            asked.append(request)
            return fixture("parties.json")

        connected(answer).client(CLIENT)

        assert asked[0].url.path == "/th/rest/model/party.party/search_read"
        assert asked[0].headers["authorization"] == "Bearer 0f1e"
        context = json.loads(base64.urlsafe_b64decode(asked[0].headers["x-tryton-context"]))
        assert context == {"language": "en", "active_test": False}

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param([{"name": "No id"}], id="no-id"),
            pytest.param({"records": []}, id="no-list"),
            pytest.param(
                [{"id": 6, "name": {"__class__": "date", "year": 2026}}], id="half-a-date"
            ),
        ],
    )
    def test_another_shape_is_refused(self, answer: Any) -> None:
        with pytest.raises(SystemRefused, match=r"party\.party"):
            connected(lambda _: httpx.Response(200, json=answer)).client(CLIENT)

    def test_an_id_that_tryton_cannot_have_is_of_nothing(self) -> None:
        ledger = connected(lambda _: fixture("parties.json"))

        assert ledger.client(CLIENT.model_copy(update={"id": "halden"})) is None


class TestTrouble:
    @pytest.mark.parametrize(
        ("answer", "expected", "said"),
        [
            pytest.param(html(503, LOCKED), SystemUnavailable, "lock on row", id="lock-conflict"),
            pytest.param(html(503), AnswerLost, None, id="503-of-a-proxy"),
            pytest.param(html(500), AnswerLost, None, id="500"),
            pytest.param(html(504), AnswerLost, None, id="504"),
            pytest.param(html(200), AnswerLost, None, id="html-in-a-200"),
            pytest.param(httpx.Response(204), AnswerLost, "party", id="nothing-in-a-204"),
            pytest.param(httpx.Response(200, json=[]), AnswerLost, "party", id="another-200"),
            pytest.param(html(404), SystemRefused, "no such record", id="404"),
            pytest.param(html(401), SystemUnavailable, "user application", id="401"),
            pytest.param(html(429), SystemUnavailable, None, id="429"),
            pytest.param(
                httpx.Response(400, json=json.loads((FIXTURES / "refusal.json").read_text())),
                SystemRefused,
                "must be unique",
                id="400",
            ),
        ],
    )
    def test_creating(
        self, answer: httpx.Response, expected: type[SystemTrouble], said: str | None
    ) -> None:
        def reply(request: httpx.Request) -> httpx.Response:
            found = httpx.Response(200, json=[])
            return found if request.url.path.endswith("search_read") else answer

        with pytest.raises(expected, match=said) as caught:
            connected(reply).create_client(a_client(), subsidiary="1", key=a_key())

        assert isinstance(caught.value, expected)

    @pytest.mark.parametrize("answer", [html(500), html(503), html(200)])
    def test_a_search_without_answer_did_nothing(self, answer: httpx.Response) -> None:
        with pytest.raises(SystemUnavailable):
            connected(lambda _: answer).client(CLIENT)


class TestSheet:
    def test_it_keeps_what_stands_above_and_what_is_not_changed(self) -> None:
        first = sheet.written("Call Ada.", {"code": "TH-1", "budget": Decimal("1E+3"), "cap": None})
        again = sheet.written(first, {"budget": Decimal("2.50"), "code": None})

        assert first.startswith("Call Ada.\n\n---")
        assert sheet.read(first) == {"code": "TH-1", "budget": "1000"}
        assert sheet.read(again) == {"budget": "2.50"}
        assert again.startswith("Call Ada.\n\n---")

    def test_a_value_cannot_pass_for_another_line(self) -> None:
        text = sheet.written(None, {"name": "A\nkey: fl-of-another", "key": "fl-ours"})

        assert sheet.read(text)["key"] == "fl-ours"

    def test_a_text_without_a_sheet_has_none(self) -> None:
        assert sheet.read("code: TH-1") == sheet.read("") == sheet.read(None) == {}

    def test_a_tag_is_read_back(self) -> None:
        key = sheet.short("th/engagement:1/~setup.1/create")

        line = sheet.tagged("Security [test]\nof all", "project.work,1", key)

        assert sheet.tag(line) == ("project.work,1", key)
        assert sheet.tag("Security [test]") == ()
