"""Cards for Teams: what they say, what they never mean, and how large they get."""

import json
from typing import Any

import pytest

from pullcord.channels.offered import Surroundings, made
from pullcord.channels.port import Line, Outcome
from pullcord.channels.teams import POST_BYTES_MAX, TeamsChannel, escaped, written
from pullcord.errors import InvalidInput
from tests.conformance.channels.loopback import Answered, Asked, http_server
from tests.conformance.channels.teams_double import SIG, TeamsDouble
from tests.unit.channels.letters import NOW, letter

ASKED: dict[str, Any] = {
    "headline": "An escalation needs you: high, by 14:30",
    "standing": "Maria Lopez is being asked until 14:20.",
    "deadline": "Decide by 14:30.",
    "fallback": "If nobody decides by 14:30, it is rejected.",
    "is_open": True,
}


def card(**changes: Any) -> dict[str, Any]:
    """The card of a letter."""
    (attachment,) = json.loads(written(letter(**{**ASKED, **changes})))["attachments"]
    found: dict[str, Any] = attachment["content"]
    return found


async def test_a_card_says_what_waits_and_leads_to_the_page() -> None:
    """How bad, who is asked, by when, what happens on silence; acting is on the page."""
    async with TeamsDouble.opened() as double:
        channel = double.channel()
        sent = await channel.send(letter(**ASKED))
        await channel.close()

    assert sent.outcome is Outcome.ACCEPTED
    text = double.arrived()[0].text
    for each in (ASKED["headline"], ASKED["standing"], ASKED["deadline"], ASKED["fallback"]):
        assert each in text
    assert "Rule: refund-over-limit" in text
    assert "Environment: production" in text
    (action,) = double.cards[0]["actions"]
    assert action["type"] == "Action.OpenUrl"
    assert action["url"] == "https://pull.example/escalations/esc_1"


@pytest.mark.parametrize(
    ("severity", "is_open", "colour"),
    [
        ("critical", True, "attention"),
        ("high", True, "attention"),
        ("normal", True, "warning"),
        ("low", True, "accent"),
        ("critical", False, "good"),
    ],
)
def test_colours_say_how_bad_it_is_and_that_it_is_over(
    severity: str, is_open: bool, colour: str
) -> None:
    """From across the room."""
    headline = card(severity=severity, is_open=is_open)["body"][0]["inlines"][0]

    assert headline["color"] == colour


def test_names_are_text_and_mention_nobody() -> None:
    """A person called "<at>everyone</at>" wakes nobody."""
    found = card(headline="<at>everyone</at> **now**", rule="a_b*c", owner="<at>all</at>")

    run = found["body"][0]["inlines"][0]
    assert (run["type"], run["text"]) == ("TextRun", "<at>everyone</at> **now**")
    facts = {each["title"]: each["value"] for each in found["body"][-1]["facts"]}
    assert facts["Rule"] == "a\\_b\\*c"
    assert facts["Owner"] == "‹at›all‹/at›"
    assert "entities" not in found["msteams"]
    assert escaped("x`y") == "x\\`y"


def test_a_bundle_that_is_too_long_ends_with_how_many_are_left() -> None:
    """28 KB is all Teams takes; merged is not lost."""
    lines = tuple(Line(NOW, "👍" * 290, f"https://x.y/{n}") for n in range(60))

    post = written(letter(**{**ASKED, "lines": lines}))

    assert len(post) <= POST_BYTES_MAX
    assert b"more: open the list" in post
    assert b"https://x.y/0" in post
    assert b"Severity" not in post


async def test_an_address_with_a_wrong_key_says_what_to_do() -> None:
    """The address is the key; it is copied again."""
    async with TeamsDouble.opened() as double:
        channel = double.channel(url=f"{double.url}/workflows/1?sig=wrong")
        sent = await channel.send(letter(**ASKED))
        await channel.close()

    assert sent.outcome is Outcome.FAILED
    assert "copy the workflow's address" in sent.detail
    assert "wrong" not in sent.detail.replace("is wrong", "")


async def test_an_unknown_refusal_sends_to_the_run_history() -> None:
    """Workflows have reasons of their own."""

    async def handle(asked: Asked) -> Answered:
        return Answered(418)

    async with http_server(handle) as url:
        channel = TeamsChannel(f"{url}/?sig={SIG}", internal=("127.0.0.1",))
        sent = await channel.send(letter(**ASKED))
        await channel.close()

    assert sent.outcome is Outcome.FAILED
    assert "run history" in sent.detail


def test_an_address_that_is_none_is_refused_and_not_repeated() -> None:
    """It holds a key even where a letter of it is missing."""
    with pytest.raises(InvalidInput, match="PULLCORD_TEAMS_URL") as caught:
        made("teams", {"url": f"htps://x/?sig={SIG}"}, Surroundings("https://x", lambda: NOW))

    assert SIG not in str(caught.value)


def test_a_test_letter_has_no_facts() -> None:
    """There is no escalation to tell of."""
    found = card(escalation="", kind="test", is_open=False)

    assert [each["type"] for each in found["body"]] == ["RichTextBlock"] * len(found["body"])
