"""What the Acme HR connector can do. It has no write operations."""

from pathlib import Path

from acme.adapter import AcmePeople
from acme.settings import AcmeSettings
from fairlead.connectors.kit.declaration import Connector, Rate, Reads

CONNECTOR = Connector(
    name="acme",
    title="Acme HR",
    settings=AcmeSettings,
    ports={"people": AcmePeople},
    operations={"people.ping": Reads(), "people.resources": Reads(), "people.absences": Reads()},
    rate=Rate(per_second=5, at_once=2),
    mapping=Path(__file__).with_name("mapping.yaml"),
    docs="https://acme.example/api",
)
