"""Having many entries judged at once, and how far that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from starlette.responses import Response

from fairlead.api.commands import Commanding, Outcome
from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import Limit, Page, TimeCursor, after, page
from fairlead.api.reading import reading_tx
from fairlead.api.router import Router
from fairlead.api.shapes import At, Id, found
from fairlead.capabilities.time.validation import Scope, ask, cancel
from fairlead.domain.values import Value
from fairlead.store import time_validations
from fairlead.store.database import Tx
from fairlead.store.time_entries import Sees
from fairlead.trust.acting import Acting
from fairlead.trust.principals import Principal


class ValidationView(Value):
    id: str
    scope: Scope
    state: Literal["waiting", "running", "done", "cancelled"]
    entries: int  #: that there were when it was asked for
    judged: int
    errors: int
    warnings: int
    asked_by: str
    asked_at: At
    ended_at: At | None


def add(router: Router) -> None:
    tag = "time"
    router.get("/time-validations", list_validations, Page[ValidationView], tag=tag)
    router.get("/time-validations/{id}", get_validation, ValidationView, tag=tag)
    router.command("POST", "/time-validations", ask_validation, ValidationView, tag=tag, status=202)
    router.command(
        "POST", "/time-validations/{id}/cancel", cancel_validation, ValidationView, tag=tag
    )


def list_validations(
    parts: Parts, caller: Caller, cursor: TimeCursor = None, limit: Limit = 50
) -> Page[ValidationView]:
    """Those that were asked for, newest first."""
    with reading_tx(parts) as tx:
        rows = time_validations.newest(tx, _sees(caller), before=after(cursor), limit=limit + 1)
    return page(rows, limit, _view, at="asked_at")


def get_validation(parts: Parts, caller: Caller, id: Id) -> ValidationView:
    """How far one is."""
    with reading_tx(parts) as tx:
        return _view(found(time_validations.get(tx, id, _sees(caller)), "validation"))


def ask_validation(parts: Parts, caller: Caller, command: Commanding, wanted: Scope) -> Response:
    """Have the entries of some days judged anew, however many they are."""

    def act(tx: Tx) -> Outcome:
        return Outcome(_view(ask(tx, Acting.of(parts.people, caller), wanted)), status=202)

    return command.carry_out(act)


def cancel_validation(parts: Parts, caller: Caller, command: Commanding, id: Id) -> Response:
    """Stop it. What is judged already stays judged."""

    def act(tx: Tx) -> Outcome:
        return Outcome(_view(cancel(tx, Acting.of(parts.people, caller), id)))

    return command.carry_out(act)


def _sees(caller: Principal) -> Sees:
    return Sees(None, True, caller.regions, caller.legal_entities)


def _view(row: Mapping[str, Any]) -> ValidationView:
    return ValidationView.model_validate({n: v for n, v in row.items() if n != "after"})
