"""What a Kantata account has under a name: rate cards and roles."""

from __future__ import annotations

from fairlead.connectors.kantata.answers import RateCard, RateCardSet, Role
from fairlead.connectors.kantata.records import Records
from fairlead.errors import SystemRefused


class Catalogue:
    """Each name must be there exactly once; else `SystemRefused`. Threads may share it."""

    def __init__(self, system: str, records: Records) -> None:
        self._system, self._records = system, records

    def rate_card(self, title: str, currency: str) -> int:
        """The id of the published rate card of this name in this currency.

        A rate card is one currency of a rate card set, and the set has the name.
        """
        asked = {"active": "true", "currencies": currency, "include": "rate_card_set"}
        found: list[str] = []
        with self._records.reading():
            for page in self._records.pages("rate_cards", asked):
                sets = page.beside("rate_card_sets", RateCardSet)
                for card in page.listed("rate_cards", RateCard):
                    named = sets.get(card.rate_card_set_id)
                    if named and named.title == title and card.currency == currency:
                        found.append(card.id)
        return self._the_one(f"published rate card “{title}” in {currency}", found)

    def role(self, name: str) -> int:
        """The id of the active role of this name."""
        with self._records.reading():
            pages = self._records.pages("roles", {"order": "alphabetical:asc"})
            roles = [role for page in pages for role in page.listed("roles", Role)]
        return self._the_one(f"role “{name}”", [role.id for role in roles if role.name == name])

    def _the_one(self, wanted: str, ids: list[str]) -> int:
        if len(ids) != 1:
            raise SystemRefused(self._system, f"It has {len(ids) or 'no'} {wanted}.")
        return int(ids[0])
