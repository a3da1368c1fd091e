"""The guide for three in the morning: its commands, figures, alarms and reasons are real."""

import configparser
import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from pullcord.cli import app
from pullcord.engine.watchdog import Pulse
from pullcord.path.escalation import Actor, ActorKind
from tests.acceptance.served import pullcord
from tests.docs.pages import ROOT, blocks_of, rows
from tests.docs.test_how_to import commands
from tests.server.place import Place, place_of
from tests.unit.cli.terminal import POLICY

PAGE = ROOT / "docs/how-to/operations.md"
PAGES = (PAGE, ROOT / "docs/how-to/postgresql.md")
ALERTS = ROOT / "examples/alerts.yaml"
NOON = datetime(2027, 1, 5, 12, tzinfo=UTC)

#: what belongs to Prometheus and not to a figure's name
SUFFIXES = re.compile(r"_(bucket|sum|count)$")
NAME = re.compile(r"\bpullcord_[a-z_]+\b")
#: roles and other words that look like figures
NO_FIGURES = frozenset({"pullcord_owner", "pullcord_app"})


async def figures() -> set[str]:
    """Every name on `/metrics` of a place where everything has happened once."""
    async with place_of() as place:
        await place.decided("k1")
        await place.opened("k2")
        await place.town.turn(timedelta(hours=3))
        await place.opened("k3")
        page = (await place.client().get("/metrics")).text
    found = {re.split(r"[{ ]", line)[0] for line in page.splitlines() if not line.startswith("#")}
    return {SUFFIXES.sub("", name) for name in found}


async def test_every_figure_of_the_guide_and_the_alerts_exists() -> None:
    """An alert on a figure that is not there never fires."""
    known = await figures()
    texts = [page.read_text(encoding="utf-8") for page in (*PAGES, ALERTS)]
    named = {SUFFIXES.sub("", name) for text in texts for name in NAME.findall(text)}

    unknown = named - NO_FIGURES - known

    assert not unknown
    assert {"pullcord_engines", "pullcord_held", "pullcord_late_seconds"} <= named


def test_every_alert_has_a_condition_a_severity_and_words() -> None:
    """Whoever is woken reads the summary first."""
    groups: Any = YAML(typ="safe", pure=True).load(ALERTS.read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]

    assert len({rule["alert"] for rule in rules}) == len(rules) > 5
    for rule in rules:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["expr"].count("(") == rule["expr"].count(")")
        assert re.fullmatch(r"\d+[sm]", rule.get("for", "1m"))


def known_options() -> dict[str, set[str]]:
    """Every command with the options it takes."""
    found: dict[str, set[str]] = {}

    def walk(group: Any, words: str) -> None:
        for name, command in group.commands.items():
            if getattr(command, "commands", None):
                walk(command, f"{words}{name} ")
            else:
                options = {each for one in command.params for each in one.opts}
                found[f"{words}{name}"] = options

    walk(typer.main.get_command(app), "")
    return found


def typed() -> list[str]:
    """Everything the guide types, in blocks, in text and in service files."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = [line.strip() for block in blocks_of(PAGE) for line in block.code.splitlines()]
    inline = re.findall(r"`(pullcord [^`]+)`", text.replace("\n", " "))
    lines = [line.partition("env ")[2] if "ExecStart" in line else line for line in blocks]
    return [line for line in (*lines, *inline) if line.startswith("pullcord ")]


def test_every_command_of_the_guide_exists_with_its_options() -> None:
    """A command that fails at three in the morning is worse than none."""
    known = known_options()
    wrong = []

    for line in typed():
        words = shlex.split(line.partition(" > ")[0])[1:]
        name = next((n for n in (" ".join(words[:2]), words[0]) if n in known), "")
        options = {word for word in words if word.startswith("--")}
        if not name or options - known[name]:
            wrong.append(line)

    assert not wrong
    assert len(typed()) > 15


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to type in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.promise("backup-restores-whole")
def test_the_drill_of_the_guide_does_what_it_says(here: Path) -> None:
    """Each command as it stands, on a database with something in it."""
    (here / "pullcord.yaml").write_text(POLICY, encoding="utf-8")
    pullcord("apply", "pullcord.yaml", "--db", "pullcord.db")
    pullcord("drill", "billing", "--by", "dana", "--db", "pullcord.db")
    backup, restore, verify = commands(PAGE)

    pullcord(*backup)
    restored = pullcord(*restore)
    proved = pullcord(*verify)

    assert "It is held" in restored.stderr
    assert proved.stdout.startswith("✓ holds")


def reasons() -> list[str]:
    """What the engine and servers say of themselves, each at least once."""
    old, far = NOON - timedelta(minutes=5), NOON - timedelta(seconds=40)
    late = timedelta(minutes=2)
    engine = (Pulse(), Pulse(at=old), Pulse(at=NOON, late_for=late))
    server = (
        Pulse(is_engine=False),
        Pulse(at=old, is_engine=False, beat_at=NOON),
        Pulse(at=NOON, is_engine=False),
        Pulse(at=NOON, is_engine=False, beat_at=far, late_for=late),
    )
    found = [each.why_not_ready(NOON) for each in (*engine, *server)]
    return [*filter(None, found), *(w for each in server for w in each.what_is_missing(NOON))]


async def warned(place: Place) -> list[str]:
    by = Actor(ActorKind.ENGINE, "command line")
    await place.town.settle()
    await place.town.house.keeper.hold(by="Dana", why="a look", actor=by)
    told: list[str] = (await place.client().get("/readyz")).json()["warnings"]
    return told


async def test_every_reason_that_readyz_gives_is_explained() -> None:
    """Whoever reads the reason finds its line, and what to do."""
    explained = [cells[0].strip("`") for cells in rows(PAGE, "it says")]
    async with place_of() as place:
        told = [*reasons(), *await warned(place)]

    missing = [each for each in told if not any(line in each for line in explained)]

    assert not missing
    assert len(told) > 7


def test_the_service_files_are_whole() -> None:
    """Both read their secrets from one file, start again by themselves and have time to stop."""
    units = [each.code for each in blocks_of(PAGE) if "unit" in each.words]
    parsed = []
    for unit in units:
        parser = configparser.RawConfigParser(strict=False)
        parser.read_string(unit)
        parsed.append(parser)

    assert len(parsed) == 2
    for each in parsed:
        assert each.sections() == ["Unit", "Service", "Install"]
        assert each["Service"]["restart"] == "always"
        assert int(each["Service"]["timeoutstopsec"]) > 20
        assert each["Service"]["environmentfile"] == "/etc/pullcord/pullcord.env"


def test_the_proxy_waits_longer_than_any_poll_is_held() -> None:
    """A proxy that hangs up first makes every agent ask again, all the time."""
    from pullcord.server.changes import BEAT_SECONDS
    from pullcord.wire.bounds import BODY_BYTES_MAX, WAIT_SECONDS_MAX

    nginx = next(each.code for each in blocks_of(PAGE) if each.language == "nginx")
    seconds = [int(found) for found in re.findall(r"proxy_read_timeout (\d+)s", nginx)]
    body = re.search(r"client_max_body_size (\d+)m", nginx)

    assert seconds
    assert min(seconds) > max(WAIT_SECONDS_MAX, 2 * BEAT_SECONDS)
    assert body
    assert int(body[1]) * 1_048_576 > BODY_BYTES_MAX
    assert nginx.count("{") == nginx.count("}")
    assert "proxy_buffering off" in nginx
    assert "non_idempotent" not in nginx
