"""Real mails of a real house, for pictures and for whoever reads them with a browser."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pullcord.channels.email import make
from pullcord.channels.offered import Surroundings
from pullcord.wire import requests as wire
from tests.conformance.channels.email_double import (
    KEY,
    PostOffice,
    options_for,
    plain_of,
    post_office,
)
from tests.unit.engine.board import URL, Board, board

POLICY = """
workspace: shop
name: Example Shop
timezone: Europe/Berlin
people:
  maria: {name: Maria Lopez, shown_as: Maria from Billing, email: maria@example.com}
  tom: {name: Tom Ode, email: tom@example.com}
  dana: {name: Dana Weiss, email: dana@example.com, role: lead}
  lea: {name: Lea Brandt, email: lea@example.com, role: lead}
ladders:
  billing:
    rungs:
      - {ask: person/maria, accept_within: 10m}
      - {ask: person/tom, accept_within: 10m}
    catch_all: person/dana
agents:
  support: {ladder: billing, contact: tom}
tools:
  issue_refund:
    reversible: no
    money: args.amount
    currency: EUR
    consequence: The money leaves within a minute and cannot be called back.
defaults: {decide_within: 2h, hold_for: 30m, fallback: reject}
rules:
  - id: refund-over-limit
    tool: issue_refund
    when: args.amount > 250
    severity: high
    ask: "Refund EUR {args.amount} to {end_user.name}?"
"""
CLAIMS = wire.ClaimsIn(
    situation="Anna was charged twice on 20 November for order 8812. She wrote three times today.",
    assessment="Both charges look settled; the second has no order of its own.",
    unknowns=["Whether the bank already reversed one of them"],
    confidence=0.71,
    recommendation="Refund the whole 480.00.",
)
MESSAGES = [
    {"role": "user", "content": "I was charged twice for 8812, please send the money back."}
]


@dataclass(slots=True)
class Shop:
    """The house, its mail server, and the one escalation the mails are about."""

    place: Board
    office: PostOffice
    escalation: str

    def last(self, address: str) -> bytes:
        """The last mail to somebody, as it came."""
        letters = zip(self.office.envelopes, self.office.letters, strict=True)
        found = [raw for envelope, raw in letters if envelope.rcpt_tos == [address]]
        assert found, f"nothing came to {address}"
        return found[-1]

    async def confirm(self, address: str) -> None:
        """The end user leaves an address, opens the mail and confirms."""
        house = self.place.town.house
        row = await self.place.town.row(self.escalation)
        shown = await house.contents.one("shop", self.escalation, "shown")
        token = shown["status_token"]
        await house.hearing_back.offer(row.escalation, address, status_token=token)
        (code,) = set(re.findall(r"/confirm/([\w-]+)", plain_of(self.last(address))))
        await house.hearing_back.confirm(row.escalation, code)


@asynccontextmanager
async def shop(**options: str) -> AsyncIterator[Shop]:
    """A shop whose only way outward is a real mail server on loopback; an agent was stopped."""
    office = PostOffice()
    async with post_office(office, tls="none") as port:
        surroundings = Surroundings(URL, lambda: datetime.now(UTC), key=KEY)
        channel = make(options_for(port, tls="none", **options), surroundings)
        async with board(policy=POLICY, more={"email": channel}, linked=()) as place:
            name = await place.stopped(
                args={"order": "8812", "amount": 480.0, "express": True},
                claims=CLAIMS,
                messages=MESSAGES,
                reply_to=wire.ReplyToIn(channel="email", address="dana@example.com"),
            )
            yield Shop(place, office, name)
        await channel.close()


async def mails() -> Mapping[str, bytes]:
    """One of each kind, by name."""
    found: dict[str, bytes] = {}
    async with shop(imap_host="127.0.0.1", imap_username="u", imap_password="p") as there:
        town = there.place.town
        found["asked"] = there.last("maria@example.com")
        await there.confirm("anna@example.com")
        found["confirm"] = there.last("anna@example.com")
        await town.turn(timedelta(minutes=11))
        found["stood-down"] = there.last("maria@example.com")
        await town.person("tom").approve(there.escalation)
        await town.turn(timedelta(minutes=1))
        found["end-user"] = there.last("anna@example.com")
        found["requester"] = there.last("dana@example.com")
        await there.place.stopped("k2", run="run-2", end_user=wire.EndUserIn(id="u_8", name="Ben"))
        await there.place.stopped("k3", run="run-3", end_user=wire.EndUserIn(id="u_9", name="Eve"))
        await town.turn(timedelta(minutes=11))
        found["bundle"] = there.last("maria@example.com")
        await town.house.channel_desk.try_out("shop", "tom", "email")
        found["test"] = there.last("tom@example.com")
    return found
