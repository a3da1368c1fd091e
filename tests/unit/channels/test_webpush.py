"""Web Push against a push service on loopback: what it says, how long it holds, who is gone."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from pullcord.channels.offered import Surroundings, made
from pullcord.channels.port import Button, Invites, Letter, Line, Outcome, Verb
from pullcord.channels.webpush import NOTE_BYTES_MAX, SAID_MAX, WebPushChannel, note_of, written
from pullcord.errors import InvalidInput
from tests.conformance.channels.webpush_double import PRIVATE_KEY, WebPushDouble
from tests.unit.channels.letters import letter as plain_letter

ACCEPT = Button(Verb.ACCEPT, "I have it", "T" * 120, "https://pull.example/acts/" + "T" * 120)
DECLINE = Button(Verb.DECLINE, "Not me", "N" * 120, "https://pull.example/acts/" + "N" * 120)


def asked(**changes: object) -> Letter:
    """Maria is asked for a refund that cannot be taken back."""
    found = plain_letter(
        headline="An escalation needs you: high, by 14:30",
        stake="EUR 480.00. This cannot be undone.",
        deadline="Say by 14:20 whether you have it; decide by 14:30.",
        fallback="If nobody decides by 14:30, it is rejected.",
        is_open=True,
        buttons=(ACCEPT, DECLINE),
    )
    found = replace(found, due_at=found.at + timedelta(minutes=20))
    return replace(found, **changes)  # type: ignore[arg-type]


@pytest.fixture
async def double() -> AsyncIterator[WebPushDouble]:
    async with WebPushDouble.opened() as found:
        yield found


async def test_the_lock_screen_says_how_bad_what_for_and_by_when(double: WebPushDouble) -> None:
    """Enough to get up for it, nothing that a stranger may not read."""
    channel = double.channel()
    sent = await channel.send(asked(address=double.address))
    await channel.close()

    (browser,) = double.browsers.values()
    (note,) = browser.notes
    assert sent.reference == note["tag"] == "esc_1"
    assert note["title"] == "An escalation needs you: high, by 14:30"
    assert note["body"] == (
        "EUR 480.00. This cannot be undone.\n"
        "Say by 14:20 whether you have it; decide by 14:30.\n"
        "If nobody decides by 14:30, it is rejected.\n"
        "high · refund-over-limit · support"
    )
    assert note["path"] == "/escalations/esc_1"
    assert note["buttons"] == [
        {"action": "accept", "title": "I have it", "path": "/acts/" + "T" * 120},
        {"action": "decline", "title": "Not me", "path": "/acts/" + "N" * 120},
    ]
    assert (note["is_open"], note["is_quiet"]) == (True, False)


async def test_an_ask_is_urgent_and_kept_as_long_as_it_holds(double: WebPushDouble) -> None:
    """A phone that comes back tomorrow must not ring for what ended last night."""
    channel = double.channel()
    found = asked(address=double.address)
    for due in (found.due_at, found.at, found.at + timedelta(days=90), None):
        await channel.send(replace(found, due_at=due))
    await channel.edit("esc_1", replace(found, is_open=False, standing="Tom has it.", buttons=()))
    await channel.close()

    assert [each["ttl"] for each in double.headers] == [
        "1200",
        "60",
        str(28 * 86_400),
        str(3 * 86_400),
        str(3 * 86_400),
    ]
    assert [each["urgency"] for each in double.headers] == ["high"] * 4 + ["normal"]
    topics = {each["topic"] for each in double.headers}
    assert len(topics) == 1
    assert len(topics.pop()) == 32


async def test_an_edit_comes_without_a_sound_and_only_when_it_says_something_new(
    double: WebPushDouble,
) -> None:
    """Nobody is woken to be told that a colleague wrote a comment."""
    channel = double.channel()
    found = asked(address=double.address)
    await channel.send(found)

    same = await channel.edit("esc_1", replace(found, version=9))
    ended = replace(found, is_open=False, headline="Tom approved it at 14:09.", buttons=())
    told = await channel.edit("esc_1", ended)
    again = await channel.edit("esc_1", ended)
    await channel.close()

    assert [each.outcome for each in (same, told, again)] == [Outcome.ACCEPTED] * 3
    assert same.detail == again.detail == "says so already"
    _, note = next(iter(double.browsers.values())).notes
    assert note["is_quiet"]
    assert note["title"] == "Tom approved it at 14:09."
    assert note["buttons"] == []


@pytest.mark.parametrize("status", [404, 410])
async def test_a_device_that_is_gone_is_given_up(double: WebPushDouble, status: int) -> None:
    """The engine forgets it, and the ladder goes on by another way."""
    channel = double.channel()
    if status == 410:
        next(iter(double.browsers.values())).is_gone = True
    else:
        double.browsers.clear()

    sent = await channel.send(asked(address=double.address))
    await channel.close()

    assert sent.outcome is Outcome.FAILED
    assert sent.is_gone
    assert "unlinked" in sent.detail


async def test_a_device_linked_with_another_key_is_kept_and_told(double: WebPushDouble) -> None:
    """A wrong key is our mistake, and no reason to forget everybody's phones."""
    channel = double.channel(private_key="A" * 42 + "E")

    sent = await channel.send(asked(address=double.address))
    await channel.close()

    assert sent.outcome is Outcome.FAILED
    assert not sent.is_gone
    assert "linked with another key" in sent.detail
    assert double.refusals == ["another key than the browser subscribed to"]


