"""Setting Slack up: what is missing or wrong is named, and no secret is repeated."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pullcord.channels import slack
from pullcord.channels.offered import Surroundings, made
from pullcord.channels.port import Edits, Hears, Listens
from pullcord.errors import InvalidInput

AROUND = Surroundings("https://pull.example", lambda: datetime(2027, 1, 5, tzinfo=UTC))
GIVEN = {"token": "xoxb-secret", "app_token": "xapp-secret"}


async def test_with_an_app_token_it_listens() -> None:
    """Socket Mode first: no public address is needed."""
    channel = made("slack", GIVEN, AROUND)
    await channel.close()

    assert isinstance(channel, Listens)
    assert isinstance(channel, Edits)


async def test_with_a_signing_secret_slack_calls_back() -> None:
    """A channel that has nothing to listen to does not pretend to."""
    channel = made("slack", {"token": "xoxb-secret", "signing_secret": "s"}, AROUND)
    await channel.close()

    assert isinstance(channel, Hears)
    assert not isinstance(channel, Listens)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"token": "secret-1", "app_token": "xapp-secret"}, "PULLCORD_SLACK_TOKEN"),
        ({"token": "xoxb-secret", "app_token": "xoxb-secret"}, "PULLCORD_SLACK_APP_TOKEN"),
        ({"token": "xoxb-secret"}, "PULLCORD_SLACK_SIGNING_SECRET"),
        ({"app_token": "xapp-secret"}, "PULLCORD_SLACK_TOKEN"),
    ],
)
def test_a_wrong_token_is_named_and_never_repeated(given: dict[str, str], said: str) -> None:
    """Whoever mixes the two tokens up reads which one; the log reads neither."""
    with pytest.raises(InvalidInput) as caught:
        made("slack", given, AROUND)

    assert said in str(caught.value)
    assert "secret-1" not in str(caught.value)
    assert "xoxb-secret" not in str(caught.value)


@pytest.mark.parametrize("library", ["slack_sdk", "websockets"])
def test_without_its_libraries_the_command_to_type_is_named(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`pip install pullcord` alone brings none of them."""
    for name in [each for each in sys.modules if each.startswith("pullcord.channels.slack.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Missing(library), *sys.meta_path])
    for name in [each for each in sys.modules if each.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)

    with pytest.raises(InvalidInput, match=r"pip install 'pullcord\[slack\]'"):
        made("slack", GIVEN, AROUND)


def test_another_missing_module_is_a_bug_and_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what the extra brings is blamed on the extra."""
    for name in [each for each in sys.modules if each.startswith("pullcord.channels.slack.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Missing("pullcord.channels.slack.web"), *sys.meta_path])

    with pytest.raises(ModuleNotFoundError, match="web"):
        made("slack", GIVEN, AROUND)


def test_nothing_of_slack_is_imported_until_it_is_set_up() -> None:
    """A house without Slack does not pay for it."""
    code = (
        "import sys; import pullcord.channels.slack, pullcord.engine.house;"
        "print([m for m in sys.modules if m.partition('.')[0] in ('slack_sdk', 'websockets')])"
    )

    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert told.stdout.strip() == "[]"


def test_every_secret_is_marked_as_one() -> None:
    """The console shows options; these it must not."""
    secrets = {each.name for each in slack.OPTIONS if each.is_secret}

    assert secrets == {"token", "app_token", "signing_secret"}
    assert replace(slack.OPTIONS[0]) == slack.OPTIONS[0]


class _Missing:
    """A finder that has lost one module."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name == self._name or name.startswith(f"{self._name}."):
            raise ModuleNotFoundError(
                f"no module named {name!r}",
                name=name.partition(".")[0] if "." not in self._name else name,
            )
