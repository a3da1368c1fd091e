"""What Slack tells over HTTP: signed, of our workspace, told once."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pullcord.channels.port import (
    Answer,
    Began,
    CallbackRefused,
    Commanded,
    Form,
    Input,
    Pressed,
    Wrote,
)
from pullcord.channels.slack.payloads import HELP, Kind, heard
from pullcord.channels.slack.web import Unsent
from tests.conformance.channels.double import Fault
from tests.conformance.channels.loopback import Answered, Asked, http_server
from tests.conformance.channels.slack_double import TEAM, SlackDouble, signed

NOW = datetime(2027, 1, 5, 12, tzinfo=UTC)
MARIA = f"{TEAM}/U1MARIA"
FORM = Form("Reject", "A1b2", (Input("note", "Why not?"),), "Reject")


async def test_the_challenge_is_answered_with_itself() -> None:
    """Slack asks once whether the address is ours; it signs even that."""
    async with SlackDouble.opened() as slack:
        channel = slack.channel()
        payload = {"type": "url_verification", "challenge": "3eZbrw1aB"}
        callback = slack.calls("events_api", payload, at=NOW)

        events = await channel.hear(callback)
        reply = await channel.answer(callback, [])
        await channel.close()

    assert events == []
    assert (reply.status, reply.body) == (200, b"3eZbrw1aB")


@pytest.mark.parametrize("seconds", [-301, 301])
async def test_five_minutes_are_five_minutes(seconds: int) -> None:
    """Either way; a second less is taken."""
    async with SlackDouble.opened() as slack:
        channel = slack.channel()
        callback = slack.press("A1b2", at=NOW)
        nearly = timedelta(seconds=seconds - (1 if seconds > 0 else -1))

        with pytest.raises(CallbackRefused, match="five minutes"):
            await channel.hear(replace(callback, at=NOW + timedelta(seconds=seconds)))
        taken = await channel.hear(replace(callback, at=NOW + nearly))
        await channel.close()

    assert taken == [Pressed(MARIA, "A1b2")]


@pytest.mark.parametrize(
    "headers",
    [
        {"x-slack-request-timestamp": ""},
        {"x-slack-request-timestamp": "soon"},
        {"x-slack-request-timestamp": "-1"},
        {"x-slack-request-timestamp": "１７９５"},
        {"x-slack-request-timestamp": "9" * 400},
        {"x-slack-signature": ""},
        {"x-slack-signature": "v0=é"},
        {"x-slack-signature": "v1=00"},
    ],
)
async def test_a_strange_header_is_a_mismatch(headers: dict[str, str]) -> None:
    """Whatever stands there, nothing breaks and nothing is believed."""
    async with SlackDouble.opened() as slack:
        channel = slack.channel()
        callback = slack.press("A1b2", at=NOW)

        with pytest.raises(CallbackRefused):
            await channel.hear(replace(callback, headers={**callback.headers, **headers}))
        await channel.close()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff\xfe", "application/json"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"{}", "application/json"),
        (b"payload=%7B", "application/x-www-form-urlencoded"),
        (b"payload=%7B%7D", "application/x-www-form-urlencoded"),
        (b"payload=%5B%5D", "application/x-www-form-urlencoded"),
        (b"", "application/x-www-form-urlencoded"),
        (b"text=hello", "application/x-www-form-urlencoded"),
        (b'{"type": "event_callback", "event": 3}', "application/json"),
    ],
)
async def test_a_signed_body_of_another_shape_is_refused(body: bytes, kind: str) -> None:
    """A change of Slack's is told in the log, not in a traceback."""
    async with SlackDouble.opened() as slack:
        channel = slack.channel()

        with pytest.raises(CallbackRefused):
            await channel.hear(signed(body, kind, at=NOW))
        await channel.close()


async def test_without_a_signing_secret_nothing_is_believed() -> None:
    """Anybody could send it."""
    async with SlackDouble.opened() as slack:
        channel = slack.channel(signing_secret="")

        with pytest.raises(CallbackRefused, match="Socket Mode"):
            await channel.hear(slack.press("A1b2", at=NOW))
        await channel.close()


async def test_a_workspace_that_cannot_be_known_is_not_believed() -> None:
    """The first callback asks whose token ours is; when that fails, nothing is done."""
    async with SlackDouble.opened() as slack:
        channel = slack.channel()
        slack.faults(Fault.BUSY)

        with pytest.raises(CallbackRefused, match="unknown"):
            await channel.hear(slack.press("A1b2", at=NOW))
        after = await channel.hear(slack.press("A1b2", at=NOW))
        await channel.close()

    assert len(after) == 1
    assert slack.called.count("auth.test") == 2


@pytest.mark.parametrize(
    ("said", "refusal"), [({"ok": True}, "another workspace"), ({"ok": True, "url": ""}, "another")]
)
async def test_a_yes_that_names_no_workspace_or_address_is_believed_by_nobody(
    said: dict[str, object], refusal: str
) -> None:
    """Something between us and Slack says yes to everything."""

    async def handle(request: Asked) -> Answered:
        return Answered(200, json.dumps(said).encode())

    async with http_server(handle) as url:
        slack = SlackDouble()
        channel = slack.channel(api_url=url)

        with pytest.raises(CallbackRefused, match=refusal):
            await channel.hear(slack.press("A1b2", at=NOW))
        with pytest.raises(Unsent, match="no address"):
            await channel.address()
        await channel.close()


# --- what is told ---------------------------------------------------------------------------------

SLACK = SlackDouble()


def told(source: str, payload: dict[str, Any]) -> Any:
    return heard(source, payload).event


