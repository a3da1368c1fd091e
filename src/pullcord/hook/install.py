"""The hook in a coding agent's settings: put in, shown, taken out; everything else is left alone.

The command ends with `|| exit 2`, because the host lets a tool run after every other code: a
Python that is missing, a crash and a kill deny as well. A file is replaced whole or not at all,
and what was there before is kept beside it.
"""

import json
import os
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any

from pullcord.client.spans import seconds_of
from pullcord.errors import InvalidInput
from pullcord.hook.process import HOST

Json = dict[str, Any]

HOSTS = ("claude-code",)
BEFORE = "PreToolUse"
AFTER = ("PostToolUse", "PostToolUseFailure")
#: how an entry of ours is known again
OURS = "-m pullcord hook"
#: what was there before is kept under this ending
KEPT = ".before-pullcord"


def path_for(host: str, *, settings: Path | None, project: bool) -> Path:
    """The settings file of a host.

    Raises:
        InvalidInput: a host that is not known.
    """
    if host not in HOSTS:
        known = ", ".join(HOSTS)
        raise InvalidInput("host", value=host, limit=known, remedy="Name one of these.")
    if settings is not None:
        return settings
    return (Path.cwd() if project else Path.home()) / ".claude/settings.json"


def settings_of(path: Path) -> Json:
    """The settings as they are; empty when there are none.

    Raises:
        InvalidInput: they cannot be read, so they are not touched.
    """
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8") or "{}")
    except (OSError, ValueError) as error:
        raise _unreadable(path, str(error)) from None
    hooks = found.get("hooks", {}) if isinstance(found, dict) else None
    if not isinstance(hooks, dict) or not all(isinstance(each, list) for each in hooks.values()):
        raise _unreadable(path, "It is no object with lists of hooks")
    settings: Json = found
    return settings


def _unreadable(path: Path, why: str) -> InvalidInput:
    return InvalidInput(
        "settings",
        value=str(path),
        limit="JSON as the host reads it",
        remedy=f"{why}. Correct it first; it was not touched.",
    )


def installed(settings: Json, *, matcher: str, wait: str) -> Json:
    """The settings with our hook and no older one of ours."""
    seconds = seconds_of("wait", wait)
    clean = uninstalled(settings)
    hooks = {name: list(groups) for name, groups in clean.get("hooks", {}).items()}
    for event in (BEFORE, *AFTER):
        hooks[event] = [*hooks.get(event, []), _group(event, matcher, wait, seconds)]
    return {**clean, "hooks": hooks}


def _group(event: str, matcher: str, wait: str, seconds: float) -> Json:
    # -P: a file in the folder the agent works in must never stand in for one of ours
    command = f"{shlex.quote(sys.executable)} -P {OURS}"
    own: Json = {"type": "command", "command": command, "timeout": round(HOST)}
    if event == BEFORE:
        own = {
            "type": "command",
            "command": f"{command} --wait {wait} || exit 2",
            "timeout": round(seconds + HOST),
            # newer hosts deny by themselves what a hook fails to answer
            "onFailure": "block",
        }
    return {"matcher": matcher, "hooks": [own]}


def uninstalled(settings: Json) -> Json:
    """The settings without our hook; what becomes empty by it goes too."""
    hooks: Json = {}
    for event, groups in settings.get("hooks", {}).items():
        kept = [left for group in groups if (left := _without(group)) is not None]
        if kept or not groups:
            hooks[event] = kept
    others = {name: value for name, value in settings.items() if name != "hooks"}
    if hooks or ("hooks" in settings and not settings["hooks"]):
        return {**others, "hooks": hooks}
    return others


def _without(group: Any) -> Any:
    """A group without our hooks; None when there was nothing else in it."""
    if not isinstance(group, dict) or not isinstance(group.get("hooks"), list):
        return group
    kept = [each for each in group["hooks"] if not _is_ours(each)]
    if len(kept) == len(group["hooks"]):
        return group
    return {**group, "hooks": kept} if kept else None


def _is_ours(hook: Any) -> bool:
    return isinstance(hook, dict) and OURS in str(hook.get("command", ""))


def shown(settings: Json) -> str:
    """The settings as they are written."""
    return json.dumps(settings, indent=2, ensure_ascii=False)


def save(path: Path, settings: Json) -> None:
    """Replace the file whole; what was there stays beside it."""
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = 0o600
    if target.exists():
        mode = target.stat().st_mode & 0o777
        _replace(target.with_name(target.name + KEPT), target.read_text(encoding="utf-8"), mode)
    _replace(target, shown(settings) + "\n", mode)


def _replace(path: Path, text: str, mode: int) -> None:
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=path.name, delete=False
    ) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), mode)
    Path(file.name).replace(path)
