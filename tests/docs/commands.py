"""Writes docs/reference/command-line.md from the commands: `python -m tests.docs.commands`."""

from collections.abc import Iterator
from typing import Any

import typer

from pullcord.cli import app
from tests.docs.pages import ROOT

PAGE = ROOT / "docs/reference/command-line.md"

HEAD = """\
# The command line

Every command has `--help`. Where a result is printed, `--json` prints it for programs. Exit codes:
0 it is well, 1 a check failed, 2 wrong use; `pullcord hook` has those of its host. This page is
written from the commands: `python -m tests.docs.commands`.
"""


def commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something, with the words that start it."""
    for name, command in group.commands.items():
        words = f"{path} {name}"
        if getattr(command, "commands", None):
            if command.invoke_without_command:
                yield words, command
            yield from commands(command, words)
        elif not command.hidden:
            yield words, command


def row(parameter: Any) -> str:
    """One option or argument as a row of its table."""
    is_argument = parameter.param_type_name == "argument"
    names = parameter.name.upper() if is_argument else ", ".join(parameter.opts)
    default = parameter.default
    if parameter.required:
        told = "required"
    elif default in (None, "", False) or callable(default):
        told = ""
    else:
        told = f"`{default}`"
    variable = f" `${parameter.envvar}`" if parameter.envvar else ""
    meaning = " ".join((getattr(parameter, "help", None) or "").split())
    return f"| `{names}`{variable} | {meaning.replace('|', '/')} | {told} |\n"


def page() -> str:
    """The whole page."""
    text = HEAD
    for words, command in commands(typer.main.get_command(app), "pullcord"):
        help_text = (command.help or "").strip()
        text += f"\n## {words}\n\n{help_text}\n\n"
        asked = [each for each in command.params if each.name != "help"]
        if asked:
            text += "| | meaning | if absent |\n|---|---|---|\n"
            text += "".join(row(each) for each in asked)
    return text.rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
