"""What the DocuSign connector can do. It changes nothing there."""

from __future__ import annotations

from pathlib import Path

from fairlead.connectors.docusign.adapter import DocusignContracts
from fairlead.connectors.docusign.settings import DocusignSettings
from fairlead.connectors.docusign.sign_in import sign_in
from fairlead.connectors.docusign.webhook import connect_signature, reads_webhook
from fairlead.connectors.kit.declaration import Connector, Rate, Reads, SignedBy

CONNECTOR = Connector(
    name="docusign",
    title="DocuSign eSignature",
    settings=DocusignSettings,
    ports={"contracts": DocusignContracts},
    operations={
        "contracts.ping": Reads(),
        "contracts.agreement": Reads(),
        "contracts.changed_since": Reads(),
        "contracts.document": Reads(),
    },
    # 3,000 calls an hour by default, of all apps of the account together, and 500 in 30 seconds
    # (200 in a developer account).
    rate=Rate(per_second=5, at_once=4),
    mapping=Path(__file__).with_name("mapping.yaml"),
    sign_in=sign_in,
    docs="https://developers.docusign.com/docs/esign-rest-api/reference",
    reads_webhook=reads_webhook,
    signed_by=SignedBy(verify=connect_signature),
)
