"""Roles and what they permit: one table, from which checks, pages and documentation follow.

Deny by default: what is not in the table is not permitted. Which region or legal entity a
permission reaches is the principal's, not the role's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import combinations


class Permission(StrEnum):
    """A verb on a kind of thing. The text is stable: API keys carry it."""

    ENGAGEMENTS_READ = "engagements.read"
    ENGAGEMENTS_CORRECT = "engagements.correct"  #: supply or correct what the deal left open
    COSTS_READ = "costs.read"  #: cost rates and margins
    TASKS_READ = "tasks.read"
    TASKS_ANSWER = "tasks.answer"  #: do or approve what one was asked; never one's own proposal
    TASKS_DELEGATE = "tasks.delegate"
    EXCEPTIONS_READ = "exceptions.read"
    EXCEPTIONS_RESOLVE = "exceptions.resolve"
    EXCEPTIONS_REPLAY = "exceptions.replay"  #: send again what was parked
    EFFECTS_READ = "effects.read"  #: what was done in other systems
    EFFECTS_SETTLE = "effects.settle"  #: say what happened where nobody can look it up
    SYSTEMS_READ = "systems.read"
    SYSTEMS_OPERATE = "systems.operate"  #: pause, resume, poll now
    EVENTS_SEND = "events.send"
    PLAYBOOKS_READ = "playbooks.read"
    POLICIES_READ = "policies.read"
    POLICIES_AUTHOR = "policies.author"
    POLICIES_APPROVE = "policies.approve"
    METRICS_READ = "metrics.read"
    AUDIT_READ = "audit.read"
    AUDIT_EXPORT = "audit.export"
    PEOPLE_READ = "people.read"
    KEYS_MANAGE = "keys.manage"  #: API keys, with scopes within the creator's own
    TIME_ENTER = "time.enter"  #: one's own time and expenses, and nobody else's
    TIME_IMPORT = "time.import"  #: others' time and expenses, as another system recorded them
    TIME_READ = "time.read"  #: others' time and expenses
    TIME_APPROVE = "time.approve"  #: others' time and expenses; never one's own
    MANAGERS_NAME = "managers.name"  #: who manages an engagement, and so approves its time
    COSTS_IMPORT = "costs.import"  #: cost rates, as the HR system says
    RATES_IMPORT = "rates.import"  #: exchange rates, as somebody published them
    RESOURCES_MANAGE = "resources.manage"  #: people who book time, and what they are assigned to
    MILESTONES_SUBMIT = "milestones.submit"  #: add evidence, and ask for acceptance
    MILESTONES_ACCEPT = "milestones.accept"  #: for us, where the client does not; never one's own
    BILLING_READ = "billing.read"  #: invoices, readiness, what was billed
    BILLING_PROPOSE = "billing.propose"  #: draft, review and discard invoices and credits
    BILLING_RELEASE = "billing.release"  #: within one's limit; never one's own proposal
    PERIODS_ASK = "periods.ask"  #: ask for a month to be closed, or opened again
    PERIODS_CLOSE = "periods.close"  #: close a month, and open it again


class Role(StrEnum):
    SALES_OPERATIONS = "sales_operations"
    PMO_LEAD = "pmo_lead"
    PROJECT_MANAGER = "project_manager"
    RESOURCE_MANAGER = "resource_manager"
    CONSULTANT = "consultant"
    FINANCE = "finance"
    CONTROLLER = "controller"
    PROCUREMENT = "procurement"
    LEGAL = "legal"
    COMPLIANCE = "compliance"  #: of countries: export control, sanctions, licences
    INTEGRATION_OPERATOR = "integration_operator"
    POLICY_AUTHOR = "policy_author"
    POLICY_APPROVER = "policy_approver"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    SERVICE = "service"  #: a program; never a person, never with another role


_P = Permission

#: Everybody who takes part in the work.
_WORK = frozenset(
    {
        _P.ENGAGEMENTS_READ,
        _P.TASKS_READ,
        _P.TASKS_ANSWER,
        _P.PLAYBOOKS_READ,
        _P.POLICIES_READ,
        _P.TIME_ENTER,
    }
)
_FOLLOW = frozenset({_P.EXCEPTIONS_READ, _P.EFFECTS_READ, _P.SYSTEMS_READ, _P.METRICS_READ})
_LEAD = _WORK | _FOLLOW | {_P.TASKS_DELEGATE, _P.EXCEPTIONS_RESOLVE}

PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.SALES_OPERATIONS: _LEAD | {_P.ENGAGEMENTS_CORRECT},
    Role.PMO_LEAD: _LEAD
    | {
        _P.ENGAGEMENTS_CORRECT,
        _P.COSTS_READ,
        _P.PEOPLE_READ,
        _P.TIME_READ,
        _P.TIME_APPROVE,
        _P.MANAGERS_NAME,
        _P.MILESTONES_SUBMIT,
        _P.MILESTONES_ACCEPT,
        _P.BILLING_READ,
    },
    Role.PROJECT_MANAGER: _WORK
    | {
        _P.EXCEPTIONS_READ,
        _P.ENGAGEMENTS_CORRECT,
        _P.TIME_READ,
        _P.TIME_APPROVE,
        _P.MILESTONES_SUBMIT,
        _P.BILLING_READ,
    },
    Role.RESOURCE_MANAGER: _WORK
    | _FOLLOW
    | {
        _P.TASKS_DELEGATE,
        _P.PEOPLE_READ,
        _P.RESOURCES_MANAGE,
        _P.MANAGERS_NAME,
        _P.TIME_READ,
    },
    Role.CONSULTANT: frozenset({_P.TASKS_READ, _P.TASKS_ANSWER, _P.TIME_ENTER}),
    Role.FINANCE: _LEAD
    | {
        _P.ENGAGEMENTS_CORRECT,
        _P.COSTS_READ,
        _P.TIME_READ,
        _P.RATES_IMPORT,
        _P.PERIODS_ASK,
        _P.BILLING_READ,
        _P.BILLING_PROPOSE,
    },
    Role.CONTROLLER: _LEAD
    | {
        _P.COSTS_READ,
        _P.EXCEPTIONS_REPLAY,
        _P.EFFECTS_SETTLE,
        _P.TIME_READ,
        _P.BILLING_READ,
        _P.BILLING_RELEASE,
        _P.PERIODS_ASK,
        _P.PERIODS_CLOSE,
    },
    Role.PROCUREMENT: _LEAD,
    Role.LEGAL: _LEAD,
    Role.COMPLIANCE: _WORK | {_P.EXCEPTIONS_READ},
    Role.INTEGRATION_OPERATOR: _FOLLOW
    | {
        _P.ENGAGEMENTS_READ,
        _P.TASKS_READ,
        _P.TASKS_ANSWER,
        _P.PLAYBOOKS_READ,
        _P.POLICIES_READ,
        _P.EXCEPTIONS_RESOLVE,
        _P.EXCEPTIONS_REPLAY,
        _P.EFFECTS_SETTLE,
        _P.SYSTEMS_OPERATE,
        _P.TIME_ENTER,
    },
    Role.POLICY_AUTHOR: frozenset(
        {_P.PLAYBOOKS_READ, _P.POLICIES_READ, _P.POLICIES_AUTHOR, _P.TIME_ENTER}
    ),
    Role.POLICY_APPROVER: frozenset(
        {_P.PLAYBOOKS_READ, _P.POLICIES_READ, _P.POLICIES_APPROVE, _P.TIME_ENTER}
    ),
    Role.AUDITOR: _FOLLOW
    | {
        _P.ENGAGEMENTS_READ,
        _P.TASKS_READ,
        _P.PLAYBOOKS_READ,
        _P.POLICIES_READ,
        _P.COSTS_READ,
        _P.PEOPLE_READ,
        _P.AUDIT_READ,
        _P.AUDIT_EXPORT,
        _P.TIME_READ,
        _P.BILLING_READ,
    },
    Role.ADMINISTRATOR: frozenset(
        {_P.SYSTEMS_READ, _P.PLAYBOOKS_READ, _P.POLICIES_READ, _P.PEOPLE_READ, _P.KEYS_MANAGE}
    ),
    Role.SERVICE: frozenset(
        {
            _P.EVENTS_SEND,
            _P.ENGAGEMENTS_READ,
            _P.TASKS_READ,
            _P.TIME_IMPORT,
            _P.COSTS_IMPORT,
            _P.TIME_READ,
            _P.RATES_IMPORT,
            _P.RESOURCES_MANAGE,
        }
    ),
}

_R = Role

#: Role → the roles that its holder may not have, by the duties that would meet in one hand
#: (separation of duties, NIST SP 800-53 AC-5). Each pair is written once, at the earlier role.
_APART: Mapping[Role, frozenset[Role]] = {
    _R.SALES_OPERATIONS: frozenset(
        {_R.PMO_LEAD, _R.FINANCE, _R.CONTROLLER, _R.AUDITOR, _R.ADMINISTRATOR}
    ),
    _R.PMO_LEAD: frozenset(
        {_R.FINANCE, _R.CONTROLLER, _R.PROCUREMENT, _R.AUDITOR, _R.ADMINISTRATOR}
    ),
    _R.PROJECT_MANAGER: frozenset(
        {_R.FINANCE, _R.CONTROLLER, _R.PROCUREMENT, _R.AUDITOR, _R.ADMINISTRATOR}
    ),
    _R.RESOURCE_MANAGER: frozenset({_R.CONTROLLER, _R.AUDITOR, _R.ADMINISTRATOR}),
    _R.FINANCE: frozenset(
        {_R.CONTROLLER, _R.PROCUREMENT, _R.INTEGRATION_OPERATOR, _R.AUDITOR, _R.ADMINISTRATOR}
    ),
    _R.CONTROLLER: frozenset(
        {
            _R.PROCUREMENT,
            _R.INTEGRATION_OPERATOR,
            _R.POLICY_AUTHOR,
            _R.AUDITOR,
            _R.ADMINISTRATOR,
        }
    ),
    _R.PROCUREMENT: frozenset({_R.INTEGRATION_OPERATOR, _R.AUDITOR, _R.ADMINISTRATOR}),
    # whoever reviews a deal for the firm has neither sold it nor alters the trail of the review
    _R.LEGAL: frozenset({_R.SALES_OPERATIONS, _R.AUDITOR, _R.ADMINISTRATOR}),
    _R.COMPLIANCE: frozenset({_R.SALES_OPERATIONS, _R.AUDITOR, _R.ADMINISTRATOR}),
    _R.INTEGRATION_OPERATOR: frozenset({_R.AUDITOR, _R.ADMINISTRATOR}),
    _R.POLICY_AUTHOR: frozenset({_R.POLICY_APPROVER, _R.AUDITOR, _R.ADMINISTRATOR}),
    _R.POLICY_APPROVER: frozenset({_R.AUDITOR, _R.ADMINISTRATOR}),
    _R.AUDITOR: frozenset({_R.ADMINISTRATOR}),
    _R.SERVICE: frozenset(set(_R) - {_R.SERVICE}),
}

FORBIDDEN: frozenset[frozenset[Role]] = frozenset(
    frozenset({one, other}) for one, others in _APART.items() for other in others
)


def permissions_of(roles: Iterable[Role]) -> frozenset[Permission]:
    return frozenset(permission for role in roles for permission in PERMISSIONS[role])


def roles_with(permission: Permission) -> Sequence[Role]:
    """In the order in which they are declared."""
    return tuple(role for role in Role if permission in PERMISSIONS[role])


def conflicts(roles: Iterable[Role]) -> Sequence[tuple[Role, Role]]:
    """The pairs among these roles that one person may not hold."""
    held = sorted(set(roles), key=list(Role).index)
    return tuple(pair for pair in combinations(held, 2) if frozenset(pair) in FORBIDDEN)
