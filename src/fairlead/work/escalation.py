"""Telling somebody higher up when an SLA has lapsed: once per task, exception and step (F111)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairlead.store import exceptions, journal, notifications, runs, tasks
from fairlead.store.database import Database, Tx, database_time
from fairlead.store.journal import Event
from fairlead.work.words import Message


@dataclass(frozen=True)
class Team:
    """Who works for a team, and who hears when it is late."""

    role: str
    escalates_to: str


class Escalation:
    def __init__(self, db: Database, teams: Mapping[str, Team], fallback: str) -> None:
        """`fallback`: the role that hears of what belongs to no known team."""
        self._db, self._teams, self._fallback = db, teams, fallback

    def sweep(self) -> None:
        """Whatever has lapsed since the last time. Safe to run in every worker."""
        with self._db.transaction() as tx:
            for task in tasks.take_overdue(tx):
                role = self._above(role=task["role"])
                tasks.let_answer_too(tx, task["id"], role)
                self._tell(tx, "task.overdue", role, f"{task['title']} is overdue.", task)
            for found in exceptions.take_overdue(tx):
                role = self._above(team=found["team"])
                text = f"{found['title']} is not resolved in time by {found['team']}."
                self._tell(tx, "exception.overdue", role, text, found)
            for step in runs.take_overdue(tx):
                role = self._above(team=step["owner"])
                name, why = step["name"].replace("_", " "), step["because"] or "no reason yet"
                text = f"{name} is late: {why}"
                self._tell(tx, "step.overdue", role, text, step)

    def _above(self, *, team: str | None = None, role: str | None = None) -> str:
        if team is not None and team in self._teams:
            return self._teams[team].escalates_to
        above = [known.escalates_to for known in self._teams.values() if known.role == role]
        return above[0] if above else self._fallback

    @staticmethod
    def _tell(tx: Tx, type: str, role: str, text: str, about: Mapping[str, Any]) -> None:
        now = database_time(tx)
        notifications.add(
            tx,
            [
                Message(
                    role=role,
                    about=type,
                    text=text,
                    at=now,
                    subject_id=about["subject_id"],
                    region=about["region"],
                )
            ],
        )
        if about["subject_id"] is None:
            return
        journal.append(
            tx,
            [
                Event(
                    chain=about["subject_id"],
                    type=type,
                    at=now,
                    actor="fairlead",
                    attributes={"to": role, "text": text},
                    objects=[(about["run_id"], "run", "of")] if about["run_id"] else [],
                    region=about["region"],
                )
            ],
        )
