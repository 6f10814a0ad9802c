"""How Salesforce words what it answers: refusals, time stamps, and how much of a limit is used."""

from __future__ import annotations

from datetime import datetime
from threading import Lock
from typing import Any

from fairlead.sandbox.dialect import Answer, Deny


def errors(code: str, words: str, *fields: str) -> list[dict[str, Any]]:
    """The body of every refusal outside the token endpoint."""
    error: dict[str, Any] = {"message": words, "errorCode": code}
    return [{**error, "fields": list(fields)} if fields else error]


def denied(status: int, code: str, words: str, *fields: str) -> Deny:
    return Deny(Answer(status, errors(code, words, *fields)))


def gone() -> Deny:
    return denied(404, "NOT_FOUND", "The requested resource does not exist")


def iso(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


class Usage:
    """How many calls of the API were used, as every good answer says in Sforce-Limit-Info."""

    def __init__(self, daily_limit: int) -> None:
        self._most, self._used = daily_limit, 0
        self._lock = Lock()

    def ok(self, body: Any, status: int = 200, **headers: str) -> Answer:
        with self._lock:
            self._used += 1
            used = self._used
        info = f"api-usage={used}/{self._most}"
        return Answer(status, body, {"sforce-limit-info": info, **headers})

    def left(self) -> dict[str, int]:
        return {"Max": self._most, "Remaining": max(0, self._most - self._used)}
