"""The courier: sent is not reached, and nobody waits for somebody else's dead channel."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from pullcord.channels.console import ConsoleChannel
from pullcord.channels.port import Channel, Letter, Outcome, Sent
from pullcord.engine import courier
from pullcord.engine.together import Together
from pullcord.errors import StoreBusy
from pullcord.path.escalation import Status
from pullcord.store.port import Settled
from pullcord.store.receipts import Receipt, ReceiptState
from pullcord.testing import Town
from tests.unit.engine.counter import POLICY, refund, stopped
from tests.unit.engine.pigeons import BUSY, GONE, GOOD, Pigeons, post


async def receipts(town: Town, escalation: str) -> list[Receipt]:
    return list(await town.house.store.receipts(town.workspace, escalation))


async def test_everybody_concerned_is_told_once_on_every_way_to_them() -> None:
    """One copy per channel, each with its receipt; a second look sends nothing again."""
    pigeons = Pigeons()
    async with post({"console": ConsoleChannel(), "webhook": pigeons}) as (town, key):
        name = await stopped(town, key)

        await town.settle()
        await town.settle()

        assert pigeons.told() == ["person:maria"]
        kept = [each for each in await receipts(town, name) if each.detail.startswith("asked")]
        assert [(each.channel, each.state) for each in kept] == [
            ("console", ReceiptState.DELIVERED),
            ("webhook", ReceiptState.DELIVERED),
        ]


async def test_a_letter_says_what_it_is_about_and_where_to_act() -> None:
    """Enough to route by, nothing the agent or the end user wrote."""
    pigeons = Pigeons()
    async with post({"webhook": pigeons}) as (town, key):
        name = await stopped(town, key)
        await town.settle()

    letter = next(each for each in pigeons.letters if each.kind == "asked")
    assert letter.escalation == name
    assert letter.owner == "Maria from Billing"
    assert letter.rule == "refund-over-limit"
    assert letter.url == f"http://127.0.0.1:8710/escalations/{name}"
    assert letter.due_at is not None
    assert "Anna" not in repr(letter)


async def test_a_try_that_failed_is_repeated_later_and_later() -> None:
    """The same delivery id at every try, so that a receiver can tell a repetition."""
    pigeons = Pigeons(BUSY, BUSY, GOOD)
    policy = POLICY.replace("person/maria, accept_within: 10m", "person/maria, accept_within: 1h")
    async with post({"webhook": pigeons}, policy=policy) as (town, key):
        name = await stopped(town, key)

        await town.settle()
        tries = [len(pigeons.told())]
        for seconds in (4, 1, 14, 1):
            town.clock.turn(timedelta(seconds=seconds))
            await town.settle()
            tries.append(len(pigeons.told()))

        assert tries == [1, 1, 2, 2, 3]
        asked = [each for each in pigeons.letters if each.kind == "asked"]
        assert len({each.id for each in asked}) == 1
        states = [each.state for each in await receipts(town, name)]
        assert states.count(ReceiptState.FAILED) == 2


async def test_a_provider_that_names_a_time_is_left_alone_until_then() -> None:
    """Retry-After counts where it is longer than our own pause, up to the longest of these."""
    pigeons = Pigeons(
        Sent(Outcome.RETRY, "429", retry_after=60),
        Sent(Outcome.RETRY, "429", retry_after=1e9),
        GOOD,
    )
    policy = POLICY.replace("person/maria, accept_within: 10m", "person/maria, accept_within: 1h")
    async with post({"webhook": pigeons}, policy=policy) as (town, key):
        await stopped(town, key)

        await town.settle()
        tries = [len(pigeons.told())]
        for seconds in (59, 1, courier.BACK_OFF[-1] - 1, 1):
            town.clock.turn(timedelta(seconds=seconds))
            await town.settle()
            tries.append(len(pigeons.told()))

        assert tries == [1, 1, 2, 2, 3]


async def test_when_every_way_to_somebody_failed_the_next_is_asked_at_once() -> None:
    """Waiting ten minutes for somebody nobody told anything is waiting for nothing."""
    pigeons = Pigeons(GONE, GOOD)
    async with post({"webhook": pigeons}) as (town, key):
        name = await stopped(town, key)
        began = town.clock.now()

        await town.settle()

        assert (await town.row(name)).escalation.owner == "tom"
        assert pigeons.told() == ["person:maria", "person:tom"]
        kinds = [each.kind for each in await town.timeline(name)]
        assert "not_reached" in kinds
        assert town.clock.now() == began


async def test_somebody_reached_on_one_way_is_reached() -> None:
    """A dead pager behind an open console is no reason to ask somebody else."""
    async with post({"console": ConsoleChannel(), "webhook": Pigeons(GONE)}) as (town, key):
        name = await stopped(town, key)

        await town.settle()

        assert (await town.row(name)).escalation.owner == "maria"


async def test_somebody_without_any_way_to_them_is_passed_over_at_once() -> None:
    """No channel at all is the plainest form of not being reached."""
    policy = POLICY.replace("email: maria@example.com", "phone: '+491510000001', can_sign_in: no")
    async with post({"console": ConsoleChannel()}, policy=policy) as (town, key):
        name = await stopped(town, key)

        await town.settle()

        assert (await town.row(name)).escalation.owner == "tom"


async def test_a_console_that_somebody_cannot_open_is_no_way_to_them() -> None:
    """Who never chose a password sees no inbox: the ladder does not wait for them."""
    async with post({"console": ConsoleChannel()}) as (town, key):
        office = town.house.office
        first = await stopped(town, key, refund(key="k1"))
        await town.settle()
        await office.redeem(await office.invite("shop", "tom"), "a long password")
        second = await stopped(town, key, refund(key="k2"))
        await town.settle()
        await office.redeem(await office.invite("shop", "maria"), "a long password")
        third = await stopped(town, key, refund(key="k3"))
        await town.settle()

        owners = [(await town.row(each)).escalation.owner for each in (first, second, third)]
        # until somebody has a password nobody is told apart: a house that is only tried out
        assert owners == ["maria", "tom", "maria"]


async def test_tries_end_after_the_longest_pause_and_the_ladder_goes_on() -> None:
    """A channel that never recovers must not keep a person who cannot be told."""
    pigeons = Pigeons(BUSY)
    policy = POLICY.replace("person/maria, accept_within: 10m", "person/maria, accept_within: 1h")
    async with post({"webhook": pigeons}, policy=policy) as (town, key):
        name = await stopped(town, key)

        await town.settle()
        for seconds in courier.BACK_OFF:
            assert (await town.row(name)).escalation.owner == "maria"
            meets = courier.MEET_AFTER if seconds >= courier.MEET_AFTER else 0
            town.clock.turn(timedelta(seconds=seconds + meets))
            await town.settle()

        assert pigeons.told().count("person:maria") == len(courier.BACK_OFF) + 1
        assert (await town.row(name)).escalation.owner == "tom"


async def test_news_that_cannot_be_told_moves_no_ladder() -> None:
    """Only somebody who was to be asked can be passed over."""
    pigeons = Pigeons()
    async with post({"webhook": pigeons}) as (town, key):
        name = await stopped(town, key)
        await town.settle()
        pigeons.answers = [GONE]

        await town.person("maria").accept(name)
        await town.settle()

        assert (await town.row(name)).escalation.status is Status.ACCEPTED
        assert (await town.row(name)).escalation.owner == "maria"


async def test_what_is_no_longer_true_is_not_sent() -> None:
    """Nobody is paged for what somebody else has already."""
    pigeons = Pigeons()
    async with post({"webhook": pigeons}) as (town, key):
        name = await stopped(town, key)
        await town.person("maria").approve(name)

        await town.settle()

        assert pigeons.told() == []
        stale = [each for each in await receipts(town, name) if each.state is ReceiptState.STALE]
        assert ["no longer true" in each.detail for each in stale] == [True]


async def test_a_channel_that_was_taken_away_fails_its_copies() -> None:
    """A restart with other settings leaves no message in the outbox for ever."""
    channels: dict[str, Channel] = {"console": ConsoleChannel(), "webhook": Pigeons(BUSY)}
    async with post(channels) as (town, key):
        name = await stopped(town, key)
        await town.settle()
        del channels["webhook"]

        town.clock.turn(timedelta(seconds=5))
        await town.settle()

        details = [each.detail for each in await receipts(town, name)]
        assert any("there is no channel 'webhook' any more" in each for each in details)
        assert await town.house.store.unsent_since(town.clock.now() + timedelta(days=1)) is None


async def test_one_dead_channel_delays_no_other() -> None:
    """The pager service hangs: whoever is told another way hears of it all the same."""
    dead, alive = Pigeons(), Pigeons(name="console")
    dead.may_land.clear()
    async with post({"console": alive, "webhook": dead}) as (town, key):
        mail = town.house.courier
        await stopped(town, key)
        await _set_out(town, until=lambda: dead.in_flight > 0)
        await stopped(town, key, refund(key="k2"))
        await _set_out(town, until=lambda: len(alive.told()) == 2)

        assert dead.in_flight > 0
        assert alive.told() == ["person:maria", "person:maria"]

        dead.may_land.set()
        await mail.rest()
        assert dead.in_flight == 0


async def _set_out(town: Town, *, until: Callable[[], bool]) -> None:
    """Set out with what is due, waiting for no channel, until something is so."""
    for _ in range(20_000):
        await town.house.courier.set_out()
        await town.house.store.ping()
        if until():
            return
    raise AssertionError("it never came to be so")


async def test_a_channel_carries_a_bounded_number_of_letters_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A provider is not flooded; what waited too long goes back and is sent with a new lease."""
    monkeypatch.setattr(courier, "WAITING_MAX", 3)
    dead = Pigeons()
    dead.may_land.clear()
    async with post({"webhook": dead}) as (town, key):
        for number in range(courier.IN_FLIGHT_MAX + 5):
            await stopped(town, key, refund(key=f"k{number}"))
        await _set_out(town, until=lambda: dead.in_flight == courier.IN_FLIGHT_MAX)

        town.clock.turn(courier.PATIENCE + timedelta(seconds=1))
        dead.may_land.set()
        await town.house.courier.rest()
        late = len(dead.told())
        town.clock.turn(courier.LEASE)
        await town.settle()

        assert late == courier.IN_FLIGHT_MAX
        assert len({each.id for each in dead.letters if each.kind == "asked"}) == late + 5
        assert dead.most_in_flight == courier.IN_FLIGHT_MAX


