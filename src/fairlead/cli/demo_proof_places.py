"""The proof of where people work: folders, documents, channels, posts and mails. Pure.

Folders and channels are named after client and deal, with what the vendor's names cannot hold left
out, so names are compared by their letters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fairlead.cli.demo_deals import Book, Deal
from fairlead.cli.demo_ledger import Ledger, Row, Things, after_code, letters, row

_DOCUMENTS, _CHAT, _MAIL = "sharepoint", "slack", "mail"
OWN = "@tarn-holloway.example"  #: addresses of the firm's people
_ASKED, _LAUNCHED = "asked for approval", "launched"


def places(book: Book, rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    """A deal in phases has one place to work in: that of the whole."""
    deals = {_title(book, deal): deal for deal in book.deals if deal.is_set_up}
    return [
        *_documents(deals, Ledger(_DOCUMENTS, rows)),
        *_chat(deals, Ledger(_CHAT, rows)),
        _mails(deals, Ledger(_MAIL, rows)),
    ]


def _title(book: Book, deal: Deal) -> str:
    return letters(f"{book.client(deal).name}: {deal.name}")


def _documents(deals: Mapping[str, Deal], drive: Ledger) -> list[Row]:
    items = drive.made_with_id("drive_items")
    folders = {
        id: letters(after_code(str(body["name"]))) for id, body in items.items() if body["folder"]
    }
    return [
        row(
            _DOCUMENTS,
            "folder",
            Things((title,) for title in deals),
            Things((title,) for title in folders.values()),
        ),
        row(
            _DOCUMENTS,
            "document and its retention class",
            Things(
                (title, f"SOW {deal.id}.pdf", str(deal.retention))
                for title, deal in deals.items()
                if deal.retention
            ),
            Things(
                (folders.get(body["parent"], "?"), str(body["name"]), str(body["retention"]))
                for body in items.values()
                if not body["folder"]
            ),
        ),
    ]


def _chat(deals: Mapping[str, Deal], slack: Ledger) -> list[Row]:
    channels = {
        id: letters(after_code(str(body["purpose"]["value"]).rpartition(" (Fairlead ")[0]))
        for id, body in slack.made_with_id("channels").items()
    }
    return [
        row(
            _CHAT,
            "channel",
            Things((title,) for title in deals),
            Things((title,) for title in channels.values()),
        ),
        row(
            _CHAT,
            "post",
            Things(_told(deals)),
            Things(
                (channels.get(body["channel"], "?"), _kind(str(body["text"])))
                for body in slack.made("messages")
                if "metadata" in body
            ),
        ),
    ]


def _mails(deals: Mapping[str, Deal], mail: Ledger) -> Row:
    """Those to our own people, by Message-ID: a server that is cut off after the whole mail may get
    the same one again."""
    sent = (body for body in mail.made("messages") if OWN in str(body["to"]))
    mails = {str(body["message_id"]): body for body in sent}
    found = Things((_about(deals, body), _kind(str(body["subject"]))) for body in mails.values())
    return row(_MAIL, "mail", Things(_told(deals)), found)


def _told(deals: Mapping[str, Deal]) -> Iterable[tuple[str, str]]:
    """What everybody hears of a deal."""
    for title, deal in deals.items():
        yield title, _ASKED
        if deal.ends_as == "launched":
            yield title, _LAUNCHED


def _kind(heading: str) -> str:
    return _ASKED if heading.endswith("waits for its launch approval") else _LAUNCHED


def _about(deals: Mapping[str, Deal], body: Mapping[str, Any]) -> str:
    """The deal whose title stands in the subject or in the text."""
    said = letters(f"{body['subject']} {body['text']}")
    return next((title for title in deals if title in said), "?")
