"""A call from ringing to its end: what is said to whom, which keys do what, who was reached."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from pullcord.channels.port import (
    Button,
    CallbackRefused,
    Coded,
    Content,
    Event,
    Learned,
    Letter,
    Line,
    Outcome,
    Verb,
)
from pullcord.channels.speech import SEALED_MAX, Sealer, said, speech_of, time_left
from pullcord.channels.voice import VoiceChannel
from tests.conformance.channels.twilio_double import MARIA, VoiceDouble
from tests.unit.channels.letters import letter as plain_letter

NOW = datetime.now(UTC).replace(microsecond=0)
CALL = "CA" + "1".zfill(32)


def letter(**changes: Any) -> Letter:
    """Maria is asked about a refund."""
    fields: dict[str, Any] = {
        "address": MARIA,
        "headline": "An escalation needs you: high, by 14:30",
        "standing": "Maria is being asked until 14:20.",
        "deadline": "Say by 14:20 whether you have it; decide by 14:30.",
        "fallback": "If nobody decides by 14:30, it is rejected.",
        "is_open": True,
        "at": NOW,
        "due_at": NOW + timedelta(minutes=80),
        "content": Content(ask="Refund EUR 480 to Anna?", money="EUR 480.00"),
        "buttons": (Button(Verb.ACCEPT, "I have it", "t"),),
        "code": "7KQ2M",
        "workspace_name": "Example <Shop>",
        **changes,
    }
    return plain_letter(**fields)


async def call(
    *, picks_up: bool = True, keys: str = "", answered_by: str = "human", **changes: Any
) -> tuple[list[str], list[Event]]:
    """Everything one call says, and everything it tells the house."""
    events: list[Event] = []
    async with VoiceDouble.opened() as double:
        double.now = lambda: NOW
        channel = double.channel()
        assert isinstance(channel, VoiceChannel)
        hear = channel.hear

        async def noted(callback: Any) -> Any:
            found = await hear(callback)
            events.extend(found)
            return found

        sent = await channel.send(letter(**changes))
        channel.hear = noted  # type: ignore[method-assign]
        status = "completed" if picks_up else "no-answer"
        heard = await double.rings(
            sent.reference, keys=keys, answered_by=answered_by, status=status
        )
        await channel.close()
    assert sent.reference == CALL
    return heard, events


async def test_a_call_says_what_waits_and_which_keys_help() -> None:
    """Severity, time left, the ask, what happens on silence: to somebody who just woke up."""
    heard, events = await call()

    text = " ".join(heard)
    assert heard[0].startswith("This is Pullcord for Example <Shop>. Severity: high.")
    assert "You have 1 hour and 20 minutes." in heard
    assert "Refund EUR 480 to Anna?" in text
    assert "Amount: EUR 480.00." in text
    assert "If nobody decides by 14:30, it is rejected." in text
    assert "Press 1 if you have it. Press 2 if it is not you." in text
    assert events == [Learned(CALL, Outcome.DELIVERED, "picked up")]


async def test_silence_is_read_to_again_and_then_let_go() -> None:
    """Three readings; nobody holds a line for ever."""
    heard, _ = await call()

    assert sum("Refund EUR 480" in each for each in heard) == 3
    assert heard[-1] == "Please open Pullcord. Goodbye."


@pytest.mark.parametrize(("key", "verb"), [("1", Verb.ACCEPT), ("2", Verb.DECLINE)])
async def test_a_key_accepts_or_declines(key: str, verb: Verb) -> None:
    """The number is the person, the code is the escalation; whoever pressed has heard it."""
    _, events = await call(keys=key)

    assert events[1:] == [
        Coded(MARIA, "7KQ2M", verb),
        Learned(CALL, Outcome.SEEN, f"pressed {key}"),
    ]


async def test_nine_reads_it_again_and_other_keys_do_too() -> None:
    """A cheek presses keys; only 1 and 2 do something."""
    heard, events = await call(keys="97")

    assert [each for each in events if isinstance(each, Coded)] == []
    assert [each.detail for each in events if isinstance(each, Learned)][1:] == [
        "pressed 9",
        "pressed 7",
    ]
    assert sum("Refund EUR 480" in each for each in heard) >= 3


async def test_keys_end_as_well() -> None:
    """A phone in a pocket presses nine all night."""
    heard, _ = await call(keys="9" * 30)

    assert sum("Refund EUR 480" in each for each in heard) <= 10
    assert heard[-1] == "Please open Pullcord. Goodbye."


@pytest.mark.parametrize("machine", ["machine_start", "machine_end_beep", "fax"])
async def test_a_machine_is_not_reached_and_hears_nothing(machine: str) -> None:
    """A mailbox sleeps as soundly as its owner, and others listen to it."""
    heard, events = await call(answered_by=machine)

    assert heard == []
    assert {type(each) for each in events} == {Learned}
    assert {each.outcome for each in events if isinstance(each, Learned)} == {Outcome.FAILED}


async def test_whoever_may_be_a_machine_hears_the_question_after_a_key() -> None:
    """Twilio could not tell: a key can."""
    silent, unsure = await call(answered_by="unknown")
    heard, events = await call(answered_by="unknown", keys="91")

    assert "Refund" not in " ".join(silent)
    assert "Press 9 to hear what it is about." in " ".join(silent)
    assert [each.outcome for each in unsure if isinstance(each, Learned)] == [Outcome.FAILED]
    assert "Refund EUR 480 to Anna?" in " ".join(heard)
    assert Coded(MARIA, "7KQ2M", Verb.ACCEPT) in events


async def test_nobody_who_picks_up_moves_the_ladder() -> None:
    """The next rung is asked, and the timeline says why."""
    heard, events = await call(picks_up=False)

    assert heard == []
    assert events == [Learned(CALL, Outcome.FAILED, "nobody picked up")]


@pytest.mark.parametrize(
    ("fields", "said_of_it"),
    [
        ({"CallStatus": "busy"}, "turned down"),
        ({"CallStatus": "canceled"}, "cancelled"),
        ({"CallStatus": "failed", "SipResponseCode": "404"}, "(SIP 404)"),
        ({"CallStatus": "failed"}, "check the number"),
    ],
)
async def test_how_a_call_ended_is_told(fields: dict[str, str], said_of_it: str) -> None:
    """Busy is not absent, and a wrong number is somebody's to mend."""
    double = VoiceDouble()
    channel = double.channel()
    assert isinstance(channel, VoiceChannel)

    (event,) = await channel.hear(
        double.calls(double.callback_url, double.of(CALL, **fields), at=NOW)
    )
    ringing = await channel.hear(
        double.calls(double.callback_url, double.of(CALL, CallStatus="ringing"), at=NOW)
    )
    await channel.close()

    assert isinstance(event, Learned)
    assert event.outcome is Outcome.FAILED
    assert said_of_it in event.detail
    assert ringing == []


