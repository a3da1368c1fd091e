"""How a person is reached is theirs to say, a lead's for others, and on the record."""

import pytest

from pullcord.errors import NotAllowed, NotFound
from pullcord.owner.reach import Reach, ReachStep
from tests.unit.engine.board import board
from tests.unit.engine.counter import POLICY

LOUD = Reach(steps=(ReachStep("paper"),), wakes_per_night=0)


async def test_ones_own_rules_are_kept_and_recorded() -> None:
    """From the next message on, and somebody can see since when."""
    async with board() as found:
        office = found.town.house.office

        await office.set_reach("shop", "maria", LOUD, by="maria")

        assert (await office.people("shop"))["maria"].reach == LOUD
        links = await found.town.house.store.timeline("shop", "workspace", limit=100)
        assert links[-1].kind == "person_changed"


async def test_others_rules_are_for_leads() -> None:
    """Nobody makes a colleague's phone ring, or stop ringing."""
    async with board() as found:
        office = found.town.house.office

        with pytest.raises(NotAllowed):
            await office.set_reach("shop", "tom", LOUD, by="maria")
        await office.set_reach("shop", "tom", LOUD, by="dana")
        with pytest.raises(NotFound):
            await office.set_reach("shop", "zoe", LOUD, by="dana")

        assert (await office.people("shop"))["tom"].reach == LOUD


async def test_rules_of_the_file_are_seeds() -> None:
    """What somebody set in the console survives the next apply, with a word of warning."""
    seeded = POLICY.replace(
        "email: tom@example.com}", "email: tom@example.com, reach: {wakes_per_night: 7}}"
    )
    async with board(policy=seeded) as found:
        office = found.town.house.office
        first = (await office.people("shop"))["tom"].reach.wakes_per_night
        await office.set_reach("shop", "tom", LOUD, by="tom")

        applied = await office.apply(seeded, by="dana")

        assert first == 7
        assert (await office.people("shop"))["tom"].reach == LOUD
        assert any("people.tom" in each for each in applied.warnings)
        assert not any("people.maria" in each for each in applied.warnings)
