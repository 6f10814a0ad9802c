"""Who answers: a principal with what `work` must know of them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from fairlead.domain.values import Money
from fairlead.trust.principals import People, Person, Principal

#: Fairlead itself, where it does by policy what a person would do otherwise. It has no permission
#: and no authority: whoever must agree is somebody else.
ITSELF = Principal(id="fairlead", name="Fairlead", kind="service", roles=frozenset())


@dataclass(frozen=True)
class Acting:
    """Fulfils `work.answers.Answerer` for one request."""

    principal: Principal
    person: Person | None  #: null for a program, which has no authority of its own

    @classmethod
    def of(cls, people: People, principal: Principal) -> Acting:
        person = people.person(principal.id) if principal.kind == "person" else None
        return cls(principal, person)

    @property
    def id(self) -> str:
        return self.principal.id

    @property
    def actor(self) -> str:
        """As the log names them."""
        return self.id if self.principal is ITSELF else f"person:{self.id}"

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(str(role) for role in self.principal.roles)

    def aliases(self) -> frozenset[str]:
        email = self.person.email if self.person else None
        return frozenset({self.id.casefold(), *([email.casefold()] if email else [])})

    def may_commit(self, amount: Decimal, currency: str) -> bool:
        return self.person is not None and self.person.may_approve(
            Money(amount=amount, currency=currency)
        )

    def limit(self, currency: str) -> Money:
        """The most that they may approve alone; a program nothing."""
        limits = {} if self.person is None else self.person.approval_limits
        return Money(amount=limits.get(currency, Decimal(0)), currency=currency)

    def sees(self, region: str | None) -> bool:
        """A thing of no region is seen by those without a limit only."""
        return self.principal.regions is None or region in self.principal.regions
