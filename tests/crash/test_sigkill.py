"""SIGKILL, again and again, at random instants: of the server, of the agent, of both.

`CRASH_SEED` repeats a run's choices, `CRASH_KILLS` changes how often somebody is killed.
"""

import asyncio
import os
import random
import signal
from collections.abc import Iterator

import pytest

from tests.crash.proof import findings, lines
from tests.crash.town import Town, furnished
from tests.keeping import KINDS, kept_on

KILLS = int(os.environ.get("CRASH_KILLS", "50"))
SEED = int(os.environ.get("CRASH_SEED", random.SystemRandom().randrange(10**9)))
#: how long both may live before one is killed, in seconds
LIVES = (0.2, 1.6)
#: seconds in which, after the last kill, everything that is open must be decided
REST_SECONDS = 60


@pytest.fixture(scope="module", params=KINDS)
def town_after_the_storm(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    """Kill fifty times and let it come to rest."""
    folder = tmp_path_factory.mktemp("crash")
    with kept_on(request.param, folder, lambda: request.getfixturevalue("pg")) as keeps:
        yield from after_the_storm(furnished(folder, keeps()))


def after_the_storm(town: Town) -> Iterator[Town]:
    """The town when everybody was killed and everything came to rest."""
    try:
        people = town.people()
        town.start_agent()
        kill_at_random(town, random.Random(SEED))
        come_to_rest(town)
        town.stop.set()
        for each in people:
            each.join(timeout=10)
        town.end(gently=True)
        assert not town.odd, f"seed {SEED}: {town.odd[:5]}"
        yield town
    finally:
        town.stop.set()
        town.end(gently=False)


def kill_at_random(town: Town, rng: random.Random) -> None:
    """Server or agent, at an instant nobody chose."""
    for number in range(KILLS):
        town.stop.wait(rng.uniform(*LIVES))
        if number % 2:
            assert town.server is not None
            town.server.send_signal(signal.SIGKILL)
            town.server.wait()
            town.start_server()
            town.await_server()
        else:
            assert town.agent is not None
            town.agent.send_signal(signal.SIGKILL)
            town.agent.wait()
            town.start_agent()


def come_to_rest(town: Town) -> None:
    """No more kills: people decide what is open, the last agent runs what it gets."""
    town.await_server()
    before = -1
    for _ in range(REST_SECONDS):
        town.stop.wait(1.0)
        effects = len(lines(town.folder / "effects"))
        if before > 0 and effects > before:
            return
        before = effects
    raise AssertionError(f"nothing happens any more: {town.log('agent')}")


@pytest.mark.promise("killed-server-loses-nothing")
@pytest.mark.promise("killed-agent-runs-once")
def test_fifty_kills_lose_nothing_and_run_nothing_twice(
    town_after_the_storm: Town,
) -> None:
    """Nothing acknowledged is lost, nothing decided twice, no effect twice or unapproved."""
    found = asyncio.run(findings(town_after_the_storm))

    print(f"seed {SEED}, {KILLS} kills: {found}")

    assert not found.faults, f"CRASH_SEED={SEED}\n" + "\n".join(found.faults[:20])
    assert found.escalations > KILLS
    assert found.decided > KILLS / 2
    assert found.effects > KILLS / 4
    assert found.acknowledged > KILLS


@pytest.mark.promise("killed-agent-runs-once")
def test_the_proof_would_see_a_second_and_an_unapproved_effect(town_after_the_storm: Town) -> None:
    """A proof that cannot fail proves nothing: two lines that never happened are seen."""
    effects = town_after_the_storm.folder / "effects"
    order, amount, _ = lines(effects)[0]
    with effects.open("a") as file:
        file.write(f"{order} {amount} 1\nnobody-asked 480.0 1\n")

    faults = asyncio.run(findings(town_after_the_storm)).faults

    assert faults == [
        f"{order} was refunded 2 times",
        "nobody-asked was refunded without an approval",
    ]
