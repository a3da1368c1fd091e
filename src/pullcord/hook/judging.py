"""What becomes of one tool call of a coding agent.

The server judges it in one request. What it lets run, the host runs; what it stops is put to
people: the hook waits a bounded time and then denies with "asked Tom, repeat the same call". The
repeated call finds its decision, known by session, tool and arguments, and the host is told to run
exactly what was decided. The hook that follows the tool reports it.
"""

import json
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pullcord.adapters.claude_transcripts import transcript
from pullcord.briefing.digest import NotCanonical, digest, strict_loads
from pullcord.client import plans
from pullcord.client.address import address_of
from pullcord.client.flows import ask
from pullcord.client.runs import key_of
from pullcord.client.transcript import fitted
from pullcord.errors import InvalidInput, NotDone, PullcordError
from pullcord.gateway.standing import kind_of
from pullcord.hook.answers import AFTER, BEFORE, NOTHING, Answer, denied, failed
from pullcord.hook.line import driven, sender_of
from pullcord.wire.replies import OpenOut
from pullcord.wire.requests import CallIn, CallsIn, OpenIn, ReportIn

#: verdicts under which the host goes on by itself
RUNS = frozenset({"allow", "observe", "sample", "granted"})
#: seconds a request is repeated while the server does not answer
PATIENCE = 5.0
#: characters of a result that a report carries
RESULT_MAX = 2_000


class Timer:
    """Time and chance of this machine, for flows."""

    def monotonic(self) -> float:
        """Seconds of a clock that is never set back."""
        return time.monotonic()

    def jitter(self) -> float:
        """Chance between 0 and 1."""
        return os.urandom(1)[0] / 255


def answered(given: bytes, *, wait: float) -> Answer:
    """The answer to what a host sent; whatever is no call before or after a tool is denied."""
    try:
        said = _read(given)
    except (InvalidInput, NotCanonical) as error:
        return denied(f"The tool was not run: the hook was given no call it can read ({error}).")
    if said.get("hook_event_name", BEFORE) in AFTER:
        return after(said)
    try:
        return before(said, wait=wait)
    except NotDone as no:
        return denied(no.for_model)
    except PullcordError as error:
        return denied(f"{said['tool_name']} was not run: {error}")


def _read(given: bytes) -> dict[str, Any]:
    found = strict_loads(given)
    said: dict[str, Any] = found if isinstance(found, dict) else {}
    event = said.get("hook_event_name", BEFORE)
    if event != BEFORE and event not in AFTER:
        raise InvalidInput("hook_event_name", value=event, limit=", ".join([BEFORE, *AFTER]))
    for name in ("session_id", "tool_name"):
        text = said.get(name)
        if not isinstance(text, str) or not 0 < len(text) <= 200:
            raise InvalidInput(name, value=text, limit="1 to 200 characters")
    if not isinstance(said.setdefault("tool_input", {}), dict):
        raise InvalidInput("tool_input", value=type(said["tool_input"]).__name__, limit="an object")
    return said


# --- before a tool --------------------------------------------------------------------------------
def before(said: Mapping[str, Any], *, wait: float) -> Answer:
    """Whether the host may run it.

    Raises:
        NotDone, PullcordError: it must not, and why.
    """
    address = address_of(None, None, os.environ)
    send = sender_of(address)
    verdict = driven(ask(plans.open_escalation(request_of(said)), Timer(), patience=PATIENCE), send)
    if verdict.verdict in RUNS and verdict.escalation is None:
        _note(said, verdict, send)
        return NOTHING
    if verdict.escalation is None:
        return denied(verdict.for_model or f"{said['tool_name']} was refused: {verdict.reason}")
    from pullcord.hook.stopped import stopped  # noqa: PLC0415  # only a stop pays for the SDK

    return stopped(said, messages=messages_of(said), wait=wait)


def request_of(said: Mapping[str, Any]) -> OpenIn:
    """The call as the server judges it."""
    tool, args, session = said["tool_name"], said["tool_input"], said["session_id"]
    call = f"{kind_of(tool, args)}-1"
    return OpenIn(
        key=key_of(session, call),
        tool=tool,
        args=args,
        run=session,
        call=call,
        messages=fitted(messages_of(said)),
        signals=signals_of(said),
    )


def signals_of(said: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    """What rules may ask about besides the call."""
    names = ("cwd", "permission_mode", "agent_type")
    return {name: said[name][:500] for name in names if isinstance(said.get(name), str)}


def messages_of(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The conversation so far, where the host keeps it in a file."""
    return transcript(str(said.get("transcript_path") or ""))


def _note(said: Mapping[str, Any], verdict: OpenOut, send: Any) -> None:
    """Record a call that needed no person; a record that is lost stops nothing."""
    made = CallIn(
        id=f"hook-{os.urandom(12).hex()}",
        at=datetime.now(UTC).isoformat(),
        tool=said["tool_name"],
        verdict=verdict.verdict,  # type: ignore[arg-type]  # one of RUNS
        rule=verdict.rule,
        run=said["session_id"],
    )
    try:
        driven(ask(plans.record_calls(CallsIn(calls=[made])), Timer(), patience=0.0), send)
    except PullcordError:
        return


# --- after a tool ---------------------------------------------------------------------------------
def after(said: Mapping[str, Any]) -> Answer:
    """Report what the host ran because people let it."""
    attempt = attempt_of(said)
    mark = mark_of(attempt)
    if not mark.exists():
        return NOTHING
    is_failed = said.get("hook_event_name") != "PostToolUse"
    result = said.get("error") if is_failed else said.get("tool_response")
    text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
    report = ReportIn(
        attempt=attempt,
        outcome="failed" if is_failed else "executed",
        args=dict(said["tool_input"]),
        result=text[:RESULT_MAX].encode("utf-8", "replace").decode().replace("\0", "\ufffd"),
    )
    try:
        escalation = mark.read_text(encoding="utf-8")
        send = sender_of(address_of(None, None, os.environ))
        driven(ask(plans.report(escalation, report), Timer(), patience=PATIENCE), send)
    except (PullcordError, OSError) as error:
        return failed(f"pullcord: what {said['tool_name']} did could not be reported: {error}")
    mark.unlink(missing_ok=True)
    return NOTHING


def attempt_of(said: Mapping[str, Any]) -> str:
    """The name under which one use of a tool takes its decision and reports it."""
    used = said.get("tool_use_id")
    if not isinstance(used, str) or not used:
        return f"hook-{os.urandom(16).hex()}"
    return f"hook-{digest([said['session_id'], used])[:32]}"


def mark_of(attempt: str) -> Path:
    """Where it is noted that a use of a tool has a decision to report on."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local/state")
    return Path(state) / "pullcord/hook" / attempt
