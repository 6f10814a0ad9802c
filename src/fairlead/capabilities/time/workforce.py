"""Who books time, and when they are away, as the HR systems say (F126).

All of it is read each time and set: told again, it changes nothing. What an HR system does not
know, such as a person's manager or company, stays as it was set here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from fairlead.domain.model.resource import Resource
from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.flow.seams import seam
from fairlead.ports.people import People as HumanResources
from fairlead.store import absences, resources
from fairlead.store.database import Database, Tx, database_time
from fairlead.trust.principals import People

#: Days around today of which absences are read: what is still entered, and what is planned.
_BACK, _AHEAD = timedelta(days=100), timedelta(days=370)


class Workforce:
    def __init__(self, db: Database, people: People) -> None:
        """`people`: those who sign in; who has the same address is the same person."""
        self._db = db
        self._signing_in = {
            person.email.lower(): person.id for person in people.all() if person.email
        }

    def poll(self, system: str, hr: HumanResources) -> datetime:
        """Read everybody and their absences; when this was (UTC)."""
        with self._db.transaction() as tx:
            now = database_time(tx)
        first, last = (now - _BACK).date(), (now + _AHEAD).date()
        told, away = hr.resources(), hr.absences(first, last)
        with self._db.transaction() as tx:
            ids = self.take_in(tx, system, told)
            found = [
                (ids[one.resource.id], one.period, one.kind)
                for one in away
                if one.resource.id in ids and one.period.end is not None
            ]
            absences.replace(tx, system, first, last, found)
        seam("poll: workforce stored")
        return now

    def take_in(self, tx: Tx, system: str, told: Sequence[Resource]) -> Mapping[str, str]:
        """Set what is said of people. Their id there → their id here.

        A person is known by an address that one person alone has here, else by the id there.
        """
        emails = [one.email for one in told if one.email]
        same = resources.by_email(tx, emails)
        ids = {one.ref.id: self._id(system, one, same) for one in told}
        known = resources.load(tx, ids.values())
        records: dict[str, ResourceRecord] = {}
        for one in told:
            id = ids[one.ref.id]
            was = known.get(id) or ResourceRecord(id=id, name=one.name, source=system)
            records.setdefault(id, _said(one, was, system))
        resources.upsert(tx, list(records.values()))
        return ids

    def _id(self, system: str, one: Resource, same: Mapping[str, Sequence[ResourceRecord]]) -> str:
        email = one.email.lower() if one.email else ""
        if len(found := same.get(email, ())) == 1:
            return found[0].id
        return self._signing_in.get(email) or f"{system}:{one.ref.id}"


def _said(one: Resource, was: ResourceRecord, system: str) -> ResourceRecord:
    return was.model_copy(
        update={
            "name": one.name,
            "email": one.email or was.email,
            "region": one.region or was.region,
            "country": one.country or was.country,
            "minutes_per_week": int(one.hours_per_week * 60),
            "roles": one.roles or was.roles,
            "starts_on": one.starts_on or was.starts_on,
            "ends_on": one.ends_on,
            "source": system,
        }
    )
