"""Waiting agents and open pages: told at once, never kept when gone, bounded in number."""

import asyncio
from datetime import timedelta

import pytest

from pullcord.engine.bus import Signal
from pullcord.path.escalation import person
from pullcord.server import hub
from pullcord.server.app import close_waiting
from pullcord.server.changes import events
from pullcord.server.hub import Alarm, Ear
from pullcord.server.sessions import COOKIE
from pullcord.testing.clock import TurnableClock
from pullcord.wire import requests as wire
from tests.server.place import Place
from tests.server.streams import stream_of, turns


async def waits(place: Place, count: int = 1) -> None:
    """Return when that many ears are open."""
    for _ in range(10_000):
        if len(place.app.state.parts.hub) == count:
            return
        await asyncio.sleep(0)
    raise AssertionError(f"{len(place.app.state.parts.hub)} wait, not {count}")


async def rests(place: Place) -> None:
    """Return when whoever waits has nothing left to do until the clock is turned."""
    for _ in range(100_000):
        wake = place.town.clock.next_wake()
        if wake is not None and wake > place.town.clock.now():
            return
        await asyncio.sleep(0)
    raise AssertionError("nobody waits for the clock")


async def test_a_poll_without_a_wait_answers_at_once(place: Place) -> None:
    """An agent that only looks is not held."""
    none = await place.agent().get("/v1/decisions")
    escalation = await place.decided()
    one = await place.agent().get("/v1/decisions?wait=30")

    assert none.json() == {"decided": []}
    assert [each["id"] for each in one.json()["decided"]] == [escalation]


async def test_a_held_poll_is_answered_when_a_person_decides(place: Place) -> None:
    """The agent goes on the moment somebody decided, not at its next poll."""
    escalation = await place.opened()
    poll = asyncio.ensure_future(place.agent().get("/v1/decisions?wait=55"))
    await waits(place)

    await place.town.person("maria").approve(escalation)
    reply = await poll

    assert [each["id"] for each in reply.json()["decided"]] == [escalation]
    assert len(place.app.state.parts.hub) == 0


async def test_a_poll_for_one_escalation_waits_for_that_one(place: Place) -> None:
    """A guarded call that waits is not woken by what else its agent left to collect."""
    decided, waited = await place.decided("k1"), await place.opened("k2")
    agent = place.agent()
    other = await agent.get("/v1/decisions", params={"escalation": waited})
    wanted = {"escalation": waited, "wait": "55"}
    poll = asyncio.ensure_future(agent.get("/v1/decisions", params=wanted))
    await waits(place)

    await place.town.person("maria").approve(waited)
    reply = await poll
    both = await agent.get("/v1/decisions")

    assert other.json() == {"decided": []}
    assert [each["id"] for each in reply.json()["decided"]] == [waited]
    assert {each["id"] for each in both.json()["decided"]} == {decided, waited}


async def test_a_decision_wakes_only_who_waits_for_it(place: Place) -> None:
    """With two thousand calls waiting, one decision costs one of them a look."""
    ids = [await place.opened(f"k{number}") for number in range(3)]
    agent = place.agent()
    polls = [
        asyncio.ensure_future(agent.get("/v1/decisions", params={"escalation": each, "wait": "9"}))
        for each in ids
    ]
    await waits(place, 3)
    ears = {spot[2]: ear for spot, (ear,) in place.app.state.parts.hub._ears.items()}

    await place.town.person("maria").accept(ids[0])
    none = [len(ear._signals) for ear in ears.values()]
    await place.town.person("maria").approve(ids[0])
    first = await polls[0]
    others = [len(ears[each]._signals) for each in ids[1:]]
    close_waiting(place.app)
    rest = [await each for each in polls[1:]]

    assert none == [0, 0, 0]
    assert len(first.json()["decided"]) == 1
    assert others == [0, 0]
    assert [each.json() for each in rest] == [{"decided": []}] * 2


async def test_a_poll_for_one_escalation_finds_what_its_attempt_collected(place: Place) -> None:
    """After a crash between collect and report the same attempt goes on; another one does not."""
    escalation = await place.decided()
    agent = place.agent()
    await agent.post(f"/v1/escalations/{escalation}/collect", json={"attempt": "a1"})

    found = [
        (await agent.get("/v1/decisions", params={"escalation": escalation, **more})).json()
        for more in ({"attempt": "a1"}, {"attempt": "a2"}, {})
    ]
    foreign = await place.agent(place.other_key).get(f"/v1/decisions?escalation={escalation}")

    assert [len(each["decided"]) for each in found] == [1, 0, 0]
    assert foreign.status_code == 404


