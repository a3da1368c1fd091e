"""The guide to Slack, followed as somebody new would, against a Slack that grants what it says."""

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pullcord.channels.offered import Surroundings, made, options_in
from pullcord.channels.port import Listens
from pullcord.channels.slack import OPTIONS
from pullcord.channels.slack.channel import LiveSlackChannel
from pullcord.channels.slack.payloads import heard
from pullcord.channels.slack.web import Call, Unsent
from pullcord.config.yaml import load
from pullcord.engine.actions import ALPHABET
from tests.conformance.channels.slack_double import HERE, SCOPES, SlackDouble
from tests.docs.pages import ROOT, blocks_of
from tests.unit.engine.board import board

PAGE = ROOT / "docs/how-to/channels/slack.md"


def code_of(page: Path, language: str, word: str = "") -> str:
    """The first block of a language on the page, as somebody copies it."""
    found = re.search(
        rf"^( *)```{language}[^\n]*{word}\n(.*?)^ *```$", page.read_text(), re.MULTILINE | re.DOTALL
    )
    assert found is not None, f"no {language} {word}"
    lines = found.group(2).splitlines()
    return "\n".join(line.removeprefix(found.group(1)) for line in lines)


def manifest() -> dict[str, Any]:
    """The manifest as Slack reads it."""
    found, _ = load(code_of(PAGE, "yaml", "manifest"), file="manifest")
    assert isinstance(found, dict)
    return found


def granted() -> set[str]:
    return set(manifest()["oauth_config"]["scopes"]["bot"])


async def tour(slack: SlackDouble) -> list[str]:
    """Link, be asked, answer by every kind of press, hear back: what Slack refused of it."""
    refused: list[str] = []
    typed = code_of(PAGE, "text").removeprefix("/pullcord ")
    environ = {
        line.removeprefix("export ").partition("=")[0]: value
        for line, value in zip(
            [each for each in code_of(PAGE, "sh").splitlines() if each.startswith("export")],
            ("xoxb-1-secret-of-the-bot", "xapp-1-secret-of-the-app"),
            strict=True,
        )
    }
    environ["PULLCORD_SLACK_API_URL"] = f"{slack.url}/api"
    around = Surroundings("https://pull.example", lambda: datetime.now(UTC), HERE)
    channel = made("slack", options_in(environ)["slack"], around)
    assert isinstance(channel, Listens)
    async with board(more={"slack": channel}, linked=()) as found:
        house = found.town.house
        ear = asyncio.create_task(channel.listen(house.inbound.taker("slack")))
        await slack.connected(2)
        code = await house.linking.code("shop", "maria", "slack")
        assert set(code) <= set(ALPHABET)
        linked = await slack.says("slash_commands", slack.command(typed.replace("CODE", code)))
        refused.append(linked["text"])
        tried = await house.channel_desk.try_out("shop", "maria", "slack")
        refused.append(tried.detail)
        name = await found.stopped()
        refused += [each.detail for each in await found.receipts(name) if each.channel == "slack"]
        await slack.says("events_api", slack.wrote("on-call"))
        await slack.has_called("chat.postMessage", 3)
        ear.cancel()
        await asyncio.gather(ear, return_exceptions=True)
    return refused


def test_the_manifest_is_what_slack_takes() -> None:
    """Names and limits of Slack's reference; a wrong one is refused when it is pasted."""
    found = manifest()

    assert set(found) == {"display_information", "features", "oauth_config", "settings"}
    assert len(found["display_information"]["name"]) <= 35
    assert len(found["display_information"]["description"]) <= 140
    assert re.fullmatch("#[0-9a-f]{6}", found["display_information"]["background_color"])
    assert set(found["features"]) == {"app_home", "bot_user", "slash_commands"}
    assert found["features"]["app_home"]["messages_tab_read_only_enabled"] is False
    (command,) = found["features"]["slash_commands"]
    assert len(command["description"]) <= 2_000
    assert len(command["usage_hint"]) <= 1_000
    assert found["settings"]["socket_mode_enabled"] is True
    assert found["settings"]["interactivity"]["is_enabled"] is True


def test_the_manifest_asks_for_what_the_code_uses_and_nothing_more() -> None:
    """Whoever installs an app reads what it may do; less is easier to allow."""
    found = manifest()
    events = found["settings"]["event_subscriptions"]["bot_events"]
    used = {scope for scope in SCOPES.values() if scope}

    assert granted() == used | {"commands", "im:history"}
    assert events == ["message.im"]
    written = SlackDouble().wrote("on-call")
    assert heard("events_api", written).event is not None
    assert found["features"]["slash_commands"][0]["command"] == SlackDouble.command("")["command"]


async def test_the_guide_followed_line_by_line_ends_with_a_linked_account_that_is_asked() -> None:
    """Step after step, with what is copied from the page."""
    async with SlackDouble.opened() as slack:
        slack.scopes = granted()

        told = await tour(slack)

    assert told[0] == "Linked: you are Maria Lopez."
    assert told[1:] == ["posted", "asked: posted"]
    assert "billing: Maria Lopez" in list(slack.messages.values())[-1]["text"]


@pytest.mark.parametrize("scope", sorted({each for each in SCOPES.values() if each}))
async def test_no_scope_of_the_manifest_is_idle(scope: str) -> None:
    """Without any one of them something is refused, and the receipt says which."""
    async with SlackDouble.opened() as slack:
        channel = slack.channel()
        slack.scopes = granted() - {scope}
        made_calls = calls(channel._web.calls)
        refused = [
            await refusal(channel, each) for each in made_calls if SCOPES[each.method] == scope
        ]
        await channel.close()

    assert refused
    assert all(f"Missing: {scope}." in each for each in refused)


async def refusal(channel: LiveSlackChannel, call: object) -> str:
    """What a receipt would say."""
    with pytest.raises(Unsent) as caught:
        await channel._web.carry(call, at=channel._now())
    return str(caught.value)


def calls(make: Any) -> list[Call]:
    """One call for every scope."""
    return [
        make.chat_postMessage(channel="D1MARIA", text="x"),
        make.conversations_open(users="U1MARIA"),
        make.users_info(user="U1MARIA"),
    ]


def test_every_option_of_the_channel_stands_in_the_guide() -> None:
    """An option nobody reads of is none."""
    text = PAGE.read_text()

    needed = [each.name for each in OPTIONS if each.name != "api_url"]
    assert all(f"PULLCORD_SLACK_{each.upper()}" in text for each in needed)


def test_every_block_of_the_page_is_known_to_the_docs_tests() -> None:
    """What is indented in a list is code all the same."""
    assert [each.language for each in blocks_of(PAGE)] == ["sh"]
