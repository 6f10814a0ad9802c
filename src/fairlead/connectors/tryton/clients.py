"""The client master: Tryton's parties.

Tryton searches names letter by letter, and unaccented only where its PostgreSQL has an extension
for that. So the names of all parties are read and compared here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stdnum.eu import vat

from fairlead.connectors.kit.client_facts import bare, domain, tax_ids
from fairlead.connectors.tryton import sheet
from fairlead.connectors.tryton.books import Books
from fairlead.connectors.tryton.records import Record
from fairlead.domain.company_names import first_significant_word, has_word, same_name
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.client import Address, Client, ClientChanges
from fairlead.domain.values import ExternalRef
from fairlead.errors import SystemRefused

PARTY = "party.party"
_FACTS = ("tier", "group", "currency")
_ADDRESS = ("street", "city", "postal_code", "country.code", "subdivision.code", "active")
PARTY_FIELDS = (
    "name",
    "active",
    "tax_identifier.code",
    "identifiers.type",
    "identifiers.code",
    "categories.name",
    "categories.parent.name",
    "contact_mechanisms.type",
    "contact_mechanisms.value",
    *(f"addresses.{field}" for field in _ADDRESS),
)


class Parties(Books):
    """Parties as they are, whatever they are to us: clients, suppliers, or both."""

    def _alike(self, name: str, ids: Sequence[str], fields: Sequence[str]) -> list[Record]:
        """The parties that share the first significant word of a name, or have one of these ids."""
        word = first_significant_word(name)

        def fits(party: Record) -> bool:
            known = str(party["name"] or "")
            if has_word(known, word) if word else known == name.strip():
                return True
            codes = (one["code"] for one in party.get("identifiers", ()))
            return bool(ids) and any(bare(code) in ids for code in codes)

        asked = ["name", *(["identifiers.code"] if ids else [])]
        found = [one["id"] for one in self._records.all(PARTY, [], asked) if fits(one)]
        return self._records.all(PARTY, [["id", "in", found]], fields) if found else []

    def _client(self, party: Record) -> Client:
        facts = self._facts(party)
        identifier, website = _tax_identifier(party), _web(party)
        values = {
            "ref": self._ref(PARTY, party["id"]),
            "name": party["name"],
            "tax_id": identifier["code"] if identifier else None,
            "domain": domain(website["value"]) if website else None,
            "address": self._read_address(party),
            "currency": facts.get("currency"),
            "tier": facts.get("tier"),
            "parent": facts.get("group"),
            "inactive": not party["active"],
        }
        return self._valid(Client, values)

    def _read_address(self, party: Record) -> Address:
        """The first that is in use. A region without a subdivision is below the street."""
        told = _first([one for one in party["addresses"] if one["active"]])
        if told is None:
            return Address()
        street, region = _parted(told["street"])
        country, subdivision = told["country"], told["subdivision"]
        values = {
            "street": street,
            "city": told["city"] or None,
            "region": _local(subdivision["code"]) if subdivision else region,
            "postal_code": told["postal_code"] or None,
            "country": country["code"] if country else None,
        }
        return self._valid(Address, values)

    def _facts(self, party: Record) -> dict[str, str]:
        """What its categories say, by our name for the category above them."""
        above = {
            self._fields.their_path("client_categories", fact): fact
            for fact in _FACTS
            if self._fields.has("client_categories", fact)
        }
        return {
            above[category["parent"]["name"]]: category["name"]
            for category in party["categories"]
            if category["parent"] and category["parent"]["name"] in above
        }


class Clients(Parties):
    def candidates(self, client: Client) -> Sequence[Client]:
        """Parties with the same tax id, or a name in which our first significant word occurs.

        Accents, umlauts written as two letters, capitals and legal forms make no difference.
        Inactive ones are told too. Which one it is, is not decided here.
        """
        known = tax_ids(client)
        return [self._client(party) for party in self._alike(client.name, known, PARTY_FIELDS)]

    def create_client(self, client: Client, *, subsidiary: str, key: EffectKey) -> ExternalRef:
        """The code of a party is unique, so a second one under the same key cannot be.

        Every party gets an address, an empty one where nothing is known of it: an invoice needs
        one. `subsidiary` is not written: all companies of a database share its parties.
        """
        if found := self.find_client(key):
            return found
        values: dict[str, Any] = {
            "name": client.name,
            "code": sheet.short(key),
            "addresses": [["create", [self._address(client.address)]]],
        }
        if client.tax_id:
            values["identifiers"] = [["create", [_identifier(client.tax_id)]]]
        if client.domain:
            values["contact_mechanisms"] = [["create", [_website(client.domain)]]]
        if categories := self._categories(client):
            values["categories"] = [["add", categories]]
        try:
            made = self._records.create(PARTY, values, ["code"], company=None)
        except SystemRefused:  # perhaps because somebody was quicker with this very code
            if found := self.find_client(key):
                return found
            raise
        return self._ref(PARTY, made["id"])

    def find_client(self, key: EffectKey) -> ExternalRef | None:
        found = self._records.all(PARTY, [["code", "=", sheet.short(key)]], ["id"])
        return self._ref(PARTY, found[0]["id"]) if found else None

    def client(self, ref: ExternalRef) -> Client | None:
        party = self._records.one(PARTY, ref.id, PARTY_FIELDS)
        return self._client(party) if party is not None else None

    def update_client(
        self, client: ExternalRef, changes: ClientChanges, *, key: EffectKey
    ) -> ExternalRef:
        """The first address, tax id and web site take the place of what is there."""
        party = self._there(PARTY, client, PARTY_FIELDS, what="client")
        values: dict[str, Any] = {"name": changes.name} if changes.name else {}
        if changes.tax_id:
            held = _tax_identifier(party)
            values["identifiers"] = _in_place_of(held, _identifier(changes.tax_id))
        if changes.domain:
            values["contact_mechanisms"] = _in_place_of(_web(party), _website(changes.domain))
        if changes.address is not None:
            place = self._address(changes.address)
            values["addresses"] = _in_place_of(_first(party["addresses"]), place)
        if values:
            self._records.update(PARTY, client.id, values, ["name"])
        return client

    def find_client_updated(
        self, client: ExternalRef, changes: ClientChanges, *, key: EffectKey
    ) -> ExternalRef | None:
        now = self.client(client)
        if now is None:
            return None
        wanted = changes.model_dump(exclude_none=True)
        if changes.name:
            wanted["name"] = changes.name.strip()  # Tryton keeps no space at the ends
        if changes.address is not None:
            shown_as = self._shown(changes.address)
            wanted["address"] = {part: said or None for part, said in shown_as}
        if changes.domain is not None:
            wanted["domain"] = domain(changes.domain)
        shown = now.model_dump()
        return client if all(shown[field] == value for field, value in wanted.items()) else None

    def _categories(self, client: Client) -> list[int]:
        facts = {"tier": client.tier, "group": self._head_of(client), "currency": client.currency}
        return [
            self._category(self._fields.their_path("client_categories", fact), name)
            for fact, name in facts.items()
            if name and self._fields.has("client_categories", fact)
        ]

    def _category(self, above: str, name: str) -> int:
        """The category of this name, made where it is missing; so is the one above it."""
        root = self._one_category(above, None)
        return self._one_category(name, root)

    def _one_category(self, name: str, parent: int | None) -> int:
        wanted = [["name", "=", name], ["parent", "=", parent]]
        if found := self._records.all("party.category", wanted, ["id"]):
            return int(found[0]["id"])
        values = {"name": name, "parent": parent}
        return int(self._records.create("party.category", values, ["name"], company=None)["id"])

    def _head_of(self, client: Client) -> str | None:
        """The client's group, spelled as the one party is that heads it, where there is one."""
        if client.parent is None:
            return None
        known = [
            str(one["name"])
            for one in self._alike(client.parent, (), ["name", "active"])
            if one["active"] and same_name(str(one["name"]), client.parent)
        ]
        return known[0] if len(known) == 1 else client.parent

    def _address(self, address: Address) -> dict[str, Any]:
        """Whole: what it leaves out is emptied."""
        country = self._country(address.country) if address.country else None
        subdivision = self._subdivision(address)
        region = address.region if address.region and subdivision is None else None
        return {
            "street": "\n".join(part for part in (address.street, region and f"({region})") if part)
            or None,
            "city": address.city,
            "postal_code": address.postal_code,
            "country": country,
            "subdivision": subdivision["id"] if subdivision else None,
        }

    def _shown(self, address: Address) -> Address:
        """As it will be read: a region that has a subdivision by its code."""
        subdivision = self._subdivision(address)
        if subdivision is None:
            return address
        return address.model_copy(update={"region": _local(subdivision["code"])})

    def _country(self, iso: str) -> int:
        found = self._records.all("country.country", [["code", "=", iso]], ["id"])
        if not found:
            why = f"It has no country {iso}: load its list of countries."
            raise SystemRefused(self._system, why)
        return int(found[0]["id"])

    def _subdivision(self, address: Address) -> Record | None:
        """By its code, with or without the country's, or by its name."""
        if not (address.region and address.country):
            return None
        codes = [address.region.upper(), f"{address.country}-{address.region.upper()}"]
        wanted = [
            ["country.code", "=", address.country],
            ["OR", ["code", "in", codes], ["name", "=", address.region]],
        ]
        return _first(self._records.all("country.subdivision", wanted, ["code"]))


