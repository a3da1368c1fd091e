"""An MCP server over HTTP, made with the official SDK: another party's program."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import uvicorn
from mcp.server.mcpserver import Context, Elicit, MCPServer, Resolve
from pydantic import BaseModel

#: seconds it may take to begin and to end
WITHIN = 60.0


class Size(BaseModel):
    """What the server asks the host's user."""

    size: str


@dataclass(slots=True)
class Shop:
    """The server, what its tools were called with, and what came along."""

    port: int = 0
    spent: list[float] = field(default_factory=list)
    orders: list[tuple[float, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    #: set by a test: the next call waits for it before it answers
    holds: threading.Event | None = None
    server: uvicorn.Server | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/mcp"

    def made(self) -> MCPServer:
        """The server with its tools."""
        server = MCPServer("shop")

        @server.tool()
        async def spend(amount: float, context: Context[Any, Any]) -> str:
            """Spends."""
            self.headers.append(dict(context.headers or {}))
            self.spent.append(amount)
            await context.report_progress(1, 2, "spending")
            if self.holds is not None:
                await asyncio.to_thread(self.holds.wait, WITHIN)
            return f"spent {amount}"

        def ask() -> Elicit[Size]:
            return Elicit("Which size?", Size)

        @server.tool()
        async def order(amount: float, size: Annotated[Size, Resolve(ask)]) -> str:
            """Orders."""
            self.orders.append((amount, size.size))
            return f"ordered {amount} in {size.size}"

        return server


@contextmanager
def open_shop(*, is_json: bool = False) -> Iterator[Shop]:
    """The shop while it is open."""
    shop = Shop()
    listener = socket.create_server(("127.0.0.1", 0))
    shop.port = listener.getsockname()[1]
    app = shop.made().streamable_http_app(json_response=is_json)
    config = uvicorn.Config(app, log_config=None, ws="none", timeout_graceful_shutdown=1)
    shop.server = uvicorn.Server(config)
    work = shop.server.serve(sockets=[listener])
    thread = threading.Thread(target=asyncio.run, args=(work,), daemon=True)
    thread.start()
    try:
        yield shop
    finally:
        shop.server.should_exit = True
        thread.join(WITHIN)
        listener.close()
