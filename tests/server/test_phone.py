"""A night by phone, over HTTP: calls that wake, keys and codes that act, machines that do not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from xml.etree import ElementTree as ET

import httpx2
import pytest

from pullcord.channels.port import Callback, Reply
from pullcord.engine.settings import Settings
from pullcord.path.escalation import Status
from pullcord.server.app import create_app
from pullcord.store.port import AgentKey
from pullcord.store.receipts import ReceiptState
from pullcord.testing import Town, running_house
from tests.conformance.channels.twilio_double import CODE, SmsDouble, VoiceDouble, posted
from tests.unit.engine.counter import refund, stopped

URL = "https://pull.example"
TOM = "+491510000003"
POLICY = """
workspace: shop
people:
  maria: {name: Maria Lopez, shown_as: Maria from Billing, phone: "+491510000002"}
  tom: {name: Tom Ode, phone: "+491510000003"}
  dana: {name: Dana Weiss, email: dana@example.com, role: lead}
ladders:
  billing:
    rungs:
      - {ask: person/maria, accept_within: 10m, wake: true}
      - {ask: person/tom, accept_within: 10m, wake: true}
    catch_all: person/dana
agents:
  support: {ladder: billing, contact: dana}
tools:
  issue_refund: {money: args.amount, currency: EUR}
defaults: {decide_within: 2h, hold_for: 30m}
rules:
  - {id: refund-over-limit, tool: issue_refund, when: args.amount > 250, severity: high}
