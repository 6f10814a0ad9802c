"""A command: one transaction, once per idempotency key, answered alike each time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request
from pydantic import BaseModel
from starlette.responses import Response

from fairlead.api.guard import canonical
from fairlead.api.refusals import InvalidParameters, Malformed, VersionRequired
from fairlead.errors import Problem, StaleVersion
from fairlead.store import idempotency
from fairlead.store.database import Tx
from fairlead.store.idempotency import Claim, Kept

_KEY = r"^[!-~]{1,200}$"
_ETAG = re.compile(r'"([1-9][0-9]{0,8})"')


@dataclass(frozen=True)
class Outcome:
    """What a command led to; the transaction commits before it is sent."""

    body: BaseModel
    status: int = 200
    version: int | None = None  #: of the object, for its ETag
    kept: BaseModel | None = None  #: what a repeat gets, where that must be less than the body


class Command:
    """One request that changes something."""

    def __init__(self, request: Request, key: str | None) -> None:
        self._request, self._key = request, key

    def carry_out(self, act: Callable[[Tx], Outcome]) -> Response:
        """Raises what `act` raises, `KeyReused` and `Busy`."""
        with self._request.app.state.parts.db.transaction() as tx:
            claim = self._claim()
            earlier = idempotency.take(tx, claim) if claim else None
            if earlier is not None:
                return _response(earlier)
            outcome = act(tx)
            etag = None if outcome.version is None else etag_of(outcome.version)
            if claim is not None:
                kept = (outcome.kept or outcome.body).model_dump_json(by_alias=True)
                idempotency.keep(tx, claim, Kept(outcome.status, kept, etag))
        text = outcome.body.model_dump_json(by_alias=True)
        return _response(Kept(outcome.status, text, etag))

    def version(self, *, required: bool) -> int | None:
        """The version that `If-Match` names; null for none (where it may be left out) and `*`.

        Raises `VersionRequired`, `StaleVersion` (an ETag that was never ours), `Malformed`.
        """
        given = self._request.headers.getlist("if-match")
        if not given:
            if required:
                raise VersionRequired("Read it, and send its ETag as If-Match.")
            return None
        if len(given) > 1:
            raise Malformed("Send one If-Match header.")
        if given[0].strip() == "*":
            if required:
                raise VersionRequired("If-Match names the version that you read, not any.")
            return None
        known = _ETAG.fullmatch(given[0].strip())
        if known is None:
            raise StaleVersion("This If-Match is no version of it. Read it again.")
        return int(known[1])

    def _claim(self) -> Claim | None:
        if self._key is None:
            return None
        request = self._request
        if len(request.headers.getlist("idempotency-key")) > 1:
            problem = Problem("header:/Idempotency-Key", "comes once")
            raise InvalidParameters("Send one Idempotency-Key.", [problem])
        said = [
            request.scope["path"],
            request.headers.get("if-match"),
            getattr(request.state, "sent", None),
        ]
        if query := request.scope["query_string"]:  # `?commit=true` is another request
            said.append(query.decode("latin-1"))
        return Claim(
            principal=request.state.principal.id,
            route=f"{request.method} {request.scope['route'].path}",
            key=self._key,
            digest=hashlib.sha256(canonical(said)).hexdigest(),
        )


def etag_of(version: int) -> str:
    return f'"{version}"'


def _response(answer: Kept) -> Response:
    headers = {} if answer.etag is None else {"ETag": answer.etag}
    return Response(
        answer.text, status_code=answer.status, headers=headers, media_type="application/json"
    )


async def _command(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            pattern=_KEY,
            description="The command is carried out once under this key; repeats get its answer.",
        ),
    ] = None,
) -> Command:
    return Command(request, idempotency_key)


Commanding = Annotated[Command, Depends(_command)]

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=100,
        description="The ETag of what you read.",
    ),
]
