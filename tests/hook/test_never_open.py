"""The hook never fails open: however it ends, even the most trusting host blocks the tool."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.client.stage import Fault
from tests.hook.host import Host
from tests.hook.test_judging import PUSH
from tests.mcp.office import Office

pytestmark = pytest.mark.promise("hook-never-open")

CALL = {"tool_name": "Bash", "tool_input": {"command": "ls"}, "tool_use_id": "t1"}


def test_nothing_runs_while_the_server_is_away(office: Office, host: Host) -> None:
    """A hook that cannot ask must not conclude that it may, not even for harmless calls."""
    host.env = {**host.env, "PULLCORD_URL": "http://127.0.0.1:9"}

    used = host.use("Bash", command="ls")

    assert not used.ran
    assert "was not run" in used.told
    assert used.code == 2


@pytest.mark.parametrize("how", ["busy", "cut", "garbage", "page", "no", "elsewhere"])
def test_nothing_runs_when_the_question_fails(office: Office, host: Host, how: str) -> None:
    """Whatever the network makes of the question, it is no yes."""
    office.faults.planned.append(Fault("/v1/escalations", how, times=10_000))

    used = host.use("Bash", command=PUSH)

    assert not used.ran
    assert used.told


@pytest.mark.parametrize("how", ["busy", "cut", "garbage", "page", "no"])
def test_nothing_runs_when_the_decision_cannot_be_taken(
    office: Office, host: Host, how: str
) -> None:
    """Decided is not collected."""
    host.use("Bash", command=PUSH)
    office.does("approve", office.newest())
    office.faults.planned.append(Fault("/collect", how, times=10_000))

    used = host.use("Bash", command=PUSH)

    assert not used.ran
    assert "not run" in used.told


@pytest.mark.parametrize("path", ["/v1/escalations", "/v1/policy", "/collect"])
def test_a_hook_that_is_killed_in_the_middle_blocks(office: Office, host: Host, path: str) -> None:
    """The host would let the tool run after a hook that was killed: its shell turns that around."""
    host.use("Bash", command=PUSH)
    office.does("approve", office.newest())

    def kill(answer: dict[str, Any]) -> dict[str, Any]:
        host.kill_hook()
        return answer

    office.faults.planned.append(Fault(path, "", change=kill))
    used = host.use("Bash", command=PUSH)

    assert not used.ran
    assert used.code == 2
    assert host.ran == []


def test_after_a_kill_the_call_runs_at_most_once(office: Office, host: Host) -> None:
    """A decision that was taken by a hook that died is spent: people are asked again."""
    host.use("Bash", command=PUSH)
    office.does("approve", office.newest())

    def kill(answer: dict[str, Any]) -> dict[str, Any]:
        host.kill_hook()
        return answer

    office.faults.planned.append(Fault("/collect", "", change=kill))
    host.use("Bash", command=PUSH)
    repeated = host.use("Bash", command=PUSH)

    assert not repeated.ran
    assert repeated.told.startswith("Asked Maria")
    assert len(office.rows()) == 2


@pytest.mark.parametrize(
    "forge",
    [
        lambda found: {**found, "args": {"command": "git push --force"}},
        lambda found: {**found, "signature": "AAAA"},
        lambda found: {**found, "document": {**found["document"], "args": {"command": "x"}}},
    ],
    ids=["beside", "signature", "document"],
)
def test_a_forged_decision_runs_nothing(office: Office, host: Host, forge: Any) -> None:
    """Only what people decided, signed, is run."""
    host.use("Bash", command=PUSH)
    office.does("approve", office.newest())
    office.faults.planned.append(Fault("/collect", "", times=10_000, change=forge))

    used = host.use("Bash", command=PUSH)

    assert not used.ran
    assert "not run" in used.told


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"garbage",
        b"[]",
        b"{}",
        b'{"session_id":"s","tool_name":"Bash","tool_name":"Read","tool_input":{}}',
        b'{"session_id":"s","tool_name":"Bash","tool_input":[]}',
        b'{"session_id":"s","tool_name":"Bash","hook_event_name":"Stop"}',
        b'{"session_id":"s","tool_name":"Bash","tool_input":{"n":1e999}}',
        b'{"session_id":"s","tool_name":"Bash","tool_input":{"n":9007199254740993}}',
        b"[" * 100_000,
        b"x" * 9_000_000,
    ],
    ids=[
        "nothing",
        "text",
        "list",
        "empty",
        "twice",
        "args",
        "event",
        "inf",
        "long",
        "deep",
        "big",
    ],
)
def test_what_is_no_call_is_denied(host: Host, given: bytes) -> None:
    """A host of another kind or version must not get a yes out of what was not understood."""
    code, _, err = host.hook("PreToolUse", given)

    assert code == 2
    assert b"not run" in err


@pytest.mark.parametrize("missing", ["PULLCORD_URL", "PULLCORD_KEY"])
def test_without_server_or_key_everything_is_denied(host: Host, missing: str) -> None:
    """A shell that lost its variables must not lose its guard."""
    host.env = {name: value for name, value in host.env.items() if name != missing}

    used = host.use("Bash", command="ls")

    assert not used.ran
    assert missing in used.told


def test_a_python_that_is_gone_blocks(host: Host) -> None:
    """Environments are deleted and moved; the guard must not go with them."""
    settings = host.settings.read_text().replace(sys.executable, "/nowhere/python")
    host.settings.write_text(settings)

    used = host.use("Bash", command="ls")

    assert not used.ran
    assert used.code == 2


@pytest.mark.parametrize("module", ["json", "signal", "threading"])
def test_a_crash_before_the_hook_begins_blocks(host: Host, tmp_path: Path, module: str) -> None:
    """Whatever stands in for a module of ours, the host does not get code 0."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / f"{module}.py").write_text("raise RuntimeError('broken')")
    host.env = {**host.env, "PYTHONPATH": str(tmp_path / "broken")}

    used = host.use("Bash", command="ls")

    assert not used.ran
    assert used.code == 2


