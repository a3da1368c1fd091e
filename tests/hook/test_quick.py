"""The hook runs before every tool: it loads next to nothing until a call is stopped."""

import os
import subprocess
import sys

from tests.hook.host import Host

#: what costs more to load than everything a harmless call needs together
HEAVY = ("typer", "rich", "httpx2", "asyncio", "starlette", "pullcord.cli", "pullcord.client.cord")
ALLOWED = b'{"session_id":"s","tool_use_id":"t","tool_name":"Bash","tool_input":{"command":"ls"}}'


def loaded(given: bytes, env: dict[str, str]) -> tuple[int, set[str]]:
    """The code, and every module that one hook loaded."""
    command = [sys.executable, "-X", "importtime", "-P", "-m", "pullcord", "hook", "--wait", "0s"]
    done = subprocess.run(command, input=given, capture_output=True, env=env, check=False)
    lines = [each for each in done.stderr.decode().splitlines() if each.startswith("import time:")]
    return done.returncode, {each.rpartition("|")[2].strip() for each in lines}


def test_a_call_that_may_run_loads_no_client_and_no_command_line(host: Host) -> None:
    """Half a second before every tool is a guard that people switch off."""
    env = {"PATH": os.environ["PATH"], "HOME": str(host.folder), **host.env}
    env = {name: value for name, value in env.items() if not name.startswith("COVERAGE")}

    code, modules = loaded(ALLOWED, env)

    assert code == 0
    assert "pullcord.hook.judging" in modules
    assert not modules & set(HEAVY)
