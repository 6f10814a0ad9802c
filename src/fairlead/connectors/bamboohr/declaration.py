"""What the BambooHR connector can do. It has no write operations."""

from __future__ import annotations

from pathlib import Path

from fairlead.connectors.bamboohr.adapter import BambooHRPeople
from fairlead.connectors.bamboohr.settings import BambooHRSettings
from fairlead.connectors.kit.declaration import Connector, Rate, Reads

CONNECTOR = Connector(
    name="bamboohr",
    title="BambooHR",
    settings=BambooHRSettings,
    ports={"people": BambooHRPeople},
    operations={
        "people.ping": Reads(),
        "people.resources": Reads(),
        "people.absences": Reads(),
    },
    # There are rate limits, and their numbers are not documented
    # (https://documentation.bamboohr.com/docs/api-details): a slow start.
    rate=Rate(per_second=2, at_once=2),
    mapping=Path(__file__).with_name("mapping.yaml"),
    docs="https://documentation.bamboohr.com/reference",
)