def _first(found: Sequence[Record]) -> Record | None:
    return found[0] if found else None


def _in_place_of(held: Record | None, values: Mapping[str, Any]) -> list[Any]:
    return [["write", [held["id"]], values]] if held else [["create", [values]]]


def _tax_identifier(party: Record) -> Record | None:
    """The one that Tryton would tax by, else the first that is of no kind it knows."""
    typed = party["tax_identifier"]
    return typed or _first([one for one in party["identifiers"] if not one["type"]])


def _identifier(tax_id: str) -> dict[str, Any]:
    """Tryton checks the number of every kind it knows, so one that fails goes in without."""
    return {"type": "eu_vat" if vat.is_valid(tax_id) else None, "code": tax_id}


def _web(party: Record) -> Record | None:
    return _first([one for one in party["contact_mechanisms"] if one["type"] == "website"])


def _website(domain: str) -> dict[str, Any]:
    return {"type": "website", "value": f"https://{domain}"}


def _parted(street: str | None) -> tuple[str | None, str | None]:
    """Street, and the region that is its last line, in brackets."""
    before, _, last = (street or "").rpartition("\n")
    if last.startswith("(") and last.endswith(")"):
        return before or None, last[1:-1]
    return street or None, None


def _local(code: str) -> str:
    """`US-IL` without the country."""
    return code.partition("-")[2] or code
