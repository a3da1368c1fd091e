"""Every channel that is called back, in a running house: what a press can do, and what it cannot.

The desk decides the same for all of them; here it is shown for each, from the provider's signed
request to the escalation.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from pullcord.channels.port import Callback, Channel, FoundBy, Hears, Verb
from pullcord.engine.actions import Action
from pullcord.engine.settings import Settings
from pullcord.errors import NotAllowed, PullcordError
from pullcord.path.escalation import Status
from pullcord.store.port import AgentKey
from pullcord.testing import Town, running_house
from tests.conformance.channels.double import Double
from tests.conformance.channels.doubles import DOUBLES
from tests.unit.engine.counter import refund, stopped

HEARING = sorted(name for name in DOUBLES if DOUBLES[name].hears)
POLICY = """
workspace: {workspace}
people:
  maria: {{name: Maria Lopez, shown_as: Maria from Billing, email: "{email}", phone: "{phone}"}}
  tom: {{name: Tom Ode, email: tom@example.com}}
  dana: {{name: Dana Weiss, email: dana@example.com, role: lead}}
ladders:
  billing:
    rungs:
      - {{ask: person/maria, accept_within: 10m, wake: true}}
    catch_all: person/dana
agents:
  support: {{ladder: billing, contact: tom}}
tools:
  issue_refund: {{money: args.amount, currency: EUR}}
defaults: {{decide_within: 2h, hold_for: 30m}}
rules:
  - {{id: refund-over-limit, tool: issue_refund, when: args.amount > 250}}
"""
ELSEWHERE = {"email": "maria@elsewhere.example", "phone": "+491510009999"}


@dataclass(slots=True)
class Place:
    """A house with one channel, whose provider is the double."""

    town: Town
    double: Double
    channel: Channel
    key: AgentKey

    @property
    def name(self) -> str:
        return self.channel.name

    async def stopped(self) -> str:
        """Maria is asked, by this channel."""
        name = await stopped(self.town, self.key, refund())
        await self.town.settle()
        return name

    async def press(self, name: str, *, who: str = "maria") -> Callback:
        """The provider's request of somebody pressing "I have it"."""
        actions = self.town.house.inbound._actions
        token = actions.code(self.town.workspace, name, who)
        if not getattr(self.double, "is_coded", False):
            escalation = (await self.town.row(name)).escalation
            ends_at = escalation.decide_by
            assert ends_at is not None
            workspace, generation = self.town.workspace, escalation.generation
            token = actions.token(Action(workspace, name, generation, Verb.ACCEPT, who, ends_at))
        return self.double.press(token, at=self.town.clock.now())

    async def hears(self, callback: Callback) -> list[str]:
        """What somebody is told who pressed; the provider's own answer is made as well."""
        assert isinstance(self.channel, Hears)
        events = await self.channel.hear(callback)
        answers = await self.town.house.inbound.take(self.name, events)
        reply = await self.channel.answer(callback, answers)
        assert reply.status < 300
        return [each.text for each in answers]

    async def state(self, name: str) -> tuple[Status, str, int]:
        """Status, owner, and how often it changed."""
        escalation = (await self.town.row(name)).escalation
        return escalation.status, escalation.owner, escalation.version


@asynccontextmanager
async def placed(kind: str, *, linked_in: str = "shop") -> AsyncIterator[Place]:
    """The house; the double's account belongs to Maria of the named workspace."""
    async with DOUBLES[kind].opened() as double:
        channel = double.channel()
        here = {"email": "maria@example.com", "phone": "+491510000002"}
        if channel.can.found_by in (FoundBy.EMAIL, FoundBy.PHONE):
            here[str(channel.can.found_by)] = double.account
        shop = here if linked_in == "shop" else ELSEWHERE
        settings = Settings(public_url="https://pull.example")
        policy = POLICY.format(workspace="shop", **shop)
        async with running_house(policy, channels={kind: channel}, settings=settings) as town:
            vars(double)["now"] = town.clock.now
            if linked_in != "shop":
                await town.house.office.apply(POLICY.format(workspace=linked_in, **here), by="x")
            if channel.can.found_by is FoundBy.LINK:
                await town.house.linking.put(
                    linked_in,
                    "maria",
                    kind,
                    account=double.account,
                    name="Maria",
                    address=double.address,
                )
            shown = await town.key(agent="support", creator="dana")
            yield Place(town, double, channel, await town.house.office.key_of(shown))