async def test_a_held_poll_ends_empty_when_its_time_is_over(place: Place) -> None:
    """No connection is held longer than it asked for."""
    await place.opened()
    poll = asyncio.ensure_future(place.agent().get("/v1/decisions?wait=12"))

    for _ in range(3):
        await rests(place)
        place.town.clock.turn(timedelta(seconds=5))
    reply = await poll

    assert reply.json() == {"decided": []}


async def test_a_decision_made_by_another_process_is_found_within_seconds(place: Place) -> None:
    """Hints may be lost; the safety poll is the truth."""
    escalation = await place.opened()
    poll = asyncio.ensure_future(place.agent().get("/v1/decisions?wait=55"))
    await waits(place)
    place.town.house.bus._watchers.clear()  # nothing is heard any more

    await rests(place)
    await place.town.person("maria").approve(escalation)
    await turns()
    is_held = not poll.done()
    place.town.clock.turn(timedelta(seconds=5))
    reply = await poll

    assert is_held
    assert [each["id"] for each in reply.json()["decided"]] == [escalation]


async def test_a_poll_hears_nothing_of_another_keys_decisions(place: Place) -> None:
    """A decision wakes its own agent, not two thousand others."""
    escalation = await place.opened()
    poll = asyncio.ensure_future(place.agent(place.other_key).get("/v1/decisions?wait=5"))
    await waits(place)
    (ears,) = place.app.state.parts.hub._ears.values()
    (ear,) = ears

    await place.town.person("maria").approve(escalation)
    heard = list(ear._signals)
    await rests(place)
    place.town.clock.turn(timedelta(seconds=5))
    reply = await poll

    assert heard == []
    assert reply.json() == {"decided": []}


async def test_a_poll_whose_client_went_away_is_let_go(place: Place) -> None:
    """An agent that crashes and comes back leaves nothing behind."""
    auth = f"Bearer {place.shown_key}"
    async with stream_of(place.app, "/v1/decisions?wait=55", authorization=auth):
        await waits(place)

    assert len(place.app.state.parts.hub) == 0


async def test_a_stopping_server_ends_every_wait(place: Place) -> None:
    """A restart takes no minute because somebody polls; whoever comes meanwhile is not held."""
    poll = asyncio.ensure_future(place.agent().get("/v1/decisions?wait=55"))
    await waits(place)

    close_waiting(place.app)
    reply = await poll
    late = await place.agent().get("/v1/decisions?wait=55")

    assert reply.json() == late.json() == {"decided": []}


