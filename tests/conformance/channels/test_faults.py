"""Every channel that speaks HTTP, against providers that are slow, lying or not themselves."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pullcord.channels.port import Channel, Edits, Hears, Outcome, Sent
from tests.conformance.channels.double import Double
from tests.conformance.channels.doubles import DOUBLES
from tests.conformance.channels.loopback import Answered, Asked, http_server
from tests.conformance.channels.test_channels import letter
from tests.unit.channels.secure import Authority, Serve, listening

MOVING = sorted(name for name in DOUBLES if getattr(DOUBLES[name], "moves", False))
#: longer than any channel may try
LONG_SECONDS = 11.0


@pytest.fixture(params=MOVING)
async def double(request: pytest.FixtureRequest) -> AsyncIterator[Double]:
    async with DOUBLES[request.param].opened() as found:
        yield found


async def one_try(double: Double) -> tuple[Channel, Sent]:
    """One letter through a channel that speaks to whatever `double.url` names."""
    channel = double.channel()
    sent = await channel.send(letter(double, channel.can))
    await channel.close()
    told = repr(sent)
    assert not [each for each in double.secrets if each in told], "a secret is told"
    return channel, sent


async def tried(double: Double, *, serve: Serve) -> tuple[Channel, Sent]:
    """One letter to a server that does what it wants."""
    async with listening(serve=serve) as place:
        double.url = f"http://127.0.0.1:{place.port}"  # type: ignore[attr-defined]
        return await one_try(double)


async def answered(double: Double, reply: Answered) -> tuple[Channel, Sent]:
    """One letter to a server that answers like this."""

    async def handle(asked: Asked) -> Answered:
        return reply

    async with http_server(handle) as url:
        double.url = url  # type: ignore[attr-defined]
        return await one_try(double)


async def test_a_provider_that_is_slow_is_left_within_ten_seconds(
    double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A try that never ends holds a place that others need."""
    loop = asyncio.get_running_loop()
    now = loop.time
    is_asked, ends = asyncio.Event(), asyncio.Event()

    async def holds(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        is_asked.set()
        await ends.wait()

    work = asyncio.create_task(tried(double, serve=holds))
    await is_asked.wait()
    monkeypatch.setattr(loop, "time", lambda: now() + LONG_SECONDS)
    _, sent = await work

    assert sent.outcome is Outcome.RETRY


@pytest.mark.parametrize(
    "body", [b"", b"<html>Please sign in to the hotel's network</html>", b"[]", b'"ok"', b"\xff{"]
)
async def test_a_yes_that_names_nothing_is_not_believed(double: Double, body: bytes) -> None:
    """Whoever said it, something between us and the provider: nothing will ever come of it.

    Where the provider names what it took, a yes without a name is tried again; elsewhere it is
    "accepted", and never more than that.
    """
    channel, sent = await answered(double, Answered(200, body))

    names_copies = isinstance(channel, Edits | Hears)
    assert sent.outcome is (Outcome.RETRY if names_copies else Outcome.ACCEPTED)
    assert not sent.reference


@pytest.mark.parametrize(
    "wait", ["", "soon", "-5", "9" * 400, "Wed, 21 Oct 2015 07:28:00 GMT", "1e9", "٣٠"]
)
async def test_nonsense_about_when_to_come_back_changes_nothing(double: Double, wait: str) -> None:
    """With and without a time, with one long past and one without end."""
    headers = {"retry-after": wait} if wait and wait.isascii() else {}

    _, sent = await answered(double, Answered(429, headers=headers))

    assert sent.outcome is Outcome.RETRY
    assert sent.retry_after is None or sent.retry_after >= 0


async def test_a_redirect_is_not_followed(double: Double) -> None:
    """It would carry a letter, its key and its signature to somewhere nobody configured."""
    async with listening() as secret:
        elsewhere = f"http://127.0.0.1:{secret.port}/"
        _, sent = await answered(double, Answered(307, headers={"location": elsewhere}))

    assert sent.outcome in (Outcome.FAILED, Outcome.RETRY)
    assert secret.heads == []


async def test_a_wrong_certificate_hears_nothing(double: Double, tmp_path: Path) -> None:
    """Whoever pretends to be the provider learns no token, no number, no name."""
    async with listening(tls=Authority(tmp_path).serving("provider.example")) as place:
        double.url = f"https://127.0.0.1:{place.port}"  # type: ignore[attr-defined]
        _, sent = await one_try(double)

    assert sent.outcome in (Outcome.FAILED, Outcome.RETRY)
    assert place.heads == []


async def test_a_provider_that_speaks_something_else_breaks_nothing(double: Double) -> None:
    """A port that was given to another program."""

    async def babbles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()

    _, sent = await tried(double, serve=babbles)

    assert sent.outcome is Outcome.RETRY


async def test_a_provider_that_is_not_there_is_tried_again(double: Double) -> None:
    """Down is a passing trouble; the next way is tried meanwhile."""
    async with listening() as place:
        pass
    double.url = f"http://127.0.0.1:{place.port}"  # type: ignore[attr-defined]

    _, sent = await one_try(double)

    assert sent.outcome is Outcome.RETRY
