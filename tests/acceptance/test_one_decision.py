"""One escalation in six channels at once, decided in one: all of them say who it was."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx2
import pytest
from starlette.applications import Starlette

from pullcord.channels.port import Callback, Channel
from pullcord.console.app import routes
from pullcord.path.escalation import Status
from pullcord.server.app import create_app
from pullcord.server.sessions import COOKIE
from tests.conformance.channels.email_double import EmailDouble
from tests.conformance.channels.pagerduty_double import PagerDutyDouble
from tests.conformance.channels.slack_double import TEAM, SlackDouble
from tests.conformance.channels.slack_kit import elements_of, words_of
from tests.conformance.channels.teams_double import TeamsDouble
from tests.conformance.channels.twilio_double import MARIA as NUMBER
from tests.conformance.channels.twilio_double import SmsDouble
from tests.conformance.channels.webpush_double import Browser, WebPushDouble
from tests.unit.engine.board import URL, Board, board

POLICY = f"""
workspace: shop
people:
  maria: {{name: Maria Lopez, shown_as: Maria from Billing, email: maria@example.com}}
  tom: {{name: Tom Ode, email: tom@example.com, phone: "{NUMBER}"}}
  dana: {{name: Dana Weiss, email: dana@example.com, role: lead}}
teams:
  billing: {{members: [maria, tom]}}
ladders:
  billing:
    rungs: [{{ask: team/billing, accept_within: 10m, wake: true}}]
    catch_all: person/dana
agents: {{support: {{ladder: billing, contact: dana}}}}
tools: {{issue_refund: {{money: args.amount, currency: EUR}}}}
defaults: {{decide_within: 2h, hold_for: 30m}}
rules: [{{id: refund-over-limit, tool: issue_refund, when: args.amount > 250}}]
"""
#: what everybody reads afterwards
DECIDED = "Maria Lopez approved it at 12:00."

pytestmark = pytest.mark.promise("first-press-wins")


@dataclass(slots=True)
class Everywhere:
    """A house with every kind of channel; Maria is on Slack, Tom is everywhere."""

    found: Board
    app: Starlette
    slack: SlackDouble
    mail: EmailDouble
    push: WebPushDouble
    sms: SmsDouble
    teams: TeamsDouble
    pager: PagerDutyDouble
    browser: Browser

    async def sends(self, callback: Callback) -> httpx2.Response:
        """A provider calls back over HTTP."""
        headers = {**callback.headers, "host": "pull.example"}
        path = callback.url.removeprefix(URL)
        async with self.client() as client:
            return await client.post(path, content=callback.body, headers=headers)

    def client(self, **options: object) -> httpx2.AsyncClient:
        """Somebody's browser."""
        transport = httpx2.ASGITransport(app=self.app)
        return httpx2.AsyncClient(transport=transport, base_url=URL, **options)  # type: ignore[arg-type]

    def message(self, of: str) -> tuple[str, str, list[str]]:
        """Somebody's Slack message: its place, its words, the tokens of its buttons."""
        place, said = next(
            (place, said) for place, said in self.slack.messages.items() if place.startswith(of)
        )
        tokens = [each["value"] for each in elements_of(said["blocks"]) if "value" in each]
        return place, words_of(said["blocks"]), tokens

    async def presses(self, token: str, place: str, *, user: str) -> None:
        """Somebody presses a button in Slack, and is told what became of it."""
        before = self.slack.called.count("chat.postEphemeral")
        payload = self.slack.pressed(token, user=user, place=place)
        reply = await self.sends(
            self.slack.calls("interactive", payload, at=self.found.town.clock.now())
        )
        assert reply.status_code == 200
        await self.slack.has_called("chat.postEphemeral", before + 1)


