"""Forms as Slack modals: typed inputs, what is wrong beside the input, a word when it is over."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pullcord.channels.port import Answer, Form, Input, InputKind
from pullcord.channels.slack.markup import Block, plain, sections

#: characters of a modal's title and buttons, of an input's label and hint
TITLE_MAX, LABEL_MAX, HINT_MAX = 24, 2_000, 2_000
#: options of a list, and characters of one
OPTIONS_MAX, OPTION_MAX = 100, 75
#: characters of a block's id, and of what a modal keeps between two screens
ID_MAX, KEPT_MAX = 255, 3_000
#: characters an input takes
INPUT_MAX = 3_000
#: what our modals are called when they come back
CALLED = "pullcord"
#: what the value of every input is called
VALUE = "value"


def modal(form: Form, *, channel: str, thread: str = "") -> Block:
    """A form; what it keeps brings the token and the place of the message back."""
    kept = json.dumps({"token": form.token, "channel": channel, "thread": thread})
    assert len(kept) <= KEPT_MAX, f"a modal keeps {len(kept)} characters"
    lead = sections(plain(form.lead)) if form.lead else []
    inputs = [_input(each) for each in form.inputs if len(each.name) <= ID_MAX]
    return {
        "type": "modal",
        "callback_id": CALLED,
        "title": plain(form.title, TITLE_MAX),
        "submit": plain(form.submit, TITLE_MAX),
        "close": plain("Not now"),
        "private_metadata": kept,
        "blocks": [*lead, *inputs],
    }


def notice(text: str) -> Block:
    """A modal that only says something."""
    return {
        "type": "modal",
        "callback_id": CALLED,
        "title": plain("Pullcord"),
        "close": plain("Close"),
        "blocks": sections(plain(text)),
    }


def _input(field: Input) -> Block:
    block: Block = {
        "type": "input",
        "block_id": field.name,
        "label": plain(field.label, LABEL_MAX),
        "element": _element(field),
        "optional": not field.is_needed,
    }
    if field.help:
        block["hint"] = plain(field.help, HINT_MAX)
    return block


def _element(field: Input) -> Block:
    if field.kind is InputKind.CHOICE and _fits_a_list(field.choices):
        return _list(field)
    element: Block = {"type": "plain_text_input", "action_id": VALUE}
    if field.kind in (InputKind.NUMBER, InputKind.INTEGER):
        is_decimal = field.kind is InputKind.NUMBER
        element = {"type": "number_input", "action_id": VALUE, "is_decimal_allowed": is_decimal}
    elif field.kind is InputKind.TEXT:
        element["multiline"] = True
    if element["type"] == "plain_text_input":
        element["max_length"] = min(field.length_max, INPUT_MAX)
    if field.value:
        element["initial_value"] = field.value
    return element


def _fits_a_list(choices: Sequence[tuple[str, str]]) -> bool:
    return 0 < len(choices) <= OPTIONS_MAX and all(
        0 < len(each) <= OPTION_MAX for choice in choices for each in choice
    )


def _list(field: Input) -> Block:
    options = [{"text": plain(label), "value": value} for value, label in field.choices]
    element: Block = {"type": "static_select", "action_id": VALUE, "options": options}
    chosen = [each for each in options if each["value"] == field.value]
    if chosen:
        element["initial_option"] = chosen[0]
    return element


# --- what comes back ------------------------------------------------------------------------------


def kept_in(view: Mapping[str, Any]) -> dict[str, str]:
    """What a modal of ours kept: token, channel, thread; nothing where it is none of ours."""
    try:
        kept = json.loads(view.get("private_metadata") or "{}")
    except ValueError:
        return {}
    is_ours = view.get("callback_id") == CALLED and isinstance(kept, dict)
    return {name: str(value) for name, value in kept.items()} if is_ours else {}


def values_in(view: Mapping[str, Any]) -> dict[str, str]:
    """What was filled in, by the names of the inputs; an empty input is an empty text."""
    found: dict[str, str] = {}
    for name, elements in view.get("state", {}).get("values", {}).items():
        element = elements.get(VALUE, {})
        option = element.get("selected_option") or {}
        found[name] = str(element.get("value") or option.get("value") or "")
    return found


def response(answer: Answer, view: Mapping[str, Any]) -> Block:
    """What a modal does next: closes, or says what to put right, or how it stands."""
    inputs = [each["block_id"] for each in view.get("blocks", []) if each.get("type") == "input"]
    if answer.problems and inputs:
        errors = {
            name if name in inputs else inputs[-1]: text for name, text in answer.problems.items()
        }
        return {"response_action": "errors", "errors": errors}
    if answer.is_done:
        return {"response_action": "clear"}
    return {"response_action": "update", "view": notice(answer.text)}
