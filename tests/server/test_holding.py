"""A held server: it can be looked at, says so everywhere, and a lead lets it go."""

from datetime import timedelta

import pytest

from pullcord.path.escalation import Actor, ActorKind
from tests.server.place import Place, opening

BY_HAND = Actor(ActorKind.ENGINE, "command line")


async def hold(place: Place) -> None:
    await place.town.settle()
    await place.town.house.keeper.hold(by="Tom", why="restored a backup", actor=BY_HAND)


@pytest.mark.promise("held-until-let-go")
async def test_an_agent_is_told_to_wait_and_for_how_long(place: Place) -> None:
    """Nothing is lost and nothing is told: the same request works once it is let go."""
    name = await place.decided()
    await hold(place)
    agent = place.agent()

    replies = [
        await agent.post("/v1/escalations", json=opening("k2")),
        await agent.get("/v1/decisions"),
        await agent.get(f"/v1/escalations/{name}"),
        await agent.post(f"/v1/escalations/{name}/collect", json={"attempt": "a1"}),
    ]
    await place.town.house.keeper.let_go(by="Tom", actor=BY_HAND)
    collected = await agent.post(f"/v1/escalations/{name}/collect", json={"attempt": "a1"})

    assert {each.status_code for each in replies} == {503}
    assert {each.json()["type"] for each in replies} == {"urn:pullcord:problem:held"}
    assert {each.headers["retry-after"] for each in replies} == {"5"}
    assert "restored a backup" in replies[0].json()["detail"]
    assert collected.status_code == 200


async def test_it_is_ready_to_be_looked_at_and_says_that_it_is_held(place: Place) -> None:
    """A load balancer leaves it in, so that people can look; the alarm is a figure."""
    await hold(place)
    place.town.clock.turn(timedelta(minutes=1))
    await place.town.house.watchdog.check()

    ready = await place.client().get("/readyz")
    figures = (await place.client().get("/metrics")).text

    assert ready.status_code == 200
    assert ready.json()["status"] == "held"
    assert "pullcord release" in ready.json()["warnings"][0]
    assert "pullcord_held 1.0" in figures
    assert "pullcord_epoch 2.0" in figures


async def test_a_server_that_misses_its_engine_says_so_and_serves_on(place: Place) -> None:
    """People can still decide, so no balancer takes it away; the reason names what is missing."""
    await place.town.settle()
    place.town.clock.turn(timedelta(seconds=40))
    await place.town.house.watchdog.look()

    ready = await place.client().get("/readyz")

    assert ready.status_code == 200
    assert ready.json() == {
        "status": "degraded",
        "warnings": ["no engine has beaten for 40 s; start `pullcord engine`"],
    }


async def test_people_read_the_hold_and_a_lead_ends_it_over_the_api(place: Place) -> None:
    """What the console's button does, for whoever has no browser at hand."""
    await hold(place)
    lead = await place.person("dana")

    held = await lead.get("/v1/hold")
    inbox = await lead.get("/v1/escalations")
    after = await lead.delete("/v1/hold")

    assert held.json()["is_held"] is True
    assert held.json()["by"] == "Tom"
    assert inbox.status_code == 200
    assert after.json() == {"is_held": False, "since": None, "by": "", "why": ""}
