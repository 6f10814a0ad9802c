"""Settings of one process, and the firm's configuration folder. Each is read once, at the start.

Whoever reads them is told every problem at once, with file and line where there is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, cast
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from fairlead.domain.rules.routing import Offer, Routed, route
from fairlead.domain.values import Country, Value
from fairlead.errors import InvalidDefinition
from fairlead.trust.secrets import SecretSource

SAMPLE = Path(__file__).parent / "sample"  #: the made-up firm that Fairlead is tried with


class Settings(BaseSettings):
    """What the environment says. No secret has a default."""

    model_config = SettingsConfigDict(env_prefix="FAIRLEAD_", frozen=True, extra="ignore")

    data: Path = Path(".data")
    """The data directory: the embedded database, and secrets in files. Made where missing."""
    database_url: SecretStr | None = None
    """`postgresql://…` of a PostgreSQL of your own; null: the embedded one."""
    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8400, ge=1, le=65535)
    config: Path = SAMPLE  #: the folder with systems.yaml, people.yaml, policies/ …
    origin: str | None = None
    """Where people reach Fairlead, such as `https://fairlead.example`; null: on this machine."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("config")
    @classmethod
    def _is_there(cls, folder: Path) -> Path:
        if not (folder / "systems.yaml").is_file():
            raise ValueError("is no folder with a systems.yaml in it")
        return folder

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None or not url.get_secret_value():
            return None  # set but empty, as `FAIRLEAD_DATABASE_URL=` in a service file
        if not url.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("is no address that begins with postgresql://")
        return url

    @field_validator("origin")
    @classmethod
    def _is_an_origin(cls, origin: str | None) -> str | None:
        if not origin:
            return None
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
            raise ValueError("is no address such as https://fairlead.example, without a path")
        return origin.rstrip("/")

    @property
    def address(self) -> str:
        """What links in messages begin with."""
        return self.origin or f"http://{self.host}:{self.port}"

    @property
    def plays(self) -> bool:
        """Whether the systems are those of a made-up firm that a sandbox plays."""
        return self.config in (SAMPLE, self.played)

    @property
    def played(self) -> Path:
        """The made-up firm's configuration, once `fairlead up` has joined it to its sandbox."""
        return self.data / "world" / "config"


def settings() -> Settings:
    """From the environment. Raises `InvalidDefinition` with every problem."""
    try:
        found = Settings()
        if found.config == SAMPLE and (found.played / "systems.yaml").is_file():
            return found.model_copy(update={"config": found.played})
        return found
    except ValidationError as bad:
        faults = [
            f"FAIRLEAD_{str(error['loc'][0]).upper()}: {_words(error['msg'])}"
            for error in bad.errors()
        ]
        raise InvalidDefinition("Fairlead cannot start with this environment:", faults) from None


class Serves(Value):
    """A port that a system serves. A list that is missing means everywhere."""

    port: Literal[
        "crm",
        "contracts",
        "ledger",
        "invoicing",
        "bookkeeping",
        "projects",
        "people",
        "payroll",
        "procurement",
        "documents",
        "chat",
        "mail",
    ]
    regions: tuple[str, ...] = ()
    countries: tuple[Country, ...] = ()
    where: dict[str, tuple[str, ...]] = Field(default_factory=dict[str, tuple[str, ...]])
    """Any other fact → the values for which this system serves."""
    fallback: bool = False  #: only where no other enabled system serves


class RateConfig(Value):
    """Tighter than the connector's own budget; null: as the connector declares."""

    per_second: float | None = Field(default=None, gt=0)
    at_once: int | None = Field(default=None, ge=1)


class SystemConfig(Value):
    """One outside system. Two of the same kind are two entries."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")
    connector: str = Field(min_length=1)  #: the name of a folder of `connectors/`
    serves: tuple[Serves, ...] = Field(min_length=1)
    settings: dict[str, Any] = Field(default_factory=dict[str, Any])  #: see the connector's README
    secrets: dict[str, SecretSource] = Field(default_factory=dict[str, SecretSource])
    webhook_secrets: tuple[SecretSource, ...] = ()  #: each is accepted: two while one is rotated
    rate: RateConfig = RateConfig()
    poll_every_s: float | None = Field(default=None, gt=0)  #: null: only webhooks tell us
    mapping: dict[str, dict[str, Any]] = Field(default_factory=dict[str, dict[str, Any]])
    """Object → our field → their path; laid over the connector's own map."""
    enabled: bool = True  #: a system that is not gets no work


class _SystemsFile(Value):
    systems: tuple[SystemConfig, ...] = Field(min_length=1)


