"""Tryton as the firm's ledger.

A client's code is unique, so creating one may be repeated (level L2). Projects and schedules carry
the effect's key in their comment, where it can be searched (level L1): each is one call that makes
all of it or nothing, and looks first whether it is there already.
"""

from __future__ import annotations

from fairlead.connectors.tryton.clients import Clients
from fairlead.connectors.tryton.projects import ProjectsInLedger
from fairlead.connectors.tryton.schedules import Schedules


class TrytonLedger(Clients, ProjectsInLedger, Schedules):
    """The port `ledger`. Threads may share it."""
