"""How the command line speaks: results on standard output, everything else on standard error.

Exit codes: 0 well, 1 a check failed or the world is not as asked, 2 wrong use.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

import structlog
import typer
from rich.console import Console
from rich.text import Text

from pullcord.cli.places import DB_DEFAULT, DB_VARIABLE, KEY_FILE_VARIABLE
from pullcord.errors import CallerIsWrong, PullcordError

#: for people; keeps progress and hints away from results
err = Console(stderr=True, highlight=False)
out = Console(highlight=False)

WELL, FAILED, WRONG_USE = 0, 1, 2

Spec = ParamSpec("Spec")
Result = TypeVar("Result")

Db = Annotated[
    str,
    typer.Option(
        "--db", envvar=DB_VARIABLE, help="Database: a file, or postgresql://…", show_default=True
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        envvar=KEY_FILE_VARIABLE,
        help="File with the key that seals and signs; else the one beside the database.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Workspace = Annotated[
    str, typer.Option("--workspace", help="Workspace; needed only where there are several.")
]

__all__ = [
    "DB_DEFAULT",
    "AsJson",
    "Db",
    "KeyFile",
    "Workspace",
    "caution",
    "command",
    "err",
    "out",
    "print_json",
    "refuse",
    "well",
]


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The fast event loop, where the platform has one."""
    try:
        from uvloop import new_event_loop  # not on every platform
    except ImportError:
        return None
    return new_event_loop


def command(work: Callable[Spec, Coroutine[Any, Any, None]]) -> Callable[Spec, None]:
    """A coroutine as a command: problems become one clear message and an exit code."""

    @wraps(work)
    def run(*args: Spec.args, **kwargs: Spec.kwargs) -> None:
        structlog.configure(
            wrapper_class=structlog.make_filtering_bound_logger("warning"),
            logger_factory=_to_stderr,
        )
        try:
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                runner.run(work(*args, **kwargs))
        except CallerIsWrong as problem:
            refuse(problem)
            raise typer.Exit(WRONG_USE) from None
        except (PullcordError, OSError) as problem:
            refuse(problem)
            raise typer.Exit(FAILED) from None

    return run


def _to_stderr(*_: object) -> structlog.PrintLogger:
    """Where log lines of a command go: standard output holds results and nothing else."""
    return structlog.PrintLogger(sys.stderr)


def _say(mark: str, style: str, text: object, to: Console) -> None:
    """A marked line; the text stands as it is, whatever brackets are in it."""
    to.print(Text.assemble((f"{mark} ", style), str(text)), soft_wrap=True)


def well(text: object) -> None:
    """Say what was done or found right."""
    _say("✓", "green", text, out)


def caution(text: object, *, to: Console = err) -> None:
    """Say what somebody should know."""
    _say("!", "yellow", text, to)


def refuse(text: object, *, to: Console = err) -> None:
    """Say what is wrong."""
    _say("✗", "bold red", text, to)


def print_json(value: Any) -> None:
    """One JSON value on standard output, one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