@pytest.fixture(params=HEARING)
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    async with placed(request.param) as found:
        yield found


@pytest.mark.promise("callbacks-are-proven")
async def test_a_press_of_the_right_person_is_done_once(place: Place) -> None:
    """Providers send again what they got no answer to, and somebody may have kept a request."""
    name = await place.stopped()
    callback = await place.press(name)

    first = await place.hears(callback)
    accepted = await place.state(name)
    again = await place.hears(callback)

    assert "You have it." in first
    assert accepted[:2] == (Status.ACCEPTED, "maria")
    assert await place.state(name) == accepted
    assert again == first


async def test_two_people_in_one_second_are_told_who_was_first(place: Place) -> None:
    """One owner, whoever pressed where; the other is told the name."""
    name = await place.stopped()
    callback = await place.press(name)

    async def by_console() -> str:
        try:
            await place.town.person("dana").accept(name)
        except PullcordError as problem:
            return str(problem)
        return ""

    told, problem = await asyncio.gather(place.hears(callback), by_console())

    _, owner, _ = await place.state(name)
    assert owner in ("maria", "dana")
    assert ("You have it." in told) is (owner == "maria")
    assert (problem == "") is (owner == "dana")


async def test_a_press_after_the_decision_does_nothing(place: Place) -> None:
    """What was decided stays; whoever presses late is told so, and no error."""
    name = await place.stopped()
    callback = await place.press(name)
    await place.town.person("maria").reject(name)
    decided = await place.state(name)

    told = await place.hears(callback)

    assert await place.state(name) == decided
    assert decided[0] is Status.DECIDED
    assert told
    assert "You have it." not in told


@pytest.mark.promise("callbacks-are-proven")
async def test_a_person_who_left_does_nothing_any_more(place: Place) -> None:
    """Their phone and their account go on working; their rights do not."""
    name = await place.stopped()
    callback = await place.press(name)
    office = place.town.house.office
    maria = (await office.people(place.town.workspace))["maria"]
    await office.put_person(place.town.workspace, replace(maria, is_active=False), by="dana")
    before = await place.state(name)

    told = await place.hears(callback)

    assert before[0] is Status.OPEN
    assert (await place.state(name))[0] is Status.OPEN
    assert "You have it." not in told


async def test_a_press_that_is_too_old_is_refused_at_the_door(place: Place) -> None:
    """Over HTTP, as anybody may send it."""
    name = await place.stopped()
    callback = await place.press(name)
    await place.town.turn(timedelta(minutes=6))

    with pytest.raises(NotAllowed):
        await place.town.house.inbound.called(
            place.name,
            method=callback.method,
            url=callback.url,
            query=callback.query,
            headers=callback.headers,
            body=callback.body,
        )

    assert (await place.state(name))[0] is Status.OPEN


@pytest.mark.promise("callbacks-are-proven")
@pytest.mark.parametrize("kind", HEARING)
async def test_an_account_of_another_workspace_does_nothing_here(kind: str) -> None:
    """The same provider, the same secret, another customer: a token is bound to its own."""
    async with placed(kind, linked_in="bank") as place:
        name = await stopped(place.town, place.key, refund())
        callback = await place.press(name)
        before = await place.state(name)

        told = await place.hears(callback)

        assert await place.state(name) == before
        assert told
        assert "You have it." not in told
