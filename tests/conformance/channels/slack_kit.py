"""What Slack refuses of a layout: the limits of Block Kit, ours and slack-sdk's own, one by one."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block as SdkBlock

Layout = Mapping[str, Any]

#: characters of all blocks together; measured by others, documented nowhere
TOTAL_MAX = 13_200
#: characters of a message's text
TEXT_MAX = 40_000
TEXTS = {"message": 50, "modal": 100}
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


class Refused(Exception):
    """The layout is none Slack takes; says where."""


def check_message(blocks: Sequence[Layout]) -> str:
    """The error Slack answers, or nothing."""
    if len(json.dumps(list(blocks), ensure_ascii=False)) > TOTAL_MAX:
        return "msg_blocks_too_long"
    return _checked(blocks, "message")


def check_modal(view: Layout) -> str:
    """The same for a modal."""
    try:
        _need(view["type"] == "modal", "type")
        for part in ("title", "submit", "close"):
            if part in view:
                _text(view[part], 24, kinds=("plain_text",))
        _need("title" in view, "title")
        has_input = any(each["type"] == "input" for each in view["blocks"])
        _need("submit" in view or not has_input, "submit")
        _need(len(view.get("private_metadata", "")) <= 3_000, "private_metadata")
        _need(len(view.get("callback_id", "")) <= 255, "callback_id")
    except (Refused, KeyError) as refused:
        return f"invalid_arguments: {refused}"
    return _checked(view["blocks"], "modal")


def _checked(blocks: Sequence[Layout], surface: str) -> str:
    try:
        _need(0 < len(blocks) <= TEXTS[surface], f"{len(blocks)} blocks")
        for block in blocks:
            _block(block, surface)
        _unique([each["block_id"] for each in blocks if "block_id" in each])
        _unique([each["action_id"] for each in elements_of(blocks) if surface == "message"])
        for parsed in SdkBlock.parse_all([dict(each) for each in blocks]):
            parsed.validate_json()
    except (Refused, KeyError, SlackObjectFormationError) as refused:
        return f"invalid_blocks: {refused}"
    return ""


def elements_of(blocks: Sequence[Layout]) -> Iterator[Layout]:
    """The buttons of a message."""
    for block in blocks:
        if block["type"] == "actions":
            yield from block["elements"]


def _block(block: Layout, surface: str) -> None:
    _need(len(block.get("block_id", "")) <= 255, "block_id")
    match block["type"]:
        case "header":
            _text(block["text"], 150, kinds=("plain_text",))
        case "section":
            _section(block)
        case "context":
            _need(0 < len(block["elements"]) <= 10, "context")
            for each in block["elements"]:
                _text(each, 3_000)
        case "divider":
            pass
        case "actions":
            _need(0 < len(block["elements"]) <= 25, "actions")
            for each in block["elements"]:
                _button(each)
        case "input" if surface == "modal":
            _input(block)
        case other:
            raise Refused(f"{other} in a {surface}")


def _section(block: Layout) -> None:
    _need("text" in block or "fields" in block, "section")
    if "text" in block:
        _text(block["text"], 3_000)
    fields = block.get("fields", [])
    _need("fields" not in block or 0 < len(fields) <= 10, "fields")
    for each in fields:
        _text(each, 2_000)


def _button(button: Layout) -> None:
    _need(button["type"] == "button", "element")
    _text(button["text"], 75, kinds=("plain_text",))
    _need(len(button.get("value", "")) <= 2_000, "value")
    _need(len(button.get("url", "")) <= 3_000, "url")
    _need(0 < len(button["action_id"]) <= 255, "action_id")
    if "confirm" in button:
        confirm = button["confirm"]
        _text(confirm["title"], 100, kinds=("plain_text",))
        _text(confirm["text"], 300)
        _text(confirm["confirm"], 30, kinds=("plain_text",))
        _text(confirm["deny"], 30, kinds=("plain_text",))


def _input(block: Layout) -> None:
    _text(block["label"], 2_000, kinds=("plain_text",))
    if "hint" in block:
        _text(block["hint"], 2_000, kinds=("plain_text",))
    element = block["element"]
    initial = element.get("initial_value", "x")
    _need(0 < len(initial) <= 3_000, "initial_value")
    match element["type"]:
        case "plain_text_input":
            _need(len(initial) <= element.get("max_length", 3_000) <= 3_000, "max_length")
        case "number_input":
            _need("is_decimal_allowed" in element, "is_decimal_allowed")
            is_number = _NUMBER.fullmatch(initial) is not None
            _need("initial_value" not in element or is_number, "initial_value")
        case "static_select":
            _select(element)
        case other:
            raise Refused(f"{other} in an input")


def _select(element: Layout) -> None:
    options = element["options"]
    _need(0 < len(options) <= 100, "options")
    for each in options:
        _text(each["text"], 75, kinds=("plain_text",))
        _need(0 < len(each["value"]) <= 150, "option value")
    _need(element.get("initial_option", options[0]) in options, "initial_option")


def _text(text: Layout, most: int, *, kinds: Sequence[str] = ("plain_text", "mrkdwn")) -> None:
    _need(text["type"] in kinds, f"{text['type']} text")
    _need(0 < len(text["text"]) <= most, f"{len(text['text'])} of {most} characters")


def _unique(names: Sequence[str]) -> None:
    _need(len(names) == len(set(names)), "an id twice")


def _need(holds: bool, what: str) -> None:
    if not holds:
        raise Refused(what)


# --- as a person reads it -------------------------------------------------------------------------

_DATE = re.compile(r"<!date\^\d+\^[^|>]*\|([^>]*)>")
_LINK = re.compile(r"<(https?://[^|>]*)\|([^>]*)>")
_PING = re.compile(r"<(?:!(?:channel|here|everyone|subteam)|@|#)")


def words_of(blocks: Sequence[Layout]) -> str:
    """Everything a person reads of a message, addresses of links included."""
    return "\n".join(_words(blocks))


def _words(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        if part.get("type") in ("plain_text", "mrkdwn"):
            yield _read(part)
            return
        if "url" in part:
            yield str(part["url"])
        for name, each in part.items():
            if name != "confirm":
                yield from _words(each)
    elif isinstance(part, list):
        for each in part:
            yield from _words(each)


def _read(text: Layout) -> str:
    said = str(text["text"])
    if text["type"] == "mrkdwn":
        said = _LINK.sub(r"\2 \1", _DATE.sub(r"\1", said))
        said = re.sub(r"(?<!\w)\*([^*\n]+)\*(?!\w)", r"\1", said)
    return said.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def pings_in(part: Any) -> list[str]:
    """Mentions that would ring somebody's phone: in markup and in texts alike."""
    if isinstance(part, Mapping):
        text = part.get("text")
        own = _PING.findall(text) if isinstance(text, str) else []
        return own + [each for value in part.values() for each in pings_in(value)]
    if isinstance(part, list):
        return [each for value in part for each in pings_in(value)]
    return []