async def test_a_test_call_offers_no_keys_that_do_something() -> None:
    """Somebody tries the channel: it asks nothing of them."""
    heard, events = await call(
        keys="1", kind="test", code="", buttons=(), content=None, is_open=False, environment="test"
    )

    assert "Press 1" not in " ".join(heard)
    assert "From test." in " ".join(heard)
    assert not [each for each in events if isinstance(each, Coded)]


async def test_an_address_that_was_made_up_is_refused() -> None:
    """Signed by Twilio, but about no speech of ours."""
    double = VoiceDouble()
    channel = double.channel()
    assert isinstance(channel, VoiceChannel)
    query = {"said": "AAAA", "reading": "1", "at": str(int(NOW.timestamp()))}
    url = f"{double.callback_url}?{urlencode(query)}"

    with pytest.raises(CallbackRefused, match="no call of ours"):
        await channel.hear(double.calls(url, double.of(CALL), at=NOW))
    await channel.close()


async def test_a_call_that_waited_for_long_says_nothing() -> None:
    """What Twilio places an hour late is news of another time."""
    double = VoiceDouble()
    channel = double.channel()
    assert isinstance(channel, VoiceChannel)
    sealed = Sealer(("token-of-this-account",)).seal(speech_of(letter()))
    query = {"said": sealed, "reading": "1", "at": str(int(NOW.timestamp()))}
    url = f"{double.callback_url}?{urlencode(query)}"

    waited = await channel.hear(double.calls(url, double.of(CALL), at=NOW + timedelta(minutes=50)))
    with pytest.raises(CallbackRefused, match="too old"):
        await channel.hear(double.calls(url, double.of(CALL), at=NOW + timedelta(minutes=61)))
    await channel.close()

    assert len(waited) == 1


def test_a_speech_travels_sealed_and_comes_back_as_it_was() -> None:
    """Addresses stand in logs of proxies; the same words seal the same, so that tries are one."""
    sealer = Sealer(("new-token", "old-token"))
    speech = speech_of(letter())

    sealed = sealer.seal(speech)

    assert sealer.open(sealed) == speech
    assert sealer.seal(speech) == sealed
    assert "Refund" not in sealed
    assert sealer.open(Sealer(("old-token",)).seal(speech)) == speech
    assert Sealer(("other",)).open(sealed) is None
    assert sealer.open("nothing") is None


def test_the_longest_ask_fits_into_an_address_whole() -> None:
    """What follows from it is left to the page; the ask is never cut."""
    chance = "".join(chr(0x4E00 + (7919 * n) % 20_000) for n in range(700))
    content = Content(ask=chance, consequence=chance[::-1])

    sealed = Sealer(("t",)).seal(speech_of(letter(content=content)))

    opened = Sealer(("t",)).open(sealed)
    assert opened is not None
    assert chance in opened.question
    assert opened.more == ""
    assert len(sealed) <= SEALED_MAX + 500


def test_a_closed_letter_and_a_bundle_are_read_as_they_stand() -> None:
    """Merged and ended letters have no question."""
    lines = (Line(NOW, "Still waiting for you: high, by 15:00", "https://x.y/"),)

    speech = speech_of(letter(is_open=False, lines=lines, content=None, workspace_name=""))

    assert "Maria is being asked until 14:20." in speech.opening
    assert "Still waiting for you: high, by 15:00." in speech.opening
    assert speech.due_at is None


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, "The time is almost over."),
        (-5, "The time is almost over."),
        (1, "You have 1 minute."),
        (60, "You have 1 hour."),
        (125, "You have 2 hours and 5 minutes."),
        (60 * 30, "You have 30 hours."),
    ],
)
def test_time_left_is_said_in_words(minutes: int, words: str) -> None:
    """A voice that reads "PT1H20M" helps nobody."""
    assert time_left(NOW + timedelta(minutes=minutes), NOW) == words


def test_addresses_are_not_spelled_out() -> None:
    """Forty letters of an address, read aloud, are a reason to hang up."""
    assert said("See https://x.example/a/b?c=1 now", "", "Really?") == "See a link now. Really?"


async def test_markup_in_an_ask_is_read_and_not_obeyed() -> None:
    """Whoever writes to an agent must not make the house dial."""
    content = Content(ask="</Say><Dial>+1900</Dial>\x0b Really?")

    heard, _ = await call(content=content)

    assert any("</Say><Dial>+1900</Dial>" in each for each in heard)
