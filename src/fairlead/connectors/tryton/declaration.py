"""Tryton through its REST interface, as ledger, for procurement, invoices and the books."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from fairlead.connectors.kit.declaration import Connector, Level, Rate, Reads, Writes
from fairlead.connectors.tryton.adapter import TrytonLedger
from fairlead.connectors.tryton.bookkeeping import TrytonBookkeeping
from fairlead.connectors.tryton.invoices import TrytonInvoicing
from fairlead.connectors.tryton.procurement import TrytonProcurement
from fairlead.connectors.tryton.settings import TrytonSettings
from fairlead.connectors.tryton.sign_in import sign_in

#: A server works on after its caller has gone; its proxy or gunicorn ends that, by default after
#: 30 to 120 s. What is committed is found at once: there is no index that lags.
_SETTLE = timedelta(minutes=3)

CONNECTOR = Connector(
    name="tryton",
    title="Tryton",
    settings=TrytonSettings,
    ports={
        "ledger": TrytonLedger,
        "procurement": TrytonProcurement,
        "invoicing": TrytonInvoicing,
        "bookkeeping": TrytonBookkeeping,
    },
    operations={
        "ledger.ping": Reads(),
        "ledger.candidates": Reads(),
        "ledger.create_client": Writes(Level.L2, "ledger.find_client", _SETTLE),
        "ledger.find_client": Reads(),
        "ledger.client": Reads(),
        # Says how it shall be, so that repeating it changes nothing.
        "ledger.update_client": Writes(Level.L2, "ledger.find_client_updated", _SETTLE),
        "ledger.find_client_updated": Reads(),
        "ledger.create_project": Writes(Level.L1, "ledger.find_project", _SETTLE),
        "ledger.find_project": Reads(),
        "ledger.project": Reads(),
        "ledger.update_project": Writes(Level.L2, "ledger.find_project_updated", _SETTLE),
        "ledger.find_project_updated": Reads(),
        "ledger.close_project": Writes(Level.L2, "ledger.find_closed", _SETTLE),
        "ledger.find_closed": Reads(),
        "ledger.create_schedule": Writes(Level.L1, "ledger.find_schedule", _SETTLE),
        "ledger.find_schedule": Reads(),
        "procurement.ping": Reads(),
        "procurement.vendors": Reads(),
        "procurement.create_requisition": Writes(Level.L1, "procurement.find_requisition", _SETTLE),
        "procurement.find_requisition": Reads(),
        "procurement.requisitions": Reads(),
        "invoicing.ping": Reads(),
        "invoicing.create_invoice": Writes(Level.L1, "invoicing.find_invoice", _SETTLE),
        "invoicing.find_invoice": Reads(),
        # A step of one known record: posting a posted one is seen, and left alone.
        "invoicing.post_invoice": Writes(Level.L2, "invoicing.find_posted", _SETTLE),
        "invoicing.find_posted": Reads(),
        "invoicing.invoice": Reads(),
        "invoicing.changed_since": Reads(),
        "invoicing.of_project": Reads(),
        "bookkeeping.ping": Reads(),
        "bookkeeping.book_time": Writes(Level.L1, "bookkeeping.find_time", _SETTLE),
        "bookkeeping.find_time": Reads(),
        "bookkeeping.book_expense": Writes(Level.L1, "bookkeeping.find_expense", _SETTLE),
        "bookkeeping.find_expense": Reads(),
        "bookkeeping.book_revenue": Writes(Level.L1, "bookkeeping.find_revenue", _SETTLE),
        "bookkeeping.find_revenue": Reads(),
        "bookkeeping.booked_revenue": Reads(),
        "bookkeeping.booked_time": Reads(),
    },
    # Writers at the same rows make each other wait: few at once are quicker than many.
    rate=Rate(at_once=3),
    mapping=Path(__file__).with_name("mapping.yaml"),
    sign_in=sign_in,
    docs="https://docs.tryton.org/8.2/server/",
)
