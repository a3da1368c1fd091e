"""The twelve fields: what system, agent and policy say, apart from each other, without secrets."""

from typing import Any

from pullcord.briefing.briefing import (
    DONE_MAX,
    FIELDS,
    MESSAGES_MAX,
    RESULT_MAX,
    TEXT_MAX,
    Completeness,
    assemble,
    completeness,
    done_in,
    kept_messages,
)

SECRET = "AKIA" + "IOSFODNN7EXAMPLE"


def briefed(**given: Any) -> dict[str, Any]:
    """A briefing of an agent that said nothing, unless told otherwise."""
    parts: dict[str, Any] = {
        "severity": {"level": "high", "reversible": "no", "money": 480},
        "ask": {"kind": "approve", "question": "Refund?"},
        "hits": [{"rule": "over-limit"}],
        "messages": [],
        "end_user": {},
        "run": "run_1",
        "claims": {},
        "options": [],
        "deadline": {"fallback": "reject"},
    }
    return assemble(**{**parts, **given})


def test_the_fields_are_twelve_and_their_weights_are_a_hundred() -> None:
    """The score is a percentage people can compare."""
    assert len(FIELDS) == 12
    assert sum(FIELDS.values()) == 100
    assert list(briefed()) == list(FIELDS)


def test_each_field_says_who_spoke() -> None:
    """A claim of the agent never looks like a fact."""
    briefing = briefed(
        claims={
            "situation": "Broken on arrival.",
            "assessment": "Looks genuine.",
            "confidence": 0.0,
            "recommendation": "Refund all.",
            "counter_argument": "Third refund this year.",
        },
        end_user={"id": "u_7", "name": "Anna"},
    )

    assert briefing["severity"]["source"] == "policy"
    assert briefing["trigger"] == {"source": "system", "hits": [{"rule": "over-limit"}]}
    assert briefing["situation"] == {"source": "agent", "text": "Broken on arrival."}
    assert briefing["assessment"] == {
        "source": "agent",
        "text": "Looks genuine.",
        "confidence": 0.0,
        "unknowns": [],
    }
    assert briefing["recommendation"] == {
        "source": "agent",
        "text": "Refund all.",
        "counter_argument": "Third refund this year.",
    }
    assert briefing["background"]["end_user"]["name"] == "Anna"
    assert briefing["user_state"] == {"source": "system", "waits": True}


def test_without_claims_the_end_users_last_words_are_the_situation() -> None:
    """Somebody who is woken must at least read what the customer wants."""
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "hello"},
        {"role": "user", "content": [{"type": "text", "text": "my lamp is broken"}, {"x": 1}]},
        {"role": "user", "content": "   "},
        {"role": "assistant", "content": "I will refund it"},
    ]

    briefing = briefed(messages=messages)

    assert briefing["situation"] == {"source": "end_user", "text": "my lamp is broken"}
    assert briefing["assessment"] is None
    assert briefing["recommendation"] is None
    assert briefed()["situation"] is None


def test_secrets_reach_no_field() -> None:
    """Briefings are mailed, shown and stored."""
    briefing = briefed(
        claims={"situation": SECRET},
        end_user={"note": SECRET},
        options=[{"label": SECRET}],
        hits=[{"observed": SECRET}],
    )

    assert SECRET not in str(briefing)


# --- the transcript -------------------------------------------------------------------------------


def call(name: str = "search", arguments: Any = "{}", call_id: Any = "c1") -> dict[str, Any]:
    """One proposed call."""
    return {"id": call_id, "function": {"name": name, "arguments": arguments}}


def test_the_last_messages_are_kept_and_the_others_counted() -> None:
    """People read the end of a conversation; they are told what they do not see."""
    messages = [{"role": "user", "content": str(at)} for at in range(MESSAGES_MAX + 7)]

    kept, left_out = kept_messages(messages)

    assert len(kept) == MESSAGES_MAX
    assert kept[0] == {"role": "user", "text": "7"}
    assert left_out == 7


