"""Held: everything can be looked at, nothing goes in or out, and a person lets it go."""

from datetime import timedelta
from typing import Any

import pytest

from pullcord.errors import Held, InvalidInput, NotAllowed
from pullcord.path.escalation import Actor, ActorKind, person
from pullcord.testing import Town
from pullcord.wire.requests import CallsIn, CollectIn, DecideIn, OutcomeIn, ReportIn
from tests.unit.engine.counter import refund, shop, stopped
from tests.unit.engine.pigeons import Pigeons, post

BY_HAND = Actor(ActorKind.ENGINE, "command line")


async def hold(town: Town) -> None:
    await town.house.keeper.hold(by="Dana", why="restored a backup", actor=BY_HAND)


async def kinds(town: Town) -> list[tuple[str, str]]:
    """What the workspace's chain tells last, and by whom."""
    links = await town.house.store.timeline(town.workspace, "workspace")
    return [(each.kind, str(each.body)) for each in links[-2:]]


@pytest.mark.promise("held-until-let-go")
async def test_while_held_nothing_goes_in_or_out() -> None:
    """A restored system does not know yet what happened since: it must not act on old news."""
    async with shop() as (town, key):
        name = await stopped(town, key)
        ready = await stopped(town, key, refund(key="k2", run="r2"))
        await town.person("maria").approve(ready)
        await hold(town)
        desk, maria = town.house.desk, person("maria")

        acts: dict[str, Any] = {
            "open": stopped(town, key, refund(key="k3", run="r3")),
            "decide": desk.act(
                town.workspace, name, maria, DecideIn(kind="approve"), via="console"
            ),
            "collect": desk.collect(key, ready, CollectIn(attempt="a1")),
            "report": desk.report(key, ready, ReportIn(attempt="a1", outcome="not_needed")),
            "calls": desk.record_calls(key, CallsIn(calls=[])),
            "outcome": desk.note_outcome(town.workspace, name, maria, OutcomeIn(label="ok")),
            "told": town.house.agent_views.decided(key, attempt="a1"),
            "read": town.house.agent_views.escalation(key, ready),
        }
        refused = {}
        for verb, act in acts.items():
            with pytest.raises(Held, match="restored a backup") as caught:
                await act
            refused[verb] = str(caught.value)

        assert refused.keys() == acts.keys()
        assert (await town.house.agent_views.escalation(key, name)).status == "open"
        assert (await town.row(name)).escalation.version == 1


@pytest.mark.promise("held-until-let-go")
async def test_while_held_no_ladder_advances_and_no_message_leaves() -> None:
    """Nobody is woken about a world that may be hours old."""
    pigeons = Pigeons()
    async with post({"webhook": pigeons}) as (town, key):
        name = await stopped(town, key)
        await hold(town)

        await town.turn(timedelta(minutes=25))
        held = (list(pigeons.told()), (await town.row(name)).escalation.version)
        released = await town.house.keeper.let_go(by="Dana", actor=BY_HAND)
        await town.turn(timedelta(seconds=2))

        assert held == ([], 1)
        assert released
        assert (await town.row(name)).escalation.owner != "maria"
        assert pigeons.told(), "what was due is told once everything goes on"


async def test_holding_and_letting_go_stand_on_every_workspaces_chain() -> None:
    """Who stopped everything, why, and who let it go is asked later."""
    async with shop() as (town, _):
        await hold(town)
        await town.house.keeper.let_go(by="Tom", actor=BY_HAND)
        (held, why), (let_go, by) = await kinds(town)

        assert (held, let_go) == ("held", "let_go")
        assert "restored a backup" in why
        assert "Tom" in by


async def test_letting_go_what_is_not_held_is_told() -> None:
    """Twice pressed is no mistake, and no entry."""
    async with shop() as (town, _):
        await hold(town)

        released = [await town.house.keeper.let_go(by="Dana", actor=BY_HAND) for _ in range(2)]

        assert released == [True, False]


async def test_another_process_follows_within_a_second() -> None:
    """The answer is kept for a second, so that no write waits for one read more."""
    async with shop() as (town, _):
        holding = town.house.holding
        before = await holding.now()
        await hold(town)
        await town.house.store.let_go()

        kept = await holding.now()
        town.clock.turn(timedelta(seconds=1))

        assert before is None
        assert kept is None or kept.by == "Dana"
        assert await holding.now() is None


async def test_in_the_console_a_lead_lets_go_and_an_operator_does_not() -> None:
    """Whoever lets go answers for what happens next."""
    async with shop() as (town, _):
        await hold(town)
        keeper, views = town.house.keeper, town.house.views
        seen = {who: (await views.viewer(town.workspace, who)).held for who in ("maria", "dana")}

        with pytest.raises(NotAllowed, match="lead"):
            await keeper.let_go_as(town.workspace, "maria")
        released = await keeper.let_go_as(town.workspace, "dana")

        assert released
        assert {who: held.may_let_go for who, held in seen.items() if held} == {
            "maria": False,
            "dana": True,
        }
        assert (await views.viewer(town.workspace, "dana")).held is None


async def test_nobody_of_one_workspace_lets_go_for_another() -> None:
    """A database may serve several tenants; the machine's operator answers for all of them."""
    async with shop() as (town, _):
        source = await town.house.store.policy(town.workspace)
        assert source is not None
        other = source.source.replace(f"workspace: {town.workspace}", "workspace: other")
        await town.house.office.apply(other, by="dana")
        await hold(town)

        with pytest.raises(NotAllowed, match="pullcord release"):
            await town.house.keeper.let_go_as(town.workspace, "dana")

        held = (await town.house.views.viewer(town.workspace, "dana")).held
        assert held is not None
        assert not held.may_let_go


@pytest.mark.parametrize("why", ["", " ", "x" * 501, "a\x1b[31mb"])
async def test_a_hold_without_a_readable_reason_is_refused(why: str) -> None:
    """The reason is what people read at night."""
    async with shop() as (town, _):
        with pytest.raises(InvalidInput, match="why"):
            await town.house.keeper.hold(by="Dana", why=why, actor=BY_HAND)

        assert await town.house.store.held() is None