"""


@dataclass(slots=True)
class Night:
    """The house at night, with a phone on either side."""

    town: Town
    key: AgentKey
    client: httpx2.AsyncClient
    voice: VoiceDouble
    sms: SmsDouble

    async def stopped(self, key: str = "k1") -> str:
        name = await stopped(self.town, self.key, refund(key=key))
        await self.town.settle()
        return name

    async def owner(self, name: str) -> tuple[str, Status]:
        escalation = (await self.town.row(name)).escalation
        return escalation.owner, escalation.status

    async def states(self, name: str) -> list[tuple[str, str, ReceiptState]]:
        """(who, by which way, what became of it), oldest first."""
        receipts = await self.town.house.store.receipts(self.town.workspace, name)
        return [(each.to, each.channel, each.state) for each in receipts]

    async def texts(self, body: str, number: str) -> str:
        """What somebody who texts this is told."""
        callback = self.sms.texts(body, at=self.town.clock.now(), number=number)
        reply = await posted(self.client, callback)
        assert reply.status == 200
        return ET.fromstring(reply.body).findtext("Message", "")

    def code(self, name: str, who: str) -> str:
        return self.town.house.inbound._actions.code(self.town.workspace, name, who)


@asynccontextmanager
async def night(*ways: str, policy: str = POLICY) -> AsyncIterator[Night]:
    async with VoiceDouble.opened() as voice, SmsDouble.opened() as sms:
        doubles = {"voice": voice, "sms": sms}
        channels = {name: doubles[name].channel() for name in ways or ("voice", "sms")}
        settings = Settings(public_url=URL)
        async with running_house(policy, channels=channels, settings=settings) as town:
            transport = httpx2.ASGITransport(app=create_app(town.house))
            async with httpx2.AsyncClient(transport=transport, base_url=URL) as client:

                async def via(callback: Callback) -> Reply:
                    return await posted(client, callback)

                for double in (voice, sms):
                    double.via, double.now = via, town.clock.now
                shown = await town.key(agent="support", creator="dana")
                key = await town.house.office.key_of(shown)
                yield Night(town, key, client, voice, sms)


@pytest.mark.promise("phone-never-decides")
async def test_who_does_not_pick_up_is_passed_over_and_the_next_is_called() -> None:
    """The owner sleeps through it; the second accepts with one key; the timeline tells both."""
    async with night("voice") as found:
        name = await found.stopped()

        await found.voice.rings("CA" + "1".zfill(32), status="no-answer")
        await found.town.settle()
        heard = await found.voice.rings("CA" + "2".zfill(32), keys="1")

        assert await found.owner(name) == ("tom", Status.ACCEPTED)
        assert "You have it." in heard
        assert found.voice.asked["CA" + "2".zfill(32)]["To"] == TOM
        states = await found.states(name)
        assert ("person:maria", "voice", ReceiptState.FAILED) in states
        assert ("person:tom", "voice", ReceiptState.SEEN) in states


@pytest.mark.promise("phone-never-decides")
async def test_a_machine_that_answers_moves_the_ladder() -> None:
    """A mailbox accepts nothing."""
    async with night("voice") as found:
        name = await found.stopped()

        heard = await found.voice.rings("CA" + "1".zfill(32), answered_by="machine_start")
        await found.town.settle()

        assert heard == []
        assert await found.owner(name) == ("tom", Status.OPEN)


async def test_not_me_on_the_phone_asks_the_next_at_once() -> None:
    """Nobody waits for somebody who has said no."""
    async with night("voice") as found:
        name = await found.stopped()

        heard = await found.voice.rings("CA" + "1".zfill(32), keys="2")
        await found.town.settle()

        assert "Noted: not you. The next person is being asked." in heard
        assert await found.owner(name) == ("tom", Status.OPEN)


async def test_while_another_way_may_still_arrive_the_ladder_waits() -> None:
    """One failing way is not a person who cannot be reached."""
    async with night() as found:
        name = await found.stopped()

        await found.voice.rings("CA" + "1".zfill(32), status="busy")
        waiting = await found.owner(name)
        undelivered = found.sms.tells(
            "SM" + "1".zfill(32), at=found.town.clock.now(), status="undelivered", error="30003"
        )
        await posted(found.client, undelivered)
        await found.town.settle()

        assert waiting == ("maria", Status.OPEN)
        assert await found.owner(name) == ("tom", Status.OPEN)


async def test_a_text_with_the_code_accepts_and_names_the_number() -> None:
    """Two letters in the dark."""
    async with night("sms") as found:
        name = await found.stopped()
        code = found.code(name, "maria")

        told = await found.texts(f"y {code.lower()}", "+491510000002")

        assert f"Y {code} = I have it" in found.sms.arrived()[0].text
        assert told == "You have it."
        assert await found.owner(name) == ("maria", Status.ACCEPTED)


@pytest.mark.parametrize("number", [TOM, "+491519999999"])
async def test_the_code_of_somebody_else_does_nothing(number: str) -> None:
    """A forwarded text is no permission: the number must be theirs."""
    async with night("sms") as found:
        name = await found.stopped()

        told = await found.texts(f"Y {found.code(name, 'maria')}", number)

        assert "waits for you" in told or "do not know" in told
        assert await found.owner(name) == ("maria", Status.OPEN)


@pytest.mark.promise("phone-never-decides")
async def test_a_code_does_nothing_after_the_decision_and_says_so() -> None:
    """Somebody was first; the phone is told, and nothing is decided by it."""
    async with night("sms") as found:
        name = await found.stopped()
        code = found.code(name, "maria")
        await found.town.person("maria").reject(name)
        decided = (await found.town.row(name)).escalation.version

        told = [await found.texts(f"{verb} {code}", "+491510000002") for verb in "YN"]

        assert all(each.endswith("Nothing of yours was done.") for each in told)
        assert (await found.town.row(name)).escalation.version == decided


async def test_a_text_that_was_caught_and_sent_again_later_does_nothing() -> None:
    """Twilio signs no time, so it is asked."""
    async with night("sms") as found:
        await found.stopped()
        callback = found.sms.texts(f"Y {CODE}", at=found.town.clock.now())

        await found.town.turn(timedelta(minutes=6))
        reply = await posted(found.client, callback)

        assert reply.status == 403


async def test_who_is_asked_last_is_called_again_until_somebody_answers() -> None:
    """The end of a ladder rings on, no oftener than one number is called."""
    policy = POLICY.replace(
        "catch_all: person/dana", "catch_all: person/maria\n    remind_every: 3m"
    )
    async with night("voice", policy=policy) as found:
        name = await found.stopped()
        for number in (1, 2):
            await found.voice.rings("CA" + f"{number}".zfill(32), status="no-answer")
            await found.town.settle()

        await found.town.turn(timedelta(minutes=58))

        asked = list(found.voice.asked.values())[2:]
        assert await found.owner(name) == ("maria", Status.OPEN)
        assert {each["To"] for each in asked} == {"+491510000002"}
        # the first of the hour went to her as the first who was asked
        assert 5 <= len(asked) <= 7
