"""Where the installed command begins: a hook must be quick, everything else may load more.

A coding agent starts `pullcord hook` before every tool it uses. So that command is recognised here,
before the command line with all its commands is loaded.
"""

import sys


def main() -> None:
    """The entry point of `pullcord` and `python -m pullcord`."""
    words = sys.argv[1:]
    if words[:1] == ["hook"] and (not words[1:] or words[1] == "--wait"):
        from pullcord.hook.process import run  # noqa: PLC0415  # see above

        run(words[1:])
    from pullcord.cli import main as command_line  # noqa: PLC0415

    command_line()
