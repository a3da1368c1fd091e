"""Claude Code's own ways, with the real Claude Code: hooks that fail, repeats, subagents."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from claude_agent_sdk import ClaudeSDKClient, ResultMessage

from pullcord.adapters import claude_agent
from pullcord.adapters.claude_agent import escalation_hooks
from pullcord.adapters.claude_transcripts import transcript
from tests.adapters.conftest import Opens
from tests.adapters.places import keep_script
from tests.adapters.places.claude_agent_place import ClaudeAgentPlace
from tests.adapters.shop import Stage, refund, says

REFUNDED = ["issue_refund", {"order": "A-17", "amount": 480}]


@pytest.fixture
def claude(opens: Opens) -> ClaudeAgentPlace:
    """The shop's agent in Claude Code."""
    place = opens()
    assert isinstance(place, ClaudeAgentPlace)
    return place


def test_a_hook_that_crashes_blocks_the_call(
    claude: ClaudeAgentPlace, stage: Stage, thread: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default Claude Code takes a failed hook for no objection."""

    async def crash(self: Any, given: Any) -> Any:
        raise RuntimeError("the hook broke")

    monkeypatch.setattr(claude_agent._Hooks, "_judged", crash)

    claude.run(says([refund()]), thread)

    assert stage.effects.all == []


def test_a_hook_that_is_late_blocks_the_call(
    claude: ClaudeAgentPlace, stage: Stage, thread: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default Claude Code takes a late hook for no objection."""

    async def hang(self: Any, given: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(claude_agent._Hooks, "_judged", hang)
    monkeypatch.setattr(claude_agent, "HOOK_GRACE", 1.0)
    monkeypatch.setattr(claude_agent, "SETTLE_WITHIN", 0.1)

    claude.run(says([refund()]), thread)

    assert stage.effects.all == []


def test_permissions_that_allow_everything_allow_no_stopped_call(
    claude: ClaudeAgentPlace, stage: Stage, thread: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hooks come before allowed tools and before bypassed permissions."""
    options = claude._options
    monkeypatch.setattr(
        claude, "_options", lambda: replace(options(), permission_mode="bypassPermissions")
    )

    outcome = claude.run(says([refund()]), thread)

    assert not outcome.is_over
    assert stage.effects.all == []


def test_a_yes_never_covers_a_second_call(
    claude: ClaudeAgentPlace, stage: Stage, thread: str
) -> None:
    """The same refund again is another refund, and people are asked again."""
    claude.run(says([refund()], [refund(id="call_again")]), thread)
    stage.person("maria").approve(stage.only())
    claude.resume()

    assert stage.effects.all == [REFUNDED]
    assert len(stage.rows()) == 2
    assert len(stage.waiting()) == 1


def test_a_no_stands_when_the_model_tries_again(
    claude: ClaudeAgentPlace, stage: Stage, thread: str
) -> None:
    """People are not asked again and again about what they refused."""
    claude.run(says([refund()], [refund(id="call_again")]), thread)
    stage.person("maria").reject(stage.only(), note="The cup is fine.")

    outcome = claude.resume()

    assert outcome is not None
    assert stage.effects.all == []
    assert len(stage.rows()) == 1
    assert sum("The cup is fine." in each for each in outcome.heard) == 2


def test_hooks_alone_deny_and_find_the_decision_when_the_call_is_repeated(
    claude: ClaudeAgentPlace, stage: Stage, thread: str
) -> None:
    """Whoever runs sessions by other means still gets a guard that never fails open."""
    keep_script(stage.folder, says([refund()]))
    options = replace(claude._options(), hooks=escalation_hooks(claude.cord))

    claude.on(talk(replace(options, session_id=thread), "hello"))
    before = stage.effects.all
    stage.person("maria").approve(stage.only())
    claude.on(talk(replace(options, resume=thread), "Now call mcp__shop__issue_refund again"))

    assert before == []
    assert stage.effects.all == [REFUNDED]
    assert stage.closed_as(stage.latest()) == "executed"


async def talk(options: Any, prompt: str) -> None:
    """One prompt to a session that somebody else runs."""
    async with ClaudeSDKClient(options) as client:
        await client.query(prompt)
        async for message in client.receive_response():
            if isinstance(message, ResultMessage):
                assert message.stop_reason != "tool_deferred"


def test_a_transcript_is_read_in_the_common_shape(stage: Stage) -> None:
    """Rules count calls whatever the framework calls them; a broken line is passed over."""
    path = stage.folder / "transcript.jsonl"
    said = (
        '{"message": {"role": "assistant", "content": [{"type": "text", "text": "hm"}, '
        '{"type": "tool_use", "id": "t1", "name": "Bash", "input": {}}]}}\n'
        "not json\n"
        '{"message": {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", '
        '"content": "no", "is_error": true}]}}\n'
    )
    path.write_text(said)

    first, second = transcript(str(path))

    assert first["tool_calls"][0]["function"]["name"] == "Bash"
    assert (second["role"], second["x_error"]) == ("tool", True)
    assert transcript(str(stage.folder / "missing")) == []
