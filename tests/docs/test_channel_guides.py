"""The guides to SMS, calls, Teams, PagerDuty and Apprise, followed against doubles of each."""

import re
from pathlib import Path

import pytest

from pullcord.channels.offered import Surroundings, made, options_in, options_of
from pullcord.engine.settings import Settings
from pullcord.testing import running_house
from tests.conformance.channels.doubles import DOUBLES
from tests.conformance.channels.http_double import HttpDouble
from tests.conformance.channels.twilio_double import ACCOUNT, MARIA, TOKEN, TwilioDouble
from tests.docs.pages import ROOT
from tests.unit.channels.letters import NOW

GUIDES = ROOT / "docs/how-to/channels"
FOLLOWED = ("apprise", "pagerduty", "sms", "teams", "voice")
#: options with a default that nobody changes but a test
UNTOLD = frozenset({"api_url"})
POLICY = f"""
workspace: shop
people:
  maria: {{name: Maria Lopez, email: maria@example.com, phone: "{MARIA}"}}
ladders:
  billing: {{rungs: [{{ask: person/maria, accept_within: 10m}}], catch_all: person/maria}}
agents:
  support: {{ladder: billing}}
"""


def exported(page: Path) -> dict[str, str]:
    """The variables somebody sets who follows the page, as it shows them."""
    lines = re.findall(r"^ *export (\w+)=(\S+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: value.strip("'\"") for name, value in lines}


def own(double: object) -> dict[str, str]:
    """What takes the place of a newcomer's own keys and addresses."""
    if isinstance(double, TwilioDouble):
        return {"account_sid": ACCOUNT, "auth_token": TOKEN, "api_url": double.url}
    assert isinstance(double, HttpDouble)
    return dict(double.options())


@pytest.mark.parametrize("name", FOLLOWED)
async def test_the_guide_followed_line_by_line_ends_with_a_letter(name: str) -> None:
    """What is set as the page says makes a channel, and its test arrives."""
    async with DOUBLES[name].opened() as double:
        environ = exported(GUIDES / f"{name}.md")
        prefix = f"PULLCORD_{name.upper()}_"
        environ |= {prefix + option.upper(): value for option, value in own(double).items()}
        around = Surroundings("https://pull.example", lambda: NOW, ("127.0.0.1",))
        channel = made(name, options_in(environ)[name], around)
        settings = Settings(public_url="https://pull.example")
        async with running_house(POLICY, channels={name: channel}, settings=settings) as town:
            if isinstance(double, TwilioDouble):
                # whoever picks up at once is answered by a channel like ours
                double.now = town.clock.now
                double.channel()
            tried = await town.house.channel_desk.try_out("shop", "maria", name)

    assert tried.has_arrived, tried.detail
    (arrived,) = double.arrived()
    assert "this way works" in arrived.text


@pytest.mark.parametrize("name", FOLLOWED)
def test_every_option_stands_in_the_guide(name: str) -> None:
    """An option nobody reads of is none, and what is needed is among what is set."""
    page = GUIDES / f"{name}.md"
    text = page.read_text(encoding="utf-8")
    set_up = exported(page)

    for option in options_of(name):
        variable = f"PULLCORD_{name.upper()}_{option.name.upper()}"
        assert variable in text or option.name in UNTOLD, variable
        assert variable in set_up or not option.is_needed, variable
