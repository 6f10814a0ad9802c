"""A notice as Slack's blocks. Pure.

All words go out as `plain_text`: Slack's own markup (`mrkdwn`) knows no way to write `*`, `_`, `~`
or a backtick as such, so that a name could not arrive as it is written, and nobody can be called
out (`<!channel>`) from within a plain text.
https://docs.slack.dev/reference/block-kit/composition-objects/text-object
"""

from __future__ import annotations

import re
from typing import Any

from fairlead.domain.ids import EffectKey
from fairlead.ports.messages import Notice

EVENT = "fairlead_notice"  #: `event_type` of our metadata
ACTION = "fairlead_open"  #: `action_id` of the link button

_LONGEST_HEADER = 150
_LONGEST_SECTION = 3000
_LONGEST_LABEL = 75
_LONGEST_LINK = 3000
#: Slack refuses blocks of somewhat more than 13,000 characters together, and documents no limit
#: (https://github.com/slackapi/bolt-js/issues/2509).
_LONGEST_TEXT = 10_000
_CUT = "… (The rest of it is in Fairlead.)"


class NoSuchLink(ValueError):
    """A link that no button can open. The words are for the person who looks."""


def message(notice: Notice, key: EffectKey) -> dict[str, Any]:
    """Arguments of `chat.postMessage`, without the channel. Raises `NoSuchLink`."""
    text = notice.text
    if len(text) > _LONGEST_TEXT:
        text = text[: _LONGEST_TEXT - len(_CUT)] + _CUT
    blocks = [_title(notice.title)]
    blocks += [_section(part) for part in _parts(text)]
    if notice.link is not None:
        blocks.append(_button(notice.link, notice.link_text))
    return {
        "text": escaped(notice.title),  # for notifications and screen readers
        "mrkdwn": False,
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": blocks,
        "metadata": {"event_type": EVENT, "event_payload": {"key": key}},
    }


def escaped(text: str) -> str:
    """https://docs.slack.dev/messaging/formatting-message-text ("Escaping text")"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _title(title: str) -> dict[str, Any]:
    if len(title) <= _LONGEST_HEADER:
        return {"type": "header", "text": _plain(title)}
    return _section(title)


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _plain(text)}


def _button(link: str, label: str) -> dict[str, Any]:
    if not link.startswith(("https://", "http://")) or len(link) > _LONGEST_LINK:
        raise NoSuchLink(f"a link is an http address of at most {_LONGEST_LINK} characters")
    button = {"type": "button", "action_id": ACTION, "url": link}
    return {"type": "actions", "elements": [{**button, "text": _plain(label[:_LONGEST_LABEL])}]}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _parts(text: str) -> list[str]:
    """Pieces that fit into a section each, cut between paragraphs where that is possible."""
    parts: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        pieces = [
            paragraph[at : at + _LONGEST_SECTION]
            for at in range(0, len(paragraph), _LONGEST_SECTION)
        ]
        for piece in pieces:
            joined = f"{parts[-1]}\n\n{piece}" if parts else piece
            if parts and len(joined) <= _LONGEST_SECTION:
                parts[-1] = joined
            else:
                parts.append(piece)
    return [part for part in parts if part.strip()]
