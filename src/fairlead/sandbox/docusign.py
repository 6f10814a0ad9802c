"""DocuSign eSignature as far as the connector uses it: REST API v2.1, JWT grant, Connect.

From https://developers.docusign.com/docs/esign-rest-api/reference and
https://developers.docusign.com/platform/webhooks/connect/json-sim-event-model. As the original,
it leaves drafts out of lists that do not ask for them:
https://github.com/docusign/docusign-esign-node-client/issues/233

Settings: `account_id`, `integration_key`, `user_id`, `public_key` (PEM), `audience`, `token_s`
(3600), `with_summary` (true: Connect's messages have the envelope's summary). Connect's HMAC key is
`webhook_secret`, any text of 16 characters or more.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from threading import Lock
from typing import Any, ClassVar, cast

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from fairlead.errors import InvalidDefinition
from fairlead.sandbox.books import Books, Record
from fairlead.sandbox.dialect import Answer, Call, Deny, Dialect, Route
from fairlead.sandbox.docusign_pdf import pdf

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LONGEST_ASSERTION_S = 3600
_SCOPES = {"signature", "impersonation"}
_ACCOUNT = "/restapi/v2.1/accounts/{account}"
_ENVELOPE = f"{_ACCOUNT}/envelopes/{{id}}"
_MOST_LISTED = 1000
_SHORTEST_SECRET = 16
_ORDERS = {
    "created": "createdDateTime",
    "completed": "completedDateTime",
    "last_modified": "lastModifiedDateTime",
    "sent": "sentDateTime",
    "status": "status",
    "status_changed": "statusChangedDateTime",
    "subject": "emailSubject",
}
_INCLUDED = {"custom_fields", "documents", "recipients"}
#: From which statuses a person gets an envelope into this one, and when it was, as it says.
_MOVES: dict[str, tuple[set[str], str]] = {
    "sent": ({"created"}, "sentDateTime"),
    "delivered": ({"sent"}, "deliveredDateTime"),
    "completed": ({"sent", "delivered"}, "completedDateTime"),
    "declined": ({"sent", "delivered"}, "declinedDateTime"),
    "voided": ({"sent", "delivered"}, "voidedDateTime"),
}
_SENT_BY_A_PERSON = {
    "emailSubject", "status", "customFields", "recipients", "documents", "voidedReason",
    "declinedReason",
}  # fmt: skip

Body = dict[str, Any]


class Docusign(Dialect):
    vendor: ClassVar[str] = "docusign"

    def __init__(
        self,
        system: str,
        books: Books,
        settings: Mapping[str, Any],
        push: Callable[[Body], None],
    ) -> None:
        super().__init__(system, books, settings, push)
        self._lock = Lock()
        self._tokens: dict[str, float] = {}  # access token → monotonic end

    @classmethod
    def example_settings(cls) -> dict[str, Any]:
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        secret = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        app = {
            "account_id": str(uuid.uuid4()),
            "integration_key": str(uuid.uuid4()),
            "user_id": str(uuid.uuid4()),
            "audience": "account-d.docusign.com",
        }
        return {
            **app,
            "public_key": public.decode(),
            "client": {**app, "private_key": secret.decode()},
        }

    def routes(self) -> list[Route]:
        return [
            Route("POST", "/oauth/token", "oauth.token", self._token),
            Route("GET", "/oauth/userinfo", "oauth.userinfo", self._user),
            Route("GET", _ACCOUNT, "accounts.get", self._account),
            Route("GET", f"{_ACCOUNT}/envelopes", "envelopes.list", self._list),
            Route("GET", _ENVELOPE, "envelopes.get", self._get),
            Route("GET", f"{_ENVELOPE}/recipients", "recipients.list", self._recipients),
            Route("GET", f"{_ENVELOPE}/custom_fields", "custom_fields.list", self._custom_fields),
            Route("GET", f"{_ENVELOPE}/documents", "documents.list", self._documents),
            Route("GET", f"{_ENVELOPE}/documents/{{document}}", "documents.get", self._document),
        ]

    # -- signing in and refusing ---------------------------------------------------------------

    def authenticate(self, call: Call, route: Route) -> None:
        if route.operation == "oauth.token":
            return
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        with self._lock:
            ends = self._tokens.get(token, 0)
        if scheme.lower() != "bearer" or ends <= time.monotonic():
            words = "The access token provided is expired, revoked or malformed."
            raise _denied(401, "AUTHORIZATION_INVALID_TOKEN", words)
        account = call.params.get("account")
        if account is not None and account.lower() != self.settings["account_id"]:
            words = "The specified User is not a member of the specified Account."
            raise _denied(400, "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT", words)

    def revoke_tokens(self) -> None:
        with self._lock:
            self._tokens.clear()

    def too_many(self, retry_after_s: float | None) -> Answer:
        words = "The maximum number of hourly API invocations has been exceeded."
        answer = _error(429, "HOURLY_APIINVOCATION_LIMIT_EXCEEDED", words)
        if retry_after_s is not None:
            answer.headers["retry-after"] = f"{retry_after_s:g}"
        return answer

    def broken(self, status: int) -> Answer:
        known = {
            400: ("INVALID_REQUEST_BODY", "The request body is missing or improperly formatted."),
            401: ("AUTHORIZATION_INVALID_TOKEN", "The access token provided is expired."),
            403: ("USER_LACKS_PERMISSIONS", "This user lacks sufficient permissions."),
            404: ("RESOURCE_NOT_FOUND", "The URL provided does not resolve to a resource."),
            405: ("METHOD_NOT_ALLOWED", "The method is not allowed for this resource."),
        }
        return _error(status, *known.get(status, ("UNSPECIFIED_ERROR", "An error occurred.")))

    def sign_push(self, body: bytes, message_id: str, now: float) -> dict[str, str]:
        """As Connect signs: the body alone, with the key as text."""
        if len(self.webhook_secret) < _SHORTEST_SECRET:
            raise InvalidDefinition("An HMAC key has 16 characters or more.")
        mixed = hmac.digest(self.webhook_secret.encode(), body, hashlib.sha256)
        return {
            "x-authorization-digest": "HMACSHA256",
            "x-docusign-signature-1": base64.b64encode(mixed).decode(),
        }

    def _token(self, call: Call) -> Answer:
        form = call.form()
        if form.get("grant_type") != _GRANT:
            return _oauth("invalid_grant", "unsupported_grant_type")
        try:
            claims = jwt.decode(
                form.get("assertion", ""),
                self.settings["public_key"],
                algorithms=["RS256"],
                audience=self.settings["audience"],
                options={"require": ["iss", "sub", "aud", "iat", "exp", "scope"]},
            )
        except jwt.ExpiredSignatureError:
            return _oauth("invalid_grant", "expired_token")
        except jwt.PyJWTError:
            return _oauth("invalid_grant", "no_valid_keys_or_signatures")
        if claims["iss"] != self.settings["integration_key"]:
            return _oauth("invalid_grant", "issuer_not_found")
        if claims["sub"] != self.settings["user_id"]:
            return _oauth("invalid_grant", "user_not_found")
        if claims["exp"] - claims["iat"] > _LONGEST_ASSERTION_S:
            return _oauth("invalid_grant", "invalid_expiration")
        if _SCOPES - set(str(claims["scope"]).split()):
            return _oauth("consent_required", "")
        token, lasts = secrets.token_urlsafe(48), int(self.settings.get("token_s", 3600))
        with self._lock:
            self._tokens[token] = time.monotonic() + lasts
        body = {"access_token": token, "token_type": "Bearer", "expires_in": lasts}
        return Answer(200, {**body, "scope": " ".join(sorted(_SCOPES))})

    def _user(self, call: Call) -> Answer:
        account = {
            "account_id": self.settings["account_id"],
            "is_default": True,
            "account_name": "Tarn & Holloway",
            "base_uri": f"http://{call.headers.get('host', 'localhost')}/{self.system}",
        }
        return Answer(200, {"sub": self.settings["user_id"], "accounts": [account]})

    # -- what people do ------------------------------------------------------------------------

    def plant(self, kind: str, body: Body) -> Record:
        """An envelope as a sender makes it; with a status that comes later, as it then went on.

        Fields: `emailSubject`, `status` (sent), `customFields` (name → text), `recipients`
        ({"signers": [{"name", "email"}]}), `documents` ([{"name", "text"}]), and the reason that
        the status asks for. Raises `Deny` as DocuSign refuses.
        """
        if kind != "envelopes":
            raise _invalid(f"There are envelopes here, no {kind}.")
        _known(body)
        wanted = str(body.get("status", "sent"))
        if wanted != "created" and wanted not in _MOVES:
            raise _invalid("Value for 'status' is not valid.")
        id, now = str(uuid.uuid4()), _now()
        envelope: Body = {
            "emailSubject": body.get("emailSubject", "Please sign"),
            "status": "created",
            "customFields": _custom(body.get("customFields", {})),
            "recipients": {"signers": _signers(body.get("recipients", {}))},
            "documents": _contents(body.get("documents")),
            "createdDateTime": now,
            "lastModifiedDateTime": now,
            "statusChangedDateTime": now,
        }
        steps = [] if wanted == "created" else ["sent"] if wanted == "sent" else ["sent", wanted]
        reasons = {name: body[name] for name in body if name.endswith("Reason")}
        with self.books.transaction():  # a refused step leaves nothing behind
            record = self.books.create("envelopes", envelope, id=id)
            for status in steps:
                record = self.amend("envelopes", id, {"status": status, **reasons})
            return record

    def amend(self, kind: str, id: str, changes: Body) -> Record:
        """`status` with its reason moves it on; other fields correct it. Pushes what Connect does.

        Only who signs last completes it: all signers have then signed.
        """
        _known(changes)
        with self.books.transaction():
            held = self.books.read(kind, id)
            if held is None:
                raise KeyError(id)
            now = _now()
            changed = {name: changes[name] for name in ("emailSubject",) if name in changes}
            if "customFields" in changes:
                changed["customFields"] = _custom(changes["customFields"])
            if changed and held.body["status"] not in ("created", "sent", "delivered"):
                raise _denied(400, "ENVELOPE_INVALID_STATUS", "The envelope cannot be changed.")
            status = changes.get("status")
            if status is not None:
                changed |= self._moved(held.body, str(status), changes, now)
            record = self.books.update(kind, id, {**changed, "lastModifiedDateTime": now})
        word = record.body["status"] if status is not None else "corrected"
        if record.body["status"] != "created":
            self._tell(f"envelope-{word}", record, now)
        return record

    def _moved(self, body: Body, status: str, said: Body, now: str) -> Body:
        sources, when = _MOVES.get(status, (set[str](), ""))
        if body["status"] not in sources:
            words = f"An envelope that is {body['status']} cannot become {status}."
            raise _denied(400, "ENVELOPE_INVALID_STATUS", words)
        changed: Body = {"status": status, when: now, "statusChangedDateTime": now}
        signers = [dict(one) for one in body["recipients"]["signers"]]
        match status:
            case "voided":
                if not said.get("voidedReason"):
                    raise _invalid("Value for 'voidedReason' must be specified.")
                changed["voidedReason"] = said["voidedReason"]
            case "declined":
                signers[0] |= {"declinedDateTime": now, "status": "declined"}
                signers[0]["declinedReason"] = said.get("declinedReason", "")
            case "completed":
                signers = [{**one, "signedDateTime": now, "status": "completed"} for one in signers]
            case _:
                signers = [{**one, "status": status} for one in signers]
        return {**changed, "recipients": {"signers": signers}}

    def _tell(self, event: str, record: Record, now: str) -> None:
        data: Body = {
            "accountId": self.settings["account_id"],
            "userId": self.settings["user_id"],
            "envelopeId": record.id,
        }
        if self.settings.get("with_summary", True):
            data["envelopeSummary"] = self._shown(record)
        account = self.settings["account_id"]
        self.push(
            {
                "event": event,
                "apiVersion": "v2.1",
                "uri": f"/restapi/v2.1/accounts/{account}/envelopes/{record.id}",
                "retryCount": 0,
                "configurationId": 10430604,
                "generatedDateTime": now,
                "data": data,
            }
        )

    # -- reading -------------------------------------------------------------------------------

    def _account(self, call: Call) -> Answer:
        body = {"accountIdGuid": self.settings["account_id"], "accountName": "Tarn & Holloway"}
        return Answer(200, body)

    def _list(self, call: Call) -> Answer:
        query = call.query
        since = _time(query.get("from_date", ""))
        if since is None:
            raise _invalid(
                "Query parameter 'from_date' must be set to a valid DateTime, or 'envelope_ids' or"
                " 'transaction_ids' must be specified."
            )
        if query.get("from_to_status", "changed") != "changed":
            raise _invalid("Value for 'from_to_status' is not valid.")
        field = _ORDERS.get(query.get("order_by", "status_changed"))
        if field is None or query.get("order", "desc") not in ("asc", "desc"):
            raise _invalid("Value for 'order_by' or 'order' is not valid.")
        start = _whole(query, "start_position", 0, least=0)
        count = _whole(query, "count", _MOST_LISTED, least=1)
        asked = query.get("status", "any").split(",")

        def wanted(record: Record) -> bool:
            status, changed = record.body["status"], _time(record.body["statusChangedDateTime"])
            fits = status in asked or ("any" in asked and status != "created")
            return fits and changed is not None and changed >= since

        found = self.books.list("envelopes", wanted)
        found.sort(
            key=lambda record: (record.body.get(field, ""), record.id),
            reverse=query.get("order", "desc") == "desc",
        )
        page = found[start : start + min(count, _MOST_LISTED)]
        end = start + len(page)
        body: Body = {
            "resultSetSize": str(len(page)),
            "totalSetSize": str(len(found)),
            "startPosition": str(start),
            "endPosition": str(max(0, end - 1)),
            "nextUri": "",
            "previousUri": "",
        }
        if end < len(found):
            account = self.settings["account_id"]
            body["nextUri"] = (
                f"/accounts/{account}/envelopes?start_position={end}&count={count}"
                f"&from_date={query['from_date']}"
            )
        if page:
            body["envelopes"] = [self._shown(record) for record in page]
        return Answer(200, body)

    def _get(self, call: Call) -> Answer:
        record = self._envelope(call)
        body = self._shown(record)
        asked = {name.strip() for name in call.query.get("include", "").split(",")} & _INCLUDED
        if "custom_fields" in asked:
            body["customFields"] = self._fields(record)
        if "recipients" in asked:
            body["recipients"] = _everybody(record)
        if "documents" in asked:
            body["envelopeDocuments"] = self._listed(record)
        return Answer(200, body)

    def _recipients(self, call: Call) -> Answer:
        return Answer(200, _everybody(self._envelope(call)))

    def _custom_fields(self, call: Call) -> Answer:
        return Answer(200, self._fields(self._envelope(call)))

    def _documents(self, call: Call) -> Answer:
        record = self._envelope(call)
        body = {"envelopeId": record.id, "envelopeDocuments": self._listed(record)}
        return Answer(200, body)

    def _document(self, call: Call) -> Answer:
        record, wanted = self._envelope(call), call.params["document"]
        documents = cast("list[Body]", record.body["documents"])
        chosen = [one for one in documents if wanted in (one["documentId"], "combined")]
        if not chosen:
            raise _invalid("Value for 'documentId' is not valid.")
        content = pdf([_page(record, document) for document in chosen])
        name = chosen[0]["name"] if wanted != "combined" else f"{record.id}.pdf"
        headers = {
            "content-type": "application/pdf",
            "content-disposition": f'file; filename="{name}"; documentid="{wanted}"',
        }
        return Answer(200, content, headers)

    def _envelope(self, call: Call) -> Record:
        id = call.params["id"].lower()
        try:
            uuid.UUID(id)
        except ValueError as bad:
            raise _invalid("Value for 'envelopeId' is not valid.") from bad
        record = self.books.read("envelopes", id)
        if record is None:
            words = "The envelope specified does not exist or you have no rights to it."
            raise _denied(404, "ENVELOPE_DOES_NOT_EXIST", words)
        return record

    def _shown(self, record: Record) -> Body:
        """An envelope without what must be asked for."""
        uri = f"/envelopes/{record.id}"
        asked_for = ("customFields", "recipients", "documents")
        body = {name: value for name, value in record.body.items() if name not in asked_for}
        return {
            "envelopeId": record.id,
            "envelopeUri": uri,
            "documentsUri": f"{uri}/documents",
            "recipientsUri": f"{uri}/recipients",
            "customFieldsUri": f"{uri}/custom_fields",
            **body,
        }

    def _fields(self, record: Record) -> Body:
        given = cast("dict[str, str]", record.body["customFields"])
        return {
            "textCustomFields": [
                {"fieldId": str(nr), "name": name, "show": "true", "required": "false"}
                | {"value": value}
                for nr, (name, value) in enumerate(given.items(), start=1)
            ],
            "listCustomFields": [],
        }

    def _listed(self, record: Record) -> list[Body]:
        uri = f"/envelopes/{record.id}/documents"
        return [
            {
                "documentId": document["documentId"],
                "name": document["name"],
                "type": "content",
                "uri": f"{uri}/{document['documentId']}",
                "order": document["documentId"],
                "pages": "1",
            }
            for document in cast("list[Body]", record.body["documents"])
        ]


def _page(record: Record, document: Body) -> list[str]:
    """What a document shows: the envelope's id, its own text, and who has signed."""
    lines = [f"Docusign Envelope ID: {record.id.upper()}", "", str(document["name"]), ""]
    lines += str(document["text"]).splitlines()
    for signer in record.body["recipients"]["signers"]:
        if "signedDateTime" in signer:
            lines += ["", f"Signed by {signer['name']} at {signer['signedDateTime']}"]
    return lines