async def test_messages_are_taken_no_faster_than_they_are_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is taken too early waits for its lease; what hangs holds up others for a moment."""
    monkeypatch.setattr(courier, "AHEAD_MAX", 1)
    monkeypatch.setattr(courier, "BATCH_MAX", 1)
    pigeons = Pigeons()
    pigeons.may_land.clear()
    async with post({"webhook": pigeons}) as (town, key):
        for number in range(3):
            await stopped(town, key, refund(key=f"k{number}"))
        out = town.house.courier.set_out

        taken = [await out(), await out()]
        town.clock.turn(courier.AHEAD_PACE)
        taken += [await out(), await out()]
        pigeons.may_land.set()
        await town.house.courier.rest()
        taken.append(await out())
        await town.house.courier.rest()

        assert taken == [1, 0, 1, 0, 1]


async def test_one_message_that_fails_delays_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store hiccups at one receipt: its lease brings that message back, the rest is done."""
    pigeons = Pigeons(GONE)
    policy = POLICY.replace("person/tom, accept_within: 10m, wake: true", "person/tom")
    async with post({"webhook": pigeons}, policy=policy) as (town, key):
        first = await stopped(town, key)
        second = await stopped(town, key, refund(key="k2"))
        settle = town.house.store.settle_outgoing

        async def hiccup(workspace: str, settled: Sequence[Settled]) -> None:
            if any(each.receipt.escalation == first for each in settled):
                raise StoreBusy("the disk is slow; try again.")
            await settle(workspace, settled)

        monkeypatch.setattr(town.house.courier, "_settlements", Together(hiccup))
        await town.house.courier.deliver()

        assert (await town.row(first)).escalation.owner == "maria"
        assert (await town.row(second)).escalation.owner == "tom"


