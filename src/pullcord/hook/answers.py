"""What a host is answered: JSON on standard output, words on standard error, and a code.

Hosts let a tool run after every code but 2, and after a hook that is late or crashes. So a denial
says it twice: as JSON, which newer hosts believe whatever the code, and with code 2, which every
host takes as no. A yes without a decision says nothing at all, so the host's own rules go on
applying. Like everything a harmless call needs, this module loads next to nothing.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

#: the code with which every host blocks the tool
BLOCK = 2
BEFORE = "PreToolUse"
#: after a tool: it worked, it failed
AFTER = frozenset({"PostToolUse", "PostToolUseFailure"})


class Answer(NamedTuple):
    """What goes out."""

    code: int = 0
    out: str = ""
    err: str = ""


#: nothing to say: the host goes on as it would without us
NOTHING = Answer()


def denied(why: str) -> Answer:
    """The tool must not run; the model reads why."""
    return Answer(BLOCK, _decision("deny", why), why)


def allowed(args: Mapping[str, Any], notice: str) -> Answer:
    """The tool runs with exactly these arguments, because people said so."""
    more: dict[str, Any] = {"updatedInput": dict(args)}
    if notice:
        more["additionalContext"] = notice
    return Answer(out=_decision("allow", notice or "People let it run.", **more))


def failed(why: str) -> Answer:
    """Something after the tool went wrong; nothing is blocked by it any more."""
    return Answer(1, err=why)


def _decision(decision: str, reason: str, **more: Any) -> str:
    said = {
        "hookEventName": BEFORE,
        "permissionDecision": decision,
        "permissionDecisionReason": reason,
        **more,
    }
    return json.dumps({"hookSpecificOutput": said})
