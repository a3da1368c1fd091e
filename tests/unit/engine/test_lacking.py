"""What people count on and is not there is said while somebody is looking."""

import pytest

from pullcord.channels.port import Abilities, FoundBy
from tests.unit.engine.board import board
from tests.unit.engine.counter import POLICY
from tests.unit.engine.pigeons import Pigeons

CALM = POLICY.replace(", wake: true", "")
NEEDY = CALM.replace(
    "email: tom@example.com}",
    "email: tom@example.com, reach: {steps: [{by: paper}], urgent: [{by: papr}]}}",
)
WAKES = Abilities(wakes=True, found_by=FoundBy.PHONE)
RUNG = "person/maria, accept_within: 10m"


async def test_a_house_that_has_what_is_named_lacks_nothing() -> None:
    """A start without trouble is quiet."""
    async with board(policy=CALM) as found:
        assert await found.town.house.channel_desk.lacking("shop") == []


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        (NEEDY, "Tom Ode is reached by papr, which is not set up here; did you mean paper?"),
        (
            CALM.replace(RUNG, RUNG + ", reach: [{by: voice}]", 1),
            "is reached by voice, which is not set up here; see `pullcord channels list`",
        ),
        (
            POLICY,
            "says wake, and no channel that is set up here wakes anybody; sms and voice do",
        ),
    ],
)
async def test_a_way_that_is_not_there_is_named(policy: str, says: str) -> None:
    """It would be skipped without a word in the night in which it is needed."""
    async with board(policy=policy) as found:
        (told,) = await found.town.house.channel_desk.lacking("shop")

        assert told.endswith(says)


async def test_one_way_that_wakes_is_enough() -> None:
    """Which of them is the operator's choice."""
    bell = Pigeons(name="bell")
    bell.can = WAKES
    async with board(policy=POLICY, more={"bell": bell}) as found:
        assert await found.town.house.channel_desk.lacking("shop") == []
