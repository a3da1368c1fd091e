"""One gateway at work: the host on one side, the server on the other, until one of them ends."""

import asyncio
import getpass
import os
import platform
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pullcord.briefing.digest import digest
from pullcord.client.cord import AsyncPullcord
from pullcord.gateway import messages as rpc
from pullcord.gateway.gateway import Gateway, Send
from pullcord.gateway.lines import Host, Server, ServerGone

#: seconds a host that hung up is given for what runs and for reports
LEAVE_WITHIN = 10.0
Build = Callable[[Send, Send], Gateway]


def session_of(server: str) -> str:
    """The conversation calls belong to when nobody names it: this user, here, with this server.

    It stays the same when the host starts the gateway anew, so a call that was stopped yesterday
    finds its decision today.
    """
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    place = [platform.node(), user, str(Path.cwd()), server]
    return f"mcp-{digest(place)[:24]}"


def pins_path(server: str) -> Path:
    """Where the tools of a server are pinned."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local/state")
    return Path(state) / "pullcord/pins" / f"{digest(server)[:24]}.json"


async def proxied(host: Host, server: Server, cord: AsyncPullcord, build: Build) -> int:
    """Let them speak through the gateway; 0 when the host hung up, 1 when the server ended."""
    gateway = build(host.send, server.send)
    listening = asyncio.create_task(_from_server(gateway, server))
    speaking = asyncio.create_task(_from_host(gateway, host))
    try:
        await asyncio.wait({listening, speaking}, return_when=asyncio.FIRST_COMPLETED)
        if listening.done() and not speaking.done():
            await gateway.server_gone(listening.result())
            await gateway.idle()
            return 1
        return 0
    finally:
        listening.cancel()
        speaking.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_WITHIN):
                await gateway.close()
        await server.close()
        await cord.close()


async def _from_host(gateway: Gateway, host: Host) -> None:
    async for line in host.lines():
        await gateway.from_host(line)


async def _from_server(gateway: Gateway, server: Server) -> str:
    try:
        async for message in server.messages():
            await gateway.from_server(message)
    except ServerGone as gone:
        return str(gone)
    return "it ended"


async def bridged(host: Host, server: Server) -> None:
    """Carry messages to a server of ours, which guards itself."""
    listening = asyncio.create_task(_carried(host, server))
    try:
        async for line in host.lines():
            try:
                await server.send(rpc.strict(line))
            except rpc.NotRpc as error:
                await host.send(rpc.failed(None, rpc.INVALID_REQUEST, f"pullcord: {error}"))
    finally:
        listening.cancel()
        await server.close()


async def _carried(host: Host, server: Server) -> None:
    async for message in server.messages():
        await host.send(message)
