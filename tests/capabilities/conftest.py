"""An office of its own for each test."""

from __future__ import annotations

import pytest
from office import Office

from fairlead.store.database import Database


@pytest.fixture
def office(db: Database) -> Office:
    return Office(db)
