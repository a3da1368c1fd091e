"""The pages on MCP and on the hook: what a reader copies from them works, against a real server."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from pullcord.testing import Live, live_server
from tests.docs.pages import ROOT, Block, blocks_of
from tests.mcp.office import Repository, text

#: where `pullcord` and the servers of pages are, as in a reader's environment
BIN = Path(sys.executable).parent
SERVER, GATEWAY, HOOK = (
    ROOT / "docs/how-to" / f"{name}.md" for name in ("mcp-server", "mcp-gateway", "coding-agents")
)


def block(page: Path, *words: str) -> Block:
    """The block of a page with these words."""
    return next(each for each in blocks_of(page) if set(words) <= set(each.words))


@contextmanager
def serving(page: Path) -> Iterator[Live]:
    """A server with the policy of a page."""
    with live_server(block(page, "policy").code) as live:
        yield live


def environ(live: Live) -> dict[str, str]:
    """What a reader has in the environment."""
    return {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PULLCORD_URL": live.url,
        "PULLCORD_KEY": live.key,
        **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE")},
    }


def servers(page: Path, live: Live, folder: Path) -> dict[str, Any]:
    """The host's configuration on a page, with the reader's own address, key and paths."""
    found: dict[str, Any] = json.loads(block(page, "mcp", "host").code)["mcpServers"]
    for each in found.values():
        assert set(each["env"]) == {"PULLCORD_URL", "PULLCORD_KEY"}
        own = {"XDG_STATE_HOME": str(folder / "state")}
        each.update(command=str(BIN / each["command"]), env={**environ(live), **own})
    return found


def decided(live: Live, verb: str, **args: Any) -> str:
    """Whoever is asked does it; the escalation."""
    (row,) = [
        each for each in live.call(live.town.escalations()) if each.escalation.status == "open"
    ]
    assert row.escalation.offer is not None, "nobody is being asked"
    (who,) = row.escalation.offer.candidates
    live.call(getattr(live.town.person(who), verb)(row.escalation.id, **args))
    found: str = row.escalation.id
    return found


def closed_as(live: Live, escalation: str) -> str:
    """How it ended."""
    return str(live.call(live.town.row(escalation)).escalation.closed_as or "")


def test_the_page_on_the_server_works(tmp_path: Path) -> None:
    """A model asks, waits, acts and reports with what the page tells to configure."""
    with serving(SERVER) as live:
        config = {"mcpServers": servers(SERVER, live, tmp_path)}
        (tmp_path / "mcp.json").write_text(json.dumps(config))
        program = block(SERVER, "mcp", "server").code
        process = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=tmp_path, text=True
        )
        assert process.stdout is not None
        asked = process.stdout.readline()
        escalation = decided(live, "edit", amount=240.0)
        rest = process.stdout.read()
        code = process.wait(60)
        process.stdout.close()
        ended = closed_as(live, escalation)

    assert code == 0
    assert "I have asked our billing team" in asked
    assert "Maria from Billing" in rest
    assert "240.0" in rest
    assert "reported" in rest
    assert ended == "executed"


async def test_the_page_on_the_gateway_works(tmp_path: Path) -> None:
    """The configuration of the page, before the third-party server that it names."""
    repository = Repository.made(tmp_path)
    with serving(GATEWAY) as live:
        host = servers(GATEWAY, live, tmp_path)["git"]
        parameters = StdioServerParameters(**host, cwd=repository.path)
        async with Client(stdio_client(parameters)) as client:
            asked = await client.call_tool("git_create_branch", repository.branch("topic"))
            escalation = decided(live, "approve")
            done = await client.call_tool("git_create_branch", repository.branch("topic"))
            denied = await client.call_tool("git_reset", {"repo_path": str(repository.path)})
        ended = closed_as(live, escalation)

    assert text(asked).startswith("Asked Maria from Releases at ")
    assert "Created branch" in text(done)
    assert "no-resets" in text(denied)
    assert repository.branches == ["main", "topic"]
    assert ended == "executed"


def test_the_page_on_coding_agents_works(tmp_path: Path) -> None:
    """Put in, asked, let run, taken out: each line as it stands on the page."""
    with serving(HOOK) as live:
        env = {**environ(live), "HOME": str(tmp_path)}

        def typed(word: str) -> str:
            done = subprocess.run(
                ["bash", "-c", block(HOOK, "hook", word).code],
                capture_output=True,
                text=True,
                env=env,
                cwd=tmp_path,
                check=True,
            )
            return done.stdout

        put_in = typed("install")
        settings = json.loads((tmp_path / ".claude/settings.json").read_text())
        asked = typed("call")
        decided(live, "approve")
        let_run = typed("call")
        typed("uninstall")
        left = json.loads((tmp_path / ".claude/settings.json").read_text())

    shown = next(each for each in blocks_of(HOOK) if each.language == "json").code
    said, code = let_run.splitlines()
    assert "has the hook" in put_in
    assert set(settings["hooks"]) == {"PreToolUse", "PostToolUse", "PostToolUseFailure"}
    assert "Asked Tom Ode at " in asked
    assert asked.endswith("exit code 2\n")
    assert json.loads(said) == json.loads(shown)
    assert code == "exit code 0"
    assert left == {}
