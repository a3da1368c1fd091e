"""How the channels are: figures that mean something, an alarm before somebody misses a message."""

from dataclasses import replace
from datetime import timedelta

from pullcord.channels.port import Abilities, FoundBy, Outcome, Rate, Sent
from pullcord.engine.channel_desk import abilities_in_words
from pullcord.engine.health import ALARM_AFTER, KEPT_FOR, WINDOW
from pullcord.errors import NotFound
from pullcord.store.receipts import Receipt, ReceiptState
from tests.conformance.channels.double import Fault
from tests.conformance.channels.paper import PaperChannel
from tests.unit.engine.board import board
from tests.unit.engine.counter import POLICY
from tests.unit.engine.pigeons import BUSY, Pigeons

SLOW = POLICY.replace("person/maria, accept_within: 10m", "person/maria, accept_within: 1h")


async def test_a_channel_that_was_never_used_is_fine() -> None:
    """No news is no alarm."""
    async with board() as found:
        (paper,) = await found.town.house.health.of("shop")

        assert (paper.name, paper.edits, paper.hears) == ("paper", True, True)
        assert paper.failure_share == 0
        assert paper.alarm == ""
        assert await found.town.house.health.alarms() == []


async def test_what_arrived_and_what_failed_is_counted() -> None:
    """Taken, delivered and failed are three things."""
    async with board(policy=SLOW) as found:
        found.double.faults(Fault.BUSY)
        await found.stopped()
        await found.town.turn(timedelta(minutes=1))
        await found.tells(kind="learned", reference="note-1", outcome="seen")

        (paper,) = await found.town.house.health.of("shop")

        assert (paper.accepted, paper.delivered, paper.failed) == (1, 1, 1)
        assert round(paper.failure_share, 2) == 0.33
        assert paper.last_good_at == found.town.clock.now()


async def test_figures_are_kept_for_a_moment() -> None:
    """Nobody loads the database by looking."""
    async with board() as found:
        health = found.town.house.health
        before = await health.of("shop")
        await found.stopped()
        kept = await health.of("shop")
        found.town.clock.turn(KEPT_FOR)

        assert kept is before
        assert (await health.of("shop"))[0].accepted == 1


async def test_a_channel_that_only_fails_is_an_alarm() -> None:
    """With since when, so that somebody looks at the provider."""
    dead = Pigeons(BUSY, name="pager")
    dead.can = Abilities(found_by=FoundBy.EMAIL)
    async with board(policy=SLOW, more={"pager": dead}) as found:
        await found.stopped()
        await found.tells(kind="learned", reference="note-1", outcome="delivered")
        await found.town.turn(timedelta(minutes=20))

        alarms = await found.town.house.health.alarms()

        assert alarms == ["pager: nothing was delivered in the last 24 hours, and tries fail"]
        lines = await found.town.house.channel_desk.lines("shop", "maria")
        assert {each.name: each.trouble for each in lines} == {"paper": "", "pager": "rain"}
        found.town.clock.turn(WINDOW + timedelta(minutes=1))
        (_, pager) = await found.town.house.health.of("shop")
        assert pager.alarm == ""


async def test_a_channel_that_stopped_delivering_says_since_when() -> None:
    """It worked this morning: that is where to look."""
    async with board(policy=SLOW) as found:
        await found.stopped()
        good_at = found.town.clock.now()
        found.town.clock.turn(ALARM_AFTER + timedelta(minutes=1))
        found.double.faults(*[Fault.BUSY] * 3)
        await found.stopped("k2", run="run-2")

        (paper,) = await found.town.house.health.of("shop")

        assert paper.alarm == (
            f"paper: nothing was delivered since {good_at:%Y-%m-%d %H:%M} UTC, and tries fail"
        )


TAKEN = Sent(Outcome.ACCEPTED, "queued")
BLIND = replace(PaperChannel.can, has_receipts=False)
TOLD = Abilities(found_by=FoundBy.EMAIL, has_receipts=True)


