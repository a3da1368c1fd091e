"""Every channel against a double of its provider: what any of them must do, whatever it speaks."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pullcord.channels.port import (
    Abilities,
    Answer,
    Button,
    CallbackRefused,
    Coded,
    Content,
    Edits,
    Hears,
    Learned,
    Letter,
    Line,
    Outcome,
    Pressed,
    Verb,
)
from pullcord.engine.letters import ASK_MAX
from tests.conformance.channels.double import Double, Fault, Flaw
from tests.conformance.channels.doubles import DOUBLES
from tests.unit.channels.letters import letter as plain_letter

#: providers compare the times of signatures with their own clock
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(autouse=True)
def _the_present() -> None:
    """Signatures are good for five minutes, and a whole run takes longer than that."""
    global NOW  # noqa: PLW0603  # read by every test of this file
    NOW = datetime.now(UTC).replace(microsecond=0)


ASK = "Refund EUR 480.00 to Anna? " + "It was paid twice. " * 12
URL = "https://pull.example/escalations/esc_1"
#: right to left, without spaces, letters of many parts
LANGUAGES = ("هل نعيد المبلغ؟ ", "כן או לא? ", "返金しますか？", "👩\u200d👩\u200d👧👍🏽 ok? ")

ALL = sorted(DOUBLES)
#: presses are codes of letters, not tokens of buttons
CODED = [name for name in ALL if getattr(DOUBLES[name], "is_coded", False)]
#: read aloud: without addresses, and what the agent merely says is left to the page
SPOKEN = [name for name in ALL if getattr(DOUBLES[name], "is_spoken", False)]
WRITTEN = [name for name in ALL if name not in SPOKEN]
EDITING = [name for name in ALL if DOUBLES[name].edits]
HEARING = [name for name in ALL if DOUBLES[name].hears]
SHOWING = [name for name in ALL if DOUBLES[name].shows_content]
TELLING = [name for name in ALL if DOUBLES[name].tells_receipts]
NAMING = [name for name in ALL if DOUBLES[name].names_retry]
FLAWS = [flaw for flaw in Flaw if flaw is not Flaw.NONE]


@pytest.fixture
async def double(request: pytest.FixtureRequest) -> AsyncIterator[Double]:
    async with DOUBLES[request.param].opened() as found:
        yield found


def on(names: list[str]) -> pytest.MarkDecorator:
    """The test runs on these channels."""
    return pytest.mark.parametrize("double", names, indirect=True)


def letter(double: Double, can: Abilities, **changes: object) -> Letter:
    """Maria is asked, as this channel's letters read."""
    token = "A1b2-_" * 20
    content = Content(
        ask=ASK,
        situation="The customer paid twice.",
        consequence="EUR 480.00 leave the account.",
        reversibility="This cannot be undone.",
        money="EUR 480.00",
        facts=(("order", "H-1"), ("amount", "480.0")),
        claims=(("Assessment", "It looks right."),),
    )
    found = replace(
        plain_letter(address=double.address, at=NOW),
        headline="An escalation needs you: high, by 14:30",
        standing="Maria Lopez is being asked until 14:20.",
        deadline="Say by 14:20 whether you have it; decide by 14:30.",
        fallback="If nobody decides by 14:30, it is rejected.",
        is_open=True,
        content=content if can.is_private else None,
        buttons=(
            Button(Verb.ACCEPT, "I have it", token, f"https://pull.example/acts/{token}"),
            Button(Verb.DECLINE, "Not me", token[::-1], f"https://pull.example/acts/{token}"),
        )
        if can.has_buttons
        else (),
        code="7KQ2M",
        workspace_name="Example Shop",
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def flat(text: str) -> str:
    """Text as a person reads it, wherever its lines break."""
    return re.sub(r"\s+", " ", text)


@on(WRITTEN)
async def test_a_letter_arrives_once_and_says_where_to_act(double: Double) -> None:
    """The least any channel does for anybody."""
    channel = double.channel()

    sent = await channel.send(letter(double, channel.can))
    await channel.close()

    assert sent.outcome in (Outcome.ACCEPTED, Outcome.DELIVERED)
    (arrived,) = double.arrived()
    assert "esc_1" in arrived.text


@on(ALL)
async def test_a_letter_sent_again_carries_the_same_key(double: Double) -> None:
    """A crash after sending sends again; the provider or the reader can tell."""
    channel = double.channel()

    first = await channel.send(letter(double, channel.can))
    again = await channel.send(letter(double, channel.can))
    await channel.close()

    assert first.outcome is again.outcome
    assert len({each.key for each in double.arrived()}) == 1


@on(ALL)
@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.LIMITED, Fault.HANGS_UP])
async def test_a_passing_trouble_is_tried_again(double: Double, fault: Fault) -> None:
    """Providers are down every day; nothing is lost by it."""
    channel = double.channel()
    double.faults(fault)

    trouble = await channel.send(letter(double, channel.can))
    after = await channel.send(letter(double, channel.can))
    await channel.close()

    assert trouble.outcome is Outcome.RETRY
    assert after.outcome in (Outcome.ACCEPTED, Outcome.DELIVERED)
    assert len(double.arrived()) == 1


