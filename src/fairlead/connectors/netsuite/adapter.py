"""NetSuite as the firm's ledger.

Every record that we make carries an external id that follows from the effect's key
(`records.external_id`). External ids are unique for each record type, and an upsert by external
id creates at most one record, so every create here may be repeated (level L2). An update sets
values on one known record, and says the same however often it is sent.

Two operations make several records. They are found only once all of them are there: a project
is marked complete by its last write, and a schedule counts once its project points to it. A
call that ends half-way leaves what it made; the next call with the same key carries it on.
"""

from __future__ import annotations

from fairlead.connectors.netsuite.clients import Clients
from fairlead.connectors.netsuite.projects import ProjectsInLedger
from fairlead.connectors.netsuite.schedules import Schedules


class NetSuiteLedger(Clients, ProjectsInLedger, Schedules):
    """The port `ledger`. Threads may share it."""
