"""The people of the sample firm, each with a key of their own, answering over the API."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

import httpx

from fairlead.bootstrap import Fairlead
from fairlead.cli.demo_deals import Book, Deal
from fairlead.errors import Busy
from fairlead.store import api_keys
from fairlead.store.database import database_time
from fairlead.trust.principals import new_key

#: Who reads everything, for the progress and the tables.
READER = "marta.silva"
OPERATOR = "omar.haddad"
_AMER_LEAD, _LEAD, _CONTROLLER, _FINANCE = (
    "dwayne.carter",
    "ines.moreau",
    "hanna.lindqvist",
    "tomasz.wojcik",
)
_SALES = "pia.novak"
_LEGAL, _RESOURCES, _BUYER = "grace.mbeki", "wei.chen", "samir.patel"
_OWNERS = {"sales-operations": _SALES, "finance-operations": _FINANCE}
"""Team → who supplies what it owns."""
_COMPLIANCE = {"EMEA": "yusuf.demir", "APAC": "keiko.tanaka", "AMER": "laura.benitez"}
_MANAGER = "lea.fontaine"
PROGRAM = "event-relay"  #: brings in what other tools recorded
_ASKING = frozenset({"ask_in_chat", "mail_approvers"})  #: steps that ask for the launch
_KEYS_FOR = timedelta(hours=1)
_PAGE = 200


class People:
    """API clients by person."""

    def __init__(self, fairlead: Fairlead, url: str) -> None:
        """Makes a key for each person who takes part in the demo."""
        self._open = ExitStack()
        self._clients: dict[str, httpx.Client] = {}
        trusted = httpx.create_ssl_context(trust_env=False)  # read once: there are many clients
        everybody = (
            *(READER, OPERATOR, _AMER_LEAD, _LEAD, _CONTROLLER, _FINANCE, _SALES),
            *(_LEGAL, _RESOURCES, _BUYER, *_COMPLIANCE.values(), _MANAGER, PROGRAM),
        )
        with fairlead.db.transaction() as tx:
            now = database_time(tx)
            for person in everybody:
                principal = fairlead.people.principal(person)
                row, text = new_key(
                    principal, principal.permissions, now=now, expires_at=now + _KEYS_FOR
                )
                api_keys.add(tx, row)
                signed = {"authorization": f"Bearer {text.get_secret_value()}"}
                client = httpx.Client(
                    base_url=f"{url}/api/v1", headers=signed, timeout=15, trust_env=False,
                    verify=trusted,
                )  # fmt: skip
                self._clients[person] = self._open.enter_context(client)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._open.close()

    def everything(self, path: str, **query: str) -> list[dict[str, Any]]:
        """All pages of a list, as the reader sees it. Raises `Busy`."""
        return self.listed(READER, path, **query)

    def listed(self, person: str, path: str, **query: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        asked = {**query, "limit": str(_PAGE)}
        while True:
            page = self._json(self._send(person, "GET", path, params=asked))
            items += page["items"]
            if page["next"] is None:
                return items
            asked["cursor"] = page["next"]

    def one(self, person: str, path: str) -> dict[str, Any]:
        return self._json(self._send(person, "GET", path))

    def command(
        self, person: str, path: str, body: Mapping[str, Any], *, version: int | None = None
    ) -> dict[str, Any]:
        """What is answered. Raises `Busy` where it is refused."""
        headers = {} if version is None else {"if-match": f'"{version}"'}
        return self._json(self._send(person, "POST", path, json=dict(body), headers=headers))

    def upload(self, person: str, path: str, content: bytes, media_type: str) -> dict[str, Any]:
        headers = {"content-type": media_type}
        return self._json(self._send(person, "POST", path, content=content, headers=headers))

    def answer(self, person: str, task: Mapping[str, Any], *, refusal: str | None) -> bool:
        """Approve, or refuse with a reason. False: it was answered or changed meanwhile."""
        body = {"approved": refusal is None, "reason": refusal or ""}
        key = {"idempotency-key": f"answer-{task['id']}"}
        path = f"/tasks/{task['id']}/answer"
        return self._taken(self._send(person, "POST", path, json=body, headers=key))

    def resolve(
        self, person: str, exception: Mapping[str, Any], action: str, values: Mapping[str, Any]
    ) -> bool:
        body = {"action": action, "values": dict(values)}
        version = exception["version"]
        headers = {
            "if-match": f'"{version}"',
            "idempotency-key": f"{action}-{exception['id']}-{version}",
        }
        path = f"/exceptions/{exception['id']}/resolve"
        return self._taken(self._send(person, "POST", path, json=body, headers=headers))

    def _send(self, person: str, method: str, path: str, **sent: Any) -> httpx.Response:
        try:
            return self._clients[person].request(method, path, **sent)
        except httpx.HTTPError as broken:
            raise Busy(f"{method} {path} had no answer: {broken or type(broken)}") from broken

    def _taken(self, reply: httpx.Response) -> bool:
        """False: somebody was faster, or the API is busy; what is still open is seen again."""
        if reply.status_code in (409, 412, 503):
            return False
        self._json(reply)
        return True

    @staticmethod
    def _json(reply: httpx.Response) -> dict[str, Any]:
        if reply.is_error:
            where = f"{reply.request.method} {reply.request.url.path}"
            raise Busy(f"{where} answered {reply.status_code}: {reply.text[:500]}")
        return reply.json()


def approver(deal: Deal, role: str) -> str:
    """Who at Tarn & Holloway answers an approval of this deal."""
    match role:
        case "controller":
            return _CONTROLLER
        case "finance":
            return _FINANCE
        case "sales_operations":
            return _SALES
        case "legal":
            return _LEGAL
        case "compliance":
            return _COMPLIANCE[deal.region]
        case "resource_manager":
            return _RESOURCES
        case _:
            return _AMER_LEAD if deal.region == "AMER" else _LEAD


def supplied(book: Book, deal: Deal) -> dict[str, Any]:
    """The true values of the fields that the seller left blank, as the API takes them."""
    client = book.client(deal)
    currency = deal.value.currency
    known: dict[str, Any] = {
        "starts_on": deal.starts_on.isoformat(),
        "ends_on": deal.ends_on.isoformat(),
        "region": deal.region,
        "service_line": deal.service_line,
        "legal_entity": deal.legal_entity,
        "client.tax_id": client.tax_id,
        "contract.payment_days": deal.payment_days,
        "contract.purchase_order": deal.purchase_order,
        "contract.billing_terms": [
            {
                "name": term.name,
                "share": str(term.share / 100) if term.share else None,
                "amount": _in(currency, term.amount) if term.amount else None,
                "due_on": term.due_on.isoformat() if term.due_on else None,
                "every_months": term.every_months,
            }
            for term in deal.terms
        ],
        "roles": [
            {
                "role": role.role,
                "hours": str(role.hours),
                "rate": _in(currency, role.rate),
            }
            for role in deal.roles
        ],
    }
    return {field: known[field] for field in deal.blank}


def _in(currency: str, amount: Decimal) -> dict[str, str]:
    return {"amount": str(amount), "currency": currency}


class Desk:
    """What is open for people, and their answers to it; everything is answered once."""

    def __init__(self, people: People, book: Book) -> None:
        self._people, self._book = people, book
        self.answered: list[str] = []  #: what was answered, in words, in order
        self.judged: set[tuple[str, str, str]] = set()
        """Approvals that were asked for and answered: the deal's id, step and role."""
        self._resolved: set[tuple[str, int]] = set()
        """Id and version of exceptions: one stays open until its gate has looked again."""

    def work(self, deals: Mapping[str, Deal]) -> None:
        """Answer what is open. `deals`: engagement id → its deal."""
        for task in self._people.everything("/tasks", mine="false"):
            deal = deals.get(task["subject_id"])
            if deal is not None and not (deal.waits and deal.waits.step == task["step"]):
                self._approve(task, deal)
        for found in self._people.everything("/exceptions", state="open"):
            deal = deals.get(found["subject_id"] or "")
            if deal is not None and (found["id"], found["version"]) not in self._resolved:
                self._resolve(found, deal)

    def _approve(self, task: Mapping[str, Any], deal: Deal) -> None:
        person = approver(deal, task["role"])
        last = task["step"] == "launch_approval"
        refusal = deal.refused_because if last else None
        if refusal and not self._asked_everywhere(task):
            return
        if self._people.answer(person, task, refusal=refusal):
            self.judged.add((deal.id, task["step"], task["role"]))
            verb = "refuses" if refusal else "approves" if task["kind"] == "approval" else "does"
            step = task["step"].replace("_", " ")
            self.answered.append(f"{person} {verb} the {step} of {deal.name}")

    def _asked_everywhere(self, task: Mapping[str, Any]) -> bool:
        """A refusal ends the run, and nothing more of it is sent: it is to come after the mail and
        the post that ask for an answer, so that they can be counted."""
        steps = self._people.one(READER, f"/runs/{task['run_id']}/steps")["items"]
        return {step["name"] for step in steps if step["ended_at"]} >= _ASKING

    def _resolve(self, found: Mapping[str, Any], deal: Deal) -> None:
        actions = found["actions"]
        if "choose" in actions:
            for person, wanted in self._choices(found, deal):
                candidates: list[dict[str, Any]] = found["difference"]["candidates"]
                choice = next((c["id"] for c in candidates if c["name"] == wanted), None)
                if choice and self._people.resolve(person, found, "choose", {"choice": choice}):
                    self._resolved.add((found["id"], found["version"]))
                    self.answered.append(f"{person} chooses {wanted} for {deal.name}")
                    return
        elif "supply" in actions and deal.supplied_by:
            self._supply(found, deal)

    def _choices(self, found: Mapping[str, Any], deal: Deal) -> list[tuple[str, str]]:
        """Who says what it is, where several may be meant."""
        if found["step"] == "create_requisitions":
            return [
                (need.chosen_by, need.bought_from)
                for need in deal.buys
                if need.chosen_by and need.bought_from
            ]
        known_as = self._book.client(deal).known_as
        return [(deal.chosen_by, known_as)] if deal.chosen_by and known_as else []

    def _supply(self, found: Mapping[str, Any], deal: Deal) -> None:
        """Everybody gives what they know; one of several a turn, as each changes the version."""
        known = supplied(self._book, deal)
        given: dict[str, dict[str, Any]] = {}
        for gap in found["gaps"]:
            if gap["suppliable"] and gap["field"] in known:
                named = deal.supplied_by
                person = _OWNERS[gap["owner"]] if named == "owners" else str(named)
                given.setdefault(person, {})[gap["field"]] = known[gap["field"]]
        for person, values in sorted(given.items())[:1]:
            if self._people.resolve(person, found, "supply", values):
                self._resolved.add((found["id"], found["version"]))
                names = ", ".join(values)
                self.answered.append(f"{person} supplies {names} of {deal.name}")