async def test_held_polls_of_one_key_are_bounded(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One poll serves any number of escalations; an agent that opens hundreds is told."""
    monkeypatch.setattr(hub, "EARS_PER_CALLER_MAX", 1)
    poll = asyncio.ensure_future(place.agent().get("/v1/decisions?wait=5"))
    await waits(place)

    refused = await place.agent().get("/v1/decisions?wait=5")
    close_waiting(place.app)
    await poll

    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "5"


async def test_a_page_hears_what_changed_and_never_what_it_holds(place: Place) -> None:
    """The console refreshes itself; reading is authorised anew each time."""
    token, _ = await place.session("maria")
    async with stream_of(place.app, "/v1/changes", cookie=f"{COOKIE}={token}") as stream:
        head = await stream.head()
        hello = await stream.next()
        escalation = await place.opened()
        opened = await stream.next()
        await place.town.person("maria").accept(escalation)
        accepted = await stream.next()

    assert head["status"] == 200
    assert dict(head["headers"])[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert hello == "retry: 2000\nevent: resync\ndata: {}\n\n"
    assert opened == (
        f'event: changed\ndata: {{"topic":"escalation","id":"{escalation}","version":1}}\n\n'
    )
    assert '"version":2' in accepted
    assert len(place.app.state.parts.hub) == 0


async def test_an_agent_hears_of_its_own_escalations_and_of_the_policy(place: Place) -> None:
    """Ids of other agents' escalations are nobody else's business."""
    own = await place.opened()
    other = place.agent(place.other_key)
    auth = f"Bearer {place.shown_key}"
    async with stream_of(place.app, "/v1/changes", authorization=auth) as stream:
        await stream.head()
        await stream.next()
        foreign = await other.post(
            "/v1/escalations",
            json={"key": "k", "tool": "issue_refund", "args": {"amount": 999}, "run": "r9"},
        )
        desk = place.town.house.desk
        theirs = foreign.json()["escalation"]["id"]
        await desk.act("shop", theirs, person("maria"), wire.AcceptIn(), via="console")
        place.town.house.bus.publish("shop", "receipt", theirs)
        place.town.house.bus.publish("bank", "policy", "p_2")
        await turns()
        is_quiet = stream.is_quiet
        await place.town.person("maria").accept(own)
        accepted = await stream.next()
        place.town.house.bus.publish("shop", "policy", "p_1")
        policy = await stream.next()

    assert is_quiet
    assert own in accepted
    assert '"topic":"policy","id":"p_1"' in policy


async def test_a_quiet_stream_beats_and_ends_with_its_right(place: Place) -> None:
    """Proxies keep it open; a revoked key or an ended session closes it within seconds."""
    auth = f"Bearer {place.shown_key}"
    async with stream_of(place.app, "/v1/changes", authorization=auth) as stream:
        await stream.head()
        await stream.next()
        for _ in range(3):
            await rests(place)
            place.town.clock.turn(timedelta(seconds=5))
        beat = await stream.next()
        await place.town.house.office.revoke_key("shop", place.key.id, by="dana")
        await rests(place)
        place.town.clock.turn(timedelta(seconds=5))
        end = await stream.next()

    assert beat == ": beat\n\n"
    assert end == ""


async def test_a_stream_of_a_person_ends_with_their_session(place: Place) -> None:
    """Signed out here is signed out everywhere."""
    token, _ = await place.session("maria")
    async with stream_of(place.app, "/v1/changes", cookie=f"{COOKIE}={token}") as stream:
        await stream.head()
        await stream.next()
        await rests(place)
        place.town.clock.turn(timedelta(seconds=5))
        await rests(place)
        is_open = not stream.task.done()
        await place.town.house.office.sign_out(token)
        place.town.clock.turn(timedelta(seconds=5))
        end = await stream.next()

    assert is_open
    assert end == ""


async def test_who_falls_behind_is_told_to_read_everything(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow page keeps no endless queue, and never believes that it has seen all."""
    monkeypatch.setattr(hub, "BACKLOG_MAX", 2)
    token, _ = await place.session("maria")
    async with stream_of(place.app, "/v1/changes", cookie=f"{COOKIE}={token}") as stream:
        await stream.head()
        await stream.next()
        for number in range(5):
            place.town.house.bus.publish("shop", "people", f"p{number}")
        told = await stream.next()

    assert told == "event: resync\ndata: {}\n\n"


def test_the_newest_of_each_thing_is_told() -> None:
    """Ten changes of one escalation are one reason to look."""
    told = events([Signal("escalation", "e", 1), Signal("people"), Signal("escalation", "e", 2)])

    assert told.count(b"event: changed") == 2
    assert b'"version":2' in told
    assert b'"version":1' not in told


async def test_what_was_heard_before_listening_is_told_at_once() -> None:
    """Nothing is lost between two looks."""
    ear = Ear(Alarm(TurnableClock()))
    ear.put(Signal("people"))

    heard = await ear.listen(5)

    assert heard == [Signal("people")]


async def test_an_alarm_rings_nobody_for_what_they_no_longer_wait_for() -> None:
    """An ear that was rung early and listens again keeps its whole time."""
    clock = TurnableClock()
    alarm = Alarm(clock)
    ear = Ear(alarm)
    first = asyncio.ensure_future(ear.listen(5))
    await turns()
    ear.put(Signal("people"))
    await first
    clock.turn(timedelta(seconds=3))
    second = asyncio.ensure_future(ear.listen(5))
    await turns()

    clock.turn(timedelta(seconds=2))
    await turns()
    is_waiting = not second.done()
    clock.turn(timedelta(seconds=3))

    assert is_waiting
    assert await second == []
