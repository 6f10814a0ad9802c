"""The packet over HTTP: who may have it, as JSON and in print."""

from __future__ import annotations

import io

import pypdf
import pytest

from fairlead.domain.rules.packet import Packet

from .conftest import Office

PACKET = "/api/v1/engagements/{id}/packet"


def test_a_packet_is_told_in_full_by_id_and_by_number(shared_office: Office) -> None:
    by_id = shared_office.get("pmo-lead", PACKET.format(id="e-2001"))
    by_number = shared_office.get("pmo-lead", PACKET.format(id="ENG-2001"))

    found = Packet.model_validate_json(by_id.content)
    assert by_id.headers["content-type"] == "application/json"
    assert found.head.number == "ENG-2001"
    assert {item.kind for item in found.open_items} == {"approval", "exception"}
    assert len(found.open_items) == 5
    assert found.score.words == f"{found.score.have} of {found.score.of}"
    assert Packet.model_validate_json(by_number.content).digest == found.digest


def test_it_is_printed_as_a_file_to_keep(shared_office: Office) -> None:
    answer = shared_office.get("pmo-lead", PACKET.format(id="e-2001") + ".pdf")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == 'attachment; filename="ENG-2001-packet.pdf"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "ENG-2001  Ledger migration 2001" in (
        pypdf.PdfReader(io.BytesIO(answer.content)).pages[0].extract_text()
    )


@pytest.mark.parametrize("kind", ["", ".pdf"])
@pytest.mark.parametrize("who", ["pmo-lead.amer", "auditor.amer"])
def test_a_foreign_engagement_is_as_absent_as_one_that_never_was(
    shared_office: Office, who: str, kind: str
) -> None:
    foreign, absent = (
        shared_office.get(who, PACKET.format(id=id) + kind) for id in ("e-2001", "e-9999")
    )

    assert (foreign.status_code, absent.status_code) == (404, 404)
    told = [{**answer.json(), "request_id": ""} for answer in (foreign, absent)]
    assert told[0] == told[1]
    assert shared_office.get(who, PACKET.format(id="e-2002") + kind).status_code == 200


@pytest.mark.parametrize("kind", ["", ".pdf"])
def test_who_may_read_no_engagement_gets_no_packet(shared_office: Office, kind: str) -> None:
    for who in ("consultant", "policy-author", "administrator"):
        assert shared_office.get(who, PACKET.format(id="e-2001") + kind).status_code == 403


def test_a_program_is_not_told_what_exceptions_say(shared_office: Office) -> None:
    text = shared_office.get("relay", PACKET.format(id="e-2001")).text

    assert "It lacks a start date" not in text
    assert "It lacks a start date" in (
        shared_office.get("finance", PACKET.format(id="e-2001")).text
    )
