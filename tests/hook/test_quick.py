"""The hook runs before every tool: it loads next to nothing until a call is stopped."""

import os
import subprocess
import sys

from tests.hook.host import Host

#: what costs more to load than everything a harmless call needs together
HEAVY = (
    "typer", "rich", "httpx2", "asyncio", "starlette", "msgspec", "dataclasses", "inspect",
    "pathlib", "http.client", "email", "logging", "ssl", "pullcord.cli", "pullcord.client.cord",
)  # fmt: skip
ALLOWED = b'{"session_id":"s","tool_use_id":"t","tool_name":"Bash","tool_input":{"command":"ls"}}'


def loaded(given: bytes, env: dict[str, str], *words: str) -> tuple[int, set[str]]:
    """The code, and every module that one command loaded."""
    command = [sys.executable, "-X", "importtime", "-P", "-m", "pullcord", *words]
    done = subprocess.run(command, input=given, capture_output=True, env=env, check=False)
    lines = [each for each in done.stderr.decode().splitlines() if each.startswith("import time:")]
    return done.returncode, {each.rpartition("|")[2].strip() for each in lines}


def test_a_call_that_may_run_loads_no_client_and_no_command_line(host: Host) -> None:
    """Half a second before every tool is a guard that people switch off."""
    env = {"PATH": os.environ["PATH"], "HOME": str(host.folder), **host.env}
    env = {name: value for name, value in env.items() if not name.startswith("COVERAGE")}

    code, modules = loaded(ALLOWED, env, "hook", "--wait", "0s")

    assert code == 0
    assert "pullcord.hook.judging" in modules
    assert not modules & set(HEAVY)


def test_a_call_with_nothing_to_report_loads_no_client_either(host: Host) -> None:
    """The hook runs after every tool too, and hardly any of them was decided by people."""
    env = {"PATH": os.environ["PATH"], "HOME": str(host.folder), **host.env}
    env = {name: value for name, value in env.items() if not name.startswith("COVERAGE")}
    given = ALLOWED.replace(b"{", b'{"hook_event_name":"PostToolUse",', 1)

    code, modules = loaded(given, env, "hook")

    assert code == 0
    assert not modules & {*HEAVY, "socket"}


def test_a_gateway_loads_neither_the_server_nor_the_console(host: Host) -> None:
    """A host keeps one for each of its servers, for hours."""
    env = {"PATH": os.environ["PATH"], "HOME": str(host.folder), **host.env}

    code, modules = loaded(b"", env, "mcp-proxy")

    assert code == 2
    assert "pullcord.gateway.gateway" in modules
    assert not modules & {"pullcord.cli", "pullcord.server", "pullcord.console", "starlette"}


def test_a_gateway_that_no_host_has_started_says_so(host: Host) -> None:
    """Somebody types it to see what it does."""
    command = [sys.executable, "-m", "pullcord", "mcp"]
    env = {"PATH": os.environ["PATH"], "HOME": str(host.folder), **host.env}

    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, env=env, check=False
    )

    assert done.returncode == 2
    assert b"configuration of your MCP host" in done.stderr