def _everybody(record: Record) -> Body:
    signers = cast("list[Body]", record.body["recipients"]["signers"])
    none = ("agents", "carbonCopies", "certifiedDeliveries", "editors", "inPersonSigners")
    return {
        "signers": signers,
        **{name: list[Body]() for name in none},
        "recipientCount": str(len(signers)),
    }


def _known(body: Body) -> None:
    for name in body:
        if name not in _SENT_BY_A_PERSON:
            raise _invalid(f"Property '{name}' is not known.")


def _custom(given: Any) -> dict[str, str]:
    if not isinstance(given, dict):
        raise _invalid("Value for 'customFields' is not valid.")
    return {str(name): str(value) for name, value in cast(Body, given).items()}


def _signers(given: Any) -> list[Body]:
    found = cast("list[Body]", cast(Body, given).get("signers") or [{}])
    return [
        {
            "name": "Ada Okafor",
            "email": "ada.okafor@client.example",
            "status": "created",
            "routingOrder": str(nr),
            **one,
            "recipientId": str(nr),
            "recipientIdGuid": str(uuid.uuid4()),
        }
        for nr, one in enumerate(found, start=1)
    ]


def _contents(given: Any) -> list[Body]:
    found = cast("list[Body]", given or [{}])
    return [
        {
            "documentId": str(nr),
            "name": str(one.get("name", "Statement of Work.pdf")),
            "text": str(one.get("text", "")),
        }
        for nr, one in enumerate(found, start=1)
    ]


def _now() -> str:
    """With seven decimals, as the original."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def _time(text: str) -> datetime | None:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)


def _whole(query: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    raw = query.get(name, str(default))
    if not raw.isdecimal() or int(raw) < least:
        raise _invalid(f"Value for '{name}' is not valid.")
    return int(raw)


def _error(status: int, code: str, words: str) -> Answer:
    return Answer(status, {"errorCode": code, "message": words})


def _denied(status: int, code: str, words: str) -> Deny:
    return Deny(_error(status, code, words))


def _invalid(words: str) -> Deny:
    whole = f"The request contained at least one invalid parameter. {words}"
    return _denied(400, "INVALID_REQUEST_PARAMETER", whole)


def _oauth(error: str, description: str) -> Answer:
    body = {"error": error}
    return Answer(400, body | ({"error_description": description} if description else {}))
