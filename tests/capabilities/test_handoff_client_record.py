"""Where CRM and ledger contradict each other on a client, one task settles it."""

from __future__ import annotations

from typing import Any

import pytest
from office import Office

from deals import a_client, a_deal
from fairlead.domain.model.client import Address
from fairlead.errors import InvalidInput
from fairlead.work.words import ExceptionAction

LEDGER = "netsuite-emea"
WHO = "tomasz.wojcik"


def known(**changes: Any) -> Any:
    """The same client, as the ledger knows it."""
    return a_client(id="77", system=LEDGER, **changes)


def in_conflict(office: Office) -> None:
    address = Address(country="DE", city="Hamburg", postal_code="20457")
    office.ledgers[LEDGER].master = [known(address=address, domain="kestrel.example")]
    here = Address(country="DE", city="Bremen", postal_code="28195")
    office.win(a_deal(client=a_client(address=here, domain="kestrel-logistik.example")))
    office.settle()


def test_records_that_agree_ask_nobody(office: Office) -> None:
    office.ledgers[LEDGER].master = [known(name="KESTREL LOGISTIK G.m.b.H.")]
    office.win()
    office.settle()

    assert not office.open_exceptions()
    assert office.result("agree_client_record") == {"conflicts": [], "kept": "ledger"}


def test_a_conflict_is_one_task_with_both_records(office: Office) -> None:
    in_conflict(office)

    (found,) = office.open_exceptions()
    assert (found["class"], found["team"]) == ("needs_decision", "finance-operations")
    difference = found["difference"]
    assert [field["field"] for field in difference["fields"]] == [
        "domain",
        "address.postal_code",
        "address.city",
    ]
    assert difference["ours"]["address"]["city"] == "Bremen"
    assert difference["theirs"]["address"]["city"] == "Hamburg"
    assert {c["id"] for c in difference["candidates"]} == {"crm", "ledger"}
    assert not office.ledgers[LEDGER].of("job")  # nothing is set up for it meanwhile


def test_what_the_crm_says_can_be_taken_over_into_the_ledger(office: Office) -> None:
    in_conflict(office)

    office.resolve(WHO, ExceptionAction.CHOOSE, {"choice": "crm"})
    office.settle()

    (client,) = office.ledgers[LEDGER].master
    assert (client.address.city, client.domain) == ("Bremen", "kestrel-logistik.example")
    (change,) = office.ledgers[LEDGER].of("client_change")
    assert set(change) == {"domain", "address"}  # the tax id was no conflict
    assert office.task("hand_over_packet")
    assert not office.open_exceptions()


def test_a_client_that_was_renamed_is_renamed_in_the_ledger(office: Office) -> None:
    office.ledgers[LEDGER].master = [known(name="Harbour Freight Union AG")]
    office.win()
    office.settle()
    (found,) = office.open_exceptions()
    assert [field["field"] for field in found["difference"]["fields"]] == ["name"]

    office.resolve(WHO, ExceptionAction.CHOOSE, {"choice": "crm"})
    office.settle()

    (client,) = office.ledgers[LEDGER].master
    assert client.name == a_client().name


def test_what_the_ledger_says_can_be_kept(office: Office) -> None:
    in_conflict(office)

    office.resolve(WHO, ExceptionAction.CHOOSE, {"choice": "ledger"})
    office.settle()

    (client,) = office.ledgers[LEDGER].master
    assert client.address.city == "Hamburg"
    assert not office.ledgers[LEDGER].of("client_change")
    assert office.task("hand_over_packet")


def test_nothing_else_can_be_chosen(office: Office) -> None:
    in_conflict(office)

    with pytest.raises(InvalidInput):
        office.resolve(WHO, ExceptionAction.CHOOSE, {"choice": "both"})


def test_a_client_that_we_made_ourselves_is_no_conflict(office: Office) -> None:
    office.win()
    office.settle()

    assert office.step("agree_client_record") == "done"
    assert not office.open_exceptions()
