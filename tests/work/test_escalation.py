"""What is late is told higher up, once, and somebody else may act (F111, F172)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fairlead.domain.values import Money
from fairlead.errors import NotAllowed
from fairlead.store import exceptions, runs, tasks
from fairlead.store.database import Database, database_time
from fairlead.store.runs import RunRow
from fairlead.store.tasks import task_id
from fairlead.work.answers import answer_task
from fairlead.work.escalation import Escalation, Team
from fairlead.work.words import CauseClass, ExceptionAction, NewException, NewTask

TEAMS = {"delivery": Team(role="pmo_lead", escalates_to="controller")}
LATE = timedelta(minutes=-1)
IN_TIME = timedelta(hours=1)


class Controller:
    id = "hanna"
    roles = frozenset({"controller"})

    def aliases(self) -> frozenset[str]:
        return frozenset({"hanna"})

    def may_commit(self, amount: object, currency: str) -> bool:
        return True

    def sees(self, region: str | None) -> bool:
        return True


def a_task(db: Database, due: timedelta) -> str:
    with db.transaction() as tx:
        now = database_time(tx)
        tx.execute(
            "INSERT INTO playbooks (digest, name, version, body, first_used_at) "
            "VALUES ('d', 'p', 1, '{}', now()) ON CONFLICT DO NOTHING"
        )
        run = RunRow("r", "p", "d", "record", "s", "EMEA", "c", {}, "active", now)
        runs.add_run(tx, run)
        tasks.open_all(
            tx,
            [
                NewTask(
                    run_id="r",
                    step="launch",
                    occurrence=1,
                    kind="approval",
                    subject_id="s",
                    region="EMEA",
                    title="Launch",
                    role="pmo_lead",
                    excluded=(),
                    amount=Money.model_validate({"amount": "5", "currency": "EUR"}),
                    shown={},
                    because=None,
                    decision_id=None,
                    opened_at=now,
                    due_at=now + due,
                )
            ],
        )
    return task_id("r", "launch", 1)


def told(db: Database) -> list[dict[str, Any]]:
    with db.transaction() as tx:
        return tx.execute("SELECT role, about, text FROM notifications ORDER BY id").fetchall()


def test_a_late_approval_is_told_once_and_may_be_answered_higher_up(db: Database) -> None:
    id, escalation = a_task(db, LATE), Escalation(db, TEAMS, "integration_operator")

    escalation.sweep()
    escalation.sweep()

    assert [(row["role"], row["about"]) for row in told(db)] == [("controller", "task.overdue")]
    with db.transaction() as tx:
        answered = answer_task(tx, id, Controller(), approved=True, reason="", version=None)
    assert answered["state"] == "approved"


def test_nobody_higher_up_may_answer_while_there_is_time(db: Database) -> None:
    id = a_task(db, IN_TIME)

    Escalation(db, TEAMS, "integration_operator").sweep()

    assert told(db) == []
    with pytest.raises(NotAllowed), db.transaction() as tx:
        answer_task(tx, id, Controller(), approved=True, reason="", version=None)


@pytest.mark.parametrize(
    ("team", "hears"),
    [
        pytest.param("delivery", "controller", id="the-teams-own-ladder"),
        pytest.param("nobody-knows", "integration_operator", id="a-team-without-a-ladder"),
    ],
)
def test_a_late_exception_is_told_to_whom_its_team_escalates(
    db: Database, team: str, hears: str
) -> None:
    with db.transaction() as tx:
        now = database_time(tx)
        exceptions.open_one(
            tx,
            NewException(
                cause="c",
                cause_class=CauseClass.CONFIGURATION,
                team=team,
                title="It stopped",
                detail="why",
                remedy="what to do",
                opened_at=now,
                due_at=now + LATE,
                actions=(ExceptionAction.RETRY,),
            ),
        )

    Escalation(db, TEAMS, "integration_operator").sweep()

    assert [(hears, "exception.overdue")] == [(row["role"], row["about"]) for row in told(db)]
