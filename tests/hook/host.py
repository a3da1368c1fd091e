"""A coding agent's host as its documentation has it, in its oldest and most trusting version.

Before a tool it runs the commands of its settings with the call on standard input. Code 2 blocks
the tool; code 0 with JSON decides as the JSON says; every other end (another code, a signal, text
that is no JSON, a hook that is late) lets the tool run as the model wrote it.
"""

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.mcp.office import Office

#: seconds a test waits for any hook at most
WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Used:
    """What became of one use of a tool."""

    ran: bool
    args: Mapping[str, Any]
    #: what the model reads
    told: str
    code: int | None


@dataclass(slots=True)
class Host:
    """One session of a coding agent."""

    settings: Path
    folder: Path
    env: Mapping[str, str]
    session: str = "session-1"
    process: "subprocess.Popen[bytes] | None" = None
    #: what tools were really called with
    ran: list[Mapping[str, Any]] = field(default_factory=list)
    _uses: int = 0

    def use(self, tool: str, fails: bool = False, **args: Any) -> Used:
        """The model wants to use a tool."""
        self._uses += 1
        use = f"toolu_{self._uses}"
        before = {"hook_event_name": "PreToolUse", "tool_use_id": use, "tool_name": tool}
        used = self.judged(self.hook("PreToolUse", {**before, "tool_input": args}), args)
        if used.ran:
            self.ran.append(used.args)
            event = "PostToolUseFailure" if fails else "PostToolUse"
            after = {**before, "hook_event_name": event, "tool_input": dict(used.args)}
            result = {"error": "it broke"} if fails else {"tool_response": {"stdout": "done"}}
            self.hook(event, {**after, **result})
        return used

    def hook(self, event: str, said: Mapping[str, Any] | bytes) -> tuple[int | None, bytes, bytes]:
        """Run the command of the settings; its code (None when it was late) and what it said."""
        (group,) = json.loads(self.settings.read_text())["hooks"][event]
        (hook,) = group["hooks"]
        if isinstance(said, Mapping):
            said = json.dumps(
                {"session_id": self.session, "cwd": str(self.folder), **said}
            ).encode()
        self.process = subprocess.Popen(
            ["sh", "-c", hook["command"]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder), **self.env},
        )
        out, err = self.process.communicate(said, timeout=min(hook["timeout"], WITHIN))
        return self.process.returncode, out, err

    def judged(self, ended: tuple[int | None, bytes, bytes], args: Mapping[str, Any]) -> Used:
        """What the host makes of an end."""
        code, out, err = ended
        if code == 2:
            return Used(False, args, err.decode(), code)
        if code == 0 and out.strip():
            try:
                said = json.loads(out)["hookSpecificOutput"]
            except (ValueError, KeyError):
                return Used(True, args, "", code)
            is_denied = said["permissionDecision"] == "deny"
            told = said.get("additionalContext", said["permissionDecisionReason"])
            return Used(not is_denied, said.get("updatedInput", args), told, code)
        return Used(True, args, "", code)

    def kill_hook(self) -> None:
        """Kill the hook's own process, as a system that is out of memory does; not its shell."""
        assert self.process is not None, "no hook runs"
        shell = self.process.pid
        children = Path(f"/proc/{shell}/task/{shell}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)


def host_of(office: Office, *, wait: str = "0s", session: str = "session-1") -> Host:
    """A host whose settings have the hook as it is installed."""
    from pullcord.hook.install import installed, save

    path = office.folder / ".claude/settings.json"
    save(path, installed({}, matcher="", wait=wait))
    return Host(path, office.folder, office.environ, session)
