"""What was decided and what became of it: content, changes, report and drift."""

import json
from collections.abc import Mapping
from typing import Any

from pullcord.briefing.difference import difference
from pullcord.briefing.plain import safe_line, safe_text
from pullcord.engine.agent_views import decision_out, note_of
from pullcord.engine.views_briefing import LINE_MAX, TEXT_MAX, args_of
from pullcord.engine.views_story import Story
from pullcord.path.escalation import ClosedAs, Escalation
from pullcord.path.promise import outcome
from pullcord.path.wording import Reader
from pullcord.wire.views import ChangedField, DecidedOut


def decided(
    escalation: Escalation, shown: Mapping[str, Any], story: Story, reader: Reader
) -> DecidedOut | None:
    """The decision with its content, as colleagues see it; None before there is one."""
    decision = escalation.decision
    public = decision_out(decision, reader)
    if decision is None or public is None:
        return None
    content = story.content(decision.content)
    args = decided_args(escalation, shown, story)
    answer = content.get("answer")
    return DecidedOut(
        decision=public,
        sentence=outcome(escalation, reader),
        args=args,
        answer=safe_text(answer if isinstance(answer, str) else _json(answer), TEXT_MAX),
        option=_option(decision.option or "", shown),
        note=safe_text(note_of(content), TEXT_MAX),
        changes=changes(args_of(shown), args) if args is not None else [],
    )


def _json(answer: Any) -> str:
    return "" if answer is None else json.dumps(answer, ensure_ascii=False)


def _option(option: str, shown: Mapping[str, Any]) -> str:
    """What the chosen option says, else its id."""
    for each in shown.get("ask", {}).get("options", []):
        if each["id"] == option:
            return safe_line(str(each.get("label") or option), LINE_MAX)
    return option


def decided_args(
    escalation: Escalation, shown: Mapping[str, Any], story: Story
) -> dict[str, Any] | None:
    """The arguments that may run; None when nothing may."""
    decision = escalation.decision
    if decision is None or decision.decided_digest is None:
        return None
    args: dict[str, Any] | None = story.content(decision.content).get("args")
    return args_of(shown) if args is None else args


def changes(before: Any, after: Any) -> list[ChangedField]:
    """Where two sets of arguments differ, as people read it."""
    return [
        ChangedField(
            path=safe_line(each.path, LINE_MAX),
            before=safe_text(each.before, TEXT_MAX),
            after=safe_text(each.after, TEXT_MAX),
        )
        for each in difference(before, after)
    ]


def report(story: Story) -> str:
    """What the agent says it did; empty before it does."""
    told = _reported(story)
    if not told:
        return ""
    result = str(told.get("result") or "")
    head = str(told.get("outcome", "")).replace("_", " ")
    return safe_text(f"{head}: {result}" if result else head, TEXT_MAX)


def _reported(story: Story) -> Mapping[str, Any]:
    names = [each.name for each in story.texts(("report",))]
    return story.content(names[-1]) if names else {}


def drift(escalation: Escalation, shown: Mapping[str, Any], story: Story) -> list[ChangedField]:
    """Where what ran differs from what was decided; also on the escalation that asks about it."""
    asked_about = shown.get("drift")
    if asked_about:
        return changes(asked_about.get("decided"), asked_about.get("executed"))
    if escalation.closed_as is not ClosedAs.DRIFTED:
        return []
    return changes(decided_args(escalation, shown, story), _reported(story).get("args"))
