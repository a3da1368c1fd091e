"""What stands in a text, how many SMS it takes, and what people text back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pullcord.channels.port import (
    Answer,
    Button,
    Coded,
    Commanded,
    Content,
    Event,
    Learned,
    Letter,
    Line,
    Outcome,
    Verb,
)
from pullcord.channels.segments import fitted, folded, is_gsm, segments, units
from pullcord.channels.sms import SmsChannel, event_of, text_of
from tests.conformance.channels.twilio_double import MARIA, SmsDouble
from tests.unit.channels.letters import letter as plain_letter

NOW = datetime.now(UTC).replace(microsecond=0)
URL = "https://pull.example/escalations/esc_1"


def letter(**changes: Any) -> Letter:
    """Maria is asked."""
    fields: dict[str, Any] = {
        "address": MARIA,
        "headline": "An escalation needs you: high, by 14:30",
        "standing": "Maria is being asked until 14:20.",
        "deadline": "Say by 14:20 whether you have it; decide by 14:30.",
        "fallback": "If nobody decides by 14:30, it is rejected.",
        "is_open": True,
        "buttons": (Button(Verb.ACCEPT, "I have it", "t"),),
        "code": "7KQ2M",
        "workspace_name": "Example Shop",
        **changes,
    }
    return plain_letter(**fields)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 1530, 10),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("ж" * 134, 2),
        ("ж" * 135, 3),
        ("👍" * 35, 1),
        ("👍" * 36, 2),
        ("", 1),
    ],
)
def test_sms_are_counted_as_the_network_counts_them(text: str, count: int) -> None:
    """Each costs money, and a letter outside the small alphabet more than halves the room."""
    assert segments(text) == count


def test_typography_costs_no_second_sms() -> None:
    """A curly apostrophe would turn 160 characters into 70."""
    assert folded("Maria’s “ask” – now…") == 'Maria\'s "ask" - now...'
    assert folded("Привет…") == "Привет…"
    assert is_gsm("Grüße, Ça va? €5")
    assert units("€") == 2


def test_wishes_take_only_room_that_is_paid_for() -> None:
    """What is needed is whole; the rest comes along where it costs nothing."""
    found = fitted(["needed", "", "last"], ["short", "x" * 200, "", "too"])

    assert found == "needed\nshort\ntoo\nlast"


def test_an_ask_is_one_sms_with_its_code_and_page() -> None:
    """On a lock screen at night: what, by when, how to answer, where to look."""
    text = text_of(letter())

    assert segments(text) == 1
    assert text.startswith("An escalation needs you: high, by 14:30\n")
    assert "Y 7KQ2M = I have it, N 7KQ2M = not me" in text
    assert "Example Shop" in text
    assert text.endswith(URL)


def test_who_can_do_nothing_is_offered_nothing() -> None:
    """A code that does nothing is a lie; how it stands is what is left to say."""
    text = text_of(letter(is_open=False, buttons=(), headline="Maria has it", environment="test"))

    assert "7KQ2M" not in text
    assert "Maria is being asked" in text
    assert "(test)" in text


async def test_the_question_stands_in_the_text_only_where_that_is_wanted() -> None:
    """Carriers and lock screens read along; whoever wants it says so."""
    double = SmsDouble()
    closed, opened = double.channel(), double.channel(shows_ask="yes")
    content = Content(
        ask="Refund EUR 480 to Anna? " * 40,
        money="EUR 480.00",
        reversibility="This cannot be undone.",
    )

    text = text_of(letter(content=content))

    assert not closed.can.is_private
    assert opened.can.is_private
    assert content.ask in text
    assert "This cannot be undone." in text
    assert segments(text) <= 10
    await closed.close()
    await opened.close()


def test_a_bundle_names_what_fits_and_where_the_rest_is() -> None:
    """Merged is not lost."""
    lines = tuple(Line(NOW, f"Still waiting for you {n}", URL, "Refund?") for n in range(20))

    text = text_of(letter(lines=lines, headline="20 escalations: 20 need you", url="https://x.y/"))

    assert segments(text) == 1
    assert "Still waiting for you 0 Refund?" in text
    assert text.endswith("more: https://x.y/")


@pytest.mark.parametrize(
    ("body", "event"),
    [
        ("Y 7KQ2M", Coded(MARIA, "7KQ2M", Verb.ACCEPT)),
        ("y 7kq2m.", Coded(MARIA, "7KQ2M", Verb.ACCEPT)),
        ("7KQ2M yes!", Coded(MARIA, "7KQ2M", Verb.ACCEPT)),
        ("N: 7KQ2M", Coded(MARIA, "7KQ2M", Verb.DECLINE)),
        ("no O1LI0", Coded(MARIA, "01110", Verb.DECLINE)),
        ("Y", None),
        ("STOP", None),
        ("help", None),
        ("", None),
        ("  ", None),
        ("on-call", Commanded(MARIA, "on-call")),
        (" accept esc_1 ", Commanded(MARIA, "accept esc_1")),
        ("Y N", Commanded(MARIA, "Y N")),
        ("Y 7KQ2M please", Commanded(MARIA, "Y 7KQ2M please")),
        ("7KQ2M 8KQ2M", Commanded(MARIA, "7KQ2M 8KQ2M")),
    ],
)
def test_a_text_means_what_people_mean(body: str, event: Event | None) -> None:
    """Typed with a thumb, in the dark; two verbs or two codes are no answer."""
    assert event_of(MARIA, body) == event


async def answered(body: str, *answers: str, **fields: str) -> str:
    """What somebody who texts this is answered."""
    async with SmsDouble.opened() as double:
        channel = double.channel()
        assert isinstance(channel, SmsChannel)
        callback = double.texts(body, at=NOW)
        if fields:
            more = {"MessageSid": max(double.sent_at), "From": MARIA, "Body": body, **fields}
            callback = double.calls(double.callback_url, more, at=NOW)
        reply = await channel.answer(callback, [Answer(each) for each in answers])
        await channel.close()
    assert reply.media_type == "text/xml"
    return reply.body.decode()


async def test_whoever_texts_is_told_what_became_of_it() -> None:
    """Escaped, in two SMS at most."""
    assert "<Message>You have it &amp; more.</Message>" in await answered(
        "Y 7KQ2M", "You have it & more."
    )
    assert len(await answered("on-call", "word " * 200)) < 420


async def test_a_verb_without_a_code_is_asked_for_it() -> None:
    """Two escalations may wait for one person."""
    assert "Add its code" in await answered("Y")
    assert "Write Y and the code" in await answered("HELP")


async def test_who_wrote_stop_hears_nothing() -> None:
    """The carrier has confirmed it already; one more message would break the law."""
    assert "<Message>" not in await answered("STOP")
    assert "<Message>" not in await answered("help", OptOutType="HELP")


async def test_nobody_is_answered_without_end() -> None:
    """An autoresponder answers an answer."""
    double = SmsDouble()
    channel = double.channel()
    assert isinstance(channel, SmsChannel)

    replies = [
        await channel.answer(double.texts("thanks", at=NOW), [Answer("What?")]) for _ in range(6)
    ]
    await channel.close()

    assert [b"<Message>" in each.body for each in replies] == [True] * 5 + [False]


@pytest.mark.parametrize(
    ("status", "error", "wanted"),
    [
        ("sent", "", [(Outcome.ACCEPTED, "sent")]),
        ("read", "", [(Outcome.SEEN, "read")]),
        ("failed", "", [(Outcome.FAILED, "failed")]),
        ("undelivered", "30003", [(Outcome.FAILED, "off or out of reach")]),
        ("queued", "", []),
    ],
)
async def test_a_late_receipt_says_what_to_do(
    status: str, error: str, wanted: list[tuple[Outcome, str]]
) -> None:
    """Undelivered moves the ladder; the reason stands where people look."""
    double = SmsDouble()
    channel = double.channel()
    assert isinstance(channel, SmsChannel)
    callback = double.tells("SM1", at=NOW, status=status, error=error)

    events = [each for each in await channel.hear(callback) if isinstance(each, Learned)]
    reply = await channel.answer(callback, [])
    await channel.close()

    assert [each.outcome for each in events] == [outcome for outcome, _ in wanted]
    assert all(said in each.detail for each, (_, said) in zip(events, wanted, strict=True))
    assert reply.status == 204


async def test_an_ask_is_not_delivered_the_next_morning() -> None:
    """A phone that was off gets it only while it is still an ask."""
    async with SmsDouble.opened() as double:
        channel = double.channel()
        for minutes in (30, -1, 60 * 24):
            await channel.send(letter(due_at=NOW + timedelta(minutes=minutes), at=NOW))
        await channel.send(letter(is_open=False))
        await channel.close()

    found = [each.get("ValidityPeriod") for each in double.asked.values()]
    assert found == ["1800", "60", "36000", None]


async def test_where_twilio_cannot_call_back_texts_go_out_all_the_same() -> None:
    """A house behind a firewall has no receipts and takes no answers, and says so."""
    async with SmsDouble.opened() as double:
        channel = double.channel(callbacks="no", **{"from": "MG" + "0" * 32})
        found = await channel.send(replace(letter(), buttons=()))
        await channel.close()

    (asked,) = double.asked.values()
    assert found.outcome is Outcome.ACCEPTED
    assert "StatusCallback" not in asked
    assert asked["MessagingServiceSid"] == "MG" + "0" * 32
    assert not channel.can.has_buttons
    assert not channel.can.has_receipts
