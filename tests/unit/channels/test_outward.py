"""The way outside: names that lead inside, that change their mind, and servers that are hostile."""

import asyncio
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import httpx2
import pytest

from pullcord.channels.answers import Barred, unanswered
from pullcord.channels.outward import READ_MAX, SENT_MAX, Outward, inside_of, is_outside
from pullcord.channels.port import Outcome
from pullcord.errors import InvalidInput
from tests.unit.channels.receiver import receiver
from tests.unit.channels.secure import Authority, listening

LOOPBACK = ["127.0.0.1"]


class Names:
    """A resolver that gives the next of its answers each time, the last for ever."""

    def __init__(self, *answers: Sequence[str] | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def post(outward: Outward, url: str, content: bytes = b"{}") -> httpx2.Response:
    """One post, and the connections closed after it."""
    try:
        return await outward.post(url, content=content, headers={"content-type": "text/plain"})
    finally:
        await outward.close()


# --- addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.1.1.1",
        "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1",
        "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1",
        "239.255.255.250", "240.0.0.1", "255.255.255.255", "168.63.129.16",
        "::", "::1", "::127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "64:ff9b:1::a00:1",
        "100::1", "2001::1", "2001:0:53aa:64c::1", "2001:db8::1", "2002:7f00:1::1", "3fff::1",
        "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "4000::1",
    ],
)  # fmt: skip
def test_what_is_not_the_internet_is_not_outside(address: str) -> None:
    """Private, loopback, link-local, shared, multicast, metadata, and IPv4 in other clothes."""
    assert not is_outside(ip_address(address))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"]
)
def test_what_is_the_internet_is_outside(address: str) -> None:
    """A list that bars everything protects nobody for long: it is switched off."""
    assert is_outside(ip_address(address))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1", "http://127.1", "http://2130706433", "http://0x7f.1", "http://0"]
)
async def test_an_address_is_judged_by_where_it_leads_not_by_its_looks(url: str) -> None:
    """Six spellings of loopback: the answer is checked, never the text."""
    async with receiver() as place:
        port = place.url.rpartition(":")[2].partition("/")[0]

        with pytest.raises(httpx2.TransportError):
            await post(Outward(), f"{url}:{port}/")

    assert place.heard == []


@pytest.mark.promise("outward-is-outside")
@pytest.mark.parametrize(
    "addresses",
    [
        ["10.0.0.1"],
        ["93.184.216.34", "10.0.0.1"],
        ["2606:4700::1111", "::ffff:127.0.0.1"],
        ["::ffff:169.254.169.254"],
        ["fe80::1%eth0"],
    ],
)
async def test_one_address_inside_bars_the_name(addresses: list[str]) -> None:
    """Whoever mixes them wants one to be overlooked."""
    names = Names(addresses)

    with pytest.raises(Barred, match="PULLCORD_INTERNAL_HOSTS") as caught:
        await post(Outward(resolve=names), "https://hook.example/")

    assert unanswered(caught.value).outcome is Outcome.FAILED
    assert not [each for each in addresses if each in str(caught.value)]


@pytest.mark.promise("outward-is-outside")
async def test_a_name_that_changes_its_mind_leads_nowhere_else(authority: Authority) -> None:
    """DNS rebinding: it is resolved once for a connection, and again only for the next one."""
    async with listening() as good, listening(host="127.0.0.2") as secret:
        names = Names(["127.0.0.1"], ["127.0.0.2"])
        outward = Outward(internal=LOOPBACK, resolve=names)
        first = await outward.post(f"http://hook.example:{good.port}/", content=b"", headers={})
        again = await outward.post(f"http://hook.example:{good.port}/", content=b"", headers={})

        with pytest.raises(Barred):
            await post(outward, f"http://hook.example:{secret.port}/")

    assert (first.status_code, again.status_code) == (204, 204)
    assert good.connections == 1
    assert secret.connections == 0
    assert names.asked == [("hook.example", good.port), ("hook.example", secret.port)]


@pytest.mark.promise("outward-is-outside")
async def test_a_redirect_inside_is_not_followed() -> None:
    """A signed letter goes where it was addressed, or nowhere."""
    async with receiver() as secret, receiver((302, {"location": secret.url})) as place:
        reply = await post(Outward(internal=LOOPBACK), place.url)

    assert reply.status_code == 302
    assert secret.heard == []


async def test_a_name_without_an_address_may_have_one_later() -> None:
    """A name server that is down is a passing trouble."""
    for answer in (OSError("no such host"), [], ["nonsense"]):
        with pytest.raises(httpx2.ConnectError) as caught:
            await post(Outward(resolve=Names(answer)), "https://hook.example/")

        assert unanswered(caught.value).outcome is Outcome.RETRY


async def test_the_next_address_is_tried_where_one_is_silent() -> None:
    """A name has several addresses so that one may be down."""
    async with listening() as place:
        outward = Outward(internal=["127.0.0.0/8"], resolve=Names(["127.0.0.3", "127.0.0.1"]))

        reply = await post(outward, f"http://hook.example:{place.port}/")

    assert reply.status_code == 204


async def test_outside_only_ports_of_web_servers_are_called() -> None:
    """A mail server takes a POST for something else."""
    with pytest.raises(Barred, match="port 25"):
        await post(Outward(resolve=Names(["93.184.216.34"])), "http://hook.example:25/")


# --- hosts inside ---------------------------------------------------------------------------------


