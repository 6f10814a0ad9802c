"""Somebody who works in Tryton: the JSON-RPC that its desktop client speaks, with a session."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, cast

import httpx
import simplejson

from fairlead.sandbox.tryton.installing import TrytonTrouble


class Refusal(RuntimeError):
    """Tryton said no; its words."""


class Person:
    """Signed in to one database. Not for threads."""

    def __init__(self, url: str, database: str, user: str, password: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=120, trust_env=False)
        self._path, self._headers = f"/{database}/rpc/", dict[str, str]()
        self._context: dict[str, Any] = {}
        self.id, token, _ = self._call("common.db.login", user, {"password": password})
        session = base64.b64encode(f"{user}:{self.id}:{token}".encode()).decode()
        self._headers = {"Authorization": f"Session {session}"}
        self.prefer()

    def prefer(self, **changes: Any) -> None:
        """Take up the user's preferences, such as the company, as they are now."""
        self._context = {
            **self._call("model.res.user.get_preferences", True, {}),
            "language": "en",
            "active_test": False,
            **changes,
        }

    def close(self) -> None:
        self._client.close()

    def do(self, model: str, method: str, *arguments: Any, **context: Any) -> Any:
        return self._call(f"model.{model}.{method}", *arguments, {**self._context, **context})

    def create(self, model: str, **values: Any) -> int:
        return int(self.do(model, "create", [values])[0])

    def write(self, model: str, id: int, **values: Any) -> None:
        self.do(model, "write", [id], values)

    def find(self, model: str, *domain: Any, fields: Sequence[str] = ()) -> list[dict[str, Any]]:
        found = self.do(model, "search_read", list(domain), 0, None, [["id", "ASC"]], list(fields))
        return cast("list[dict[str, Any]]", found)

    def one(self, model: str, *domain: Any) -> int:
        """The id of the first that fits. Raises `Refusal` where there is none."""
        found = self.find(model, *domain)
        if not found:
            raise Refusal(f"There is no {model} with {domain}.")
        return int(found[0]["id"])

    def named(self, reference: str) -> int:
        """The id of what a module brought: `module.name`."""
        return int(self.do("ir.model.data", "get_id", reference))

    def guided(self, wizard: str, *steps: tuple[str, Mapping[str, Any]], **context: Any) -> None:
        """Walk through a wizard: the button to press, and what is filled in before."""
        known = {**self._context, **context}
        session, _, _ = self._call(f"wizard.{wizard}.create", known)
        filled: dict[str, Any] = {}
        shown = ""
        for button, values in steps:
            if values:
                filled[shown] = {**filled[shown], **values}
            answer = self._call(f"wizard.{wizard}.execute", session, filled, button, known)
            if not (view := answer.get("view")):
                break  # it has come to its end
            shown = view["state"]
            begun: dict[str, Any] = {**(view["defaults"] or {}), **(view.get("values") or {})}
            filled[shown] = {k: v for k, v in begun.items() if not k.endswith(".")}
        self._call(f"wizard.{wizard}.delete", session, known)

    def _call(self, method: str, *params: Any) -> Any:
        body = {"id": 0, "method": method, "params": _outward(list(params))}
        content = simplejson.dumps(body, use_decimal=True)
        headers = {"content-type": "application/json", **self._headers}
        try:
            answer = self._client.post(self._path, content=content, headers=headers)
            answer.raise_for_status()
        except httpx.HTTPError as away:
            raise TrytonTrouble(f"Tryton does not answer {method}: {away}") from away
        told: dict[str, Any] = simplejson.loads(answer.text, use_decimal=True, object_hook=_inward)
        match told.get("error"):
            case ["UserWarning", [name, *_]]:  # read, and gone on all the same
                self.create("res.user.warning", user=self.id, name=name, always=False)
                return self._call(method, *params)
            case _:
                pass
        if told.get("error"):
            raise Refusal(f"{method}: {told['error']}")
        return told["result"]


def _outward(value: Any) -> Any:
    """Dates, amounts and durations as Tryton's JSON has them."""
    match value:
        case Decimal():
            return {"__class__": "Decimal", "decimal": str(value)}
        case date():
            parts = {"year": value.year, "month": value.month, "day": value.day}
            return {"__class__": "date", **parts}
        case timedelta():
            return {"__class__": "timedelta", "seconds": value.total_seconds()}
        case dict():
            return {k: _outward(v) for k, v in cast("dict[str, Any]", value).items()}
        case list() | tuple():
            return [_outward(one) for one in cast("list[Any]", value)]
        case _:
            return value


def _inward(value: dict[str, Any]) -> Any:
    match value.get("__class__"):
        case "Decimal":
            return Decimal(value["decimal"])
        case "date":
            return date(value["year"], value["month"], value["day"])
        case "timedelta":
            return timedelta(seconds=float(value["seconds"]))
        case _:
            return value
