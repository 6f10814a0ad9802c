"""Which systems are polled."""

from __future__ import annotations

import pytest

from fairlead.config import SystemConfig
from fairlead.wiring.polling import polled


def system(*ports: str, poll_every_s: float | None = 60) -> SystemConfig:
    return SystemConfig.model_validate(
        {
            "id": "netsuite-emea",
            "connector": "netsuite",
            "serves": [{"port": port} for port in ports],
            "poll_every_s": poll_every_s,
        }
    )


@pytest.mark.parametrize(
    "port", ["crm", "contracts", "documents", "projects", "people", "invoicing"]
)
def test_a_system_that_can_tell_what_changed_is_polled(port: str) -> None:
    assert polled(system("ledger", port))


def test_a_system_that_has_nothing_to_tell_is_not_polled_though_its_entry_says_so() -> None:
    assert not polled(system("ledger", "bookkeeping"))


def test_a_system_without_an_interval_tells_us_by_webhooks_only() -> None:
    assert not polled(system("crm", poll_every_s=None))
