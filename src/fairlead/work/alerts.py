"""Telling a team that a queue ages, that answers are late, or that an interface fails (F116).

What is too old, too many or too large a part, and whose it is, the policy `queue-alerts` says. An
alert is an exception like any other, and ends by itself when the policy has nothing to say of it
any more. A system that is down is no alert: it has its own exception while it lasts.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from fairlead.domain.values import Value
from fairlead.policy.tables import Decision, Policies, Policy, decide
from fairlead.store import decisions, exceptions, journal, notifications, queues
from fairlead.store.database import Database, Tx, database_time
from fairlead.store.journal import Event
from fairlead.store.queues import OpenAlert, Queue
from fairlead.work.escalation import Team
from fairlead.work.words import CauseClass, ExceptionAction, Message, NewException

#: Where the policy that comes with us is.
POLICIES = Path(__file__).parent / "policies"
POLICY = "queue-alerts"

_LATELY = timedelta(hours=1)  #: over how long failures are counted


class QueueFacts(Value):
    """All that the policy `queue-alerts` may ask. No defaults: a missing fact skips rows."""

    kind: str  #: steps, inbox, runs, role, assignee, effects or messages
    name: str  #: of the system, queue, role or person
    oldest_minutes: int  #: how long the oldest has waited, in clock time
    waiting: int  #: that wait; of effects and messages: that failed within an hour
    share: Decimal  #: of effects and messages: what part failed, 0.25 means a quarter; else 0


@dataclass(frozen=True)
class Alert:
    """A queue that its team must know of, and the decision that says so."""

    queue: Queue
    decision: Decision

    @property
    def cause(self) -> str:
        return f"queue:{self.queue.kind}:{self.queue.name}"

    @property
    def team(self) -> str:
        return str(self.decision.answer["team"])


@dataclass(frozen=True)
class _Words:
    title: str
    one: str
    many: str
    remedy: str


_WORDS: Mapping[str, _Words] = {
    "steps": _Words(
        "Work for {name} waits",
        "step is",
        "steps are",
        "See that workers run, and whether {name} is paused or lets too few calls through.",
    ),
    "inbox": _Words(
        "Messages of {name} wait to be read",
        "message is",
        "messages are",
        "See that workers run, and whether {name} is paused or lets too few calls through.",
    ),
    "runs": _Words(
        "Runs wait to be advanced",
        "run is",
        "runs are",
        "See that workers run, and what their logs say.",
    ),
    "role": _Words(
        "Answers of {name} are late",
        "task or approval is",
        "tasks and approvals are",
        "See who has the role and is at work; give tasks to those who can answer them.",
    ),
    "assignee": _Words(
        "Answers of {name} are late",
        "task or approval is",
        "tasks and approvals are",
        "Ask {name}, or give the tasks to somebody else who has the role.",
    ),
    "effects": _Words(
        "Calls to {name} fail",
        "call was refused or has an unknown outcome, the first",
        "calls were refused or have an unknown outcome, the first",
        "Look at the exceptions of {name}: what they have in common is what to correct.",
    ),
    "messages": _Words(
        "Messages of {name} cannot be taken in",
        "message was parked, the first",
        "messages were parked, the first",
        "Look at the parked messages of {name}: what they have in common is what to correct.",
    ),
}


def judge(policy: Policy, found: Iterable[Queue], now: datetime) -> Sequence[Alert]:
    """Which queues are alerts. Pure. Raises `InvalidDefinition` as `decide` does."""
    asked = [Alert(queue, decide(policy, _facts(queue, now), now)) for queue in found]
    return tuple(alert for alert in asked if alert.decision.answer["then"] == "alert")


def _facts(queue: Queue, now: datetime) -> QueueFacts:
    return QueueFacts(
        kind=queue.kind,
        name=queue.name,
        oldest_minutes=max(now - queue.oldest_at, timedelta(0)) // timedelta(minutes=1),
        waiting=queue.waiting,
        share=queue.share,
    )


class Alerts:
    def __init__(
        self,
        db: Database,
        policies: Policies,
        teams: Mapping[str, Team],
        fallback: str,
        sla: timedelta = timedelta(hours=4),
    ) -> None:
        """`fallback`: the role that hears of what belongs to no known team. `sla`: by when
        somebody must have seen to an alert, in clock time; then it is told higher up."""
        self._db, self._policies, self._teams = db, policies, teams
        self._fallback, self._sla = fallback, sla

    def sweep(self) -> None:
        """Raise what is new, settle what has cleared. Safe to run in every worker: whoever
        comes while another is at it has nothing to do."""
        with self._db.transaction() as tx:
            if not queues.alone(tx):
                return
            now = database_time(tx)
            policy = self._policies.as_of(POLICY, now)
            found = judge(policy, queues.read(tx, now - _LATELY), now)
            known = queues.open_alerts(tx, CauseClass.DELAY)
            causes = {alert.cause for alert in known}
            for alert in found:
                if alert.cause not in causes:  # what is said once is not said each minute
                    self._raise(tx, alert, now)
            still = {alert.cause for alert in found}
            self._settle(tx, [alert for alert in known if alert.cause not in still], now)

    def _raise(self, tx: Tx, alert: Alert, now: datetime) -> None:
        queue, because = alert.queue, str(alert.decision.answer["because"])
        words, decision_id = _WORDS[queue.kind], str(uuid.uuid4())
        name = queue.name.replace("_", " ") if queue.kind == "role" else queue.name
        title = words.title.format(name=name)
        detail = (
            f"{because[:1].upper()}{because[1:]}. {queue.waiting:,} "
            f"{words.one if queue.waiting == 1 else words.many} waiting since "
            f"{queue.oldest_at:%Y-%m-%d %H:%M} UTC."
        )
        decisions.add(
            tx,
            [
                {
                    "id": decision_id,
                    "policy": alert.decision.policy,
                    "version": alert.decision.version,
                    "row": alert.decision.row,
                    "facts": alert.decision.facts,
                    "answer": alert.decision.answer,
                    "at": now,
                }
            ],
        )
        id = exceptions.open_one(
            tx,
            NewException(
                cause=alert.cause,
                cause_class=CauseClass.DELAY,
                team=alert.team,
                title=title,
                detail=detail,
                remedy=words.remedy.format(name=name),
                opened_at=now,
                due_at=now + self._sla,
                actions=(ExceptionAction.ASSIGN,),
                payload={**alert.decision.facts, "decision": decision_id},
                system=queue.system,
            ),
        )
        role = self._teams[alert.team].role if alert.team in self._teams else self._fallback
        text = f"{title}: {because}"
        message = Message(role=role, about="queue.alert", text=text, at=now, once=f"alert:{id}")
        notifications.add(tx, [message])
        attributes = {"cause": alert.cause, "team": alert.team, "to": role, "text": text}
        journal.append(tx, [_event("queue.alert", id, queue.system, now, attributes)])

    @staticmethod
    def _settle(tx: Tx, cleared: Sequence[OpenAlert], now: datetime) -> None:
        exceptions.settle(tx, [alert.cause for alert in cleared], now)
        events = [
            _event("queue.cleared", a.id, a.system, now, {"cause": a.cause, "team": a.team})
            for a in cleared
        ]
        journal.append(tx, events)


def _event(
    type: str, id: str, system: str | None, now: datetime, attributes: Mapping[str, str]
) -> Event:
    about = [(system, "system", "about")] if system else []
    return Event(
        chain=f"system:{system}" if system else "queues",
        type=type,
        at=now,
        actor="fairlead",
        attributes=dict(attributes),
        objects=[(id, "exception", "opened" if type == "queue.alert" else "settled"), *about],
    )
