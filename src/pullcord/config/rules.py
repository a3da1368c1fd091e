"""Read rules and tools of a policy file into the JSON document that server and SDK share."""

import re
from typing import Any

from pullcord.config.configuration import FALLBACKS
from pullcord.config.fields import Section
from pullcord.trigger.check import kind_of, unknown
from pullcord.trigger.document import policy_of
from pullcord.trigger.evaluate import CompiledPolicy, InvalidRule
from pullcord.trigger.rules import QUESTION_MAX, RULES_MAX, places_in

_MONEY = re.compile(r"args(?:\.\w{1,100}){1,10}")
#: keywords of JSON Schema that forms read, and what they hold
_KEYWORDS: dict[str, tuple[Any, str]] = {
    "type": ((str, list), "a type or a list of types"),
    "properties": (dict, "a mapping of properties"),
    "required": (list, "a list of names"),
    "enum": (list, "a list of values"),
    "title": (str, "text"),
    "description": (str, "text"),
    "minimum": ((int, float), "a number"),
    "maximum": ((int, float), "a number"),
    "maxLength": (int, "a whole number"),
}
MODES = ("gate", "veto", "sample", "deny", "observe")
SEVERITIES = ("low", "normal", "high", "critical")
OPTIONS_MAX = 12


def read_tools(root: Section) -> dict[str, Any]:
    """Tools by name, as the document keeps them."""
    return root.each("tools", _tool)


def _tool(_key: str, part: Section) -> dict[str, Any]:
    found: dict[str, Any] = {"reversible": part.choice("reversible", ("yes", "partly", "no"), "no")}
    for name in ("money", "currency", "version", "consequence"):
        text = part.text(name)
        if text:
            found[name] = text
    if not _MONEY.fullmatch(found.get("money", "args.amount")):
        remedy = "Write where the amount stands."
        part.refuse("money", found["money"], limit="a path such as args.amount", remedy=remedy)
    found["writes"] = part.flag("writes", default=True)
    zones = part.texts("zones")
    if zones:
        found["zones"] = list(zones)
    schema = part.get("schema")
    if schema is not None:
        _check_schema(part, schema)
        found["schema"] = schema
    return found


def _check_schema(part: Section, schema: Any) -> None:
    """What forms read of a JSON Schema must have the type it has there."""
    todo: list[tuple[str, Any]] = [("schema", schema)]
    while todo:
        path, each = todo.pop()
        if not isinstance(each, dict):
            part.refuse(path, each, limit="a JSON Schema", remedy="Write a mapping of keywords.")
            continue
        for keyword, (kind, said) in _KEYWORDS.items():
            value = each.get(keyword)
            if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
                part.refuse(f"{path}.{keyword}", value, limit=said, remedy="See json-schema.org.")
        inner = each.get("properties")
        if isinstance(inner, dict):
            todo += [(f"{path}.properties.{name}", value) for name, value in inner.items()]


def read_rules(root: Section, *, mode: str) -> list[dict[str, Any]]:
    """Rules in their order, as the document keeps them; each is compiled once to be sure."""
    found: list[dict[str, Any]] = []
    seen: dict[str, str] = {}
    for part in root.items("rules", limit=RULES_MAX):
        rule = _rule(part, mode)
        if rule["id"] in seen:
            first = part.problems.place(f"{seen[rule['id']]}.id")
            remedy = f"It stands in {first.file} line {first.line} already."
            part.refuse("id", rule["id"], limit="an id of its own", remedy=remedy)
        seen.setdefault(rule["id"], part.path)
        _compiles(part, rule)
        found.append(rule)
    return found


def _rule(part: Section, mode: str) -> dict[str, Any]:
    ask_kind = part.choice("ask_kind", FALLBACKS, "approve")
    found: dict[str, Any] = {
        "id": part.name("id", needed=True) or part.path,
        "mode": part.choice("mode", MODES, mode),
        "ask_kind": ask_kind,
        "severity": part.choice("severity", SEVERITIES, "normal"),
        "quorum": part.count("quorum", 1, high=5),
    }
    tools = part.texts("tool") + part.texts("tools")
    for name, value in (
        ("tools", tools),
        ("agents", part.texts("agents")),
        ("environments", part.texts("environments")),
    ):
        if value:
            found[name] = list(value)
    for name in ("when", "ladder", "steward"):
        text = part.text(name, limit=4_096)
        if text:
            found[name] = text
    fallback = part.choice("fallback", FALLBACKS[ask_kind], "")
    if fallback:
        found["fallback"] = fallback
    for name in ("decide_within", "hold_for", "extend_at_most"):
        span = part.span(name)
        if span is not None:
            found[name] = int(span.total_seconds())
    on_error = part.choice("on_error", MODES, "")
    if on_error:
        found["on_error"] = on_error
    _ask(part, found)
    _options(part, found)
    part.close()
    return found


def _ask(part: Section, found: dict[str, Any]) -> None:
    ask = part.text("ask", limit=2 * QUESTION_MAX)
    for place in places_in(ask):
        path = tuple(place.split("."))
        if kind_of(path) is None:
            part.refuse("ask", f"{{{place}}}", limit="a field rules know", remedy=unknown(path))
    if ask:
        found["ask"] = ask


def _options(part: Section, found: dict[str, Any]) -> None:
    options: list[dict[str, Any]] = []
    for each in part.items("options", limit=OPTIONS_MAX):
        option = {
            "id": each.name("id", needed=True),
            "label": each.text("label", needed=True),
            "consequence": each.text("consequence"),
            "is_safe": each.flag("safe"),
        }
        each.close()
        if option["id"] and option["id"] in [other["id"] for other in options]:
            each.refuse("id", option["id"], limit="an id of its own", remedy="Give it another id.")
        options.append(option)
    if options:
        found["options"] = options
    is_choice = found["ask_kind"] == "choose"
    if options and not is_choice:
        limit = "no options unless ask_kind: choose"
        part.refuse("options", f"{len(options)} options", limit=limit, remedy="Remove one of both.")
    if is_choice and (len(options) < 2 or sum(each["is_safe"] for each in options) != 1):
        part.refuse(
            "options",
            f"{len(options)} options",
            limit="at least two, exactly one with safe: yes",
            remedy="The safe one is chosen when nobody decides.",
        )


def _compiles(part: Section, rule: dict[str, Any]) -> None:
    try:
        CompiledPolicy(policy_of({"rules": [rule]}))
    except InvalidRule as error:
        part.refuse("when", rule.get("when"), limit="a test", remedy=error.message)
