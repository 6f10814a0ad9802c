"""What the Kantata connector can do, and what repeating each of it means.

Kantata offers no idempotency key, and nothing keeps an external reference unique, so creating
is L1: we look before we repeat. All requests end after 3 minutes
(https://developer.kantata.com/, "Timeouts"). How soon a new reference can be searched is not
documented; 15 minutes allow for 3 minutes of late work and a lag of 12.
"""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path

from fairlead.connectors.kantata.adapter import KantataProjects
from fairlead.connectors.kantata.settings import KantataSettings
from fairlead.connectors.kit.declaration import Connector, Level, Rate, Reads, Writes
from fairlead.connectors.kit.http import Http, Token, TokenSource
from fairlead.errors import SystemUnavailable

_SEARCHED = timedelta(minutes=15)


def sign_in(system: str, settings: KantataSettings, http: Http) -> TokenSource:
    """The fixed token of a registered application: Kantata documents no way to renew one.

    So `http` is not used. A second fetch means that the token was refused; it raises
    `SystemUnavailable` with words for the person who can store another one.
    """
    given = iter([settings.token.get_secret_value()])

    def fetch() -> Token:
        for value in given:
            return Token(value, expires_at=math.inf)
        why = "It refused our sign-in. Store the token of an application that still exists."
        raise SystemUnavailable(system, why)

    return TokenSource(fetch)


CONNECTOR = Connector(
    name="kantata",
    title="Kantata OX",
    settings=KantataSettings,
    ports={"projects": KantataProjects},
    operations={
        "projects.ping": Reads(),
        "projects.create_project": Writes(Level.L1, "projects.find_project", _SEARCHED),
        "projects.find_project": Reads(),
        "projects.project": Reads(),
        # Says how it shall be, as archiving does.
        "projects.update_project": Writes(Level.L2, "projects.find_project_updated", timedelta(0)),
        "projects.find_project_updated": Reads(),
        "projects.add_work_package": Writes(Level.L1, "projects.find_work_package", _SEARCHED),
        "projects.find_work_package": Reads(),
        "projects.request_staffing": Writes(Level.L1, "projects.find_staffing_request", _SEARCHED),
        "projects.find_staffing_request": Reads(),
        "projects.add_milestone": Writes(Level.L1, "projects.find_milestone", _SEARCHED),
        "projects.find_milestone": Reads(),
        # Says how far it is, so that repeating it changes nothing.
        "projects.set_progress": Writes(Level.L2, "projects.find_progress", timedelta(0)),
        "projects.find_progress": Reads(),
        "projects.milestones": Reads(),
        # Archiving says how it shall be, so that repeating it changes nothing.
        "projects.close_project": Writes(Level.L2, "projects.find_closed", timedelta(0)),
        "projects.find_closed": Reads(),
        "projects.time_changed_since": Reads(),
        "projects.kept_time": Reads(),
        "projects.kept_expenses": Reads(),
    },
    # The numbers are shown to customers only
    # (https://developer.kantata.com/kantata/specification/section/rate-limits): a slow start.
    rate=Rate(per_second=4, at_once=4),
    mapping=Path(__file__).with_name("mapping.yaml"),
    sign_in=sign_in,
    docs="https://developer.kantata.com/kantata/specification",
)
