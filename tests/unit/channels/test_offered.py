"""Which channels a house has: those it was told of, told right, with every secret kept."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from types import ModuleType

import pytest

from pullcord.channels import offered
from pullcord.channels.console import ConsoleChannel
from pullcord.channels.offered import Option, Surroundings, made, options_in, options_of
from pullcord.channels.port import Channel
from pullcord.engine.outward import usual_channels
from pullcord.engine.settings import Settings
from pullcord.errors import InvalidInput

NOW = datetime(2027, 1, 5, tzinfo=UTC)
AROUND = Surroundings("https://pull.example", lambda: NOW)
OPTIONS = (
    Option("token", "Bot token, xoxb-…", is_secret=True),
    Option("api_url", "Where it lives", is_needed=False, default="https://api.example"),
)


class Fax(ConsoleChannel):
    """A channel for this test."""

    name = "fax"

    def __init__(self, options: Mapping[str, str], around: Surroundings) -> None:
        self.options, self.around = options, around


@pytest.fixture(autouse=True)
def fax(monkeypatch: pytest.MonkeyPatch) -> None:
    """A house that could have a fax."""
    module = ModuleType("fax_of_this_test")
    vars(module).update(OPTIONS=OPTIONS, make=Fax)
    monkeypatch.setitem(sys.modules, "fax_of_this_test", module)
    monkeypatch.setattr(offered, "OFFERED", {"fax": "fax_of_this_test"})


def test_options_come_from_the_environment() -> None:
    """One variable an option, and none for what is not set."""
    environ = {"PULLCORD_FAX_TOKEN": "x", "PULLCORD_FAX_API_URL": "", "PULLCORD_PHONE_TOKEN": "y"}

    assert options_in(environ) == {"fax": {"token": "x"}}
    assert options_in({}) == {}


def test_a_channel_is_made_with_its_defaults() -> None:
    """Only what differs must be written."""
    found = made("fax", {"token": "x"}, AROUND)

    assert isinstance(found, Fax)
    assert found.options == {"token": "x", "api_url": "https://api.example"}
    assert options_of("fax") == OPTIONS


@pytest.mark.parametrize(
    ("channel", "given", "said"),
    [
        ("telex", {}, "fax"),
        ("fax", {}, "PULLCORD_FAX_TOKEN"),
        ("fax", {"token": "secret-1", "tokn": "secret-2"}, "PULLCORD_FAX_TOKN"),
    ],
)
def test_a_mistake_names_its_variable_and_no_secret(
    channel: str, given: dict[str, str], said: str
) -> None:
    """Whoever starts the server reads what to set, and a log reads no token."""
    with pytest.raises(InvalidInput) as caught:
        made(channel, given, AROUND)

    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_house_has_the_console_and_what_was_set_up() -> None:
    """In this order, so that the console is first in every list."""
    settings = Settings(
        webhook_url="https://hook.example",
        webhook_secret="whsec_" + "A" * 32,
        channels={"fax": {"token": "x"}},
    )

    found: dict[str, Channel] = usual_channels(settings, now=lambda: NOW)

    assert list(found) == ["console", "webhook", "fax"]
    fax_channel = found["fax"]
    assert isinstance(fax_channel, Fax)
    assert fax_channel.around.public_url == settings.public_url
    assert fax_channel.around.now() == NOW


def test_where_nothing_is_offered_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty list is told as one."""
    monkeypatch.setattr(offered, "OFFERED", {})

    with pytest.raises(InvalidInput, match="none"):
        made("fax", {}, AROUND)