def test_a_file_in_the_folder_of_the_agent_is_never_loaded(host: Host) -> None:
    """The agent writes files where it works: none of them may stand in for the guard."""
    (host.folder / "pullcord.py").write_text("import os; os._exit(0)")
    (host.folder / "json.py").write_text("import os; os._exit(0)")

    used = host.use("Bash", command="rm -rf /")

    assert not used.ran
    assert "no-wipes" in used.told


def test_what_prints_into_the_answer_does_not_change_it(office: Office, host: Host) -> None:
    """A host that cannot read a yes would run what the model wrote, not what was decided."""
    host.use("Bash", command=PUSH)
    office.does("edit", office.newest(), command="git push origin topic")
    path = host.folder / "noisy"
    path.mkdir()
    (path / "msgspec.py").write_text(
        "import sys; sys.stdout.write('noise'); sys.stdout.flush(); sys.path.remove(__path)\n"
        "del sys.modules['msgspec']; import msgspec; sys.modules['msgspec'] = msgspec\n".replace(
            "__path", repr(str(path))
        )
    )
    host.env = {**host.env, "PYTHONPATH": str(path)}

    used = host.use("Bash", command=PUSH)

    assert host.ran == [{"command": "git push origin topic"}]
    assert "changed this call" in used.told


# --- deadlines ------------------------------------------------------------------------------------
SHORT = "from pullcord.hook import process as p; p.GRACE, p.KILL = {grace}, {kill}; {work}"


def ended(work: str, *, grace: float = 0.3, kill: float = 30.0, given: bytes = b"") -> Any:
    """A hook with short deadlines, behind its shell as it is installed."""
    program = SHORT.format(grace=grace, kill=kill, work=work)
    return subprocess.run(
        ["sh", "-c", '"$0" -c "$1" || exit 2', sys.executable, program],
        input=given,
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_a_hook_that_is_late_denies_by_itself() -> None:
    """A host lets a tool run after a hook that is late: the hook must be first."""
    found = ended("p.WAIT_MAX = 0.0; p.Door().limit(0.3); import signal; signal.pause()")

    said = json.loads(found.stdout)["hookSpecificOutput"]
    assert found.returncode == 2
    assert said["permissionDecision"] == "deny"
    assert b"no answer after 0.3 seconds" in found.stderr


def test_a_hook_that_hangs_outside_python_is_ended_by_the_system() -> None:
    """A pattern that runs for ever holds Python's one lock: no thread of ours would come to it."""
    hang = "p.Door().limit(9.0); import re; re.match('(a+)+$', 'a' * 50 + 'b')"

    found = ended(hang, grace=0.0, kill=-8.5)

    assert found.returncode == 2
    assert found.stdout == b""


def test_a_host_that_says_nothing_is_denied_in_time() -> None:
    """A hook whose call never comes must not wait for it longer than its host does."""
    program = "p.WAIT_MAX = 0.0; p.WAIT = 0.0; p.run([])"
    process = subprocess.Popen(
        [sys.executable, "-c", SHORT.format(grace=0.3, kill=30.0, work=program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        code = process.wait(60)
        told = process.stderr.read() if process.stderr else b""
    finally:
        process.kill()
        process.communicate()

    assert code == 2
    assert b"no answer after" in told


def test_an_answer_that_nobody_takes_is_no_yes(office: Office) -> None:
    """A host that closed its ear cannot have read what it may run."""
    code = (
        "import os; r, w = os.pipe(); os.close(r); os.dup2(w, 1); "
        "from pullcord.hook.answers import allowed; p.Door().leave(allowed({}, 'x'))"
    )

    found = ended(code)

    assert found.returncode == 2


@pytest.mark.parametrize("words", ["['--wait', 'soon']", "['--wait', '11m']", "['--fast']"])
def test_words_that_are_not_understood_deny(words: str) -> None:
    """A typo in the settings must not open the gate."""
    found = ended(f"p.run({words})", grace=20.0, kill=25.0)

    assert found.returncode == 2
    assert b"The tool was not run: " in found.stderr
    assert b"--wait" in found.stderr


def test_somebody_who_types_it_is_told_what_it_is_for() -> None:
    """A terminal sends no call: waiting for one would look as if it hung."""
    code = (
        "import os, pty; master, end = pty.openpty(); os.dup2(end, 0); "
        "import sys; sys.stdin = open(0); p.run([])"
    )

    found = ended(code, grace=20.0, kill=25.0)

    assert found.returncode == 2
    assert b"pullcord hook install claude-code" in found.stderr
