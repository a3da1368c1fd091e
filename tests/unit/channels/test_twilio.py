"""Twilio's requests and signatures: believed only when Twilio made them, explained when refused."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pullcord.channels.offered import Surroundings, made
from pullcord.channels.port import CallbackRefused, Outcome, Sent
from pullcord.channels.sms import SmsChannel
from pullcord.channels.twilio import Patience, explained, signature, spellings
from pullcord.errors import InvalidInput
from tests.conformance.channels.double import Fault
from tests.conformance.channels.loopback import Answered, Asked, http_server
from tests.conformance.channels.twilio_double import ACCOUNT, MARIA, TOKEN, SmsDouble
from tests.unit.channels.letters import letter

NOW = datetime.now(UTC).replace(microsecond=0)


def test_a_signature_is_the_one_of_twilios_own_documents() -> None:
    """The example of Twilio's security page, to the letter."""
    fields = {
        "CallSid": ["CA1234567890ABCDE"],
        "Caller": ["+14158675309"],
        "Digits": ["1234"],
        "From": ["+14158675309"],
        "To": ["+18005551212"],
    }

    found = signature("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", fields)

    assert found == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("https://x.example/cb?a=1", "https://x.example:443/cb?a=1"),
        ("https://x.example:443/cb", "https://x.example/cb"),
        ("http://x.example/cb", "http://x.example:80/cb"),
        ("https://x.example:8443/cb", "https://x.example:8443/cb"),
    ],
)
def test_an_address_is_believed_with_and_without_its_standard_port(url: str, other: str) -> None:
    """Behind a proxy nobody knows which of the two Twilio signed."""
    assert spellings(url) == (url, other)


async def test_both_tokens_are_believed_while_one_is_changed() -> None:
    """Twilio signs with the new one from one second to the next; no reply may be lost."""
    double = SmsDouble()
    channel = double.channel(auth_token="the-next-token", secondary_token=TOKEN)
    assert isinstance(channel, SmsChannel)
    callback = double.tells("SM1", at=NOW)

    events = await channel.hear(callback)
    await channel.close()

    assert len(events) == 1


async def test_a_callback_of_another_account_is_refused() -> None:
    """A subaccount signs with its own token, but names itself."""
    double = SmsDouble()
    channel = double.channel()
    assert isinstance(channel, SmsChannel)
    fields = {"MessageSid": "SM1", "MessageStatus": "delivered", "AccountSid": "AC" + "b" * 32}
    callback = double.calls(double.callback_url, fields, at=NOW)

    with pytest.raises(CallbackRefused, match="another account"):
        await channel.hear(callback)
    await channel.close()


async def test_a_callback_to_another_address_is_refused() -> None:
    """The signature covers the address: what was meant for one house is nothing to another."""
    double = SmsDouble()
    channel = double.channel()
    assert isinstance(channel, SmsChannel)
    callback = replace(double.tells("SM1", at=NOW), url="https://other.example/callbacks/sms")

    with pytest.raises(CallbackRefused, match="signature"):
        await channel.hear(callback)
    await channel.close()


async def sent(answered: Answered) -> Sent:
    """What one text becomes when Twilio answers like this."""

    async def handle(asked: Asked) -> Answered:
        return answered

    async with http_server(handle) as url:
        double = SmsDouble()
        double.url = url
        channel = double.channel()
        found = await channel.send(letter(address=MARIA))
        await channel.close()
    return found


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"status": "queued"}', b'{"sid": 7}'])
async def test_a_success_without_a_name_is_not_believed(body: bytes) -> None:
    """A proxy that answers for Twilio has sent nothing."""
    found = await sent(Answered(200, body))

    assert found.outcome is Outcome.RETRY


async def test_twilio_may_say_when_to_come_back() -> None:
    """Who knocks too early is locked out for longer."""
    found = await sent(Answered(429, b'{"code": 20429}', {"retry-after": "30"}))

    assert (found.outcome, found.retry_after) == (Outcome.RETRY, 30.0)


@pytest.mark.parametrize("status", [400, 404])
async def test_a_refusal_without_a_code_is_final(status: int) -> None:
    """It is not Twilio who answers, or not as it should: somebody must look."""
    found = await sent(Answered(status, b"nothing here"))

    assert found.outcome is Outcome.FAILED
    assert "look into" in found.detail


def test_every_error_says_what_to_do() -> None:
    """A number alone sends somebody on a search at three in the morning."""
    assert "START" in explained(21610)
    assert "docs/api/errors/99999" in explained(99999)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("account_sid", "AC123"),
        ("from", "Example Shop"),
        ("shows_ask", "maybe"),
        ("callbacks", "true"),
    ],
)
def test_a_wrong_option_is_refused_at_the_start(option: str, value: str) -> None:
    """Not with the first message of the night."""
    options: dict[str, Any] = {"account_sid": ACCOUNT, "auth_token": TOKEN, "from": "+15551230000"}

    with pytest.raises(InvalidInput, match=f"PULLCORD_SMS_{option.upper()}") as caught:
        made("sms", {**options, option: value}, Surroundings("https://x.example", lambda: NOW))

    assert TOKEN not in str(caught.value)


def test_a_number_is_answered_so_often_and_then_later_again() -> None:
    """Two machines that answer each other would go on for ever, at a price a piece."""
    patience = Patience()

    answered = [patience.has(MARIA, NOW) for _ in range(7)]
    later = patience.has(MARIA, NOW + timedelta(minutes=16))

    assert answered == [True] * 5 + [False] * 2
    assert later


def test_numbers_are_forgotten_when_there_are_many() -> None:
    """Somebody who texts from a thousand numbers fills no memory."""
    patience = Patience()
    for _ in range(5):
        patience.has(MARIA, NOW)

    for number in range(1_000):
        patience.has(str(number), NOW)

    assert patience.has(MARIA, NOW)


async def test_twilio_is_asked_when_a_text_was_sent() -> None:
    """It signs no time: where it cannot say, nothing is done."""
    async with SmsDouble.opened() as double:
        channel = double.channel()
        assert isinstance(channel, SmsChannel)
        known = double.texts("Y 7KQ2M", at=NOW)
        unknown = double.texts("Y 7KQ2M", at=NOW)
        del double.sent_at[max(double.sent_at)]
        nameless = double.calls(
            double.callback_url, {"MessageSid": "SM../x", "Body": "Y 7KQ2M"}, at=NOW
        )

        events = await channel.hear(known)
        for callback in (unknown, nameless):
            with pytest.raises(CallbackRefused, match="no such message"):
                await channel.hear(callback)
        double.faults(Fault.HANGS_UP)
        with pytest.raises(CallbackRefused, match="no such message"):
            await channel.hear(known)
        await channel.close()

    assert len(events) == 1
