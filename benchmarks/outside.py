"""What guards that stand outside the agent cost: the gateway beside the bare server, and the hook.

    PYTHONPATH=. python -m benchmarks.outside gateway
    PYTHONPATH=. python -m benchmarks.outside hook

One object a line, guarded and bare turn about on one machine. Times of the gateway are what the
host waits, from its line to the answer; times of the hook are those of its whole process, as the
host spawns it: what its user feels before every tool. The processor's time is told beside it,
because what else a machine does changes it little.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.hook.host import Host, host_of
from tests.mcp.office import PLAIN, Office, open_office
from tests.mcp.wire import HELLO, SCRIPTED, Wire, wired

#: calls, pauses and processes that are measured; the first ones are not
CALLS, PAUSES, SPAWNS, WARM = 300, 30, 30, 5


def main() -> None:
    work = {"gateway": gateway, "hook": hook}[sys.argv[1]]
    with tempfile.TemporaryDirectory() as folder, open_office(Path(folder)) as office:
        own = Path(folder) / "agent"
        own.mkdir()
        work(office.with_key(own))


# --- the gateway ------------------------------------------------------------------------------
def gateway(office: Office) -> None:
    """One more guarded call, and a pause with a person who decides at once."""
    with wired(office) as guarded, bare_server(office.folder / "bare") as bare:
        calls = {
            "guarded": lambda name: guarded.spent(name, 5.0),
            "bare": lambda name: bare.spent(name, 5.0),
        }
        found = turn_about(calls, CALLS)
        say("gateway", "one more call that may run", found["guarded"], found["bare"])

        def paused(name: str) -> None:
            # another call each time: one that is repeated is looked for among its like
            amount = float(500 + len(office.rows()))
            assert "NOT run" in guarded.spent(f"{name}-asks", amount)
            office.does("approve", office.newest())
            assert "spent" in guarded.spent(f"{name}-again", amount)

        found = turn_about({"guarded": paused, "bare": calls["bare"]}, PAUSES)
        say("gateway", "pause, decision, repeated call", found["guarded"], found["bare"])


@contextmanager
def bare_server(folder: Path) -> Iterator[Wire]:
    """The same server with nothing before it."""
    folder.mkdir()
    process = subprocess.Popen(
        [*PLAIN, str(SCRIPTED), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    wire = Wire(process, folder)
    listener = threading.Thread(target=_heard, args=(wire,), daemon=True)
    listener.start()
    try:
        wire.say(HELLO)
        wire.answer("hello")
        yield wire
    finally:
        process.kill()
        process.communicate()


def _heard(wire: Wire) -> None:
    # before its first answer the scripted server says what is no message
    assert wire.process.stdout is not None
    wire.process.stdout.readline()
    wire.listen()


# --- the hook ---------------------------------------------------------------------------------
def hook(office: Office) -> None:
    """What the host spawns before and after a tool, beside a Python that does nothing."""
    host = host_of(office)
    call = {"tool_name": "Bash", "tool_use_id": "t", "tool_input": {"command": "ls"}}
    env = {"PATH": os.environ["PATH"], "HOME": str(office.folder)}
    python = ["sh", "-c", f"{sys.executable} -P -c pass || exit 2"]
    acts: dict[str, Callable[[str], Any]] = {
        "before": lambda _: expect(host, "PreToolUse", call, 0),
        "after": lambda _: expect(host, "PostToolUse", {**call, "tool_response": "x"}, 0),
        "python": lambda _: subprocess.run(python, env=env, input=b"", check=True),
        "true": lambda _: subprocess.run(["sh", "-c", "true"], env=env, input=b"", check=True),
    }
    found = turn_about(acts, SPAWNS)
    say("hook", "before a call that may run", found["before"], found["python"])
    say("hook", "after a call", found["after"], found["python"])
    say("hook", "(the shell without a Python)", found["true"], found["true"])

    def paused(name: str) -> None:
        assert not host.use("Bash", command=f"git push {name}").ran
        office.does("approve", office.newest())
        assert host.use("Bash", command=f"git push {name}").ran

    found = turn_about({"guarded": paused, "bare": acts["python"]}, PAUSES)
    say("hook", "pause, decision, repeated call, report", found["guarded"], found["bare"])


def expect(host: Host, event: str, said: Mapping[str, Any], code: int) -> None:
    """Spawn the hook; it must end as it should, or what it cost says nothing."""
    ended, _, err = host.hook(event, said)
    assert ended == code, err


# --- measuring --------------------------------------------------------------------------------
#: seconds a person waits, and seconds of the processor in the processes that ended meanwhile
Times = tuple[float, float]


def turn_about(acts: Mapping[str, Callable[[str], Any]], count: int) -> dict[str, Times]:
    """The middle of each one's times."""
    taken: dict[str, list[Times]] = {name: [] for name in acts}
    for number in range(count + WARM):
        for name, act in acts.items():
            began, spent = time.perf_counter(), _children()
            act(f"{name}-{number}")
            taken[name].append((time.perf_counter() - began, _children() - spent))
    return {
        name: (
            statistics.median(wall for wall, _ in found[WARM:]),
            statistics.median(cpu for _, cpu in found[WARM:]),
        )
        for name, found in taken.items()
    }


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def say(name: str, what: str, value: Times, bare: Times) -> None:
    line = {
        "guard": name,
        "what": what,
        "ms": round(value[0] * 1e3, 2),
        "bare_ms": round(bare[0] * 1e3, 2),
        "added_ms": round((value[0] - bare[0]) * 1e3, 2),
    }
    if name == "hook":
        line |= {"cpu_ms": round(value[1] * 1e3, 1), "bare_cpu_ms": round(bare[1] * 1e3, 1)}
    print(json.dumps(line))


if __name__ == "__main__":
    main()