@on(NAMING)
async def test_the_time_a_provider_names_is_passed_on(double: Double) -> None:
    """Who knocks too early is locked out for longer."""
    channel = double.channel()
    double.faults(Fault.LIMITED)

    sent = await channel.send(letter(double, channel.can))
    await channel.close()

    assert sent.retry_after == pytest.approx(30, abs=2)


@on(ALL)
async def test_what_is_gone_is_not_tried_for_ever(double: Double) -> None:
    """An address that is no more must move the ladder, at once."""
    channel = double.channel()
    double.faults(Fault.GONE)

    sent = await channel.send(letter(double, channel.can))
    await channel.close()

    assert sent.outcome is Outcome.FAILED
    assert sent.detail


@on(ALL)
async def test_no_secret_is_told(double: Double) -> None:
    """Receipts are read by everybody in the console."""
    channel = double.channel()
    found = [await channel.send(letter(double, channel.can))]
    for fault in Fault:
        double.faults(fault)
        found.append(await channel.send(letter(double, channel.can)))
    await channel.close()

    told = repr(found) + repr(channel)
    assert not [each for each in double.secrets if each in told]
    assert "Anna" not in told


@on(SPOKEN)
async def test_a_call_arrives_once_and_says_what_is_asked(double: Double) -> None:
    """The ask whole, what cannot be undone, and the keys; an address read aloud helps nobody."""
    channel = double.channel()

    sent = await channel.send(letter(double, channel.can))
    await channel.close()

    assert sent.outcome is Outcome.ACCEPTED
    (arrived,) = double.arrived()
    assert flat(ASK).strip() in arrived.text
    assert "This cannot be undone." in arrived.text
    assert "Press 1" in arrived.text
    assert "https" not in arrived.text


@on([name for name in SHOWING if name in WRITTEN])
async def test_the_ask_stands_whole_and_claims_apart(double: Double) -> None:
    """Nobody decides on half a question, or on what the agent merely says."""
    channel = double.channel()

    await channel.send(letter(double, channel.can))
    await channel.close()

    text = flat(double.arrived()[0].text)
    assert flat(ASK).strip() in text
    assert "This cannot be undone." in text
    assert "The agent says" in text


@on([name for name in ALL if name not in SHOWING])
async def test_others_may_read_it_so_it_shows_nothing_personal(double: Double) -> None:
    """A lock screen and a shared room are no place for a customer's name."""
    channel = double.channel()

    await channel.send(letter(double, channel.can))
    await channel.close()

    assert "Anna" not in double.arrived()[0].text


@on(ALL)
async def test_long_and_strange_texts_are_taken(double: Double) -> None:
    """Right to left, emoji, markup and the longest texts the limits allow."""
    channel = double.channel()
    limits = channel.can.limits
    strange = "مرحبا 👩‍👩‍👧 <b>&amp;*_~`</b> @channel "
    found = letter(double, channel.can, headline=(strange * 20)[: limits.line])
    if found.content is not None:
        long = (strange * 200)[: limits.text]
        facts = tuple((f"fact {n}", long[: limits.line]) for n in range(limits.facts))
        content = replace(
            found.content, situation=long, consequence=long, facts=facts, claims=facts
        )
        found = replace(found, content=content)

    sent = await channel.send(found)
    await channel.close()

    assert sent.outcome in (Outcome.ACCEPTED, Outcome.DELIVERED), sent.detail
    (arrived,) = double.arrived()
    assert "esc_1" in arrived.text or getattr(double, "is_spoken", False)
    if found.content is not None:
        assert flat(ASK).strip() in flat(arrived.text)


@on(SHOWING)
@pytest.mark.parametrize(
    "language", ["هل نعيد المبلغ؟ ", "כן או לא? ", "返金しますか？", "👩‍👩‍👧👍🏽 ok? "]
)
async def test_the_longest_ask_is_never_cut(double: Double, language: str) -> None:
    """Right to left, without spaces, of many parts: nobody decides on half a question."""
    channel = double.channel()
    found = letter(double, channel.can)
    assert found.content is not None
    ask = (language * 1_000)[: ASK_MAX - 1].strip() + "."
    long = ("much text " * 400)[: channel.can.limits.text]
    content = replace(found.content, ask=ask, situation=long, consequence=long)

    sent = await channel.send(replace(found, content=content))
    await channel.close()

    assert sent.outcome in (Outcome.ACCEPTED, Outcome.DELIVERED), sent.detail
    assert flat(ask) in flat(double.arrived()[0].text)


@on(ALL)
async def test_a_bundle_lists_its_escalations(double: Double) -> None:
    """Merged is not lost: each of them can be opened."""
    channel = double.channel()
    lines = tuple(
        Line(NOW, f"No longer yours to answer {n}", f"https://pull.example/escalations/esc_{n}")
        for n in range(1, 4)
    )

    sent = await channel.send(
        letter(double, channel.can, kind="bundle", lines=lines, content=None, buttons=())
    )
    await channel.close()

    assert sent.outcome in (Outcome.ACCEPTED, Outcome.DELIVERED)
    assert double.arrived()


