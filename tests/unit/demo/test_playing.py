"""The demo at work: history that proves, colleagues who answer, lines one can follow."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pullcord.demo import colleagues as colleagues_module
from pullcord.demo import narrator as narrator_module
from pullcord.demo.colleagues import Colleagues
from pullcord.demo.history import DAYS
from pullcord.demo.narrator import Narrator, Told
from pullcord.demo.stage import VISITOR, Stage, set_up
from pullcord.demo.story import Answer, Situation
from pullcord.engine.house import House, furnish, opened
from pullcord.engine.proof import Checker, Exporter
from pullcord.errors import StoreBusy
from pullcord.path.escalation import DecisionKind, Escalation, person
from pullcord.store.port import AgentKey, Filter
from pullcord.store.sqlite import SqliteStore
from pullcord.testing.town import MASTER
from pullcord.wire import requests as wire


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """An empty house on the machine's clock; its engine does not run by itself."""
    async with opened(furnish(SqliteStore(tmp_path / "demo.db"), master=MASTER), runs=False) as it:
        yield it


@pytest.fixture
async def stage(house: House) -> Stage:
    """The demo's stage in it."""
    return await set_up(house, MASTER)


async def key_of(house: House, stage: Stage, agent: str) -> AgentKey:
    return await house.office.key_of(stage.keys[agent])


async def stop(house: House, stage: Stage, situation: str = "s1", **changes: Any) -> Escalation:
    """The refunds agent is stopped in a situation."""
    request: dict[str, Any] = {
        "key": situation,
        "tool": "issue_refund",
        "args": {"order": "H-1", "amount": 480.0},
        "run": f"{situation}/1",
        "end_user": wire.EndUserIn(id="anna", name="Anna"),
        **changes,
    }
    opened = await house.desk.open(await key_of(house, stage, "refunds"), wire.OpenIn(**request))
    assert opened.row is not None
    return opened.row.escalation


def situation(name: str, does: str, **answer: Any) -> Situation:
    """A situation of the refunds agent that somebody of billing answers at once."""
    fields: dict[str, Any] = {"by": "maria,tom", "after": 0, **answer}
    return Situation(
        id=name, agent="refunds", customer="Anna", said=(), answer=Answer(does, **fields)
    )


async def decided(house: House, name: str, workspace: str) -> Escalation:
    """The escalation once somebody decided."""
    async with asyncio.timeout(10):
        while True:
            row = await house.store.load(workspace, name)
            assert row is not None
            if row.escalation.decision is not None:
                return row.escalation


# --- the stage ----------------------------------------------------------------------


async def test_the_days_before_were_really_lived(house: House, stage: Stage) -> None:
    """Every decision of the history went through the desk, is signed, and proves."""
    checker = Checker()
    exporter = Exporter(house.store, house.vault, house.signer)
    async for line in exporter.lines(stage.workspace, house.clock.now(), with_contents=True):
        checker.take(line)

    proof = checker.proof()

    assert proof.holds
    assert proof.decisions == stage.remembered == len(DAYS)
    assert proof.contents > 2 * len(DAYS)
    decisions = [
        each.escalation.decision
        for each in (await house.store.find(stage.workspace, Filter(), limit=50)).rows
    ]
    assert {each.by for each in decisions if each} >= {"ines", "lena", "sam", "rule"}


async def test_the_visitor_is_signed_in_by_the_link_once(house: House, stage: Stage) -> None:
    """No password to invent for a look around."""
    _, session = await house.office.redeem_demo(stage.welcome)

    assert session.person == VISITOR


async def test_a_demo_on_a_kept_file_goes_on_where_it_was(house: House, stage: Stage) -> None:
    """The second start lives through no history twice, and has keys and a link of its own."""
    again = await set_up(house, MASTER)

    assert again.remembered == 0
    assert again.welcome != stage.welcome
    assert await house.store.counts(stage.workspace, Filter()) == len(DAYS)
    assert (await key_of(house, again, "claims")).agent == "claims"


# --- colleagues ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (situation("s1", "approve", note="fine"), DecisionKind.APPROVE),
        (situation("s1", "edit", args={"order": "H-1", "amount": 240.0}), DecisionKind.EDIT),
        (situation("s1", "reject", note="no"), DecisionKind.REJECT),
    ],
    ids=["approve", "edit", "reject"],
)
async def test_colleagues_answer_what_is_theirs(
    house: House, stage: Stage, answer: Situation, kind: DecisionKind
) -> None:
    """Through the same desk as everybody, as whoever is on duty."""
    found = await stop(house, stage)
    work = asyncio.create_task(Colleagues(house, stage.workspace, (answer,)).work())

    ended = await decided(house, found.id, stage.workspace)
    work.cancel()

    assert ended.decision is not None
    assert ended.decision.kind is kind
    assert ended.decision.by in ("maria", "tom")