def test_presses_forms_commands_and_words_are_told_apart() -> None:
    """Each by the provider's stable id of whoever did it."""
    wrote = SLACK.wrote("Ask Tom", thread="1.2")

    assert told("interactive", SLACK.pressed("A1b2")) == Pressed(MARIA, "A1b2")
    assert told("interactive", SLACK.pressed("A1b2", how="form")) == Began(MARIA, "A1b2")
    assert told("slash_commands", SLACK.command(" on-call ")) == Commanded(
        MARIA, "on-call", name="m", address="U1MARIA"
    )
    assert told("slash_commands", SLACK.command("")).words == HELP
    assert told("events_api", wrote) == Wrote(MARIA, "D1MARIA/1.2", "Ask Tom", key="Ev7")
    assert told("events_api", SLACK.wrote("on-call")) == Commanded(
        MARIA, "on-call", address="U1MARIA"
    )


def test_somebody_of_another_workspace_is_somebody_else() -> None:
    """Shared channels have guests; their ids are of their own workspace."""
    payload = SLACK.pressed("A1b2")
    payload["user"]["team_id"] = "T9OTHER"
    without = SLACK.pressed("A1b2")
    del without["user"]["team_id"]

    assert told("interactive", payload).account == "T9OTHER/U1MARIA"
    assert told("interactive", without).account == MARIA
    assert told("interactive", {**without, "team": None}).account == "/U1MARIA"


@pytest.mark.parametrize(
    ("source", "payload"),
    [
        ("interactive", {"type": "block_suggestion"}),
        ("interactive", {"type": "view_submission", "view": {"callback_id": "other"}}),
        ("interactive", SLACK.pressed("", actions=[{"action_id": "open", "type": "button"}])),
        ("interactive", SLACK.pressed("", actions=[{"action_id": "press:1:accept"}])),
        ("options", {}),
        ("events_api", {"type": "event_callback", "event": {"type": "app_home_opened"}}),
        ("events_api", {"type": "app_rate_limited"}),
        ("events_api", SLACK.wrote("x", subtype="message_changed")),
        ("events_api", SLACK.wrote("x", bot_id="B1")),
        ("events_api", SLACK.wrote("x", user="")),
        ("events_api", SLACK.wrote("x", channel_type="channel")),
    ],
)
def test_what_is_nothing_of_ours_is_let_be(source: str, payload: dict[str, Any]) -> None:
    """Links that open a page, our own messages, edits, other people's forms."""
    found = heard(source, payload)

    assert found.kind is Kind.NOTHING
    assert found.event is None


async def test_what_slack_tells_again_is_taken_once_unless_it_was_lost() -> None:
    """Slack tries three times; a note must not stand there three times, nor be lost."""
    async with SlackDouble.opened() as slack:
        channel = slack.channel()
        callback = slack.calls("events_api", slack.wrote("Ask Tom", thread="1.2"), at=NOW)

        first = await channel.hear(callback)
        await channel.answer(callback, [Answer("It could not be saved just now.")])
        await channel.rest()
        second = await channel.hear(callback)
        await channel.answer(callback, [Answer("Noted.", is_done=True)])
        third = await channel.hear(callback)
        await channel.answer(callback, [])
        await channel.close()

    assert len(first) == len(second) == 1
    assert third == []


async def test_whoever_links_has_the_name_slack_knows() -> None:
    """The Channels page lists accounts by it; without it the id does."""
    async with SlackDouble.opened() as slack:
        channel = slack.channel()
        known = slack.calls("events_api", slack.wrote("link ABC"), at=NOW)
        unknown = slack.calls("slash_commands", slack.command("link ABC", user="U9NEW"), at=NOW)

        (named,) = await channel.hear(known)
        (unnamed,) = await channel.hear(unknown)
        await channel.close()

    assert isinstance(named, Commanded)
    assert isinstance(unnamed, Commanded)
    assert named.name == "Maria Lopez"
    assert unnamed.name == "m"


# --- what is answered -----------------------------------------------------------------------------


async def test_a_form_opens_while_the_trigger_is_fresh() -> None:
    """Three seconds; later whoever pressed sees nothing and presses again."""
    async with SlackDouble.opened() as slack:
        channel = slack.channel()
        fresh = slack.calls("interactive", slack.pressed("A1b2", how="form"), at=NOW)
        stale = slack.calls("interactive", slack.pressed("A1b2", how="form"), at=NOW)

        await channel.answer(fresh, [Answer("", form=FORM)])
        await channel.rest()
        slack.seconds += 4
        reply = await channel.answer(stale, [Answer("", form=FORM)])
        await channel.close()

    assert len(slack.views) == 1
    assert reply.status == 200


async def test_where_slack_names_no_place_nothing_is_said() -> None:
    """A press in the app's home tab has no channel."""
    async with SlackDouble.opened() as slack:
        channel = slack.channel()
        payload = slack.pressed("A1b2", channel={}, container={"type": "view"})
        callback = slack.calls("interactive", payload, at=NOW)

        await channel.answer(callback, [Answer("You have it.", is_done=True)])
        await channel.close()

    assert slack.whispers == []


async def test_an_answer_is_text_and_never_markup() -> None:
    """Names of people and ids come from outside."""
    async with SlackDouble.opened() as slack:
        channel = slack.channel()
        command = slack.calls("slash_commands", slack.command("on-call"), at=NOW)
        press = slack.press("A1b2", at=NOW)

        reply = await channel.answer(command, [Answer("billing: <!channel>")])
        await channel.answer(press, [Answer("<!channel>" * 900)])
        await channel.close()

    assert json.loads(reply.body)["text"] == "billing: &lt;!channel&gt;"
    assert "<" not in slack.whispers[0].text
