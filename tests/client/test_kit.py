"""The public test kit: time to turn, ids that repeat, a house in one hand, scripted people."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from pullcord.testing import (
    NOON,
    RunningClock,
    SeededIds,
    Town,
    TurnableClock,
    accepts,
    answers,
    approves,
    chooses,
    declines,
    edits,
    live_server,
    never,
    rejects,
    running_house,
)
from pullcord.wire.requests import AskIn, OpenIn, OptionIn
from tests.client.stage import POLICY

MINUTE = timedelta(minutes=1)


# --- the clock --------------------------------------------------------------------------------
async def test_sleepers_wake_in_the_order_of_their_times() -> None:
    """A test that turns the clock far must see the same order every time."""
    clock = TurnableClock()
    woken: list[int] = []

    async def rest(minutes: int) -> None:
        await clock.sleep(minutes * 60)
        woken.append(minutes)

    tasks = [asyncio.create_task(rest(each)) for each in (3, 1, 2, 9)]
    await asyncio.sleep(0)
    now = clock.turn(5 * MINUTE)
    await asyncio.gather(*tasks[:3])

    assert now == NOON + 5 * MINUTE
    assert woken == [1, 2, 3]
    assert clock.next_wake() == NOON + 9 * MINUTE
    tasks[3].cancel()
    await asyncio.gather(tasks[3], return_exceptions=True)
    assert clock.next_wake() is None


async def test_no_sleep_at_all_only_yields() -> None:
    """Loops that pause by nothing must not hang on a standing clock."""
    clock = TurnableClock()

    await clock.sleep(0)

    assert clock.now() == NOON


async def test_a_sleeper_whose_test_ended_does_not_disturb_the_next() -> None:
    """A cancelled sleeper may still be told that its time has come."""
    clock = TurnableClock()
    task = asyncio.create_task(clock.sleep(60))
    await asyncio.sleep(0)

    clock.turn(MINUTE)
    task.cancel()
    clock.turn(MINUTE)
    await asyncio.gather(task, return_exceptions=True)

    assert clock.next_wake() is None


def test_a_clock_is_not_turned_back() -> None:
    """Time that runs backwards is a fault to be injected on purpose, never by mistake."""
    with pytest.raises(AssertionError):
        TurnableClock().turn(-MINUTE)


async def test_a_running_clock_runs_and_can_be_turned() -> None:
    """A live server needs both: its own pace, and tomorrow at once."""
    clock = RunningClock(NOON)

    await clock.sleep(0.001)
    task = asyncio.create_task(clock.sleep(3_600))
    await asyncio.sleep(0)
    clock.turn(timedelta(hours=2))
    await task

    assert clock.now() > NOON + timedelta(hours=2)


def test_ids_repeat_with_their_seed() -> None:
    """Two runs of one seed can be compared entry by entry."""
    clock = TurnableClock()
    one, same, other = (SeededIds(clock, seed=seed) for seed in (1, 1, 2))

    first = [one.new("esc"), one.chance(4).hex()]

    assert first == [same.new("esc"), same.chance(4).hex()]
    assert first[0] != other.new("esc")
    assert first[0].startswith("esc_")


# --- the house --------------------------------------------------------------------------------
async def opened(town: Town, **more: Any) -> str:
    """An escalation of a refund."""
    shown = await town.key(agent="support")
    key = await town.house.office.key_of(shown)
    request = {"key": "k", "tool": "issue_refund", "args": {"order": "A", "amount": 480.0}, **more}
    found = await town.house.desk.open(key, OpenIn(**request))
    assert found.row is not None, "the policy stops it"
    return found.row.escalation.id


async def decided(town: Town, escalation: str) -> str:
    """How it was decided."""
    decision = (await town.row(escalation)).escalation.decision
    return str(decision.kind) if decision else "not yet"


@pytest.mark.parametrize(
    ("script", "kind"),
    [(approves(note="x"), "approve"), (rejects(), "reject"), (edits(amount=1), "edit")],
    ids=["approves", "rejects", "edits"],
)
async def test_scripted_people_decide_when_their_time_has_come(script: Any, kind: str) -> None:
    """A story of hours is played in milliseconds, and each act happens at its own minute."""
    async with running_house(POLICY) as town:
        escalation = await opened(town)
        town.plays("maria", type(script)(script.act, 3 * MINUTE, script.changes))

        await town.turn(2 * MINUTE)
        before = (await town.row(escalation)).escalation.decision
        await town.turn(2 * MINUTE)

        decision = (await town.row(escalation)).escalation.decision

    assert before is None
    assert decision is not None
    assert (decision.kind, decision.by) == (kind, "maria")
    assert decision.at == NOON + 3 * MINUTE


async def test_the_ladder_goes_on_when_nobody_answers() -> None:
    """Somebody who never answers, somebody who declines, and then the catch-all accepts."""
    async with running_house(POLICY) as town:
        escalation = await opened(town)
        town.plays("maria", never())
        town.plays("tom", declines(after=MINUTE, reason="busy"))
        town.plays("dana", accepts(after=MINUTE))

        await town.turn(timedelta(minutes=15))

        found = (await town.row(escalation)).escalation
        kinds = [each.kind for each in await town.timeline(escalation)]

    assert (found.status, found.owner) == ("accepted", "dana")
    assert kinds.index("rung_expired") < kinds.index("declined") < kinds.index("accepted")


async def test_scripted_people_answer_and_choose() -> None:
    """Every kind of ask has a script."""
    options = [OptionIn(id="a", label="A", is_safe=True), OptionIn(id="b", label="B")]
    async with running_house(POLICY) as town:
        question = await opened(town, key="q", ask=AskIn(kind="answer", question="Which?"))
        choice = await opened(town, key="c", ask=AskIn(kind="choose", options=options))
        town.plays("maria", answers("the blue one"))
        await town.turn(MINUTE)
        town.plays("maria", chooses("b"))
        await town.turn(MINUTE)

        answer = (await town.row(question)).escalation.decision
        chosen = (await town.row(choice)).escalation.decision

    assert answer is not None
    assert answer.kind == "answer"
    assert chosen is not None
    assert chosen.option == "b"


async def test_people_can_be_played_by_hand() -> None:
    """Each verb of a person, one by one."""
    async with running_house(POLICY) as town:
        maria = town.person("maria")
        first = await opened(town, key="1", run="r1")
        await maria.accept(first)
        await maria.take_over(first)
        await maria.hand_back(first, decided="done by hand")
        second = await opened(town, key="2", run="r2")
        await maria.decline(second, "not me")
        third = await opened(town, key="3", ask=AskIn(kind="answer", question="?"))
        await maria.answer(third, "yes")
        options = [OptionIn(id="a", label="A", is_safe=True), OptionIn(id="b", label="B")]
        fourth = await opened(town, key="4", ask=AskIn(kind="choose", options=options))
        await maria.choose(fourth, "a")
        fifth = await opened(town, key="5")
        await maria.reject(fifth, "no")
        kinds = [await decided(town, each) for each in (first, third, fourth, fifth)]
        owner = (await town.row(second)).escalation.owner

    assert kinds == ["hand_back", "answer", "choose", "reject"]
    assert owner == "tom"


async def test_two_runs_of_one_seed_are_equal() -> None:
    """What was found once can be found again."""

    async def told(seed: int) -> list[str]:
        async with running_house(POLICY, seed=seed) as town:
            town.plays("maria", approves(after=MINUTE))
            escalation = await opened(town)
            await town.turn(5 * MINUTE)
            return [each.hash for each in await town.timeline(escalation)]

    assert await told(3) == await told(3)
    assert await told(3) != await told(4)


# --- the live server --------------------------------------------------------------------------
def test_a_live_server_can_stop_and_start_again_on_the_same_address() -> None:
    """Restarts are part of the story of every agent."""
    with live_server(POLICY, agent="support") as live:
        url, key = live.url, live.key
        live.plays("maria", approves())
        live.stop()
        live.stop()
        live.start()

        assert (live.url, live.key) == (url, key)
        assert live.environ() == {"PULLCORD_URL": url, "PULLCORD_KEY": key}
        with live.operator("maria") as maria:
            assert maria.get("/livez").status_code == 200
            assert maria.get("/").status_code == 200
            with pytest.raises(AssertionError, match="404"):
                maria.accept("esc_nothing")


def test_an_operator_of_a_live_server_has_every_verb() -> None:
    """Browser and documentation tests act through the same doors as people."""
    with live_server(POLICY) as live, live.operator("maria") as maria:
        ids = [live.call(opened(live.town, key=str(each), run=f"r{each}")) for each in range(5)]
        question = live.call(opened(live.town, key="q", ask=AskIn(kind="answer", question="?")))

        maria.accept(ids[0])
        maria.approve(ids[0], note="x")
        maria.edit(ids[1], {"order": "A", "amount": 1})
        maria.reject(ids[2])
        maria.take_over(ids[3])
        maria.hand_back(ids[3], decided="x")
        maria.answer(question, "yes")
        live.turn(timedelta(hours=3))

        kinds = [live.call(decided(live.town, each)) for each in ids]

    assert kinds == ["approve", "edit", "reject", "hand_back", "nobody_decided"]


def test_a_live_server_that_cannot_start_says_why() -> None:
    """A mistake in the policy is heard in the test that made it."""
    with pytest.raises(Exception, match="workspace"), live_server("people: {}"):
        pass
