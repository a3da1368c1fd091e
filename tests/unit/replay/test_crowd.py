"""The scripted people of a replay: the same recording meets the same people every time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from pullcord.errors import StoreBusy
from pullcord.path.escalation import DecisionKind, Escalation
from pullcord.replay import crowd as crowd_module
from pullcord.replay.crowd import Crowd, changed_number, mood_of
from pullcord.store.port import AgentKey
from pullcord.testing import Town
from pullcord.wire import requests as wire
from tests.unit.engine.counter import POLICY, refund, shop

SHORT = POLICY.replace("accept_within: 10m", "accept_within: 1s")


@asynccontextmanager
async def crowded(policy: str = SHORT) -> AsyncIterator[tuple[Town, AgentKey]]:
    """The shop with everybody in it at work."""
    async with shop(policy) as (town, key):
        task = asyncio.create_task(Crowd(town.house, "shop", thinks_for=0).work())
        try:
            yield town, key
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def ended(town: Town, key: AgentKey, request: wire.OpenIn) -> Escalation:
    """What became of a stop once somebody decided."""
    opened = await town.house.desk.open(key, request)
    assert opened.row is not None
    name = opened.row.escalation.id
    async with asyncio.timeout(10):
        while (await town.row(name)).escalation.decision is None:
            await town.house.runner.settle()
    return (await town.row(name)).escalation


def of_mood(mood: str, **changes: Any) -> wire.OpenIn:
    """A request whose call the first person asked meets in this mood."""
    for number in range(1_000):
        run = f"run-{number}"
        request = refund(key=run, run=run, call="1.0", **changes)
        found = _Drawn(run, "1.0", request.tool)
        if mood_of(found) == mood:  # type: ignore[arg-type]
            return request
    raise AssertionError(f"nobody is in the mood {mood}")


class _Drawn:
    """As much of an escalation as a mood is drawn from."""

    def __init__(self, run: str, call: str, tool: str) -> None:
        self.run, self.call, self.tool = run, call, tool


def test_moods_are_drawn_from_the_call_itself() -> None:
    """Every replay of one file is the same story, in about the shares that are told."""
    drawn = [mood_of(_Drawn(f"run-{n}", "1.0", "t")) for n in range(5_000)]  # type: ignore[arg-type]
    again = [mood_of(_Drawn(f"run-{n}", "1.0", "t")) for n in range(5_000)]  # type: ignore[arg-type]

    shares = Counter(drawn)
    assert drawn == again
    assert 3_300 < shares["approve"] < 3_900
    for mood, share in crowd_module.SHARES.items():
        assert share * 30 < shares[mood] < share * 70


@pytest.mark.parametrize(
    ("mood", "kind", "by"),
    [
        ("approve", DecisionKind.APPROVE, "maria"),
        ("edit", DecisionKind.EDIT, "maria"),
        ("reject", DecisionKind.REJECT, "maria"),
        ("decline", DecisionKind.APPROVE, "tom"),
    ],
)
async def test_people_do_what_their_mood_says(mood: str, kind: DecisionKind, by: str) -> None:
    """Approve, change, refuse, or pass it on to whoever is next."""
    async with crowded() as (town, key):
        found = await ended(town, key, of_mood(mood))

        assert found.decision is not None
        assert (found.decision.kind, found.decision.by) == (kind, by)


async def test_silence_lets_the_ladder_advance() -> None:
    """Somebody who never answers is what ladders are for."""
    async with crowded() as (town, key):
        opened = await town.house.desk.open(key, of_mood("silent"))
        assert opened.row is not None
        name = opened.row.escalation.id

        await town.turn(timedelta(seconds=2))
        async with asyncio.timeout(10):
            while (await town.row(name)).escalation.decision is None:
                await town.house.runner.settle()

        found = (await town.row(name)).escalation
        assert found.decision is not None
        assert found.decision.by == "tom"


async def test_where_silence_would_take_long_nobody_is_silent() -> None:
    """A replay shows a ladder, it does not wait ten minutes for one."""
    async with crowded(POLICY) as (town, key):
        found = await ended(town, key, of_mood("silent"))

        assert found.decision is not None
        assert found.decision.by == "maria"


async def test_a_change_the_policy_refuses_becomes_an_approval() -> None:
    """The crowd knows no policy; the desk does."""
    policy = SHORT.replace("args.amount < 0", "args.amount < 400")
    async with crowded(policy) as (town, key):
        found = await ended(town, key, of_mood("edit", amount=480.0))

        assert found.decision is not None
        assert found.decision.kind is DecisionKind.APPROVE


@pytest.mark.parametrize(
    ("ask", "kind"),
    [
        (wire.AskIn(kind="answer", question="Covered?"), DecisionKind.ANSWER),
        (
            wire.AskIn(
                kind="choose",
                options=[
                    wire.OptionIn(id="a", label="A"),
                    wire.OptionIn(id="b", label="B", is_safe=True),
                ],
            ),
            DecisionKind.CHOOSE,
        ),
        (wire.AskIn(kind="take_over", question="A person, please."), DecisionKind.HAND_BACK),
    ],
)
async def test_every_kind_of_ask_gets_its_kind_of_answer(
    ask: wire.AskIn, kind: DecisionKind
) -> None:
    """Questions are answered, choices taken, conversations taken over and handed back."""
    async with crowded() as (town, key):
        request = of_mood("approve")
        found = await ended(town, key, wire.OpenIn(key="q", run=request.run, call="1.0", ask=ask))

        assert found.decision is not None
        assert found.decision.kind is kind


async def test_a_crowd_that_stumbles_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store hiccups once; nobody goes home."""
    monkeypatch.setattr(crowd_module, "LOOK_SECONDS", 0.01)
    async with shop(SHORT) as (town, key):
        find, troubles = town.house.store.find, iter([StoreBusy("try again.")])

        async def troubled(*given: Any, **more: Any) -> Any:
            trouble = next(troubles, None)
            if trouble is not None:
                raise trouble
            return await find(*given, **more)

        monkeypatch.setattr(town.house.store, "find", troubled)
        task = asyncio.create_task(Crowd(town.house, "shop", thinks_for=0).work())
        found = await ended(town, key, of_mood("approve"))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

        assert found.decision is not None


async def test_a_crowd_that_was_overtaken_shrugs() -> None:
    """Somebody else decided meanwhile: that is no error."""
    async with shop(SHORT) as (town, key):
        opened = await town.house.desk.open(key, of_mood("approve"))
        assert opened.row is not None
        found = opened.row.escalation
        await town.person("maria").reject(found.id)
        crowd = Crowd(town.house, "shop", thinks_for=0)

        await crowd._meet(found)

        assert (await town.row(found.id)).escalation.decision is not None
        assert not crowd._busy


def test_numbers_are_made_smaller_and_nothing_else_is_touched() -> None:
    """A change one can see, of the kind people make."""
    assert changed_number({"order": "H", "n": 10, "m": 4}) == {"order": "H", "n": 5, "m": 4}
    assert changed_number({"amount": 9.5}) == {"amount": 4.75}
    assert changed_number({"order": "H", "flag": True, "one": 1}) is None
