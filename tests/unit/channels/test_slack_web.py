"""What Slack's answers mean for a letter: taken, again later, or gone and what to do about it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pullcord.channels.port import Outcome
from pullcord.channels.slack.web import NAME_MAX, PASSING, REMEDIES, Unsent, Web, meaning
from pullcord.errors import InvalidInput
from tests.conformance.channels.loopback import Answered, Asked, http_server
from tests.conformance.channels.slack_double import HERE, TOKEN, SlackDouble
from tests.unit.channels.letters import NOW
from tests.unit.channels.test_slack_messages import asked, content_of


@asynccontextmanager
async def answering(answered: Answered) -> AsyncIterator[tuple[Web, list[Asked]]]:
    """A server that says the same to everything."""
    seen: list[Asked] = []

    async def handle(request: Asked) -> Answered:
        seen.append(request)
        return answered

    async with http_server(handle) as url:
        web = Web(TOKEN, url, internal=HERE)
        yield web, seen
        await web.close()


@pytest.mark.parametrize("error", sorted(REMEDIES))
async def test_what_slack_refuses_says_what_to_do(error: str) -> None:
    """A receipt that says "invalid_auth" alone helps nobody at night."""
    async with SlackDouble.opened() as slack:
        channel = slack.channel()
        slack.faults(error)

        sent = await channel.send(asked())
        await channel.close()

    assert sent.outcome is Outcome.FAILED
    assert sent.detail.startswith(f"Slack said {error}. {REMEDIES[error]}")


@pytest.mark.parametrize("error", sorted(PASSING))
async def test_slacks_own_troubles_pass(error: str) -> None:
    """Nothing is wrong with the letter."""
    async with SlackDouble.opened() as slack:
        channel = slack.channel()
        slack.faults(error)

        trouble = await channel.send(asked())
        after = await channel.send(asked())
        await channel.close()

    assert trouble.outcome is Outcome.RETRY
    assert after.outcome is Outcome.ACCEPTED


def test_a_missing_scope_is_named() -> None:
    """Slack says which; so do we, and nothing else it may have said."""
    assert "Missing: chat:write." in meaning("missing_scope", "chat:write").detail
    assert "<" not in meaning("missing_scope", "<b>" + "x" * 900).detail
    assert len(meaning("missing_scope", "x" * 900).detail) < 300


async def test_an_error_nobody_knows_is_told_by_its_name() -> None:
    """Slack has hundreds; a long or strange one is cut to a name."""
    body = json.dumps({"ok": False, "error": "odd thing! " * 30}).encode()
    async with answering(Answered(200, body)) as (web, _):
        with pytest.raises(Unsent) as caught:
            await web.carry(web.calls.auth_test(), at=NOW)

    assert caught.value.sent.outcome is Outcome.FAILED
    assert "!" not in caught.value.sent.detail
    assert len(caught.value.sent.detail) < NAME_MAX + 80


@pytest.mark.parametrize("body", [b"", b"<html>maintenance</html>", b"[]"])
async def test_an_answer_that_is_none_is_tried_again(body: bytes) -> None:
    """A proxy on the way says 200 to everything."""
    async with answering(Answered(200, body)) as (web, _):
        with pytest.raises(Unsent) as caught:
            await web.carry(web.calls.auth_test(), at=NOW)

    assert caught.value.sent.outcome is Outcome.RETRY


async def test_a_redirect_is_not_followed() -> None:
    """The token goes to Slack and to nobody else."""
    async with answering(Answered(302, headers={"location": "http://127.0.0.1:9/"})) as (web, seen):
        with pytest.raises(Unsent) as caught:
            await web.carry(web.calls.auth_test(), at=NOW)

    assert caught.value.sent.outcome is Outcome.FAILED
    assert len(seen) == 1


async def test_arguments_are_sent_as_slack_takes_them() -> None:
    """Layouts as JSON, the rest as a form; the token in the header and nowhere else."""
    async with answering(Answered(200, b'{"ok": true}')) as (web, seen):
        await web.carry(web.calls.chat_update(channel="C1", ts="1.2", text="a & b"), at=NOW)
        await web.carry(web.calls.conversations_open(users="U1"), at=NOW)
        await web.carry(web.calls.apps_connections_open(app_token="xapp-1"), at=NOW)

    update, opening, connecting = seen
    assert json.loads(update.body)["text"] == "a & b"
    assert opening.body == b"users=U1"
    assert {each.headers["authorization"] for each in (update, opening)} == {f"Bearer {TOKEN}"}
    assert connecting.headers["authorization"] == "Bearer xapp-1"
    assert b"xapp" not in connecting.body


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("C2OLD", "is_archived"),
        ("C3OTHER", "not_in_channel"),
        ("C9NONE", "channel_not_found"),
        ("U9NOBODY", "user_not_found"),
        ("C1BILLING/not-a-stamp", "invalid_thread_ts"),
    ],
)
async def test_a_place_that_takes_nothing_is_told(address: str, error: str) -> None:
    """A way that is closed must move the ladder at once."""
    async with SlackDouble.opened() as slack:
        channel = slack.channel()

        sent = await channel.send(asked(address=address))
        await channel.close()

    assert sent.outcome is Outcome.FAILED
    assert error in sent.detail


async def test_an_agent_cannot_make_us_write_to_anybody() -> None:
    """`reply_to` names a conversation the app was invited to, never a person."""
    async with SlackDouble.opened() as slack:
        channel = slack.channel()

        sent = await channel.send(asked(to="agent:support", address="U2TOM", is_open=False))
        await channel.close()

    assert sent.outcome is Outcome.FAILED
    assert "C123/1699.2" in sent.detail
    assert slack.messages == {}


async def test_a_direct_message_is_opened_once_and_threads_are_kept() -> None:
    """One call less for every letter, and the second letter beneath the first."""
    async with SlackDouble.opened() as slack:
        channel = slack.channel()
        first = await channel.send(asked())
        await channel.send(asked(thread=first.reference))
        await channel.send(asked(address="C1BILLING"))
        await channel.close()

    assert slack.called.count("conversations.open") == 1
    threads = [each.get("thread_ts") for each in slack.messages.values()]
    assert threads == [None, first.reference.partition("/")[2], None]


async def test_what_is_remembered_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A house with ten thousand people keeps a thousand of their places."""
    monkeypatch.setattr("pullcord.channels.slack.channel.REMEMBERED_MAX", 1)
    async with SlackDouble.opened() as slack:
        channel = slack.channel()
        for user in ("U1MARIA", "U2TOM", "U1MARIA"):
            await channel.send(asked(address=user))
        await channel.close()

    assert slack.called.count("conversations.open") == 3


