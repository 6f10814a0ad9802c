"""Whoever sets Fairlead up is told every problem at once, with its place, and no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairlead.config import Settings, Systems, load_systems, settings
from fairlead.errors import InvalidDefinition

SYSTEMS = """\
systems:
  - id: netsuite-emea
    connector: netsuite
    serves:
      - {port: ledger, regions: [EMEA, APAC]}
    settings: {base_url: "https://example.test"}
    secrets:
      private_key: {file: keys/netsuite.pem}
      client_id: {env: NETSUITE_CLIENT}
    webhook_secrets: [{env: HOOK_NEW}, {env: HOOK_OLD}]
    rate: {per_second: 10, at_once: 5}
    poll_every_s: 60
    mapping: {customer: {name: companyName}}
  - id: netsuite-amer
    connector: netsuite
    serves: [{port: ledger, regions: [AMER]}]
  - id: old
    connector: netsuite
    serves: [{port: ledger}]
    enabled: false
"""


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"FAIRLEAD_{name.upper()}", raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "systems.yaml").write_text(SYSTEMS)
    return tmp_path


def test_every_problem_of_the_environment_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FAIRLEAD_PORT", "eighty")
    monkeypatch.setenv("FAIRLEAD_DATABASE_URL", "mysql://root:hunter2@db")
    monkeypatch.setenv("FAIRLEAD_CONFIG", str(tmp_path))
    monkeypatch.setenv("FAIRLEAD_LOG_LEVEL", "loud")

    with pytest.raises(InvalidDefinition) as caught:
        settings()

    named = sorted(fault.partition(":")[0] for fault in caught.value.faults)
    assert named == [
        "FAIRLEAD_CONFIG",
        "FAIRLEAD_DATABASE_URL",
        "FAIRLEAD_LOG_LEVEL",
        "FAIRLEAD_PORT",
    ]
    assert "hunter2" not in str(caught.value)


def test_the_environment_is_heard(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("FAIRLEAD_CONFIG", str(folder))
    monkeypatch.setenv("FAIRLEAD_PORT", "9000")
    monkeypatch.setenv("FAIRLEAD_DATABASE_URL", "postgresql://me:hunter2@db/fairlead")

    found = settings()

    assert (found.port, found.host, found.data) == (9000, "127.0.0.1", Path(".data"))
    assert found.database_url is not None
    assert found.database_url.get_secret_value() == "postgresql://me:hunter2@db/fairlead"
    assert "hunter2" not in repr(found)


def test_an_empty_database_url_means_the_embedded_one(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("FAIRLEAD_CONFIG", str(folder))
    monkeypatch.setenv("FAIRLEAD_DATABASE_URL", "")

    assert settings().database_url is None


def test_the_same_event_from_two_regions_goes_to_two_systems(folder: Path) -> None:
    systems = Systems(load_systems(folder))

    assert systems.route("ledger", {"region": "APAC"}) == "netsuite-emea"
    assert systems.route("ledger", {"region": "AMER"}) == "netsuite-amer"
    with pytest.raises(InvalidDefinition, match="no system serves ledger for region LATAM"):
        systems.route("ledger", {"region": "LATAM"})  # the one for everywhere is not enabled


def test_what_one_entry_says_is_kept(folder: Path) -> None:
    first = Systems(load_systems(folder)).get("netsuite-emea")

    assert [str(source) for source in first.webhook_secrets] == ["env HOOK_NEW", "env HOOK_OLD"]
    assert str(first.secrets["private_key"]) == "file keys/netsuite.pem"
    assert (first.rate.per_second, first.rate.at_once, first.poll_every_s) == (10, 5, 60)
    assert first.mapping == {"customer": {"name": "companyName"}}


@pytest.mark.parametrize(
    ("was", "becomes", "fault"),
    [
        pytest.param("port: ledger, r", "port: books, r", "systems.yaml:5: ", id="unknown-port"),
        pytest.param("    rate:", "    rates:", "systems.yaml:11: ", id="unknown-field"),
        pytest.param("{env: HOOK_NEW}", "{}", "systems.yaml:10: ", id="secret-from-nowhere"),
        pytest.param("{file: keys", "{env: A, file: keys", "systems.yaml:8: ", id="from-two"),
        pytest.param("  - id: old", "  - id: netsuite-amer", "two systems", id="same-id"),
        pytest.param("  - id: old", "  - : [", "systems.yaml:", id="not-yaml"),
        pytest.param(
            "    enabled:",
            "    connector: x\n    enabled:",
            ":20: connector comes twice",
            id="key-twice",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line(folder: Path, was: str, becomes: str, fault: str) -> None:
    (folder / "systems.yaml").write_text(SYSTEMS.replace(was, becomes, 1))

    with pytest.raises(InvalidDefinition) as caught:
        load_systems(folder)

    assert any(fault in line for line in caught.value.faults), caught.value.faults


def test_every_mistake_is_told_and_none_repeats_what_was_written(folder: Path) -> None:
    text = SYSTEMS.replace("{env: NETSUITE_CLIENT}", "hunter2").replace("port: ledger", "port: x")
    (folder / "systems.yaml").write_text(text)

    with pytest.raises(InvalidDefinition) as caught:
        load_systems(folder)

    assert len(caught.value.faults) == 4
    assert "hunter2" not in str(caught.value)