@asynccontextmanager
async def everywhere() -> AsyncIterator[Everywhere]:
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(SlackDouble.opened())
        mail = await stack.enter_async_context(EmailDouble.opened())
        push = await stack.enter_async_context(WebPushDouble.opened())
        sms = await stack.enter_async_context(SmsDouble.opened())
        teams = await stack.enter_async_context(TeamsDouble.opened())
        pager = await stack.enter_async_context(PagerDutyDouble.opened())
        more: dict[str, Channel] = {
            "slack": slack.channel(),
            "email": mail.channel(),
            "webpush": push.channel(),
            "sms": sms.channel(),
            "teams": teams.channel(),
            "pagerduty": pager.channel(),
        }
        found = await stack.enter_async_context(board(policy=POLICY, more=more, linked=()))
        house = found.town.house
        push.now = sms.now = found.town.clock.now
        browser = next(iter(push.browsers.values()))
        links = [
            ("maria", "slack", f"{TEAM}/U1MARIA", "U1MARIA"),
            ("tom", "slack", f"{TEAM}/U2TOM", "U2TOM"),
            ("tom", "webpush", "device-1", browser.subscription),
        ]
        for who, channel, account, address in links:
            await house.linking.put(
                "shop", who, channel, account=account, name=who, address=address
            )
        app = create_app(house, extra_routes=routes(house))
        yield Everywhere(found, app, slack, mail, push, sms, teams, pager, browser)


async def test_one_decision_changes_every_copy_and_names_who_made_it() -> None:
    """Whoever looks anywhere afterwards knows that it is over, and by whom."""
    async with everywhere() as house:
        name = await house.found.stopped()
        asked = {
            "slack": house.message("D2TOM")[1],
            "email": house.mail.arrived()[-1].text,
            "webpush": house.push.arrived()[-1].text,
            "sms": house.sms.arrived()[-1].text,
            "teams": house.teams.arrived()[-1].text,
            "pagerduty": house.pager.arrived()[-1].text,
        }
        place, _, tokens = house.message("D1MARIA")

        await house.presses(tokens[2], place, user="U1MARIA")
        await house.found.town.turn(timedelta(minutes=2))

        assert all(name in text for text in asked.values())
        assert (await house.found.town.row(name)).escalation.status is Status.DECIDED
        for whose in ("D1MARIA", "D2TOM"):
            _, words, left = house.message(whose)
            assert DECIDED in words
            assert left == []
        assert DECIDED in house.push.arrived()[-1].text
        assert house.push.arrived()[-1].buttons == ()
        letters = [each.text for each in house.mail.arrived() if "tom" in each.text.lower()]
        assert DECIDED in letters[-1]
        assert "Maria from Billing approved it at 12:00." in house.teams.arrived()[-1].text
        assert set(house.pager.incidents.values()) == {"resolved"}
        assert DECIDED in house.pager.arrived()[-1].text


async def test_a_second_press_anywhere_is_told_who_was_first_and_changes_nothing() -> None:
    """Old buttons, old links, old codes: each answers the person who used it."""
    async with everywhere() as house:
        name = await house.found.stopped()
        toms_place, _, toms = house.message("D2TOM")
        link = re.search(r"/acts/[A-Za-z0-9_-]+", house.mail.arrived()[-1].text)
        note = house.browser.notes[-1]["buttons"][0]["path"]
        code = re.search(r"Y (\w{5})", house.sms.arrived()[-1].text)
        assert link is not None
        assert code is not None
        place, _, tokens = house.message("D1MARIA")
        await house.presses(tokens[2], place, user="U1MARIA")
        before = (await house.found.town.row(name)).escalation

        await house.presses(toms[2], toms_place, user="U2TOM")
        now = house.found.town.clock.now()
        async with house.client(headers={"origin": URL}) as client:
            mailed = await client.post(link.group())
            pushed = await client.post(note, headers={"accept": "application/json"})
        texted = await house.sends(house.sms.texts(f"Y {code.group(1)}", at=now))
        paged = await _in_the_console(house, name)

        assert house.slack.whispers[-1].user == "U2TOM"
        whispered = house.slack.whispers[-1].text
        told = [whispered, mailed.text, pushed.json()["text"], texted.text, paged]
        assert all("Maria Lopez approved it" in each for each in told)
        after = (await house.found.town.row(name)).escalation
        assert (after.version, after.owner) == (before.version, "maria")


async def _in_the_console(house: Everywhere, name: str) -> str:
    """Tom presses "I have it" on the page he still has open."""
    office = house.found.town.house.office
    shown, session = await office.redeem_demo(await office.invite("shop", "tom", purpose="demo"))
    cookies = {f"__Host-{COOKIE}": shown}
    async with house.client(cookies=cookies, headers={"origin": URL}) as client:
        page = await client.post(f"/escalations/{name}/accept", data={"csrf": session.csrf})
    return page.text
