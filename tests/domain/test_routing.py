"""Exactly one system serves an engagement, or somebody is told why not."""

from __future__ import annotations

import pytest

from fairlead.domain.rules.routing import Offer, Routed, Unroutable, route

OFFERS = (
    Offer(system="netsuite-emea", port="ledger", where={"region": ("EMEA", "APAC")}),
    Offer(system="netsuite-amer", port="ledger", where={"region": ("AMER",)}),
    Offer(system="kantata", port="projects"),
    Offer(system="crm-de", port="crm", where={"region": ("EMEA",), "country": ("DE", "AT")}),
    Offer(system="crm-v2", port="crm", where={"region": ("EMEA",), "version": ("2",)}),
)


@pytest.mark.parametrize(
    ("port", "facts", "system"),
    [
        pytest.param("ledger", {"region": "EMEA"}, "netsuite-emea", id="by-region"),
        pytest.param("ledger", {"region": "APAC"}, "netsuite-emea", id="two-regions-one-system"),
        pytest.param("ledger", {"region": "AMER"}, "netsuite-amer", id="the-other-ledger"),
        pytest.param("projects", {}, "kantata", id="no-condition-fits-everything"),
        pytest.param("crm", {"region": "EMEA", "country": "AT"}, "crm-de", id="by-country"),
        pytest.param("crm", {"region": "EMEA", "version": "2"}, "crm-v2", id="by-version"),
    ],
)
def test_one_system_serves(port: str, facts: dict[str, str | None], system: str) -> None:
    assert route(port, facts, OFFERS) == Routed(system=system)


@pytest.mark.parametrize(
    ("port", "facts", "because"),
    [
        pytest.param("ledger", {"region": "LATAM"}, "no system serves ledger", id="nobody"),
        pytest.param("ledger", {"region": None}, "no system serves ledger", id="unknown-fact"),
        pytest.param("payroll", {"region": "EMEA"}, "no system serves payroll", id="no-such-port"),
        pytest.param(
            "crm",
            {"region": "EMEA", "country": "DE", "version": "2"},
            "crm-de and crm-v2 both serve crm",
            id="two",
        ),
    ],
)
def test_no_system_or_two_is_said(port: str, facts: dict[str, str | None], because: str) -> None:
    found = route(port, facts, OFFERS)

    assert isinstance(found, Unroutable)
    assert because in found.because


def test_a_system_that_offers_a_port_twice_is_still_one_system() -> None:
    twice = (*OFFERS, Offer(system="netsuite-emea", port="ledger", where={"country": ("DE",)}))

    assert route("ledger", {"region": "EMEA", "country": "DE"}, twice) == Routed(
        system="netsuite-emea"
    )


def test_a_fallback_serves_only_when_the_first_is_gone() -> None:
    spare = Offer(system="spare", port="ledger", where={"region": ("AMER",)}, fallback=True)
    without = tuple(offer for offer in OFFERS if offer.system != "netsuite-amer")

    assert route("ledger", {"region": "AMER"}, (*OFFERS, spare)) == Routed(system="netsuite-amer")
    assert route("ledger", {"region": "AMER"}, (*without, spare)) == Routed(system="spare")
