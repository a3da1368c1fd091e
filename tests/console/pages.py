"""The console in process: a shop on paper, its pages, and people who are signed in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
from starlette.applications import Starlette

from pullcord.channels.console import ConsoleChannel
from pullcord.channels.port import Abilities, Channel
from pullcord.console.app import routes
from pullcord.server.app import create_app
from pullcord.server.sessions import COOKIE
from tests.unit.engine.board import URL, Board, board
from tests.unit.engine.pigeons import Pigeons


@dataclass(slots=True)
class Pages:
    """Pages of one house."""

    board: Board
    app: Starlette
    clients: list[httpx2.AsyncClient]

    def client(self, **options: object) -> httpx2.AsyncClient:
        """Somebody without a session."""
        transport = httpx2.ASGITransport(app=self.app)
        made = httpx2.AsyncClient(transport=transport, base_url=URL, **options)  # type: ignore[arg-type]
        self.clients.append(made)
        return made

    async def signed_in(self, who: str) -> tuple[httpx2.AsyncClient, dict[str, str]]:
        """A person's browser, and what each form of our pages carries."""
        office = self.board.town.house.office
        token = await office.invite(self.board.town.workspace, who, purpose="demo")
        shown, session = await office.redeem_demo(token)
        client = self.client(cookies={f"__Host-{COOKIE}": shown}, headers={"origin": URL})
        return client, {"csrf": session.csrf}


@asynccontextmanager
async def pages(
    *, can: Abilities | None = None, mail: Pigeons | None = None, push: Channel | None = None
) -> AsyncIterator[Pages]:
    """A house with the console, paper and, where given, e-mail and push; Maria has linked paper.

    Where there is push, nobody has linked anything.
    """
    more: dict[str, Channel] = {"console": ConsoleChannel()}
    if mail is not None:
        more["email"] = mail
    if push is not None:
        more["webpush"] = push
    linked = () if push is not None else ("maria",)
    async with board(can=can, more=more, linked=linked) as found:
        house = found.town.house
        made = Pages(found, create_app(house, extra_routes=routes(house)), [])
        try:
            yield made
        finally:
            for client in made.clients:
                await client.aclose()
