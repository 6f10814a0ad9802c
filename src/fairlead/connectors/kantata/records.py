"""How records are made and found in Kantata: each carries our key from the start.

Our key travels as an external reference in the request that creates the record, so neither can
exist without the other, and is looked up at `/external_references`, which has no filter that
hides archived records by default. Addresses of the documents are in the README.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from fairlead.connectors.kantata.answers import Answer, ContractBroken, FieldValue, Reference
from fairlead.connectors.kit.http import Http, Reply
from fairlead.connectors.kit.mapping import MappingTrouble
from fairlead.domain.ids import EffectKey
from fairlead.domain.values import ExternalRef
from fairlead.errors import AnswerLost, EffectConflict, SystemRefused, SystemUnavailable

_ROOT = "/api/v1"
_VALUES = f"{_ROOT}/custom_field_values"
_PAGE = 200  # the largest that Kantata gives

Known = TypeVar("Known", bound=BaseModel)


@dataclass(frozen=True)
class Kind:
    """How one kind of record is called, here and there."""

    name: str  #: in bodies and in our `ExternalRef`
    collection: str  #: in paths and answers
    subject: str  #: as the subject of an external reference
    ours: str  #: `service_model`: what it is to us


PROJECT = Kind("workspace", "workspaces", "Workspace", "project")
PACKAGE = Kind("story", "stories", "Story", "work_package")
RESOURCE = Kind("workspace_resource", "workspace_resources", "WorkspaceResource", "staffing")
ALLOCATION = Kind(
    "workspace_allocation", "workspace_allocations", "WorkspaceAllocation", "staffing_hours"
)


class Records:
    """Kantata's records, read and written. Threads may share it."""

    def __init__(self, system: str, http: Http, *, service: str) -> None:
        """`service`: the `service_name` under which our references are kept."""
        self._system, self._http, self._service = system, http, service

    def ping(self) -> None:
        with self.reading():
            self._http.send("GET", f"{_ROOT}/users/me.json")

    def create(
        self,
        kind: Kind,
        sent: Mapping[str, Any],
        key: EffectKey,
        model: type[Known],
        *,
        message: str | None = None,
    ) -> Known:
        """One request that makes the record and gives it our key; the answer must show both.

        `message`: what our reference says besides, for us to read again.
        """
        ours = self._reference(kind, key)
        reference = ours if message is None else {**ours, "external_message": message}
        reply = self._http.send(
            "POST",
            f"{_ROOT}/{kind.collection}",
            params={"include": "external_references"},
            json={kind.name: {**sent, "external_reference": reference}},
        )
        with self._losing(reply):
            answer = Answer(reply.body)
            made = answer.single(kind.collection, model)
            shown = answer.beside("external_references", Reference).values()
        id = answer.found[0][1]
        if not any(reference.subject_id == id and reference.says(ours) for reference in shown):
            why = f"It answered with {kind.name} {id}, without our reference."
            raise AnswerLost(self._system, why, payload=reply.body)
        return made

    def change(self, kind: Kind, id: str, sent: Mapping[str, Any], model: type[Known]) -> Known:
        reply = self._http.send("PUT", _path(kind, id), json={kind.name: sent})
        with self._losing(reply):
            return Answer(reply.body).single(kind.collection, model)

    def show(
        self, kind: Kind, id: str, model: type[Known], *, asked: Mapping[str, str]
    ) -> Known | None:
        """One record by its id. None: there is none, or the filters of `asked` hide it."""
        with self.reading():
            answer = self.look(kind, id, asked=asked)
            return answer and answer.single(kind.collection, model)

    def look(self, kind: Kind, id: str, *, asked: Mapping[str, str]) -> Answer | None:
        """As `show`, with what came along. To be read inside `reading`."""
        reply = self._http.send("GET", _path(kind, id), params=asked, may_miss=True)
        return None if reply.status == 404 else Answer(reply.body)

    def messages(self, kind: Kind, answer: Answer) -> list[str]:
        """What our references beside a record say besides its key."""
        held = answer.beside("external_references", Reference).values()
        return [
            reference.external_message
            for reference in held
            if (reference.service_name, reference.service_model) == (self._service, kind.ours)
            and reference.external_message
        ]

    def keys(self, kind: Kind, held: Iterable[Reference]) -> dict[str, str]:
        """Record → our key, of references that lie beside records."""
        return {
            one.subject_id: one.service_model_ref
            for one in held
            if (one.service_name, one.service_model) == (self._service, kind.ours)
        }

    def set_value(self, kind: Kind, id: str, field: int, value: str, *, held: str | None) -> None:
        """Set a custom field on a record. `held`: id of the value that is to be replaced; null:
        there is none yet."""
        if held is not None:
            reply = self._http.send(
                "PUT", f"{_VALUES}/{held}", json={"custom_field_value": {"value": value}}
            )
        else:
            new = {"subject_type": kind.subject, "subject_id": int(id), "custom_field_id": field}
            reply = self._http.send(
                "POST", _VALUES, json={"custom_field_value": {**new, "value": value}}
            )
        with self._losing(reply):
            Answer(reply.body).single("custom_field_values", FieldValue)

    def carrier(self, kind: Kind, key: EffectKey) -> tuple[str, Answer] | None:
        """The one record that carries our key: its id, and the page that has the record beside.

        The filter is Kantata's; whether it minds upper and lower case is not documented, so each
        hit is compared again. Raises `EffectConflict` where more than one carries the key.
        """
        ours = self._reference(kind, key)
        asked = {"subject_type": kind.subject, "include": "subject", "order": "created_at:asc"}
        found: dict[str, Answer] = {}
        with self.reading():
            for page in self.pages("external_references", asked | ours):
                for reference in page.listed("external_references", Reference):
                    if reference.says(ours):
                        found[reference.subject_id] = page
        if len(found) > 1:
            why = f"{len(found)} {kind.collection} carry {key}: {', '.join(sorted(found))}."
            raise EffectConflict(self._system, why)
        return next(iter(found.items()), None)

    def pages(self, collection: str, asked: Mapping[str, str]) -> Iterator[Answer]:
        """Every page of a list. A list that ends early is not taken for a complete one.

        To be read inside `reading`. Raises `ContractBroken` and what `Http` raises.
        """
        seen: set[tuple[str, str]] = set()
        number = 0
        while True:
            number += 1
            page = self.page(collection, asked, number)
            new = set(page.found) - seen
            if not new and len(seen) < page.count:
                why = f"{collection}: it told {len(seen)} of {page.count}, then nothing new."
                raise SystemUnavailable(self._system, why)
            yield page
            seen |= new
            if len(seen) >= page.count:
                return

    page_size = _PAGE

    def page(self, collection: str, asked: Mapping[str, str], number: int) -> Answer:
        """One page of a list, from 1. To be read inside `reading`."""
        params = {**asked, "page": str(number), "per_page": str(_PAGE)}
        return Answer(self._http.send("GET", f"{_ROOT}/{collection}", params=params).body)

    def ref(self, kind: Kind, id: str) -> ExternalRef:
        return ExternalRef(system=self._system, kind=kind.name, id=id)

    def number(self, ref: ExternalRef) -> int:
        """Bodies take ids as numbers."""
        if not (ref.id.isascii() and ref.id.isdigit()):
            raise SystemRefused(self._system, f"{ref} is no record of Kantata.")
        return int(ref.id)

    @contextmanager
    def reading(self) -> Generator[None]:
        """A read without a usable answer changed nothing, so it may simply be repeated."""
        try:
            yield
        except AnswerLost as lost:
            raise SystemUnavailable(
                self._system, lost.why, retry_after=lost.retry_after, payload=lost.payload
            ) from lost
        except (ContractBroken, MappingTrouble) as bad:
            raise SystemRefused(self._system, f"An answer is not as documented: {bad}") from bad

    @contextmanager
    def _losing(self, reply: Reply) -> Generator[None]:
        """A write with an answer that says nothing usable was perhaps done."""
        try:
            yield
        except (ContractBroken, MappingTrouble) as bad:
            why = f"The answer is not as documented: {bad}"
            raise AnswerLost(self._system, why, payload=reply.body) from bad

    def _reference(self, kind: Kind, key: EffectKey) -> dict[str, str]:
        """Our external reference: what a new record carries, and what a search asks for."""
        return {
            "service_name": self._service,
            "service_model": kind.ours,
            "service_model_ref": key,
        }


def _path(kind: Kind, id: str) -> str:
    return f"{_ROOT}/{kind.collection}/{quote(id, safe='')}"
