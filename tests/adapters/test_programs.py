"""The programs of the adapters' pages run as they stand, each in its adapter's environment."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pullcord.testing import Live, live_server
from tests.adapters.pages import page_of
from tests.adapters.places import available
from tests.adapters.places.messages_api import MessagesApi, heard


@pytest.fixture(params=available())
def name(request: pytest.FixtureRequest) -> str:
    """Every adapter this environment has."""
    found: str = request.param
    return found


@pytest.fixture
def shop(name: str) -> Iterator[Live]:
    """A server with the policy of the page."""
    policy = next(each.code for each in page_of(name) if "policy" in each.words)
    with live_server(policy) as live:
        yield live


def test_the_page_works_from_top_to_bottom(name: str, shop: Live, tmp_path: Path) -> None:
    """What a reader copies pauses, waits for a person, and goes on in another process."""
    agent, worker = (each for each in page_of(name) if "adapter" in each.words)
    (tmp_path / "agent.py").write_text(agent.code)
    (tmp_path / "worker.py").write_text(worker.code)
    with environment(name, shop, tmp_path) as env:
        paused = run("agent.py", env, tmp_path)
        (row,) = shop.call(shop.town.escalations())
        maria = shop.town.person("maria")
        shop.call(maria.edit(row.escalation.id, amount=240.0))
        resumed = run("worker.py", env, tmp_path)

    assert paused.strip()
    assert "refunded 240.00 EUR for A-17" in resumed
    assert "do not repeat" in resumed or name == "claude_agent"
    (row,) = shop.call(shop.town.escalations())
    assert row.escalation.closed_as == "executed"


def run(program: str, env: dict[str, str], folder: Path) -> str:
    """What a program prints, started as a reader starts it."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", program],
        capture_output=True,
        text=True,
        timeout=120,
        env=env,
        cwd=folder,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@contextmanager
def environment(name: str, shop: Live, folder: Path) -> Iterator[dict[str, str]]:
    """The environment of a reader's shell; for Claude Code also the API it talks to."""
    env = {**os.environ, **shop.environ()}
    if name != "claude_agent":
        yield env
        return
    api = MessagesApi(refunds)
    try:
        yield {
            **env,
            "ANTHROPIC_BASE_URL": api.url,
            "ANTHROPIC_API_KEY": "not-a-key",
            "HOME": str(folder),
            "CLAUDE_CONFIG_DIR": str(folder / ".claude"),
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "IS_SANDBOX": "1",
        }
    finally:
        api.close()


def refunds(conversation: list[dict[str, Any]], _: list[str]) -> list[dict[str, Any]]:
    """A model that refunds and tells the result."""
    done = [each for each in heard(conversation) if "refunded" in each]
    if done:
        return [{"type": "text", "text": f"Done: {done[-1]}"}]
    args = {"order": "A-17", "amount": 480.0}
    return [{"type": "tool_use", "id": "toolu_1", "name": "mcp__shop__issue_refund", "input": args}]
