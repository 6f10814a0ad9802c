"""Every connector, and each configured system with its adapters, secrets and webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Lock
from typing import Any

from fairlead.config import SystemConfig
from fairlead.connectors.bamboohr.declaration import CONNECTOR as BAMBOOHR
from fairlead.connectors.docusign.declaration import CONNECTOR as DOCUSIGN
from fairlead.connectors.kantata.declaration import CONNECTOR as KANTATA
from fairlead.connectors.kit.declaration import Connector, SystemSettings, Writes
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.connectors.microsoft.declaration import CONNECTOR as MICROSOFT
from fairlead.connectors.netsuite.declaration import CONNECTOR as NETSUITE
from fairlead.connectors.salesforce.declaration import CONNECTOR as SALESFORCE
from fairlead.connectors.slack.declaration import CONNECTOR as SLACK
from fairlead.connectors.smtp.declaration import CONNECTOR as SMTP
from fairlead.connectors.tryton.declaration import CONNECTOR as TRYTON
from fairlead.connectors.xero.declaration import CONNECTOR as XERO
from fairlead.errors import InvalidDefinition
from fairlead.flow.passage import Passage
from fairlead.trust.secrets import Secrets, SecretSource
from fairlead.web.parts import ConnectorSheet, MappedField, Operation

#: Every connector there is, by name.
CONNECTORS: dict[str, Connector] = {
    c.name: c
    for c in (
        SALESFORCE,
        NETSUITE,
        KANTATA,
        DOCUSIGN,
        SLACK,
        BAMBOOHR,
        SMTP,
        TRYTON,
        MICROSOFT,
        XERO,
    )
}


@dataclass
class Reach:
    """One configured system: its adapters, built again when a secret of it changes."""

    config: SystemConfig
    connector: Connector
    secrets: Secrets
    passage: Passage
    _built: tuple[tuple[str, ...], dict[str, Any]] | None = None
    _lock: Lock = field(default_factory=Lock)

    def settings(self) -> SystemSettings:
        """Raises `InvalidDefinition` naming system and setting."""
        values = {
            name: self.secrets.get(source).get_secret_value()
            for name, source in self.config.secrets.items()
        }
        try:
            return self.connector.settings.model_validate({**self.config.settings, **values})
        except ValueError as bad:
            faults = [str(line) for line in str(bad).splitlines()[1:3]]
            raise InvalidDefinition(f"systems.yaml: {self.config.id}:", faults) from None

    def port(self, name: str) -> Any:
        """The adapter of a port. Threads share it."""
        key = tuple(
            self.secrets.get(source).get_secret_value() for source in self.config.secrets.values()
        )
        with self._lock:
            if self._built is None or self._built[0] != key:
                self._built = (key, self._build())
            return self._built[1][name]

    def _build(self) -> dict[str, Any]:
        settings, connector = self.settings(), self.connector
        line = connector.connect(self.config.id, settings, self.passage)
        if connector.sign_in is not None:
            line = line.with_sign_in(connector.sign_in(self.config.id, settings, line))
        fields = FieldMap.load(connector.mapping, changes=self.config.mapping)
        return {
            port: adapter(self.config.id, settings, line, fields)
            for port, adapter in connector.ports.items()
        }

    def writes(self, operation: str) -> Writes:
        declared = self.connector.operations[operation]
        if not isinstance(declared, Writes):
            raise InvalidDefinition(f"{self.connector.name} declares {operation} as reading.")
        settle_s = self.settings().settle_s
        if settle_s is None:
            return declared
        return replace(declared, settle=timedelta(seconds=settle_s))

    @property
    def at_once(self) -> int:
        return self.config.rate.at_once or self.connector.rate.at_once

    def ping(self) -> None:
        self.port(next(iter(self.connector.ports))).ping()


@dataclass(frozen=True)
class Signed:
    """Tells a system's own webhook from a forged one, with its secrets as they are now."""

    reach: Reach

    def __call__(self, headers: Mapping[str, str], body: bytes, /, *, now: float) -> str:
        signed_by = self.reach.connector.signed_by
        assert signed_by is not None
        accepted = [
            self.reach.secrets.get(source).get_secret_value()
            for source in self.reach.config.webhook_secrets
        ]
        return signed_by.verify(headers, body, accepted, now)


def sheet(reach: Reach) -> ConnectorSheet:
    """What a page may show of one system: no secret, only whether there is one."""
    config, connector = reach.config, reach.connector
    hidden = {
        name
        for name, field in connector.settings.model_fields.items()
        if "Secret" in str(field.annotation)
    }
    hooks = {f"webhook secret {n}": s for n, s in enumerate(config.webhook_secrets, 1)}
    sources = {**config.secrets, **hooks}
    entries = FieldMap.load(connector.mapping, changes=config.mapping).entries()
    return ConnectorSheet(
        title=connector.title,
        ports=tuple(connector.ports),
        docs=connector.docs,
        operations=tuple(
            Operation(name, int(declared.level), declared.find)
            if isinstance(declared, Writes)
            else Operation(name, None)
            for name, declared in connector.operations.items()
        ),
        per_second=connector.rate.per_second,
        at_once=connector.rate.at_once,
        settings=tuple((n, v) for n, v in config.settings.items() if n not in hidden),
        fields=tuple(
            MappedField(object, ours, rule.path, rule.kind, ours in config.mapping.get(object, {}))
            for object, rules in entries.items()
            for ours, rule in rules.items()
        ),
        secrets=lambda: {name: _is_set(reach, source) for name, source in sources.items()},
    )


def _is_set(reach: Reach, source: SecretSource) -> bool:
    try:
        return bool(reach.secrets.get(source).get_secret_value())
    except InvalidDefinition:
        return False
