"""Questions, replies, context and comments: the escalation goes on, its action stays."""

from typing import Any

import pytest

from pullcord.errors import InvalidInput, NotAllowed
from pullcord.path.deciding import decide
from pullcord.path.escalation import (
    Actor,
    ActorKind,
    Escalation,
    MessageKind,
    agent,
    person,
)
from pullcord.path.talking import add_context, ask_back, comment, reply
from tests.unit.path.scenes import (
    FLOOR,
    MINUTE,
    NOON,
    accepted,
    kinds,
    only,
    opened,
    ruling,
    sign,
    told,
)

LINK = Actor(ActorKind.END_USER, "via link")


def asked(to: ActorKind = ActorKind.AGENT, **changes: Any) -> Escalation:
    """Ana has asked and waits."""
    escalation = accepted(**changes)
    return only(ask_back(escalation, "ana", FLOOR, NOON + 2 * MINUTE, to=to, text="Which order?"))


@pytest.mark.parametrize(
    ("to", "who"), [(ActorKind.AGENT, ["support"]), (ActorKind.END_USER, ["u_7"])]
)
def test_the_owner_asks_back_and_deadlines_keep_running(to: ActorKind, who: list[str]) -> None:
    """A question is no way to stop the clock the end user was promised."""
    before = accepted()

    change = ask_back(before, "ana", FLOOR, NOON + 2 * MINUTE, to=to, text="Which order?")
    escalation = only(change)

    assert told(change, MessageKind.QUESTION) == who
    assert escalation.question is not None
    assert (escalation.question.id, escalation.question.to) == ("question/3", to)
    assert (escalation.due_at, escalation.decide_by) == (before.due_at, before.decide_by)
    assert change.entries[0].sealed == {"question/3": {"text": "Which order?", "by": "ana"}}


def test_one_question_at_a_time() -> None:
    """A reply answers one question; two pending ones would be guessed at."""
    with pytest.raises(InvalidInput, match="Wait for the reply to it, or add a comment to esc_1"):
        ask_back(asked(), "ana", FLOOR, NOON, to=ActorKind.AGENT, text="And?")


def test_nobody_is_asked_who_is_not_there() -> None:
    """A question without anybody to answer would only wait."""
    with pytest.raises(InvalidInput, match="There is no end user"):
        asked(ActorKind.END_USER, end_user="")
    with pytest.raises(InvalidInput, match="No agent waits here"):
        asked(ActorKind.AGENT, is_awaited=False)


def test_only_the_owner_asks() -> None:
    """The person in charge speaks with the outside."""
    with pytest.raises(NotAllowed, match="Only the owner may ask"):
        ask_back(accepted(), "ben", FLOOR, NOON, to=ActorKind.AGENT, text="Hm?")


def test_the_reply_joins_as_a_claim_and_wakes_the_owner() -> None:
    """Who asked hears at once; the text is sealed and says whose word it is."""
    change = reply(asked(), agent("support"), NOON + 3 * MINUTE, question="question/3", text="42.")

    assert only(change).question is None
    assert told(change, MessageKind.REPLIED) == ["ana"]
    assert change.messages[0].wakes
    assert change.entries[0].sealed == {
        "reply/4": {"text": "42.", "by": "agent:support", "question": "question/3"}
    }


def test_only_the_pending_question_is_answered() -> None:
    """An answer to an older question must not pass as one to this."""
    with pytest.raises(InvalidInput, match="allowed: question/3"):
        reply(asked(), agent("support"), NOON, question="question/1", text="42.")
    with pytest.raises(InvalidInput, match="no question is pending"):
        reply(accepted(), agent("support"), NOON, question="question/1", text="42.")


def test_only_who_was_asked_answers() -> None:
    """The agent does not speak for its end user, nor anybody for the agent."""
    with pytest.raises(NotAllowed, match="asked of the end_user, not of the agent"):
        reply(asked(ActorKind.END_USER), agent("support"), NOON, question="question/3", text="42.")
    with pytest.raises(NotAllowed):
        reply(asked(), person("ana"), NOON, question="question/3", text="42.")


def test_a_decision_ends_a_pending_question() -> None:
    """Nobody is left waiting for an answer that no one needs."""
    change = decide(asked(), "ana", FLOOR, NOON, ruling=ruling(), sign=sign)

    assert only(change).question is None


@pytest.mark.parametrize("by", [agent("support"), LINK])
def test_context_from_outside_is_shown_to_the_owner(by: Actor) -> None:
    """New facts reach who decides, while it is open too."""
    change = add_context(opened(), by, FLOOR, NOON, text="The parcel came back.")

    assert told(change, MessageKind.REPLIED) == ["ana"]
    assert change.entries[0].sealed == {
        "context/2": {"text": "The parcel came back.", "by": str(by)}
    }


def test_context_from_operators_needs_no_message() -> None:
    """They sit next to each other in the console."""
    change = add_context(opened(), person("cyd"), FLOOR, NOON, text="Known customer.")

    assert kinds(change) == ["context_added"]
    assert change.messages == ()


def test_context_never_touches_the_action() -> None:
    """What was asked for stays exactly what it was."""
    before = opened()

    after = only(add_context(before, agent("support"), FLOOR, NOON, text="Rather 500."))

    assert after.shown_digest == before.shown_digest
    assert after.body_digest == before.body_digest


def test_people_who_only_look_comment_and_add_nothing() -> None:
    """An auditor's note is welcome; what the decision rests on comes from others."""
    change = comment(opened(), "olga", FLOOR, NOON, text="Seen in the audit.")
    assert change.entries[0].sealed == {"comment/2": {"text": "Seen in the audit.", "by": "olga"}}

    with pytest.raises(NotAllowed, match="may look but not act"):
        add_context(opened(), person("olga"), FLOOR, NOON, text="Hm.")
