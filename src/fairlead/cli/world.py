"""A made-up firm to try Fairlead with: the sample configuration, joined to a sandbox."""

from __future__ import annotations

import base64
import json
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from fairlead.config import SAMPLE, SystemConfig, load_systems
from fairlead.domain.model.tax import TaxKind
from fairlead.domain.rules.tax_table import RULES
from fairlead.sandbox.process import SandboxProcess
from fairlead.sandbox.world import World, dialect_named

#: The sandbox answers soon, so what is lost is known to be lost after seconds, not minutes.
_QUICK = {"connect_timeout_s": 2, "total_timeout_s": 6}
_SETTLE_S = {"kantata": 8, "slack": 8, "microsoft": 8, "smtp": 8, "xero": 8}
#: The connectors' own budgets suit the vendors' accounts; a sandbox is ours alone.
_RATE = {
    name: {"per_second": 40, "at_once": 4}
    for name in (
        "kantata",
        "salesforce",
        "docusign",
        "bamboohr",
        "slack",
        "microsoft",
        "smtp",
        "xero",
    )
}
_POLL_EVERY_S = 5


@dataclass
class SandboxWorld:
    """The sample firm's configuration folder, and the sandbox process that plays its systems."""

    config: Path
    sandbox: SandboxProcess

    def stop(self) -> None:
        self.sandbox.stop()


@dataclass(frozen=True)
class OwnErp:
    """A running ERP that takes the place of the sample's ledgers: its entry in `systems.yaml`, and
    the secrets that it names."""

    entry: dict[str, Any]
    secrets: dict[str, str]


def open_world(data: Path, api_url: str, erp: OwnErp | None = None) -> SandboxWorld:
    """Start the sandbox and write the configuration that reaches it.

    Credentials are made once and kept in the data directory, readable by its owner only, so that
    the same world goes on after a restart. `api_url` is where webhooks are sent.
    """
    folder = data / "world"
    played = [one for one in load_systems(SAMPLE) if erp is None or not _keeps_books(one)]
    world = _credentials(folder / "sandbox.json", api_url, played)
    sandbox = SandboxProcess(World.model_validate(world), data=folder / "sandbox")
    config = folder / "config"
    shutil.copytree(SAMPLE, config, dirs_exist_ok=True)
    entries: list[dict[str, Any]] = yaml.safe_load((SAMPLE / "systems.yaml").read_text("utf-8"))[
        "systems"
    ]
    made = {system["id"]: system["settings"] for system in world["systems"]}
    entries = [entry for entry in entries if entry["id"] in made]
    for entry in entries:
        _join(entry, made[entry["id"]], sandbox.client_settings(entry["id"]), data)
    if erp is not None:
        kept = {
            name: {"file": _secret(data, erp.entry["id"], name, value)}
            for name, value in erp.secrets.items()
        }
        entries.append({**erp.entry, "secrets": kept})
        _name_time(config / "time.yaml", erp.entry["id"])
    (config / "systems.yaml").write_text(
        yaml.safe_dump({"systems": entries}, sort_keys=False, allow_unicode=True), "utf-8"
    )
    return SandboxWorld(config, sandbox)


def _name_time(file: Path, erp: str) -> None:
    """The ERP calls each kind of time as the firm does."""
    kinds: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    for kind in kinds["kinds"]:
        kind["systems"][erp] = kind["name"]
    file.write_text(yaml.safe_dump(kinds, sort_keys=False, allow_unicode=True), "utf-8")


def _keeps_books(system: SystemConfig) -> bool:
    return any(one.port == "ledger" for one in system.serves)


def _credentials(file: Path, api_url: str, played: Sequence[SystemConfig]) -> dict[str, Any]:
    """The sandbox's side of each account. A system that is new in the sample gets its own."""
    world: dict[str, Any] = {"systems": []}
    if file.is_file():
        world = json.loads(file.read_text("utf-8"))
    known = {system["id"]: system for system in world["systems"]}
    systems = [
        known.get(system.id) or _account(system.id, system.connector, bool(system.webhook_secrets))
        for system in played
    ]
    for system in systems:
        if "webhook_secret" in system["settings"]:
            system["settings"]["webhook_url"] = f"{api_url}/hooks/{system['id']}"
    world = {"systems": systems}
    _private(file, json.dumps(world, indent=1))
    return world


def _account(id: str, dialect: str, pushes: bool) -> dict[str, Any]:
    settings = dialect_named(dialect).example_settings()
    if dialect == "netsuite":
        settings["tax_codes"] = _tax_codes()
    if pushes:
        settings["webhook_secret"] = "whsec_" + _base64(secrets.token_bytes(32))
    return {"id": id, "dialect": dialect, "settings": settings}


def _tax_codes() -> dict[str, str]:
    """The codes that our tax rules say, as a ledger must know them, with what it charges, in
    percent: only standard tax is charged. Where a rate changed, the newest."""
    newest = sorted(RULES, key=lambda rule: rule.valid.start)
    return {
        rule.code: format(rule.rate * 100 if rule.kind is TaxKind.STANDARD else Decimal(0), "f")
        for rule in newest
    }


def _join(
    entry: dict[str, Any], account: dict[str, Any], client: dict[str, Any], data: Path
) -> None:
    """Fill in address and credentials; secrets go into files of their own."""
    for name in entry.get("secrets", {}):
        entry["secrets"][name] = {"file": _secret(data, entry["id"], name, client.pop(name))}
    if "webhook_secret" in account:
        secret = account["webhook_secret"]
        entry["webhook_secrets"] = [{"file": _secret(data, entry["id"], "webhook", secret)}]
    entry["settings"] = {**entry.get("settings", {}), **client, **_QUICK}
    if entry["connector"] in _SETTLE_S:
        entry["settings"]["settle_s"] = _SETTLE_S[entry["connector"]]
    if entry["connector"] in _RATE:
        entry["rate"] = _RATE[entry["connector"]]
    if "poll_every_s" in entry:
        entry["poll_every_s"] = _POLL_EVERY_S


def _secret(data: Path, system: str, name: str, value: str) -> str:
    """The file that keeps it, relative to the data directory."""
    relative = f"world/secrets/{system}.{name}"
    _private(data / relative, value)
    return relative


def _private(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(text, "utf-8")


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
