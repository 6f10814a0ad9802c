"""The port `people` on BambooHR. It only reads. Addresses of the documents are in the README.

The dataset `employee` gives every field of everybody in few calls and, unlike the directory and
the list of employees, refuses aloud what the key's user may not see.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from fairlead.connectors.bamboohr import answers
from fairlead.connectors.bamboohr.settings import BambooHRSettings, Place
from fairlead.connectors.kit.http import Http, Reply
from fairlead.connectors.kit.mapping import FieldMap, MappingTrouble
from fairlead.domain.model.resource import Absence, Resource
from fairlead.domain.values import ExternalRef, Period
from fairlead.errors import AnswerLost, SystemRefused, SystemUnavailable

_PAGE = 1000  # the largest that BambooHR gives
_ID, _STATUS = "eeid", "status"
_NO_DAY = "0000-00-00"  # older accounts hold this for an empty date
_NOWHERE = Place()


class BambooHRPeople:
    """Implements `fairlead.ports.people.People`. Threads may share it."""

    def __init__(
        self, system: str, settings: BambooHRSettings, http: Http, fields: FieldMap
    ) -> None:
        self._system, self._settings, self._fields = system, settings, fields
        self._http = http.with_dialect(_explained, lambda reply: None)
        pair = f"{settings.api_key.get_secret_value()}:x".encode()
        self._signed = {"authorization": f"Basic {b64encode(pair).decode()}"}

    def ping(self) -> None:
        with self._reading():
            self._http.send("GET", "/api/v1/company_information", headers=self._signed)

    def resources(self) -> Sequence[Resource]:
        """Who is at work, and who has been hired for today (UTC) or later.

        Two questions, because BambooHR calls future hires `Inactive`, as it calls leavers, and a
        filter may not mix `and` with `or`. So no record of a leaver is ever asked for. Who comes
        is asked first, so that nobody who begins in between is in neither list.
        """
        today = datetime.now(UTC).date()
        coming = f"{_STATUS} eq 'Inactive' and {self._starts} ge '{today.isoformat()}'"
        with self._reading():
            rows = self._rows(coming) | self._rows(f"{_STATUS} eq 'Active'")
            found = [self._resource(id, row) for id, row in rows.items()]
        return sorted(found, key=lambda resource: _counted(resource.ref.id))

    def absences(self, start: date, end: date) -> Sequence[Absence]:
        """BambooHR takes the first day for the end of a request and the last for its start, so
        that it tells every request that touches them. A half day is told as a whole one."""
        asked = {
            "start": start.isoformat(),
            "end": end.isoformat(),
            "status": "approved",
            "action": "view",
            "excludeNote": "true",  # why somebody is away is not ours to know
        }
        with self._reading():
            reply = self._http.send(
                "GET", "/api/v1/time_off/requests", params=asked, headers=self._signed
            )
            told = [
                request
                for request in answers.time_off(reply.body)
                if request.status.status == "approved"
            ]
            told.sort(key=lambda request: (request.start, _counted(request.id)))
            return [
                Absence(
                    resource=self._ref(request.employee),
                    period=Period(start=request.start, end=request.end),
                    kind=request.type.name,
                )
                for request in told
            ]

    @property
    def _starts(self) -> str:
        return self._fields.their_path("resource", "starts_on")

    def _rows(self, wanted: str) -> dict[str, Mapping[str, Any]]:
        """Every row of the dataset that fits, by employee id. A list that ends early, or whose
        pages overlap because somebody joined in between, is not taken for a complete one."""
        rows: dict[str, Mapping[str, Any]] = {}
        number = 0
        while True:
            number += 1
            page = self._page(wanted, number)
            for row in page.data:
                rows[self._id_of(row.fields)] = row.fields
            if number >= page.meta.total_pages:
                break
        if len(rows) != page.meta.total_items:
            why = f"It told {len(rows)} of {page.meta.total_items} employees."
            raise SystemUnavailable(self._system, why)
        return rows

    def _page(self, wanted: str, number: int) -> answers.Page:
        asked = {
            "fields": list(dict.fromkeys([_ID, _STATUS, *self._fields.theirs("resource")])),
            "filter": wanted,
            "orderBy": f"{_ID} asc",  # else the order is unspecified, and pages may overlap
            "page": number,
            "pageSize": _PAGE,
        }
        reply = self._http.send(
            "POST", "/api/v2/datasets/employee/data", json=asked, headers=self._signed
        )
        return answers.page(reply.body)

    def _id_of(self, fields: Mapping[str, Any]) -> str:
        raw = fields.get(_ID)
        if isinstance(raw, bool) or not isinstance(raw, int | str) or not str(raw):
            raise answers.ContractBroken(f"fields.{_ID}: not an id")
        if hidden := fields.get("_restrictedFields"):
            names = ", ".join(map(str, hidden))
            raise answers.ContractBroken(f"employee {raw}: our user may not see {names}")
        return str(raw)

    def _resource(self, id: str, row: Mapping[str, Any]) -> Resource:
        told = {name: None if value == _NO_DAY else value for name, value in row.items()}
        ours = self._fields.read("resource", told)
        first = ours.get("preferred_name") or ours.get("first_name")
        title, location = ours.get("job_title"), ours.get("location")
        place = self._settings.places.get(location or "", _NOWHERE)
        hours: Decimal = ours.get("hours_per_week", self._settings.hours_per_week)
        try:
            return Resource(
                ref=self._ref(id),
                name=" ".join(part for part in (first, ours.get("last_name")) if part),
                email=ours.get("email"),
                job_title=title,
                roles=self._settings.roles.get(title, (title,)) if title else (),
                region=place.region,
                country=place.country,
                location=location,
                hours_per_week=hours,
                starts_on=ours.get("starts_on"),
                ends_on=ours.get("ends_on"),
                active=row.get(_STATUS) == "Active",
            )
        except ValidationError as bad:
            first_fault = bad.errors()[0]
            where = ".".join(str(part) for part in first_fault["loc"])
            raise answers.ContractBroken(f"employee {id}: {where}: {first_fault['msg']}") from bad

    def _ref(self, id: str) -> ExternalRef:
        return ExternalRef(system=self._system, kind="employee", id=id)

    @contextmanager
    def _reading(self) -> Generator[None]:
        """A read without a usable answer changed nothing, so it may simply be repeated."""
        try:
            yield
        except AnswerLost as lost:
            raise SystemUnavailable(
                self._system, lost.why, retry_after=lost.retry_after, payload=lost.payload
            ) from lost
        except (answers.ContractBroken, MappingTrouble, ValidationError) as bad:
            why = f"An answer is not as documented: {bad}"
            raise SystemRefused(self._system, why) from bad


def _explained(reply: Reply) -> str:
    """Old calls say what is wrong in a header, those of v2 in a problem document."""
    return reply.headers.get("x-bamboohr-error-message") or answers.said(reply.body)


def _counted(id: str) -> tuple[int, str]:
    """Ids are numbers as text: 2 before 10."""
    return (len(id), id)
