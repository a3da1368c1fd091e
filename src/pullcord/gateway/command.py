"""The gateway and the bridge as commands of `pullcord`: what they take, and how they begin.

A host starts one for each of its servers and keeps it for hours, so they begin without the rest of
the command line, which brings the server and the console along.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer

from pullcord.client.address import address_of
from pullcord.client.cord import AsyncPullcord
from pullcord.client.spans import seconds_of
from pullcord.errors import CallerIsWrong, InvalidInput, PullcordError
from pullcord.gateway.gateway import Gateway, Send
from pullcord.gateway.lines import Command, Host, ServerGone
from pullcord.gateway.pins import Pins
from pullcord.gateway.proxying import bridged, pins_path, proxied, session_of
from pullcord.gateway.remote import Remote

Spec = ParamSpec("Spec")

FAILED, WRONG_USE = 1, 2

Wait = Annotated[
    str, typer.Option("--wait", help="How long a stopped call waits for a person: 0s to 10m.")
]


async def mcp() -> None:
    """Give an agent the tools to ask people, over standard input and output.

    The server is PULLCORD_URL and the agent PULLCORD_KEY. The same tools are served over HTTP at
    /mcp of every Pullcord server.
    """
    address = address_of(None, None, os.environ)
    host = await Host.on_standard_streams()
    headers = {"authorization": f"Bearer {address.key}", "user-agent": address.user_agent}
    await bridged(host, Remote(f"{address.url}/mcp", headers))


async def mcp_proxy(
    server: Annotated[
        list[str] | None,
        typer.Argument(help="The MCP server's own command, after --.", show_default=False),
    ] = None,
    *,
    url: Annotated[str, typer.Option("--url", help="Or the address of an MCP server.")] = "",
    header: Annotated[
        list[str] | None,
        typer.Option("--header", help="With --url: `Name: value` to send; may be repeated."),
    ] = None,
    wait: Wait = "20s",
    prefix: Annotated[
        str, typer.Option(help="Goes before every tool's name, as rules and people see it.")
    ] = "",
    session: Annotated[
        str,
        typer.Option(
            envvar="PULLCORD_SESSION",
            help="Name of the conversation; else made of this machine, user, folder and server.",
        ),
    ] = "",
    pins: Annotated[
        Path | None, typer.Option(help="File with the tools as they were first seen.")
    ] = None,
) -> None:
    """Stand before an MCP server and let its tools be called only as rules and people allow.

    Neither the agent nor the server is changed. `pullcord mcp-proxy -- COMMAND …` starts the
    server as a command; `--url` reaches one over HTTP. The agent is PULLCORD_URL and PULLCORD_KEY.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="pullcord: %(message)s")
    named = _server_of(server, url)
    seconds = seconds_of("wait", wait)
    cord = AsyncPullcord()
    pinned = Pins(pins or pins_path(named))

    def build(to_host: Send, to_server: Send) -> Gateway:
        return Gateway(
            cord,
            session=session or session_of(named),
            wait=seconds,
            to_host=to_host,
            to_server=to_server,
            pins=pinned,
            prefix=prefix,
        )

    try:
        behind = Remote(url, _headers(header or [])) if url else await Command.started(server or [])
    except ServerGone as gone:
        raise InvalidInput("command", value=named, remedy=str(gone)) from None
    host = await Host.on_standard_streams()
    code = await proxied(host, behind, cord, build)
    if code:
        sys.stderr.write("pullcord: the MCP server ended\n")
        raise typer.Exit(FAILED)


def _server_of(server: Sequence[str] | None, url: str) -> str:
    """The one server behind the gateway, as text.

    Raises:
        InvalidInput: none is named, or two are.
    """
    if bool(server) == bool(url):
        raise InvalidInput(
            "server",
            value=url or None,
            limit="a command after --, or --url",
            remedy="Write pullcord mcp-proxy -- COMMAND …, or pullcord mcp-proxy --url URL.",
        )
    return url or "\0".join(server or [])


def _headers(given: Sequence[str]) -> dict[str, str]:
    found = {}
    for each in given:
        name, colon, value = each.partition(":")
        if not colon or not name.strip().isascii() or "\n" in each:
            raise InvalidInput("header", value=name, limit="Name: value", remedy="Correct it.")
        found[name.strip().lower()] = value.strip()
    return found


# --- beginning ------------------------------------------------------------------------------------
def begin(words: Sequence[str]) -> None:
    """Do `mcp` or `mcp-proxy` with these words, and nothing else of the command line."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(name="mcp")(_ran(mcp))
    app.command(name="mcp-proxy")(_ran(mcp_proxy))
    app(list(words), prog_name="pullcord")


def _ran(work: Callable[Spec, Coroutine[Any, Any, None]]) -> Callable[Spec, None]:
    """A coroutine as a command; what goes wrong is one line for people, and a code."""

    @wraps(work)
    def run(*args: Spec.args, **kwargs: Spec.kwargs) -> None:
        try:
            asyncio.run(work(*args, **kwargs))
        except (PullcordError, OSError) as problem:
            sys.stderr.write(f"pullcord: {problem}\n")
            code = WRONG_USE if isinstance(problem, CallerIsWrong) else FAILED
            raise typer.Exit(code) from None

    return run
