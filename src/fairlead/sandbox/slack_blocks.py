"""Which messages Slack takes: blocks, text and metadata. Pure.

https://docs.slack.dev/reference/block-kit/blocks, https://docs.slack.dev/messaging/message-metadata
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

_MOST_BLOCKS = 50
_LONGEST_TEXT = 40_000
_LONGEST_TOGETHER = 13_000  # not documented; https://github.com/slackapi/bolt-js/issues/2509
_EVENT_TYPE = re.compile(r"\w{1,255}", re.ASCII)

Body = Mapping[str, Any]


def fault(sent: Body) -> str | None:
    """The error that Slack answers to a message with; None where it takes it."""
    text, blocks, metadata = sent.get("text", ""), sent.get("blocks", []), sent.get("metadata")
    if not isinstance(text, str) or not isinstance(blocks, list):
        return "invalid_arguments"
    if not text and not blocks:
        return "no_text"
    if len(text) > _LONGEST_TEXT:
        return "msg_too_long"
    listed = cast("list[Any]", blocks)
    if len(listed) > _MOST_BLOCKS or not all(_block(block) for block in listed):
        return "invalid_blocks"
    if sum(len(str(block)) for block in listed) > _LONGEST_TOGETHER:
        return "msg_blocks_too_long"
    if metadata is not None and not _metadata(metadata):
        return "invalid_metadata_format"
    return None


def _block(block: Any) -> bool:
    match block:
        case {"type": "header", "text": {"type": "plain_text"} as text, **rest}:
            return _text(text, 150) and _only(rest, "block_id")
        case {"type": "section", "text": text, **rest}:
            return _text(text, 3000) and _only(rest, "block_id", "accessory", "expand")
        case {"type": "actions", "elements": elements, **rest} if isinstance(elements, list):
            buttons = cast("list[Any]", elements)
            return (
                1 <= len(buttons) <= 25 and all(map(_button, buttons)) and _only(rest, "block_id")
            )
        case {"type": "divider", **rest}:
            return _only(rest, "block_id")
        case _:
            return False


def _button(element: Any) -> bool:
    match element:
        case {"type": "button", "text": {"type": "plain_text"} as text, **rest}:
            link = rest.get("url", "http://")
            return (
                _text(text, 75)
                and isinstance(link, str)
                and len(link) <= 3000
                and re.match("https?://", link) is not None
                and _only(rest, "action_id", "url", "value", "style", "accessibility_label")
            )
        case _:
            return False


def _text(text: Any, longest: int) -> bool:
    match text:
        case {"type": "plain_text", "text": str() as words, **rest}:
            known = _only(rest, "emoji") and isinstance(rest.get("emoji", False), bool)
        case {"type": "mrkdwn", "text": str() as words, **rest}:
            known = _only(rest, "verbatim")
        case _:
            return False
    return known and 1 <= len(words) <= longest


def _metadata(metadata: Any) -> bool:
    match metadata:
        case {"event_type": str() as name, "event_payload": payload, **rest} if isinstance(
            payload, dict
        ):
            values = cast("dict[str, Any]", payload).values()
            plain = all(isinstance(value, str | int | bool) for value in values)
            return not rest and plain and _EVENT_TYPE.fullmatch(name) is not None
        case _:
            return False


def _only(given: Body, *known: str) -> bool:
    return set(given) <= set(known)
