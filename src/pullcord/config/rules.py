"""Read rules and tools of a policy file into the JSON document that server and SDK share."""

from typing import Any

from pullcord.config.configuration import FALLBACKS
from pullcord.config.fields import Section
from pullcord.trigger.document import policy_of
from pullcord.trigger.evaluate import CompiledPolicy, InvalidRule
from pullcord.trigger.rules import QUESTION_MAX, RULES_MAX, places_in

MODES = ("gate", "veto", "sample", "deny", "observe")
SEVERITIES = ("low", "normal", "high", "critical")
#: roots a question may refer to
ROOTS = frozenset(
    {"args", "end_user", "run", "signals", "tool", "agent", "environment", "money", "reversible"}
)


def read_tools(root: Section) -> dict[str, Any]:
    """Tools by name, as the document keeps them."""
    return root.each("tools", _tool)


def _tool(_key: str, part: Section) -> dict[str, Any]:
    found: dict[str, Any] = {"reversible": part.choice("reversible", ("yes", "partly", "no"), "no")}
    for name in ("money", "currency", "version", "consequence"):
        text = part.text(name)
        if text:
            found[name] = text
    if found.get("money", "args.").split(".")[0] != "args":
        part.refuse("money", found["money"], limit="a path such as args.amount")
    found["writes"] = part.flag("writes", default=True)
    zones = part.texts("zones")
    if zones:
        found["zones"] = list(zones)
    schema = part.get("schema")
    if schema is not None and not isinstance(schema, dict):
        part.refuse("schema", schema, limit="a JSON Schema of the arguments")
    elif schema is not None:
        found["schema"] = schema
    return found


def read_rules(root: Section, *, mode: str) -> list[dict[str, Any]]:
    """Rules in their order, as the document keeps them; each is compiled once to be sure."""
    found: list[dict[str, Any]] = []
    seen: dict[str, str] = {}
    for part in root.items("rules", limit=RULES_MAX):
        rule = _rule(part, mode)
        if rule["id"] in seen:
            part.refuse(
                "id", rule["id"], limit="an id of its own", remedy=f"See {seen[rule['id']]}."
            )
        seen[rule["id"]] = part.path
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
        if place.split(".")[0] not in ROOTS:
            part.refuse("ask", f"{{{place}}}", limit=f"fields of {', '.join(sorted(ROOTS))}")
    if ask:
        found["ask"] = ask


def _options(part: Section, found: dict[str, Any]) -> None:
    options = [
        {
            "id": each.name("id", needed=True),
            "label": each.text("label", needed=True),
            "consequence": each.text("consequence"),
            "is_safe": each.flag("safe"),
        }
        for each in part.items("options", limit=12)
    ]
    if options:
        found["options"] = options
    if found["ask_kind"] == "choose" and sum(each["is_safe"] is True for each in options) != 1:
        part.refuse(
            "options",
            f"{len(options)} options",
            limit="at least two, exactly one with safe: true",
            remedy="The safe one is chosen when nobody decides.",
        )


def _compiles(part: Section, rule: dict[str, Any]) -> None:
    try:
        CompiledPolicy(policy_of({"rules": [rule]}))
    except InvalidRule as error:
        part.refuse("when", rule.get("when"), remedy=error.message)
