"""Who is calling: from the API key to the principal, and to the person who answers."""

from __future__ import annotations

from decimal import Decimal

from fairlead.api.refusals import NotSignedIn
from fairlead.domain.values import Money
from fairlead.errors import NotAllowed, NotFound
from fairlead.store import api_keys
from fairlead.store.database import Database, database_time
from fairlead.trust.principals import People, Principal, parse_key, verify_key

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="fairlead"'}
_LONGEST_KEY = 200


def sign_in(db: Database, people: People, authorization: str | None) -> Principal:
    """The principal of `Authorization: Bearer fl_…`. Raises `NotSignedIn`, `Busy`."""
    if authorization is None:
        raise NotSignedIn("Send an API key: Authorization: Bearer fl_…", headers=_CHALLENGE)
    scheme, _, text = authorization.partition(" ")
    try:
        if scheme.lower() != "bearer" or len(text) > _LONGEST_KEY:
            raise NotAllowed("The key is sent as: Authorization: Bearer fl_…")
        key = parse_key(text.strip())
        with db.transaction() as tx:
            row = api_keys.get(tx, key.id)
            now = database_time(tx)
        return verify_key(row, key, people, now)
    except NotAllowed as refused:
        raise NotSignedIn(refused.detail, headers=_CHALLENGE) from None


class Acting:
    """Whoever answers a task or an exception (`work.answers.Answerer`)."""

    def __init__(self, principal: Principal, people: People) -> None:
        self._principal = principal
        try:
            self._person = people.person(principal.id)
        except NotFound:  # a program
            self._person = None

    @property
    def id(self) -> str:
        return self._principal.id

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(str(role) for role in self._principal.roles)

    def aliases(self) -> frozenset[str]:
        email = self._person.email if self._person else None
        return frozenset({self.id} | ({email.casefold()} if email else set()))

    def may_commit(self, amount: Decimal, currency: str) -> bool:
        money = Money(amount=amount, currency=currency)
        return self._person is not None and self._person.may_approve(money)

    def sees(self, region: str | None) -> bool:
        """By region only: the legal entity was asked of the view that found the object."""
        return self._principal.regions is None or region in self._principal.regions