async def test_a_provider_that_takes_everything_and_tells_of_nothing_is_an_alarm() -> None:
    """It answers 200 and drops: every try looks well, and nobody is reached."""
    liar = Pigeons(TAKEN, name="liar")
    liar.can = TOLD
    async with board(policy=SLOW, can=BLIND, more={"liar": liar}) as found:
        await found.stopped()
        await found.town.turn(ALARM_AFTER - timedelta(minutes=1))
        assert await found.town.house.health.alarms() == []

        await found.town.turn(timedelta(minutes=1))

        assert await found.town.house.health.alarms() == [
            "liar: nothing was delivered in the last 24 hours, though its provider takes letters"
        ]


async def test_a_provider_that_stopped_telling_says_since_when() -> None:
    """What it told of before is no proof for the letters after."""
    liar = Pigeons(TAKEN, name="liar")
    liar.can = TOLD
    async with board(policy=SLOW, can=BLIND, more={"liar": liar}) as found:
        house = found.town.house
        escalation = await found.stopped()
        told_at = found.town.clock.now() + timedelta(seconds=1)
        await house.store.note_receipt(
            "shop",
            Receipt("m", escalation, "person:maria", "liar", ReceiptState.DELIVERED, told_at),
        )
        await found.town.turn(timedelta(hours=1))
        assert await house.health.alarms() == []
        await found.stopped("k2", run="run-2")

        await found.town.turn(ALARM_AFTER)

        assert await house.health.alarms() == [
            f"liar: nothing was delivered since {told_at:%Y-%m-%d %H:%M} UTC, "
            "though its provider takes letters"
        ]


async def test_a_channel_that_recovered_is_no_alarm() -> None:
    """One bad minute of a provider wakes nobody."""
    async with board(policy=SLOW) as found:
        found.double.faults(Fault.BUSY)
        await found.stopped()
        await found.town.turn(timedelta(minutes=1))

        assert await found.town.house.health.alarms() == []


# --- as the console shows and tries them ---------------------------------------------------------


async def test_everybody_sees_their_own_accounts_on_each_channel() -> None:
    """And what each channel can do, in words."""
    can = PaperChannel.can
    async with board(
        can=Abilities(
            is_private=can.is_private,
            found_by=FoundBy.LINK,
            rates=(Rate(5, timedelta(minutes=1)),),
        )
    ) as found:
        (line,) = await found.town.house.channel_desk.lines("shop", "maria")

        assert [each.account for each in line.accounts] == ["maria-1"]
        assert line.is_linkable
        assert not line.links_here
        assert line.limits == ["5 in 1 minute"]
        assert line.abilities == ["shows the question", "says later how it stands"]


async def test_a_test_letter_asks_nothing_and_says_what_became_of_it() -> None:
    """Before the first night, not in it."""
    async with board() as found:
        desk = found.town.house.channel_desk

        good = await desk.try_out("shop", "maria", "paper")
        found.double.faults(Fault.GONE)
        bad = await desk.try_out("shop", "maria", "paper")

        assert (good.has_arrived, good.detail) == (True, "pinned")
        assert (bad.has_arrived, bad.detail) == (False, "answered 404")
        (note,) = found.notes()
        assert note.text.startswith("Test from Pullcord")
        assert note.buttons == ()
        links = await found.town.house.store.timeline("shop", "workspace", limit=100)
        assert [each.kind for each in links][-2:] == ["channel_tried", "channel_tried"]


async def test_who_cannot_be_found_there_is_told_why() -> None:
    """Rita linked nothing; there is no such thing as the fax."""
    async with board() as found:
        refused = []
        for who, name in (("rita", "paper"), ("maria", "fax"), ("nobody", "paper")):
            try:
                await found.town.house.channel_desk.try_out("shop", who, name)
            except NotFound as error:
                refused.append(str(error))

        assert len(refused) == 3
        assert "accounts and devices people link" in refused[0]


def test_every_ability_has_words() -> None:
    """People choose channels by what these do."""
    every = Abilities(
        wakes=True, is_private=True, has_buttons=True, decides=True, has_receipts=True
    )

    assert len(abilities_in_words(every, edits=True)) == 6
    assert abilities_in_words(Abilities(), edits=False) == []