@pytest.mark.parametrize(
    "endpoint",
    ["http://push.example/1", "https://", "https://a:b@push.example/1", "ftp://push.example", "x"],
)
async def test_only_services_of_the_open_web_are_called(
    double: WebPushDouble, endpoint: str
) -> None:
    """The address comes from a browser: it could name anything."""
    channel = double.channel()
    browser = next(iter(double.browsers.values()))
    browser.endpoint = endpoint

    sent = await channel.send(asked(address=browser.subscription))
    with pytest.raises(InvalidInput, match="https://"):
        channel.account_of(browser.subscription)
    await channel.close()

    assert sent.outcome is Outcome.FAILED
    assert sent.is_gone


async def test_a_browser_is_known_by_the_digest_of_its_endpoint(double: WebPushDouble) -> None:
    """The same browser twice is one device; its endpoint is not shown to anybody."""
    channel = double.channel()
    first, second = next(iter(double.browsers.values())), double.subscribed()

    accounts = [channel.account_of(each.subscription) for each in (first, first, second)]
    await channel.close()

    assert isinstance(channel, Invites)
    assert channel.invitation() == first.server_key
    assert accounts[0] == accounts[1] != accounts[2]
    assert len(accounts[0]) == 64


async def test_it_remembers_only_so_much(
    double: WebPushDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every cache has an end; what was forgotten is said once more."""
    monkeypatch.setattr("pullcord.channels.webpush.SAID_MAX", 2)
    channel = double.channel()
    for number in range(3):
        await channel.send(asked(address=double.address, escalation=f"esc_{number}"))

    forgotten = await channel.edit("esc_0", asked(address=double.address, escalation="esc_0"))
    await channel.close()

    assert SAID_MAX == 10_000
    assert forgotten.detail == "answered 201"
    assert len(double.arrived()) == 4


# --- what a notification says ------------------------------------------------------------------


def test_news_says_how_it_stands_and_makes_no_sound() -> None:
    """What informs waits until somebody looks."""
    found = asked(
        kind="stood_down",
        is_open=False,
        buttons=(),
        headline="No longer yours to answer: Tom has it until 14:40.",
        standing="Tom has it until 14:40.",
        environment="test",
    )

    note = note_of(found)

    assert note.body == "high · refund-over-limit · support · test"
    assert note.is_quiet


def test_a_bundle_lists_and_takes_nobodys_place() -> None:
    """It must not replace the ask that is still on the screen."""
    lines = tuple(Line(plain_letter().at, f"news {number}", "https://p/e/1") for number in (1, 2))
    found = asked(
        id="bundle_1", kind="bundle", lines=lines, agent="", url="https://pull.example/", buttons=()
    )

    note = note_of(found)

    assert note.tag == "bundle_1"
    assert note.body.splitlines() == ["news 1", "news 2"]
    assert note.path == "/"


def test_a_test_is_heard() -> None:
    """Somebody looks at their phone and waits for it."""
    found = asked(
        kind="test",
        escalation="",
        agent="",
        is_open=False,
        buttons=(),
        headline="Test from Pullcord: this way works",
        standing="Nothing is asked of you.",
    )

    note = note_of(found)

    assert (note.tag, note.is_quiet, note.body) == ("test", False, "Nothing is asked of you.")


@pytest.mark.parametrize("text", ["👩‍👩‍👧" * 200, "م" * 2_000, "\x01" * 2_000])
def test_what_is_too_long_gives_way_and_buttons_stay(text: str) -> None:
    """Push services refuse what is too large, and then nobody is told at all."""
    note = replace(note_of(asked(headline=text[:150])), title=text[:150], body=text)

    found = written(note)

    assert len(found) <= NOTE_BYTES_MAX
    assert b"/acts/" + b"N" * 120 in found


# --- setting up ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("public_url", "contact"),
    [("https://pull.example", ""), ("http://127.0.0.1:8710", "mailto:ops@example.com")],
)
async def test_a_key_is_enough_behind_a_public_address(public_url: str, contact: str) -> None:
    """One variable, and a contact where the address itself is none."""
    around = Surroundings(public_url, lambda: plain_letter().at)

    channel = made("webpush", {"private_key": PRIVATE_KEY, "contact": contact}, around)
    await channel.close()

    assert isinstance(channel, WebPushChannel)


def test_without_any_contact_it_is_not_set_up() -> None:
    """Push services refuse whoever cannot be reached, at night and for everybody."""
    around = Surroundings("http://127.0.0.1:8710", lambda: plain_letter().at)

    with pytest.raises(InvalidInput, match="PULLCORD_WEBPUSH_CONTACT"):
        made("webpush", {"private_key": PRIVATE_KEY}, around)
