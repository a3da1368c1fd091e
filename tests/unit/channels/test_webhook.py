"""The signed webhook against a real receiver: what leaves the house, and what a reply means."""

import base64
import json

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from pullcord.channels.port import Outcome
from pullcord.channels.webhook import WebhookChannel
from pullcord.errors import InvalidInput
from tests.unit.channels.letters import NOW, letter
from tests.unit.channels.receiver import receiver

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
#: where these tests listen
LOOPBACK = ["127.0.0.1"]
OTHER = "whsec_" + base64.b64encode(bytes(32)).decode()


async def sent(*answers: tuple[int, dict[str, str]] | int) -> tuple[Outcome, str, float | None]:
    """What one try becomes when the receiver answers like this."""
    async with receiver(*answers) as place:
        channel = WebhookChannel(place.url, SECRET, internal=LOOPBACK)
        found = await channel.send(letter())
        await channel.close()
    return found.outcome, found.detail, found.retry_after


async def test_a_receiver_can_prove_who_sent_it() -> None:
    """Anybody may post to an open address; only we can sign."""
    async with receiver() as place:
        channel = WebhookChannel(place.url, SECRET, internal=LOOPBACK)
        await channel.send(letter())
        await channel.close()

    (heard,) = place.heard
    event = Webhook(SECRET).verify(heard.body, heard.headers)
    assert event["id"] == heard.headers["webhook-id"] == "msg_1.webhook"
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(heard.body, heard.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(heard.body.replace(b"esc_1", b"esc_2"), heard.headers)


async def test_a_letter_is_a_cloud_event_without_anything_personal() -> None:
    """Receivers route by ids, deadlines and rules; content is read after signing in."""
    async with receiver() as place:
        channel = WebhookChannel(place.url, SECRET, internal=LOOPBACK)
        await channel.send(letter())
        await channel.send(letter(due_at=None))
        await channel.close()

    event, ended = (json.loads(each.body) for each in place.heard)
    assert place.heard[0].line == "POST /hook HTTP/1.1"
    assert place.heard[0].headers["content-type"] == "application/cloudevents+json"
    assert event["specversion"] == "1.0"
    assert event["source"] == "/pullcord/shop"
    assert event["type"] == "pullcord.escalation.asked"
    assert event["subject"] == "esc_1"
    assert event["data"]["to"] == "person:maria"
    assert event["data"]["due_at"] == NOW.isoformat()
    assert event["data"]["url"].endswith("/escalations/esc_1")
    assert event["data"]["wakes"] is True
    assert ended["data"]["due_at"] is None


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_a_success_is_taken_but_not_yet_delivered(status: int) -> None:
    """The receiver has it; whether a person sees it is not known to us."""
    outcome, detail, _ = await sent(status)

    assert outcome is Outcome.ACCEPTED
    assert str(status) in detail


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirects_are_not_followed(status: int) -> None:
    """A redirect would carry a signed body to somewhere nobody configured."""
    async with receiver() as elsewhere:
        outcome, detail, _ = await sent((status, {"location": elsewhere.url}))

    assert outcome is Outcome.FAILED
    assert "check the address" in detail
    assert not elsewhere.heard


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_a_receiver_in_trouble_is_tried_again(status: int) -> None:
    """What passes by itself must not cost anybody a rung."""
    outcome, _, retry_after = await sent(status)

    assert outcome is Outcome.RETRY
    assert retry_after is None


@pytest.mark.parametrize("status", [400, 401, 404, 410, 413, 501])
async def test_a_refusal_is_final(status: int) -> None:
    """Trying again what is refused only delays the next rung."""
    outcome, detail, _ = await sent(status)

    assert outcome is Outcome.FAILED
    assert str(status) in detail


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("soon", None),
        ("-3", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0.0),
    ],
)
async def test_a_receiver_may_say_when_to_come_back(header: str, seconds: float | None) -> None:
    """Retry-After is a number of seconds or a date; nonsense in it changes nothing."""
    outcome, _, retry_after = await sent((429, {"retry-after": header}))

    assert outcome is Outcome.RETRY
    assert retry_after == seconds


async def test_a_dropped_connection_is_tried_again() -> None:
    """Nobody knows what the receiver made of it; the same id lets it tell."""
    outcome, detail, _ = await sent(0)

    assert outcome is Outcome.RETRY
    assert detail == "no answer: the connection broke off"


async def test_a_receiver_that_is_not_there_is_tried_again() -> None:
    """A restart of the receiver is not the end of a message."""
    async with receiver() as place:
        url = place.url
    channel = WebhookChannel(url, SECRET, internal=LOOPBACK)

    found = await channel.send(letter())

    await channel.close()
    assert found.outcome is Outcome.RETRY


@pytest.mark.parametrize(
    "url", ["hook.example", "ftp://hook.example", "http://", "http://[::1", "http://x:99999/"]
)
def test_an_address_nobody_can_call_is_refused_at_the_start(url: str) -> None:
    """Not at three in the morning with the first message."""
    with pytest.raises(InvalidInput, match="webhook_url"):
        WebhookChannel(url, SECRET)


async def test_two_secrets_sign_while_one_replaces_the_other() -> None:
    """The receiver changes its secret when it likes; no message is refused meanwhile."""
    async with receiver() as place:
        channel = WebhookChannel(place.url, f"{OTHER} {SECRET}", internal=LOOPBACK)
        await channel.send(letter())
        await channel.close()

    (heard,) = place.heard
    events = [Webhook(each).verify(heard.body, heard.headers) for each in (SECRET, OTHER)]
    assert events[0] == events[1]
    with pytest.raises(InvalidInput, match="2 secrets"):
        WebhookChannel(place.url, f"{OTHER} {SECRET} {OTHER}")


@pytest.mark.parametrize(
    "secret", ["", "whsec_A whsec_not/base64!", "whsec_", "whsec_not/base64!", "whsec_c2hvcnQ="]
)
def test_a_weak_secret_is_refused_and_not_repeated(secret: str) -> None:
    """A signature with a guessable key proves nothing; an error message is no place for keys."""
    with pytest.raises(InvalidInput, match="openssl rand") as caught:
        WebhookChannel("https://hook.example/", secret)

    assert len(secret) < 8 or secret not in str(caught.value)
