"""Who may call what: the one table. A route that is not in it cannot be added."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

from fairlead.trust.roles import Permission


class Open(Enum):
    """Routes that need no permission."""

    TO_ALL = auto()  #: without a key
    TO_KEYS = auto()  #: with any valid key
    TO_SIGNERS = auto()  #: proven by a signature over the body, not by a key


PERMISSIONS: Mapping[str, Permission | Open] = {
    "GET /healthz": Open.TO_ALL,
    "GET /readyz": Open.TO_ALL,
    "GET /metrics": Permission.METRICS_READ,
    "GET /api/openapi.json": Open.TO_ALL,
    "POST /hooks/{system}": Open.TO_SIGNERS,
    "GET /api/v1/me": Open.TO_KEYS,
    "GET /api/v1/models": Open.TO_KEYS,
    "POST /api/v1/events": Permission.EVENTS_SEND,
    "GET /api/v1/events": Permission.ENGAGEMENTS_READ,
    "GET /api/v1/engagements": Permission.ENGAGEMENTS_READ,
    "GET /api/v1/engagements/{id}": Permission.ENGAGEMENTS_READ,
    "GET /api/v1/engagements/{id}/log": Permission.ENGAGEMENTS_READ,
    "GET /api/v1/engagements/{id}/runs": Permission.ENGAGEMENTS_READ,
    "GET /api/v1/engagements/{id}/decisions": Permission.ENGAGEMENTS_READ,
    "GET /api/v1/engagements/{id}/effects": Permission.EFFECTS_READ,
    "GET /api/v1/engagements/{id}/packet": Permission.ENGAGEMENTS_READ,
    "GET /api/v1/engagements/{id}/packet.pdf": Permission.ENGAGEMENTS_READ,
    "POST /api/v1/engagements/{id}/compare": Permission.EXCEPTIONS_RESOLVE,
    "GET /api/v1/runs": Permission.ENGAGEMENTS_READ,
    "GET /api/v1/runs/{id}": Permission.ENGAGEMENTS_READ,
    "GET /api/v1/runs/{id}/steps": Permission.ENGAGEMENTS_READ,
    "POST /api/v1/runs/{id}/cancel": Permission.EXCEPTIONS_RESOLVE,
    "POST /api/v1/runs/{id}/migrate": Permission.EXCEPTIONS_RESOLVE,
    "GET /api/v1/playbooks": Permission.PLAYBOOKS_READ,
    "GET /api/v1/effects": Permission.EFFECTS_READ,
    "GET /api/v1/decisions": Permission.ENGAGEMENTS_READ,
    "GET /api/v1/decisions/{id}": Permission.ENGAGEMENTS_READ,
    "GET /api/v1/tasks": Permission.TASKS_READ,
    "GET /api/v1/tasks/{id}": Permission.TASKS_READ,
    "POST /api/v1/tasks/{id}/answer": Permission.TASKS_ANSWER,
    "POST /api/v1/tasks/{id}/assign": Permission.TASKS_DELEGATE,
    "GET /api/v1/approvals": Permission.TASKS_READ,
    "POST /api/v1/approvals/{id}/answer": Permission.TASKS_ANSWER,
    "GET /api/v1/exceptions": Permission.EXCEPTIONS_READ,
    "GET /api/v1/exceptions/{id}": Permission.EXCEPTIONS_READ,
    "POST /api/v1/exceptions/{id}/resolve": Permission.EXCEPTIONS_RESOLVE,
    "POST /api/v1/exceptions/{id}/assign": Permission.EXCEPTIONS_RESOLVE,
    "GET /api/v1/milestones": Permission.ENGAGEMENTS_READ,
    "GET /api/v1/milestones/{id}": Permission.ENGAGEMENTS_READ,
    "POST /api/v1/milestones/{id}/evidence": Permission.MILESTONES_SUBMIT,
    "POST /api/v1/milestones/{id}/links": Permission.MILESTONES_SUBMIT,
    "POST /api/v1/milestones/{id}/submit": Permission.MILESTONES_SUBMIT,
    "POST /api/v1/milestones/{id}/take-back": Permission.MILESTONES_SUBMIT,
    "POST /api/v1/milestones/{id}/accept": Permission.MILESTONES_ACCEPT,
    "POST /api/v1/milestones/{id}/send-back": Permission.MILESTONES_ACCEPT,
    "GET /api/v1/evidence/{id}": Permission.ENGAGEMENTS_READ,
    "DELETE /api/v1/evidence/{id}": Permission.MILESTONES_SUBMIT,
    "GET /api/v1/differences": Permission.EXCEPTIONS_READ,
    "GET /api/v1/systems": Permission.SYSTEMS_READ,
    "POST /api/v1/systems/{id}/pause": Permission.SYSTEMS_OPERATE,
    "POST /api/v1/systems/{id}/resume": Permission.SYSTEMS_OPERATE,
    "GET /api/v1/notifications": Permission.TASKS_READ,
    "GET /api/v1/inbox": Permission.EXCEPTIONS_READ,
    "POST /api/v1/inbox/{id}/replay": Permission.EXCEPTIONS_REPLAY,
    "GET /api/v1/time-entries": Open.TO_KEYS,  # one's own; others' with time.read
    "GET /api/v1/time-entries/{id}": Open.TO_KEYS,
    "GET /api/v1/time-sums": Open.TO_KEYS,
    "GET /api/v1/time-week": Permission.TIME_ENTER,
    "POST /api/v1/time-entries": Permission.TIME_ENTER,
    "POST /api/v1/time-entries/{id}/change": Permission.TIME_ENTER,
    "DELETE /api/v1/time-entries/{id}": Permission.TIME_ENTER,
    "POST /api/v1/time-week/submit": Permission.TIME_ENTER,
    "POST /api/v1/time-week/recall": Permission.TIME_ENTER,
    "GET /api/v1/time-validations": Permission.TIME_READ,
    "GET /api/v1/time-validations/{id}": Permission.TIME_READ,
    "POST /api/v1/time-validations": Permission.TIME_APPROVE,
    "POST /api/v1/time-validations/{id}/cancel": Permission.TIME_APPROVE,
    "GET /api/v1/resources": Permission.TIME_READ,
    "POST /api/v1/resources": Permission.RESOURCES_MANAGE,
    "GET /api/v1/assignments": Open.TO_KEYS,  # one's own; others' with time.read
    "POST /api/v1/assignments": Permission.RESOURCES_MANAGE,
    "GET /api/v1/expenses": Open.TO_KEYS,  # one's own; others' with time.read
    "GET /api/v1/expense-sums": Open.TO_KEYS,
    "GET /api/v1/expenses/{id}": Open.TO_KEYS,
    "GET /api/v1/expenses/{id}/receipt": Open.TO_KEYS,
    "POST /api/v1/expenses": Permission.TIME_ENTER,
    "POST /api/v1/expenses/submit": Permission.TIME_ENTER,
    "POST /api/v1/expenses/{id}/change": Permission.TIME_ENTER,
    "POST /api/v1/expenses/{id}/recall": Permission.TIME_ENTER,
    "POST /api/v1/expenses/{id}/receipt": Permission.TIME_ENTER,
    "DELETE /api/v1/expenses/{id}": Permission.TIME_ENTER,
    "GET /api/v1/exchange-rates": Open.TO_KEYS,  # they are public
    "POST /api/v1/exchange-rates": Permission.RATES_IMPORT,
    "GET /api/v1/time-approvals": Permission.TIME_APPROVE,
    "GET /api/v1/time-approvals/items": Permission.TIME_APPROVE,
    "POST /api/v1/time-approvals/approve": Permission.TIME_APPROVE,
    "POST /api/v1/time-approvals/return": Permission.TIME_APPROVE,
    "POST /api/v1/corrections": Permission.TIME_ENTER,
    "GET /api/v1/deputies": Permission.TIME_APPROVE,
    "POST /api/v1/deputies": Permission.TIME_APPROVE,
    "DELETE /api/v1/deputies/{id}": Permission.TIME_APPROVE,
    "POST /api/v1/engagements/{id}/manager": Permission.MANAGERS_NAME,
    "GET /api/v1/periods": Permission.TIME_READ,
    "POST /api/v1/periods/ask": Permission.PERIODS_ASK,
    "POST /api/v1/period-moves/{id}/confirm": Permission.PERIODS_CLOSE,
    "POST /api/v1/period-moves/{id}/withdraw": Permission.PERIODS_ASK,
    "GET /api/v1/keys": Permission.KEYS_MANAGE,
    "POST /api/v1/keys": Permission.KEYS_MANAGE,
    "DELETE /api/v1/keys/{id}": Permission.KEYS_MANAGE,
}
