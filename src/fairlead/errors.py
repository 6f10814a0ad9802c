"""Every error that Fairlead raises on purpose. Anything else is a bug.

* Refused                    a rule said no; nothing is broken
  - InvalidInput        422  what was sent contradicts a rule; names field, value and rule
  - NotAllowed          403  this person may not, or not here
  - NotFound            404
  - IllegalMove         409  the thing is not in a state from which this can be done
  - StaleVersion        412  somebody changed it since it was read
  - ChangedSince        409  what is decided on is not what was shown any more
  - AlreadyBilled       409  an item is in another invoice that stands
  - Held                409  something keeps it from being invoiced for now
  - KeyReused           422  an idempotency key came back with another request
  - InvalidDefinition   422  a playbook, policy, mapping or setting contradicts itself or a control
* Busy                  503  we cannot answer now; the same request may be sent again
  - DatabaseAway        503
* SystemTrouble              an outside system let us down
  - SystemUnavailable   503  nothing was done: the engine tries again
    - Throttled              it asked us to wait; that says nothing about its health
  - AnswerLost          503  perhaps done: look it up before anything else
  - SystemRefused       502  it said no: an exception for a person
  - EffectConflict      502  it holds something else under our reference: a person must look
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar


class FairleadError(Exception):
    """The root. `code` is stable: clients and runbooks match on it, never on the words."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    retry: ClassVar[bool] = False

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Refused(FairleadError):
    code, status = "refused", 400


class Problem:
    """One fault in what was sent: where it is (a JSON pointer), and the rule that it breaks."""

    __slots__ = ("pointer", "rule")

    def __init__(self, pointer: str, rule: str) -> None:
        self.pointer = pointer
        self.rule = rule


class InvalidInput(Refused):
    """Names every fault, not the first. The submitted value is never repeated back."""

    code, status = "invalid_input", 422

    def __init__(self, detail: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(detail)
        self.problems = tuple(problems)


class NotAllowed(Refused):
    code, status = "not_allowed", 403


class NotFound(Refused):
    code, status = "not_found", 404


class IllegalMove(Refused):
    code, status = "illegal_move", 409

    def __init__(self, subject: str, state: str, wanted: str) -> None:
        super().__init__(f"{subject} is {state}; it cannot become {wanted} from there.")
        self.state, self.wanted = state, wanted


class StaleVersion(Refused):
    code, status = "stale_version", 412


class ChangedSince(Refused):
    """What was asked for names what was shown, and that has changed since."""

    code, status = "changed_since", 409


class AlreadyBilled(Refused):
    """`items`: (kind, id, reference of the invoice that it is in), twenty of them at most."""

    code, status = "already_billed", 409

    def __init__(self, items: Sequence[tuple[str, str, str]]) -> None:
        told = "; ".join(f"{kind} {item} is in {reference}" for kind, item, reference in items)
        super().__init__(f"These items are in an invoice already: {told or 'ask again'}.")
        self.items = tuple(items)


class Held(Refused):
    """`reasons`: what keeps it from being invoiced, each in words."""

    code, status = "held", 409

    def __init__(self, subject: str, reasons: Sequence[str]) -> None:
        super().__init__(f"{subject} is held: {'; '.join(reasons)}.")
        self.reasons = tuple(reasons)


class KeyReused(Refused):
    code, status = "key_reused", 422


class InvalidDefinition(Refused):
    """`faults` has one line per fault, each beginning with `file:line:` where it is known."""

    code, status = "invalid_definition", 422

    def __init__(self, detail: str, faults: Sequence[str] = ()) -> None:
        super().__init__("\n".join([detail, *faults]))
        self.faults = tuple(faults)


class Busy(FairleadError):
    code, status, retry = "busy", 503, True


class DatabaseAway(Busy):
    code = "database_away"


class SystemTrouble(FairleadError):
    """An outside system let us down. `leaves` is the state in which it leaves the effect."""

    leaves: ClassVar[str]
    means: ClassVar[str]

    def __init__(
        self, system: str, why: str, *, retry_after: timedelta | None = None, payload: object = None
    ) -> None:
        super().__init__(f"{system} {self.means} {why}".rstrip())
        self.system, self.why = system, why
        self.retry_after = retry_after  #: how long it asked us to stay away, if it did
        self.payload = payload  #: what it said, cut and without secrets, for the person who looks


class SystemUnavailable(SystemTrouble):
    code, status, retry, leaves = "system_unavailable", 503, True, "intended"
    means = "could not be reached or asked us to wait; nothing was done."


class Throttled(SystemUnavailable):
    code = "throttled"
    means = "asked us to wait; nothing was done."


class AnswerLost(SystemTrouble):
    code, status, retry, leaves = "answer_lost", 503, True, "unknown"
    means = "did not give a usable answer. We look up what it did before we try again."


class SystemRefused(SystemTrouble):
    code, status, leaves = "system_refused", 502, "refused"
    means = "refused:"


class EffectConflict(SystemTrouble):
    code, status, leaves = "effect_conflict", 502, "unknown"
    means = "holds something else under our reference."
