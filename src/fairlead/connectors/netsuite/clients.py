"""The client master: NetSuite's customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairlead.connectors.kit import client_facts
from fairlead.connectors.kit.client_facts import domain, tax_ids
from fairlead.connectors.netsuite.account import LONGEST_COMPANY_NAME, Account
from fairlead.connectors.netsuite.records import cut, external_id
from fairlead.connectors.netsuite.suiteql import bare, quoted
from fairlead.domain.company_names import first_significant_word, has_word, same_name
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.client import Address, Client, ClientChanges
from fairlead.domain.values import ExternalRef
from fairlead.errors import SystemRefused

_CUSTOMER, _ADDRESSES = "customer", "addressBook"


class Clients(Account):
    def candidates(self, client: Client) -> Sequence[Client]:
        """Customers with the same tax id, or a name in which our first significant word occurs.

        Accents, umlauts written as two letters, capitals and legal forms make no difference.
        Inactive ones are told too. Which one it is, is not decided here.
        """
        conditions = [self._alike("client_row", client.name)]
        known = tax_ids(client)
        if known:
            tax_id = bare(self._fields.their_path("client_row", "tax_id"))
            conditions.append(f"{tax_id} IN ({', '.join(map(quoted, known))})")
        word = first_significant_word(client.name)
        return [
            one
            for one in self._customers(" OR ".join(conditions))
            # The word may have been found inside another: `Arco` in `Marconi`.
            if not word or has_word(one.name, word) or client_facts.bare(one.tax_id or "") in known
        ]

    def create_client(self, client: Client, *, subsidiary: str, key: EffectKey) -> ExternalRef:
        values = {
            **_values(client),
            "is_person": False,
            "subsidiary": subsidiary,
            "currency": self._currency_id(client.currency) if client.currency else None,
            "tier": client.tier,
            "group": client.parent,
            "parent": self._head_of(client),
        }
        body = self._fields.write("client", values)
        replace = ""
        if address := self._fields.write("address", client.address.model_dump()):
            line = {"defaultBilling": True, "addressBookAddress": address}
            body[_ADDRESSES], replace = {"items": [line]}, _ADDRESSES
        made = self._records.upsert(_CUSTOMER, external_id(key), body, replace=replace)
        return self._ref(_CUSTOMER, made)

    def find_client(self, key: EffectKey) -> ExternalRef | None:
        found = self._records.find(_CUSTOMER, external_id(key))
        return self._ref(_CUSTOMER, found[0]) if found else None

    def client(self, ref: ExternalRef) -> Client | None:
        id = self._fields.their_path("client_row", "id")
        return next(iter(self._customers(f"{id} = {quoted(ref.id)}")), None)

    def update_client(
        self, client: ExternalRef, changes: ClientChanges, *, key: EffectKey
    ) -> ExternalRef:
        body = self._fields.write("client", _values(changes))
        if changes.address is not None:
            line = self._billing_line(client.id) | {"defaultBilling": True}
            body[_ADDRESSES] = {
                "items": [{**line, "addressBookAddress": self._whole(changes.address)}]
            }
        if body:
            self._records.change(_CUSTOMER, client.id, body)
        return client

    def find_client_updated(
        self, client: ExternalRef, changes: ClientChanges, *, key: EffectKey
    ) -> ExternalRef | None:
        now = self.client(client)
        if now is None:
            return None
        wanted = changes.model_dump(exclude_none=True)
        if changes.address is not None:
            wanted["address"] = {part: said or None for part, said in changes.address}
        if changes.domain is not None:
            wanted["domain"] = domain(changes.domain)
        shown = now.model_dump()
        return client if all(shown[field] == value for field, value in wanted.items()) else None

    def _customers(self, where: str) -> list[Client]:
        rows = self._rows("client_row", _CUSTOMER, where)
        addresses = self._addresses(rows)
        heads = self._by_ids(
            "head_row", _CUSTOMER, (row["parent"] for row in rows if _has_head(row))
        )
        return [
            self._client(row, addresses.get(str(row.get("address")), Address()), heads)
            for row in rows
        ]

    def _client(
        self, row: Mapping[str, Any], address: Address, heads: Mapping[str, Mapping[str, Any]]
    ) -> Client:
        head = heads.get(str(row.get("parent"))) if _has_head(row) else None
        values = {
            "ref": self._ref(_CUSTOMER, row["id"]),
            "name": self._name(row),
            "tax_id": row.get("tax_id"),
            "domain": domain(row.get("web", "")),
            "address": address,
            "currency": self._iso(row["currency"]) if "currency" in row else None,
            "tier": row.get("tier"),
            "parent": self._name(head) if head else row.get("group"),
            "inactive": row.get("inactive") == "T",
        }
        return self._valid(Client, values)

    def _head_of(self, client: Client) -> str | None:
        """The id of the one active customer that heads the client's group, where there is one.

        Its name is kept in words in any case: a head that is no client has no record here.
        """
        name = client.parent
        if name is None or not self._fields.has("client", "parent"):
            return None
        known = [
            one.ref.id
            for one in self._customers(self._alike("client_row", name))
            if same_name(one.name, name) and not one.inactive
        ]
        # The client itself, made by an earlier try, is not its own head.
        return known[0] if len(known) == 1 and not same_name(client.name, name) else None

    def _billing_line(self, id: str) -> dict[str, Any]:
        """What names the customer's default billing address, or nothing where it has none.

        Lines are told apart by `internalId`; one that names none is added:
        https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1545295601.html
        """
        record = self._records.read(_CUSTOMER, id, whole=True)
        if record is None:
            raise SystemRefused(self._system, f"There is no client {id}.")
        for line in self._records.lines(record, _ADDRESSES):
            if line.get("defaultBilling") is True and "internalId" in line:
                return {"internalId": line["internalId"]}
        return {}

    def _whole(self, address: Address) -> dict[str, Any]:
        """The address with a null for each part that it leaves out, so that the old one goes."""
        given = self._fields.write("address", address.model_dump())
        parts = [path.partition(".")[0] for path in self._fields.theirs("address")]
        return dict.fromkeys(parts) | given


def _values(client: Client | ClientChanges) -> dict[str, Any]:
    return {
        "name": cut(client.name, LONGEST_COMPANY_NAME) if client.name else None,
        "full_name": client.name,
        "tax_id": client.tax_id,
        "web": f"https://{client.domain}" if client.domain else None,
    }


def _has_head(row: Mapping[str, Any]) -> bool:
    return row.get("parent") not in (None, row["id"])
