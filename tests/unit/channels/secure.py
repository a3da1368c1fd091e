"""A web server with a certificate on loopback, and the authority that made it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

OK = b"HTTP/1.1 204 Fine\r\ncontent-length: 0\r\n\r\n"

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Authority:
    """Makes certificates for names; trusted by nobody who was not told of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Authority of this test")])
        self._own = self._signed(name, name, self._key.public_key(), is_authority=True)

    def trust(self) -> ssl.SSLContext:
        """What a client needs to believe this authority and no other."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self._own.public_bytes(Encoding.PEM).decode())
        return context

    def serving(self, name: str, *, days: int = 1) -> ssl.SSLContext:
        """What a server of this name needs; with negative days its time is over."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        made = self._signed(subject, self._own.subject, key.public_key(), days=days)
        file = self._folder / f"{name}{days}.pem"
        plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(plain + made.public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _signed(
        self,
        subject: x509.Name,
        issuer: x509.Name,
        key: ec.EllipticCurvePublicKey,
        *,
        is_authority: bool = False,
        days: int = 1,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        names = [x509.DNSName(str(each.value)) for each in subject]
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=3))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if not is_authority:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256())


@dataclass(slots=True)
class Place:
    """Where a server listens, and what it saw."""

    port: int = 0
    #: heads of requests as they came
    heads: list[str] = field(default_factory=list)
    #: names asked for before any certificate was shown
    names: list[str | None] = field(default_factory=list)
    connections: int = 0


@asynccontextmanager
async def listening(
    *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", serve: Serve | None = None
) -> AsyncIterator[Place]:
    """A server that answers 204 and keeps its connections, or does what it is told."""
    place = Place()
    if tls is not None:
        tls.sni_callback = lambda _socket, name, _context: place.names.append(name)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place.connections += 1
        try:
            await (serve or kept)(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # whoever called went away
        finally:
            writer.close()

    async def kept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            place.heads.append(head)
            lines = (line.partition(":") for line in head.lower().split("\r\n"))
            fields = {name: value.strip() for name, _, value in lines}
            length = int(fields.get("content-length", "0"))
            await reader.readexactly(length)
            writer.write(OK)
            await writer.drain()

    server: Any = await asyncio.start_server(answer, host, 0, ssl=tls)
    place.port = server.sockets[0].getsockname()[1]
    async with server:
        yield place
        server.close()