async def test_a_host_inside_is_called_where_the_operator_named_it() -> None:
    """By name, by address or by network; on any port."""
    async with listening() as place:
        for named in ("hook.internal", "127.0.0.1", "127.0.0.0/24"):
            outward = Outward(internal=[named], resolve=Names(["127.0.0.1"]))

            reply = await post(outward, f"http://Hook.Internal:{place.port}/")

            assert reply.status_code == 204


@pytest.mark.parametrize("named", ["10.0.0.1/8", "http://x", "10.0.0", "", "*.internal"])
def test_a_host_that_is_none_is_refused_at_the_start(named: str) -> None:
    """A typing error must not open the house, or bar it."""
    with pytest.raises(InvalidInput, match="internal_hosts"):
        inside_of([named])


# --- certificates ---------------------------------------------------------------------------------


async def test_the_certificate_is_checked_against_the_name(authority: Authority) -> None:
    """The connection goes to a checked address; name, Host and certificate stay the name's."""
    async with listening(tls=authority.serving("hook.example")) as place:
        outward = Outward(internal=LOOPBACK, resolve=Names(["127.0.0.1"]), trust=authority.trust())

        reply = await post(outward, f"https://hook.example:{place.port}/in")

    assert reply.status_code == 204
    assert place.names == ["hook.example"]
    assert f"Host: hook.example:{place.port}" in place.heads[0]


@pytest.mark.parametrize(("name", "days"), [("other.example", 1), ("hook.example", -1)])
async def test_a_wrong_certificate_hears_nothing(
    authority: Authority, name: str, days: int
) -> None:
    """Another host's, or one whose time is over: somebody must look, another try is no help."""
    async with listening(tls=authority.serving(name, days=days)) as place:
        outward = Outward(internal=LOOPBACK, resolve=Names(["127.0.0.1"]), trust=authority.trust())

        with pytest.raises(Barred, match="certificate") as caught:
            await post(outward, f"https://hook.example:{place.port}/")

    assert unanswered(caught.value).outcome is Outcome.FAILED
    assert place.heads == []


async def test_an_unknown_authority_is_not_believed(authority: Authority) -> None:
    """Anybody can make a certificate."""
    async with listening(tls=authority.serving("hook.example")) as place:
        outward = Outward(internal=LOOPBACK, resolve=Names(["127.0.0.1"]))

        with pytest.raises(Barred, match="certificate"):
            await post(outward, f"https://hook.example:{place.port}/")

    assert place.heads == []


# --- servers that are hostile ---------------------------------------------------------------------


async def head_of(reader: asyncio.StreamReader) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def test_a_server_that_drips_is_left() -> None:
    """Each byte arrives in time, the answer never does: the whole try is bounded."""
    never = asyncio.Event()

    async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 Fine\r\ncontent-length: 99999\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            try:
                await asyncio.wait_for(never.wait(), 0.01)
            except TimeoutError:
                continue

    async with listening(serve=drips) as place:
        with pytest.raises(httpx2.ReadTimeout) as caught:
            await post(Outward(internal=LOOPBACK, seconds=0.2), f"http://127.0.0.1:{place.port}/")

    assert unanswered(caught.value).outcome is Outcome.RETRY


async def test_a_giant_reply_is_not_read() -> None:
    """Its beginning is enough; memory is ours."""

    async def pours(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 Fine\r\ncontent-length: 9999999999\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    async with listening(serve=pours) as place:
        reply = await post(Outward(internal=LOOPBACK), f"http://127.0.0.1:{place.port}/")

    assert reply.status_code == 200
    assert len(reply.content) == READ_MAX


async def test_a_compressed_reply_stays_compressed() -> None:
    """A few bytes that unpack to gigabytes unpack to nothing here."""

    async def bombs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 Fine\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n")
        writer.write(b"\x1f\x8b\x08\0")
        await writer.drain()

    async with listening(serve=bombs) as place:
        reply = await post(Outward(internal=LOOPBACK), f"http://127.0.0.1:{place.port}/")

    assert reply.content == b"\x1f\x8b\x08\0"


@pytest.mark.parametrize(
    "said", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 Fine\r\n" + b"a: b\r\n" * 30_000, b""]
)
async def test_what_is_no_answer_is_tried_again(said: bytes) -> None:
    """Not HTTP, a head without end, a line cut: nobody knows what became of it."""

    async def babbles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(said)
        await writer.drain()

    async with listening(serve=babbles) as place:
        with pytest.raises(httpx2.TransportError) as caught:
            await post(Outward(internal=LOOPBACK), f"http://127.0.0.1:{place.port}/")

    assert unanswered(caught.value).outcome is Outcome.RETRY


async def test_a_body_that_breaks_off_is_no_answer() -> None:
    """Half a reply is none."""

    async def breaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 Fine\r\ncontent-length: 100\r\n\r\nhalf")
        await writer.drain()

    async with listening(serve=breaks) as place:
        with pytest.raises(httpx2.RemoteProtocolError):
            await post(Outward(internal=LOOPBACK), f"http://127.0.0.1:{place.port}/")


async def test_a_giant_letter_is_not_sent() -> None:
    """A bound on what leaves the house as well."""
    async with receiver() as place:
        with pytest.raises(Barred, match="longer than"):
            await post(Outward(internal=LOOPBACK), place.url, b"x" * (SENT_MAX + 1))

    assert place.heard == []
