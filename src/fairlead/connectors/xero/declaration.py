"""What the Xero connector can do."""

from __future__ import annotations

from pathlib import Path

from fairlead.connectors.kit.declaration import Connector, Level, Rate, Reads, Writes
from fairlead.connectors.xero.adapter import XeroPayroll
from fairlead.connectors.xero.settings import XeroSettings
from fairlead.connectors.xero.sign_in import sign_in

CONNECTOR = Connector(
    name="xero",
    title="Xero Payroll UK",
    settings=XeroSettings,
    ports={"payroll": XeroPayroll},
    operations={
        "payroll.ping": Reads(),
        "payroll.payees": Reads(),
        # Each call carries an Idempotency-Key, but for how long one is remembered is not
        # documented, so that nothing is repeated before it was looked for.
        "payroll.send_hours": Writes(Level.L1, find="payroll.find_hours"),
        "payroll.find_hours": Reads(),
        "payroll.approve_hours": Writes(Level.L1, find="payroll.find_approval"),
        "payroll.find_approval": Reads(),
        "payroll.held": Reads(),
    },
    # 60 calls a minute and 5 in progress for one organisation
    # (https://developer.xero.com/faq/limits).
    rate=Rate(per_second=1, at_once=4),
    mapping=Path(__file__).with_name("mapping.yaml"),
    sign_in=sign_in,
    docs="https://github.com/XeroAPI/Xero-OpenAPI/blob/master/xero-payroll-uk.yaml",
)