async def test_a_desk_that_is_busy_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rung's own deadline advances the ladder all the same."""
    async with post({"webhook": Pigeons(GONE)}) as (town, key):
        name = await stopped(town, key)

        async def busy(_: object) -> None:
            raise StoreBusy("try again.")

        monkeypatch.setattr(town.house.courier, "_not_reached", busy)
        await town.settle()
        held = (await town.row(name)).escalation.owner
        await town.turn(timedelta(minutes=11))

        assert held == "maria"
        assert (await town.row(name)).escalation.owner != "maria"


async def test_a_bug_in_a_channel_is_seen_and_harms_no_other() -> None:
    """A channel may not raise; one that does is told in the log, and its letter comes back."""

    class Broken(Pigeons):
        async def send(self, letter: Letter) -> Sent:
            if letter.escalation == first:
                raise ZeroDivisionError
            return await super().send(letter)

    broken = Broken()
    async with post({"webhook": broken}) as (town, key):
        first = await stopped(town, key)
        second = await stopped(town, key, refund(key="k2"))

        with pytest.raises(ZeroDivisionError):
            await town.house.courier.deliver()
        await town.house.courier.rest()

        assert {each.escalation for each in broken.letters} == {second}


async def test_a_bug_in_one_channel_keeps_no_other_way_from_the_same_person() -> None:
    """Every way of a message is carried to its end before the bug is told."""

    class Broken(Pigeons):
        async def send(self, letter: Letter) -> Sent:
            raise ZeroDivisionError

    pigeons = Pigeons(name="doves")
    async with post({"webhook": Broken(), "doves": pigeons}) as (town, key):
        await stopped(town, key)

        with pytest.raises(ZeroDivisionError):
            await town.house.courier.deliver()

        assert pigeons.told() == ["person:maria"]


async def test_channels_are_let_go_with_the_house() -> None:
    """A house that closed holds no connection open."""
    pigeons = Pigeons()

    async with post({"webhook": pigeons}):
        assert not pigeons.is_closed

    assert pigeons.is_closed
