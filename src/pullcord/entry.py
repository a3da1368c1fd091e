"""Where the installed command begins: a hook must be quick and a gateway small.

A coding agent starts `pullcord hook` before every tool it uses, and a host keeps a gateway for each
of its servers. So these are recognised here, before the command line with all its commands, the
server and the console is loaded.
"""

import sys


def main() -> None:
    """The entry point of `pullcord` and `python -m pullcord`."""
    words = sys.argv[1:]
    if words[:1] == ["hook"] and (not words[1:] or words[1] == "--wait"):
        from pullcord.hook.process import run  # noqa: PLC0415  # see above

        run(words[1:])
    if words[:1] in (["mcp"], ["mcp-proxy"]) and "--help" not in words:
        from pullcord.gateway.command import begin  # noqa: PLC0415  # see above

        begin(words)
    from pullcord.cli import main as command_line  # noqa: PLC0415

    command_line()
