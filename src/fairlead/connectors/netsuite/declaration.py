"""Oracle NetSuite through SuiteTalk REST web services: the ports of an ERP."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from fairlead.connectors.kit.declaration import Connector, Level, Rate, Reads, Writes
from fairlead.connectors.netsuite.adapter import NetSuiteLedger
from fairlead.connectors.netsuite.bookings import NetSuiteBookkeeping
from fairlead.connectors.netsuite.invoices import NetSuiteInvoicing
from fairlead.connectors.netsuite.procurement import NetSuiteProcurement
from fairlead.connectors.netsuite.settings import NetSuiteSettings
from fairlead.connectors.netsuite.sign_in import sign_in

#: A request ends after 15 minutes at the latest; records are found by external id at once:
#: https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/subsect_1559222360.html
_SETTLE = timedelta(minutes=15)

CONNECTOR = Connector(
    name="netsuite",
    title="Oracle NetSuite",
    settings=NetSuiteSettings,
    ports={
        "ledger": NetSuiteLedger,
        "procurement": NetSuiteProcurement,
        "invoicing": NetSuiteInvoicing,
        "bookkeeping": NetSuiteBookkeeping,
    },
    operations={
        "ledger.ping": Reads(),
        "ledger.candidates": Reads(),
        "ledger.create_client": Writes(Level.L2, "ledger.find_client", _SETTLE),
        "ledger.find_client": Reads(),
        "ledger.client": Reads(),
        # An update creates nothing: the same values are set on the same record, however often.
        "ledger.update_client": Writes(Level.L2, "ledger.find_client_updated", _SETTLE),
        "ledger.find_client_updated": Reads(),
        "ledger.create_project": Writes(Level.L2, "ledger.find_project", _SETTLE),
        "ledger.find_project": Reads(),
        "ledger.project": Reads(),
        "ledger.update_project": Writes(Level.L2, "ledger.find_project_updated", _SETTLE),
        "ledger.find_project_updated": Reads(),
        "ledger.close_project": Writes(Level.L2, "ledger.find_closed", _SETTLE),
        "ledger.find_closed": Reads(),
        "ledger.create_schedule": Writes(Level.L2, "ledger.find_schedule", _SETTLE),
        "ledger.find_schedule": Reads(),
        "procurement.ping": Reads(),
        "procurement.vendors": Reads(),
        "procurement.create_requisition": Writes(Level.L2, "procurement.find_requisition", _SETTLE),
        "procurement.find_requisition": Reads(),
        "procurement.requisitions": Reads(),
        "invoicing.ping": Reads(),
        "invoicing.create_invoice": Writes(Level.L2, "invoicing.find_invoice", _SETTLE),
        "invoicing.find_invoice": Reads(),
        # Approving sets one value on one known record.
        "invoicing.post_invoice": Writes(Level.L2, "invoicing.find_posted", _SETTLE),
        "invoicing.find_posted": Reads(),
        "invoicing.invoice": Reads(),
        "invoicing.changed_since": Reads(),
        "invoicing.of_project": Reads(),
        "bookkeeping.ping": Reads(),
        "bookkeeping.book_time": Writes(Level.L2, "bookkeeping.find_time", _SETTLE),
        "bookkeeping.find_time": Reads(),
        "bookkeeping.book_expense": Writes(Level.L2, "bookkeeping.find_expense", _SETTLE),
        "bookkeeping.find_expense": Reads(),
        "bookkeeping.book_revenue": Writes(Level.L2, "bookkeeping.find_revenue", _SETTLE),
        "bookkeeping.find_revenue": Reads(),
        "bookkeeping.booked_revenue": Reads(),
        "bookkeeping.booked_time": Reads(),
    },
    # The smallest accounts have 5 requests at once, and all integrations of an account share them:
    # https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/article_0625010817.html
    rate=Rate(at_once=5),
    mapping=Path(__file__).with_name("mapping.yaml"),
    sign_in=sign_in,
    docs="https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/book_1559132836.html",
)
