"""Callbacks over HTTP: signed by the provider, bounded, and answered as the provider expects."""

import json

import httpx2

from pullcord.channels.port import Verb
from pullcord.path.escalation import Status
from pullcord.server.app import create_app
from pullcord.server.callbacks import CALLBACK_BYTES_MAX
from tests.conformance.channels.double import Flaw
from tests.unit.engine.board import URL, Board, board


async def token_of(found: Board) -> str:
    """The button that accepts."""
    actions = found.town.house.inbound._actions
    for token in found.notes()[0].buttons:
        action = actions.read(token)
        if action is not None and action.verb is Verb.ACCEPT:
            return token
    raise AssertionError("no button accepts")


def client_of(found: Board) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=create_app(found.town.house))
    return httpx2.AsyncClient(transport=transport, base_url=URL)


async def test_a_signed_callback_acts() -> None:
    """From the provider's servers to the desk, through the one public route."""
    async with board() as found, client_of(found) as provider:
        name = await found.stopped()
        callback = found.double.press(await token_of(found), at=found.town.clock.now())
        body, headers = _as_maria(callback.body, found)

        reply = await provider.post("/callbacks/paper?x=1", content=body, headers=headers)

        assert reply.status_code == 200
        assert json.loads(reply.text) == ["You have it."]
        assert (await found.town.row(name)).escalation.status is Status.ACCEPTED


def _as_maria(body: bytes, found: Board) -> tuple[bytes, dict[str, str]]:
    """The same press, by Maria's account."""
    (told,) = json.loads(body)
    callback = found.double.calls({**told, "account": "maria-1"}, at=found.town.clock.now())
    return callback.body, dict(callback.headers)


async def test_what_is_not_signed_is_refused() -> None:
    """The route is public; what comes through it is not believed."""
    async with board() as found, client_of(found) as provider:
        name = await found.stopped()
        callback = found.double.press(
            await token_of(found), at=found.town.clock.now(), flaw=Flaw.FOREIGN
        )

        reply = await provider.post(
            "/callbacks/paper", content=callback.body, headers=dict(callback.headers)
        )

        assert reply.status_code == 403
        assert (await found.town.row(name)).escalation.status is Status.OPEN


async def test_a_callback_longer_than_any_is_cut_off() -> None:
    """Nobody fills the memory through a public route."""
    async with board() as found, client_of(found) as provider:
        long = await provider.post("/callbacks/paper", content=b"x" * (CALLBACK_BYTES_MAX + 1))

        async def endless() -> object:
            for _ in range(8):
                yield b"x" * 65_536

        streamed = await provider.post("/callbacks/paper", content=endless())  # type: ignore[arg-type]

        assert (long.status_code, streamed.status_code) == (413, 413)


async def test_only_a_post_is_a_callback() -> None:
    """A GET changes nothing, here too."""
    async with board() as found, client_of(found) as provider:
        assert (await provider.get("/callbacks/paper")).status_code == 405
        assert (await provider.post("/callbacks/nothing")).status_code == 404