class Systems:
    """The systems of one firm."""

    def __init__(self, systems: Sequence[SystemConfig]) -> None:
        self._systems = {system.id: system for system in systems}
        self._offers = [
            Offer(
                system=system.id,
                port=serves.port,
                where=_conditions(serves),
                fallback=serves.fallback,
            )
            for system in systems
            if system.enabled
            for serves in system.serves
        ]

    def all(self) -> Sequence[SystemConfig]:
        return tuple(self._systems.values())

    def get(self, system: str) -> SystemConfig:
        """Raises KeyError: a system id comes from this list, or from a row that we wrote."""
        return self._systems[system]

    def route(self, port: str, facts: Mapping[str, str | None]) -> str:
        """The id of the system that serves `port` for these facts (`region`, `country`, …).

        Raises `InvalidDefinition` where none does, or two do.
        """
        found = route(port, facts, self._offers)
        if isinstance(found, Routed):
            return found.system
        raise InvalidDefinition(f"systems.yaml: {found.because}.")

    def connected(self, port: str, facts: Mapping[str, str | None]) -> bool:
        """Whether the firm has a system that serves `port` for these facts."""
        return isinstance(route(port, facts, self._offers), Routed)


def load_systems(folder: Path) -> list[SystemConfig]:
    """`systems.yaml` of the folder. Raises `InvalidDefinition` with every fault."""
    path = folder / "systems.yaml"
    systems = read(path, _SystemsFile).systems
    ids = [system.id for system in systems]
    if twice := sorted({system for system in ids if ids.count(system) > 1}):
        faults = [f"{path.name}: two systems have the id {system}" for system in twice]
        raise InvalidDefinition(f"{path.name} cannot be used:", faults)
    return list(systems)


M = TypeVar("M", bound=BaseModel)


def read(path: Path, shape: type[M]) -> M:
    """A YAML file as a typed value. Raises `InvalidDefinition`: `file:line: what is wrong`.

    The wrong value itself is not repeated: it may be a secret in the wrong place.
    """
    node = _parsed(path)
    if doubled := _doubled(path, node):
        raise InvalidDefinition(f"{path.name} cannot be used:", doubled)
    try:
        return shape.model_validate(_plain(node))
    except ValidationError as bad:
        errors = bad.errors()
        places = [error["loc"] for error in errors]
        faults = [
            f"{path.name}:{_line(node, error['loc'])}:"
            f" {'.'.join(map(str, error['loc']))}: {_words(error['msg'])}"
            for error in errors
            # A list is called too short once its faulty entries are left out; that is no news.
            if error["type"] != "too_short"
            or not any(
                place[: len(error["loc"])] == error["loc"]
                for place in places
                if place != error["loc"]
            )
        ]
        raise InvalidDefinition(f"{path.name} cannot be used:", faults) from None


def _parsed(path: Path) -> yaml.Node | None:
    try:
        return yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as unreadable:
        why = type(unreadable).__name__
        raise InvalidDefinition(f"{path} cannot be read: {why}.") from None
    except yaml.MarkedYAMLError as bad:
        line = bad.problem_mark.line + 1 if bad.problem_mark else 1
        fault = f"{path.name}:{line}: {bad.problem}"
        raise InvalidDefinition(f"{path.name} cannot be used:", [fault]) from None


def _plain(node: yaml.Node | None) -> Any:
    return None if node is None else yaml.constructor.SafeConstructor().construct_document(node)


def _conditions(serves: Serves) -> dict[str, tuple[str, ...]]:
    named = {"region": serves.regions, "country": tuple(serves.countries)} | serves.where
    return {name: values for name, values in named.items() if values}


def _words(message: str) -> str:
    return message.removeprefix("Value error, ")


def _line(node: yaml.Node | None, where: Sequence[int | str]) -> int:
    """The line of the innermost part of `where` that is in the file."""
    line = 1
    for part in where:
        match node:
            case yaml.MappingNode():
                pairs = cast("list[tuple[yaml.ScalarNode, yaml.Node]]", node.value)
                inner = {key.value: (key, value) for key, value in pairs}
                if part not in inner:
                    return line
                key, node = inner[cast("str", part)]
                line = key.start_mark.line + 1
            case yaml.SequenceNode() if isinstance(part, int) and part < len(node.value):
                node = cast("list[yaml.Node]", node.value)[part]
                line = node.start_mark.line + 1
            case _:
                return line
    return line


def _doubled(path: Path, node: yaml.Node | None) -> list[str]:
    """Keys that come twice in one table: YAML would keep the last without a word."""
    match node:
        case yaml.MappingNode():
            pairs = cast("list[tuple[yaml.Node, yaml.Node]]", node.value)
            seen: set[str] = set()
            faults: list[str] = []
            for key, value in pairs:
                name = str(key.value)
                if name in seen:
                    faults.append(f"{path.name}:{key.start_mark.line + 1}: {name} comes twice")
                seen.add(name)
                faults.extend(_doubled(path, value))
            return faults
        case yaml.SequenceNode():
            parts = cast("list[yaml.Node]", node.value)
            return [fault for part in parts for fault in _doubled(path, part)]
        case _:
            return []