@on([name for name in ALL if DOUBLES[name].edits or DOUBLES[name].hears])
async def test_a_copy_has_a_name_by_which_it_is_known_again(double: Double) -> None:
    """Without a reference nothing can be edited, answered or receipted."""
    channel = double.channel()

    sent = await channel.send(letter(double, channel.can))
    await channel.close()

    assert sent.reference == double.arrived()[0].reference
    assert sent.reference


@on(EDITING)
async def test_a_copy_is_made_to_tell_the_truth(double: Double) -> None:
    """A button that outlives the decision is a lie somebody will press."""
    channel = double.channel()
    assert isinstance(channel, Edits)
    sent = await channel.send(letter(double, channel.can))
    standing = "Maria from Billing approved it at 14:09."

    edited = await channel.edit(
        sent.reference,
        letter(double, channel.can, standing=standing, is_open=False, buttons=(), status="decided"),
    )
    await channel.close()

    assert edited.outcome in (Outcome.ACCEPTED, Outcome.DELIVERED)
    first, then = double.arrived()
    assert then.is_edit
    assert then.reference == first.reference
    assert standing in flat(then.text)
    assert then.buttons == ()


@on(EDITING)
@pytest.mark.parametrize("fault", list(Fault))
async def test_an_edit_survives_what_a_provider_does(double: Double, fault: Fault) -> None:
    """The truth is told at the next try, or the copy is given up; nothing breaks."""
    channel = double.channel()
    assert isinstance(channel, Edits)
    sent = await channel.send(letter(double, channel.can))
    double.faults(fault)

    edited = await channel.edit(sent.reference, letter(double, channel.can, buttons=()))
    await channel.close()

    wanted = Outcome.FAILED if fault is Fault.GONE else Outcome.RETRY
    assert edited.outcome is wanted


@on([name for name in HEARING if name not in CODED])
async def test_a_press_names_the_account_and_the_button(double: Double) -> None:
    """Identity is the provider's stable id; the token comes back untouched."""
    channel = double.channel()
    assert isinstance(channel, Hears)
    token = letter(double, replace(channel.can, has_buttons=True)).buttons[0].token
    callback = double.press(token, at=NOW)

    events = [event for event in await channel.hear(callback) if isinstance(event, Pressed)]
    again = await channel.hear(callback)
    reply = await channel.answer(callback, [])
    await channel.close()

    assert [(each.account, each.token) for each in events] == [(double.account, token)]
    assert [event for event in again if isinstance(event, Pressed)] == events
    assert reply.status < 300


@on(CODED)
async def test_a_code_names_the_number_and_what_to_do(double: Double) -> None:
    """A phone names an escalation by its code, and can accept or decline, never decide."""
    channel = double.channel()
    assert isinstance(channel, Hears)
    callback = double.press("", at=NOW)

    events = [event for event in await channel.hear(callback) if isinstance(event, Coded)]
    again = await channel.hear(callback)
    reply = await channel.answer(callback, [Answer("You have it.", is_done=True)])
    await channel.close()

    assert events == [Coded(double.account, "7KQ2M", Verb.ACCEPT)]
    assert [event for event in again if isinstance(event, Coded)] == events
    assert b"You have it." in reply.body
    assert not channel.can.decides


@on(HEARING)
@pytest.mark.parametrize("flaw", FLAWS)
async def test_a_callback_that_is_not_the_providers_is_refused(double: Double, flaw: Flaw) -> None:
    """Anybody can send a POST; only the provider can sign it, and only now."""
    channel = double.channel()
    assert isinstance(channel, Hears)
    callback = double.press("A1b2-_" * 20, at=NOW, flaw=flaw)

    with pytest.raises(CallbackRefused):
        await channel.hear(callback)
    await channel.close()


@on(HEARING)
async def test_a_callback_without_anything_is_refused(double: Double) -> None:
    """Absent is a mismatch: no header, no body, no luck."""
    channel = double.channel()
    assert isinstance(channel, Hears)
    callback = replace(double.press("A1b2-_", at=NOW), headers={}, body=b"", query="")

    with pytest.raises(CallbackRefused):
        await channel.hear(callback)
    await channel.close()


@on(HEARING)
async def test_a_callback_from_the_future_is_refused(double: Double) -> None:
    """A clock that is wrong by more than five minutes proves nothing."""
    channel = double.channel()
    assert isinstance(channel, Hears)
    callback = replace(double.press("A1b2-_", at=NOW), at=NOW - timedelta(minutes=6))

    with pytest.raises(CallbackRefused):
        await channel.hear(callback)
    await channel.close()


@on(TELLING)
async def test_a_late_receipt_names_its_letter(double: Double) -> None:
    """ "Sent" becomes "delivered" only where the provider says so."""
    channel = double.channel()
    assert isinstance(channel, Hears)
    sent = await channel.send(letter(double, channel.can))

    events = await channel.hear(double.tells(sent.reference, at=NOW))
    await channel.close()

    learned = [each for each in events if isinstance(each, Learned)]
    assert [(each.reference, each.outcome) for each in learned] == [
        (sent.reference, Outcome.DELIVERED)
    ]
