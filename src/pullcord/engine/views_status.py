"""The end user's page: only what is listed here, and nothing internal ever.

No rule, no amount the end user did not write themselves, nobody's name but what they are shown
as, and of the conversation only the end user's own words.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pullcord.briefing.plain import safe_line, safe_text
from pullcord.engine.views_story import Story
from pullcord.path.escalation import ENDED, ActorKind, Escalation
from pullcord.path.promise import Step, headline, outcome, promise, steps
from pullcord.path.wording import Reader
from pullcord.wire.views import Said, StatusStep, StatusView

#: things passed on that are listed, and characters of each
PASSED_ON_MAX = 5
PASSED_ON_LENGTH_MAX = 280
TEXT_MAX = 4_000


def status_view(
    escalation: Escalation, shown: Mapping[str, Any], story: Story, reader: Reader, *, name: str
) -> StatusView:
    """The page of one escalation for its end user; `name` is what the workspace is called."""
    accepted_at = story.accepted_at
    question = escalation.question
    is_asked = question is not None and question.to is ActorKind.END_USER
    return StatusView(
        workspace_name=name,
        headline=headline(escalation, reader, accepted_at=accepted_at),
        promise=promise(escalation, reader),
        promise_by=escalation.promise_by if escalation.is_living else None,
        steps=[_step(each) for each in steps(escalation, reader, accepted_at=accepted_at)],
        passed_on=passed_on(shown),
        pending_question=_text_of(story, question.id) if question and is_asked else "",
        question_id=question.id if question and is_asked else "",
        may_reply=escalation.is_living,
        may_cancel=escalation.is_living and escalation.terms.end_user_may_withdraw,
        outcome="" if escalation.is_living else outcome(escalation, reader),
        said=_said(story),
        is_over=escalation.status in ENDED,
        timezone=reader.zone.key,
    )


def is_expired(escalation: Escalation, now: datetime, kept_for: Any) -> bool:
    """Whether the page may no longer be opened."""
    return escalation.ended_at is not None and now >= escalation.ended_at + kept_for


def passed_on(shown: Mapping[str, Any]) -> list[str]:
    """The end user's own last words, so that they need not repeat themselves."""
    messages: Sequence[Mapping[str, Any]] = shown.get("messages", [])
    own = [str(each.get("text", "")) for each in messages if each.get("role") == "user"]
    lines = [safe_line(each, PASSED_ON_LENGTH_MAX) for each in own if each.strip()]
    return lines[-PASSED_ON_MAX:]


def _step(step: Step) -> StatusStep:
    return StatusStep(label=step.label, is_done=step.is_done, is_now=step.is_now, at=step.at)


def _text_of(story: Story, name: str) -> str:
    return safe_text(str(story.content(name).get("text", "")), TEXT_MAX)


def _said(story: Story) -> list[Said]:
    """What the end user added through this page."""
    return [
        Said(role="end_user", who="You", text=_text_of(story, told.name), at=told.at, via="link")
        for told in story.texts(("context", "reply"))
        if told.by.kind is ActorKind.END_USER
    ]
