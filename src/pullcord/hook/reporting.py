"""What the host ran because people let it is reported by the hook that follows the tool."""

import json
import os
from pathlib import Path

from pullcord.client import plans
from pullcord.client.address import address_of
from pullcord.client.flows import ask
from pullcord.errors import PullcordError
from pullcord.hook.answers import NOTHING, Answer, failed
from pullcord.hook.asking import PATIENCE, Timer
from pullcord.hook.given import Said
from pullcord.hook.line import driven, sender_of
from pullcord.wire.requests import ReportIn

#: characters of a result that a report carries
RESULT_MAX = 2_000


def reported(said: Said, attempt: str, mark: str) -> Answer:
    """Report it, and forget that there was something to report."""
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
        escalation = Path(mark).read_text(encoding="utf-8")
        send = sender_of(address_of(None, None, os.environ))
        driven(ask(plans.report(escalation, report), Timer(), patience=PATIENCE), send)
    except (PullcordError, OSError) as error:
        return failed(f"pullcord: what {said['tool_name']} did could not be reported: {error}")
    Path(mark).unlink(missing_ok=True)
    return NOTHING
