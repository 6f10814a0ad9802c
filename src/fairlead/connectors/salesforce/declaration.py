"""What the Salesforce connector can do, and how it recognises a repeat."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from fairlead.connectors.kit.declaration import Connector, Level, Rate, Reads, SignedBy, Writes
from fairlead.connectors.kit.signatures import standard_webhook
from fairlead.connectors.salesforce.adapter import SalesforceCrm
from fairlead.connectors.salesforce.settings import Settings
from fairlead.connectors.salesforce.sign_in import sign_in
from fairlead.connectors.salesforce.webhook import reads_webhook

CONNECTOR = Connector(
    name="salesforce",
    title="Salesforce Sales Cloud",
    settings=Settings,
    ports={"crm": SalesforceCrm},
    operations={
        "crm.ping": Reads(),
        "crm.opportunity": Reads(),
        "crm.changed_since": Reads(),
        # It sets fields of one record that is named by its id: a repeat changes nothing. A
        # synchronous transaction ends after ten minutes at the latest.
        "crm.report_engagement": Writes(
            level=Level.L2, find="crm.find_reported", settle=timedelta(minutes=10)
        ),
        "crm.find_reported": Reads(),
    },
    # The org's limit is a number of calls in 24 hours, shared with everybody who uses its API; at
    # most 25 calls of over 20 seconds may run at once.
    rate=Rate(per_second=10, at_once=8),
    mapping=Path(__file__).with_name("mapping.yaml"),
    sign_in=sign_in,
    docs="https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/intro_rest.htm",
    reads_webhook=reads_webhook,
    signed_by=SignedBy(verify=standard_webhook),
)
