"""The port `people` on Acme HR. It only reads."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from acme.settings import AcmeSettings
from fairlead.connectors.kit.http import Http
from fairlead.connectors.kit.mapping import FieldMap, MappingTrouble
from fairlead.domain.model.resource import Absence, Resource
from fairlead.domain.values import ExternalRef, Period
from fairlead.errors import SystemRefused

T = TypeVar("T", bound=BaseModel)


class _Page(BaseModel):
    items: list[dict[str, Any]]
    next: int | None


class _Leave(BaseModel):
    person: str
    first_day: date
    last_day: date
    kind: str
    state: str


class AcmePeople:
    """Implements `fairlead.ports.people.People`. Threads may share it."""

    def __init__(self, system: str, settings: AcmeSettings, http: Http, fields: FieldMap) -> None:
        self._system, self._settings, self._http, self._fields = system, settings, http, fields
        self._signed = {"authorization": f"Token {settings.token.get_secret_value()}"}

    def ping(self) -> None:
        self._http.send("GET", "/v1/account", headers=self._signed)

    def resources(self) -> Sequence[Resource]:
        """Everybody at work or about to be; Acme keeps leavers, so they are left out here."""
        today = datetime.now(UTC).date()
        found = [self._resource(row, today) for row in self._rows("/v1/people", {})]
        return [one for one in found if one.ends_on is None or one.ends_on >= today]

    def absences(self, start: date, end: date) -> Sequence[Absence]:
        asked = {"from": start.isoformat(), "to": end.isoformat()}
        told = [self._strictly(_Leave, row) for row in self._rows("/v1/leave", asked)]
        return [
            Absence(
                resource=self._ref(one.person),
                period=Period(start=one.first_day, end=one.last_day),
                kind=one.kind,
            )
            for one in told
            if one.state == "approved"
        ]

    def _rows(self, path: str, asked: dict[str, str]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        page: int | None = 1
        while page is not None:
            params = {**asked, "page": str(page)}
            reply = self._http.send("GET", path, params=params, headers=self._signed)
            told = self._strictly(_Page, reply.body)
            rows, page = rows + told.items, told.next
        return rows

    def _resource(self, row: dict[str, Any], today: date) -> Resource:
        try:
            ours = self._fields.read("resource", row)
        except MappingTrouble as bad:
            raise SystemRefused(self._system, f"It sent what we cannot read: {bad}") from bad
        title, office = ours.get("job_title"), ours.get("location")
        starts_on: date | None = ours.get("starts_on")
        return self._strictly(
            Resource,
            {
                "ref": self._ref(str(row.get("id", ""))),
                "name": ours.get("name"),
                "email": ours.get("email"),
                "job_title": title,
                "roles": self._settings.also.get(title, (title,)) if title else (),
                "region": self._settings.regions.get(office or ""),
                "country": self._settings.countries.get(office or ""),
                "location": office,
                "hours_per_week": ours.get("hours_per_week", self._settings.hours_per_week),
                "starts_on": starts_on,
                "ends_on": ours.get("ends_on"),
                "active": starts_on is None or starts_on <= today,
            },
        )

    def _strictly(self, shape: type[T], raw: object) -> T:
        try:
            return shape.model_validate(raw)
        except ValidationError as bad:
            where = ".".join(map(str, bad.errors()[0]["loc"]))
            raise SystemRefused(self._system, f"It sent what we cannot read: {where}") from bad

    def _ref(self, id: str) -> ExternalRef:
        return ExternalRef(system=self._system, kind="person", id=id)
