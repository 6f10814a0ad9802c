"""The port `crm` on Salesforce's REST API.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/intro_rest.htm
No business rule lives here.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from fairlead.connectors.kit.http import Http
from fairlead.connectors.kit.mapping import FieldMap, MappingTrouble
from fairlead.connectors.salesforce.asking import Asker
from fairlead.connectors.salesforce.dialect import GONE, classify, codes, explain, is_record_id
from fairlead.connectors.salesforce.poll import Poll
from fairlead.connectors.salesforce.queries import Queries
from fairlead.connectors.salesforce.reading import Unreadable, read_opportunity
from fairlead.connectors.salesforce.settings import Settings
from fairlead.connectors.salesforce.whole_deal import WholeDeal
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.values import ExternalRef
from fairlead.errors import AnswerLost, SystemRefused
from fairlead.ports.crm import ChangePage

#: Change events carry it as their origin, so that we do not listen to ourselves.
CLIENT = "Fairlead"


class SalesforceCrm:
    """See `fairlead.ports.crm.Crm`. Threads may share it."""

    def __init__(self, system: str, settings: Settings, http: Http, fields: FieldMap) -> None:
        """Raises `InvalidDefinition` for a field map that cannot be asked for."""
        self._system, self._fields = system, fields
        self._http = http.with_dialect(explain, classify)
        self._data = f"/services/data/{settings.api_version}"
        self._currency = settings.default_currency
        queries = Queries(fields, settings)
        ask = Asker(system, self._http, self._data)
        self._whole = WholeDeal(system, ask, queries, fields)
        overlap = timedelta(seconds=settings.poll_overlap_s)
        self._poll = Poll(system, ask, queries, fields, overlap)

    def ping(self) -> None:
        """Asks what the API offers: it needs a sign-in, no permission, and touches no record."""
        self._http.send("GET", self._data)

    def opportunity(self, id: str) -> Opportunity | None:
        """One composite call, which counts once toward the org's limit."""
        if not is_record_id(id):
            return None
        try:
            found = self._whole.read(id)
            if found is None:
                return None
            return read_opportunity(self._system, self._fields, found, self._currency)
        except (MappingTrouble, Unreadable) as bad:
            raise SystemRefused(self._system, f"It holds what we cannot read. {bad}") from bad

    def changed_since(self, since: datetime, cursor: str | None = None) -> ChangePage:
        """A quiet pass is two composite calls. See `Poll.page`."""
        return self._poll.page(since, cursor)

    def report_engagement(
        self, opportunity: ExternalRef, *, number: str, state: str, key: EffectKey
    ) -> ExternalRef:
        """Sets two fields of the deal: done twice, it says the same."""
        reply = self._http.send(
            "PATCH",
            self._record(opportunity),
            json=self._fields.write("engagement", {"number": number, "state": state}),
            headers={"sforce-call-options": f"client={CLIENT}"},
        )
        if reply.status != 204:  # the one documented answer to an update by id; it has no body
            raise AnswerLost(self._system, f"It answered an update with HTTP {reply.status}.")
        return opportunity

    def find_reported(
        self, opportunity: ExternalRef, *, number: str, state: str, key: EffectKey
    ) -> ExternalRef | None:
        asked = ",".join(["Id", *self._fields.theirs("engagement")])
        path = self._record(opportunity)
        reply = self._http.send("GET", path, params={"fields": asked}, may_miss=True)
        if reply.status == 404:
            if GONE.isdisjoint(codes(reply.body)):
                raise AnswerLost(self._system, "Its 404 is not in Salesforce's words.")
            return None
        record = cast("dict[str, Any]", reply.body if isinstance(reply.body, dict) else {})
        if str(record.get("Id", ""))[:15] != opportunity.id[:15]:
            raise AnswerLost(self._system, "It answered with another record.")
        told = self._fields.read("engagement", record)
        return opportunity if told == {"number": number, "state": state} else None

    # -- inside ----------------------------------------------------------------------------

    def _record(self, opportunity: ExternalRef) -> str:
        if not is_record_id(opportunity.id):
            raise SystemRefused(self._system, "An opportunity's id is 15 or 18 characters.")
        return f"{self._data}/sobjects/Opportunity/{opportunity.id}"