async def test_a_message_somebody_deleted_cannot_be_changed() -> None:
    """It says nothing wrong any more."""
    async with SlackDouble.opened() as slack:
        channel = slack.channel()

        edited = await channel.edit("D1MARIA/1.2", asked())
        await channel.close()

    assert edited.outcome is Outcome.FAILED
    assert "deleted" in edited.detail


async def test_slack_may_say_a_long_message_again() -> None:
    """Six bytes for an Arabic letter: a reply that is cut short would be sent for ever."""
    async with SlackDouble.opened() as slack:
        channel = slack.channel()
        content = content_of(situation="م" * 2_000, claims=(("Assessment", "م" * 2_000),) * 3)

        sent = await channel.send(asked(content=content))
        await channel.close()

    assert sent.outcome is Outcome.ACCEPTED
    assert len(json.dumps(slack.messages[sent.reference])) > 40_000


@pytest.mark.parametrize(
    "said",
    [
        {"ok": True},
        {"ok": True, "channel": {}},
        {"ok": True, "channel": {"id": "D1"}},
        {"ok": True, "channel": {"id": "D1"}, "ts": ""},
    ],
)
async def test_a_yes_that_names_nothing_is_tried_again(said: dict[str, object]) -> None:
    """Without a name the message could never be changed."""

    async def handle(request: Asked) -> Answered:
        return Answered(200, json.dumps(said).encode())

    async with http_server(handle) as url:
        channel = SlackDouble().channel(api_url=url)

        sent = await channel.send(asked())
        await channel.close()

    assert sent.outcome is Outcome.RETRY
    assert "named no" in sent.detail


async def test_both_calls_of_a_letter_share_one_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening the conversation and writing into it: ten seconds together, not each."""
    monkeypatch.setattr("pullcord.channels.slack.channel.TRY_SECONDS", 0.0)
    async with SlackDouble.opened() as slack:
        channel = slack.channel()

        sent = await channel.send(asked())
        await channel.close()

    assert sent.outcome is Outcome.RETRY
    assert "no answer within" in sent.detail


def test_an_address_that_is_none_is_named() -> None:
    """A typo in a variable is found at the start."""
    with pytest.raises(InvalidInput, match="PULLCORD_SLACK_API_URL"):
        Web(TOKEN, "slack.com/api")
