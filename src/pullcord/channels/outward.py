"""The way outside: HTTP to addresses on the internet, and to no address inside by accident.

A name is resolved once, every address it has is checked, and the connection goes to a checked one,
so that no answer of a name server given a moment later leads anywhere else; certificates are still
checked against the name. Redirects are not followed; time and bytes are bounded, replies included.
Hosts inside are called only where the operator named them.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from types import TracebackType
from typing import Self

import httpcore2
import httpx2

from pullcord.channels.answers import TRY_SECONDS, Barred
from pullcord.errors import InvalidInput

#: bytes sent and read at most in one request
SENT_MAX, READ_MAX = 1_048_576, 65_536
#: addresses of one name that are tried
ADDRESSES_MAX = 8
#: where web servers outside listen; hosts that were named may have any port
PORTS = frozenset({80, 443, 8080, 8443})
KEPT_SECONDS = 30.0

PORT_MAX = 65_535

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
#: the addresses of a name, as text
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

#: IPv4 that is not the internet (IANA special-purpose registry), with clouds' own services
_INSIDE_4 = tuple(
    IPv4Network(each)
    for each in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32",
        "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
        "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
    )
)  # fmt: skip
#: the only IPv6 that is handed out; what in it leads elsewhere: Teredo, documentation, 6to4
_GIVEN_6 = IPv6Network("2000::/3")
_INSIDE_6 = tuple(
    IPv6Network(each) for each in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)


@dataclass(frozen=True, slots=True)
class Inside:
    """The hosts inside that may be called: names, addresses, networks."""

    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    def __contains__(self, found: Address) -> bool:
        return any(found in each for each in self.networks if each.version == found.version)


def inside_of(texts: Iterable[str]) -> Inside:
    """What an operator named, as "hook.internal", "10.1.2.3" or "10.1.0.0/16".

    Raises:
        InvalidInput: one of them is neither.
    """
    names: list[str] = []
    networks: list[Network] = []
    for text in texts:
        try:
            networks.append(ip_network(text))
        except ValueError:
            plain = text.lower().rstrip(".")
            is_name = plain.replace("-", "").replace(".", "").replace("_", "").isalnum()
            if not is_name or plain.replace(".", "").isdigit():
                raise InvalidInput(
                    "internal_hosts",
                    value=text,
                    limit="a name, an address or a network without host bits, as 10.1.0.0/16",
                ) from None
            names.append(plain)
    return Inside(frozenset(names), tuple(networks))


def is_outside(found: Address) -> bool:
    """Whether an address is on the internet, and leads there and nowhere else.

    An IPv4 address in the clothes of IPv6 (mapped, 6to4, NAT64, Teredo) is not: what it leads to
    is decided by a gateway.
    """
    if isinstance(found, IPv4Address):
        return not any(found in each for each in _INSIDE_4)
    return found in _GIVEN_6 and not any(found in each for each in _INSIDE_6)


def address(url: str, field: str) -> str:
    """The address, if it is one that can be called.

    Raises:
        InvalidInput: it is no http or https address.
    """
    try:
        found = httpx2.URL(url)
    except httpx2.InvalidURL:
        found = httpx2.URL("")
    is_web = found.scheme in ("http", "https") and bool(found.host)
    if not is_web or (found.port or 0) > PORT_MAX:
        raise InvalidInput(field, value=url, limit="an http:// or https:// address")
    return url


async def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, by the resolver of this machine."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for _, _, _, _, sockaddr in found]


class Outward:
    """Calls addresses outside; one for each channel, as its connections are kept.

    Raises:
        InvalidInput: a named host is none.
    """

    def __init__(
        self,
        *,
        internal: Iterable[str] = (),
        resolve: Resolve = resolved,
        trust: ssl.SSLContext | None = None,
        seconds: float = TRY_SECONDS,
        read_max: int = READ_MAX,
    ) -> None:
        self._seconds = seconds
        self._read_max = read_max
        doors = _Doors(inside_of(internal), resolve)
        transport = _Transport(doors, trust or httpcore2.default_ssl_context())
        self._client = httpx2.AsyncClient(
            transport=transport, timeout=seconds, follow_redirects=False, trust_env=False
        )

    async def post(
        self,
        url: str,
        *,
        content: bytes,
        headers: Mapping[str, str],
    ) -> httpx2.Response:
        """Post once; the reply with the beginning of its body, 64 KiB unless told otherwise.

        Raises:
            Barred: the address is not to be called, or the certificate is not the host's.
            httpx2.HTTPError: no answer in time.
        """
        return await self.request("POST", url, content=content, headers=headers)

    async def request(
        self, method: str, url: str, *, content: bytes = b"", headers: Mapping[str, str]
    ) -> httpx2.Response:
        """Any request; see `post`."""
        if len(content) > SENT_MAX:
            raise Barred(f"it is longer than {SENT_MAX} bytes")
        asked = {"accept-encoding": "identity", **headers}
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._client.stream(method, url, content=content, headers=asked) as reply,
            ):
                body = await _bounded(reply.aiter_raw(), self._read_max)
        except TimeoutError:
            raise httpx2.ReadTimeout(f"no whole answer in {self._seconds:g} s") from None
        kept = [
            (name, value)
            for name, value in reply.headers.multi_items()
            if name not in ("content-encoding", "content-length", "transfer-encoding")
        ]
        return httpx2.Response(reply.status_code, headers=kept, content=body)

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.aclose()


async def _bounded(chunks: AsyncIterator[bytes], most: int) -> bytes:
    """The beginning of a body; whoever sends more is not listened to."""
    found = bytearray()
    async for chunk in chunks:
        found += chunk
        if len(found) >= most:
            break
    return bytes(found[:most])


# --- connecting -----------------------------------------------------------------------------------


class _Doors(httpcore2.AsyncNetworkBackend):
    """Opens connections to checked addresses only."""

    def __init__(self, inside: Inside, resolve: Resolve) -> None:
        self._inside = inside
        self._resolve = resolve
        self._outside = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the face of the library
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """To the first checked address that answers."""
        trouble: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in await self._checked(host, port):
            try:
                return await self._outside.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore2.NetworkError, httpcore2.TimeoutException) as error:
                trouble = error
        raise trouble

    async def _checked(self, host: str, port: int) -> list[str]:
        """The addresses of a name, if every single one may be called."""
        try:
            texts = await self._resolve(host, port)
            found = [ip_address(each.partition("%")[0]) for each in texts]
        except (OSError, UnicodeError, ValueError):
            raise httpcore2.ConnectError(f"{host} has no address") from None
        if host.lower().rstrip(".") in self._inside.names:
            return texts_of(found)
        plain = [_unwrapped(each) for each in found]
        inner = [each for each in plain if each not in self._inside]
        barred = [each for each in inner if not is_outside(each)]
        if barred:
            raise Barred(
                f"{host} leads inside; if that is meant, name it in PULLCORD_INTERNAL_HOSTS"
            )
        if inner and port not in PORTS:
            allowed = ", ".join(str(each) for each in sorted(PORTS))
            raise Barred(f"port {port} is not one of {allowed}")
        return texts_of(found)


def texts_of(found: Iterable[Address]) -> list[str]:
    """Each address once, as many as are tried."""
    return list(dict.fromkeys(str(each) for each in found))[:ADDRESSES_MAX]


def _unwrapped(found: Address) -> Address:
    """An IPv4 address that came as ::ffff:10.0.0.1 is what it leads to."""
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


class _Transport(httpx2.AsyncBaseTransport):
    """httpx2's face on connections that go through `_Doors`."""

    def __init__(self, doors: _Doors, trust: ssl.SSLContext) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=trust, network_backend=doors, keepalive_expiry=KEPT_SECONDS
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request through the pool, its errors in httpx2's words."""
        url = request.url
        asked = httpcore2.Request(
            method=request.method,
            url=httpcore2.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            ),
            headers=request.headers.raw,
            content=request.content,
            extensions=request.extensions,
        )
        with _Told():
            got = await self._pool.handle_async_request(asked)
        return httpx2.Response(
            got.status, headers=got.headers, stream=_Body(got), extensions=got.extensions
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx2.AsyncByteStream):
    """A reply's body as it arrives."""

    def __init__(self, got: httpcore2.Response) -> None:
        self._got = got

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _Told():
            async for chunk in self._got.aiter_stream():
                yield chunk

    async def aclose(self) -> None:
        with _Told():
            await self._got.aclose()


class _Told:
    """Errors of connections in httpx2's words; a wrong certificate is not a passing trouble."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, httpcore2.ConnectError) and _is_certificate(error):
            raise Barred("its certificate is not good for this host; mend it") from error
        mapped = getattr(httpx2, kind.__name__, None) if kind else None
        if error is not None and type(error).__module__.startswith("httpcore2") and mapped:
            raise mapped(str(error)) from error


def _is_certificate(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