@pytest.mark.parametrize(
    ("ask", "answer", "kind"),
    [
        (
            wire.AskIn(kind="answer", question="Covered?"),
            situation("s1", "answer", answer="Yes."),
            DecisionKind.ANSWER,
        ),
        (
            wire.AskIn(
                kind="choose",
                options=[
                    wire.OptionIn(id="a", label="A"),
                    wire.OptionIn(id="b", label="B", is_safe=True),
                ],
            ),
            situation("s1", "choose", option="a"),
            DecisionKind.CHOOSE,
        ),
    ],
    ids=["answer", "choose"],
)
async def test_colleagues_answer_questions_and_take_choices(
    house: House, stage: Stage, ask: wire.AskIn, answer: Situation, kind: DecisionKind
) -> None:
    """Agents ask as well as stop."""
    found = await stop(house, stage, tool="", args={}, ask=ask)
    work = asyncio.create_task(Colleagues(house, stage.workspace, (answer,)).work())

    ended = await decided(house, found.id, stage.workspace)
    work.cancel()

    assert ended.decision is not None
    assert ended.decision.kind is kind


async def test_what_is_left_for_the_visitor_is_left(house: House, stage: Stage) -> None:
    """Neither a situation left open nor one of another story is touched."""
    left = await stop(house, stage, "s1")
    foreign = await stop(house, stage, "s2")
    answered = await stop(house, stage, "s3")
    story = (situation("s1", "leave", by=""), situation("s3", "approve"))
    work = asyncio.create_task(Colleagues(house, stage.workspace, story).work())

    await decided(house, answered.id, stage.workspace)
    work.cancel()

    for each in (left, foreign):
        row = await house.store.load(stage.workspace, each.id)
        assert row is not None
        assert row.escalation.status == "open"


async def test_colleagues_who_stumble_or_are_overtaken_go_on(
    house: House, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The visitor was faster, the store hiccups: the demo does not stop for that."""
    monkeypatch.setattr(colleagues_module, "LOOK_SECONDS", 0.0)
    first = await stop(house, stage, "s1")
    find, troubles = house.store.find, iter([StoreBusy("try again.")])

    async def troubled(*given: Any, **more: Any) -> Any:
        trouble = next(troubles, None)
        if trouble is not None:
            raise trouble
        return await find(*given, **more)

    monkeypatch.setattr(house.store, "find", troubled)
    work = Colleagues(house, stage.workspace, (situation("s1", "approve"),))
    desk, act = house.desk, house.desk.act
    overtaken = asyncio.Event()

    async def slower(workspace: str, escalation: str, by: Any, request: Any, **more: Any) -> Any:
        if not overtaken.is_set():
            overtaken.set()
            owner = person(first.owner)
            await act(workspace, escalation, owner, wire.DecideIn(kind="reject"), via="console")
        return await act(workspace, escalation, by, request, **more)

    monkeypatch.setattr(desk, "act", slower)
    task = asyncio.create_task(work.work())
    ended = await decided(house, first.id, stage.workspace)
    monkeypatch.undo()
    second = await stop(house, stage, "s1", key="again")
    also = await decided(house, second.id, stage.workspace)
    task.cancel()

    assert ended.decision is not None
    assert ended.decision.kind is DecisionKind.REJECT
    assert also.decision is not None
    assert also.decision.kind is DecisionKind.APPROVE


# --- the narrator ----------------------------------------------------------------------


async def test_what_happens_is_told_in_lines_one_can_follow(house: House, stage: Stage) -> None:
    """The stop by its question, what follows with what it is about, the visitor's own marked."""
    told: list[Told] = []
    narrator = Narrator(house, stage.workspace, told.append)
    found = await stop(house, stage)
    await narrator.tell(found.id)
    await house.desk.act(
        stage.workspace, found.id, person(found.owner), wire.DeclineIn(), via="console"
    )
    await narrator.tell(found.id)
    await narrator.tell(found.id)

    question = "Refund EUR 480.00 to Anna?"
    assert told[0].is_stop
    assert (told[0].agent, told[0].what, told[0].about) == ("refunds", question, "")
    assert [each.is_for_visitor for each in told].count(True) == 1
    assert told[-1].is_for_visitor
    assert all(each.about in ("", question) for each in told)
    assert [each.what for each in told if each.about]
    assert len(told) == len({each.what for each in told})


async def test_history_and_strangers_are_not_told(house: House, stage: Stage) -> None:
    """What happened before the visitor came is in the console."""
    told: list[Told] = []
    narrator = Narrator(house, stage.workspace, told.append)
    (past, *_) = await house.store.chains(stage.workspace)

    await narrator.tell(past)
    await narrator.tell("esc_none")

    assert told == []


async def test_the_narrator_listens_and_goes_on_after_a_stumble(
    house: House, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that could not be told is told with the next hint."""
    monkeypatch.setattr(narrator_module, "KNOWN_MAX", 1)
    told: list[Told] = []
    narrator = Narrator(house, stage.workspace, told.append)
    load, troubles = house.store.load, iter([StoreBusy("try again.")])

    async def troubled(*given: Any) -> Any:
        trouble = next(troubles, None)
        if trouble is not None:
            raise trouble
        return await load(*given)

    work = asyncio.create_task(narrator.work())
    await asyncio.sleep(0)
    monkeypatch.setattr(house.store, "load", troubled)
    house.bus.publish(stage.workspace, "escalation", "esc_none")
    house.bus.publish(stage.workspace, "people", "maria")
    first, second = await stop(house, stage, "s1"), await stop(house, stage, "s2")
    async with asyncio.timeout(10):
        while len([each for each in told if each.is_stop]) < 2:
            await house.store.ping()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)

    assert first.id != second.id
    assert house.bus.listeners == 0