def test_a_message_keeps_role_text_calls_and_name() -> None:
    """In plain words, whatever shape it came in."""
    messages: list[dict[str, Any]] = [
        {"role": "assistant", "content": None, "tool_calls": [call("a", {"x": 1}), None, {}]},
        {"role": "tool", "name": "a", "content": 5},
        {"content": "no role", "tool_calls": []},
    ]

    kept, _ = kept_messages(messages)

    assert kept == [
        {"role": "assistant", "text": "", "calls": "a({'x': 1}), ?, ?"},
        {"role": "tool", "text": "5", "name": "a"},
        {"role": "", "text": "no role"},
    ]


def test_no_half_of_a_secret_survives_the_cut() -> None:
    """A key that begins before the cut and ends behind it is still a key."""
    text = "x" * (TEXT_MAX - 10) + " " + SECRET
    arguments = "y" * 490 + " " + SECRET

    kept, _ = kept_messages(
        [{"role": "user", "content": text, "tool_calls": [call("a", arguments)], "name": SECRET}]
    )

    assert len(kept[0]["text"]) <= TEXT_MAX
    assert "AKIA" not in str(kept)


def test_what_was_done_comes_from_answered_calls_only() -> None:
    """A proposed call is not a done one; a failed one is marked."""
    messages: list[dict[str, Any]] = [
        {"role": "assistant", "tool_calls": [call(call_id="c1"), call("pay", '{"n": 1}', "c2")]},
        {"role": "tool", "tool_call_id": "c1", "content": "found"},
        {"role": "tool", "tool_call_id": "c2", "content": "Error: declined"},
        {"role": "assistant", "tool_calls": [call(call_id="c3"), call(call_id=None), "x"]},
        {"role": "tool", "content": "an answer to nothing"},
        {"role": "assistant", "tool_calls": "none"},
    ]

    assert done_in(messages) == [
        {"action": "search({})", "result": "found", "failed": False},
        {"action": 'pay({"n": 1})', "result": "Error: declined", "failed": True},
    ]


def test_only_the_latest_acts_are_listed_and_long_answers_are_cut() -> None:
    """Sixty acts are more than anybody reads at night."""
    messages: list[dict[str, Any]] = []
    for at in range(DONE_MAX + 5):
        messages.append({"role": "assistant", "tool_calls": [call(f"t{at}", call_id=at)]})
        answer = {"role": "tool", "tool_call_id": at, "content": "z" * 5_000, "x_error": True}
        messages.append(answer)

    done = done_in(messages)

    assert len(done) == DONE_MAX
    assert done[0]["action"] == "t5({})"
    assert done[0]["result"] == "z" * RESULT_MAX
    assert done[0]["failed"]


# --- completeness ---------------------------------------------------------------------------------


def test_a_bare_briefing_says_what_is_missing() -> None:
    """Agents are told what deciders will look for in vain."""
    found = completeness(briefed())

    assert found == Completeness(
        filled=5,
        score=48,
        missing=(
            "situation",
            "assessment",
            "options",
            "recommendation",
            "done",
            "contingency",
            "user_state",
        ),
    )


def test_a_full_briefing_scores_a_hundred() -> None:
    """The score counts fields, not words."""
    full: dict[str, Any] = {name: {"source": "agent", "text": "x"} for name in FIELDS}

    assert completeness(full) == Completeness(12, 100, ())
    assert completeness({}) == Completeness(0, 0, tuple(FIELDS))


def test_a_field_that_says_nothing_is_not_filled() -> None:
    """A source alone is no information; a zero is."""
    empty: dict[str, Any] = {
        "severity": {"source": "policy", "level": "", "money": None, "list": []}
    }

    assert completeness(empty).filled == 0
    assert completeness({"assessment": {"source": "agent", "confidence": 0}}).filled == 1
    assert completeness({"options": [{}]}).filled == 1
