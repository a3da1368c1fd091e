"""Messages as lines: the host on standard input and output, and a server that is a command.

A line that is longer than a message may be ends the connection: what follows it could not be
trusted to begin where a message begins.
"""

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Protocol

from pullcord.errors import InvalidInput
from pullcord.gateway.messages import MESSAGE_BYTES_MAX, Message, lenient, written

#: seconds a server that is told to end may take
END_WITHIN = 3.0
#: variables that are the agent's own and no business of the server behind the gateway
OWN_VARIABLES = ("PULLCORD_KEY", "PULLCORD_URL")


class ServerGone(Exception):
    """The server behind the gateway does not answer any more; says why."""


class Server(Protocol):
    """The server behind the gateway, whichever way it is reached."""

    async def send(self, message: Message) -> None:
        """Give it a message.

        Raises:
            ServerGone: it cannot be given any.
        """

    def messages(self) -> AsyncIterator[Message]:
        """What it says, until it ends.

        Raises:
            ServerGone: it said something that is no message.
        """

    async def close(self) -> None:
        """Let go of it."""


class Host:
    """Whoever started this process: its messages come by standard input."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._lock = asyncio.Lock()

    @classmethod
    async def on_standard_streams(cls) -> "Host":
        """The host of this process; whatever else prints goes to standard error from now on.

        Raises:
            InvalidInput: nobody is there: it was not started by a host.
        """
        for name, stream in (("standard input", sys.stdin), ("standard output", sys.stdout)):
            _check_pipe(name, stream.fileno())
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=MESSAGE_BYTES_MAX)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
        own = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        transport, protocol = await loop.connect_write_pipe(
            lambda: asyncio.streams.FlowControlMixin(loop=loop), own
        )
        return cls(reader, asyncio.StreamWriter(transport, protocol, None, loop))

    async def lines(self) -> AsyncIterator[bytes]:
        """What it says, line by line, until it hangs up or says too much at once."""
        while line := await _line(self._reader):
            if line.strip():
                yield line

    async def send(self, message: Message) -> None:
        """Give it a message; a host that has hung up hears nothing."""
        async with self._lock:
            with suppress(ConnectionError):
                self._writer.write(written(message))
                await self._writer.drain()


class Command:
    """A server that is a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        assert process.stdin is not None, "the server was started without a way in"
        assert process.stdout is not None, "the server was started without a way out"
        self._in, self._out = process.stdin, process.stdout

    @classmethod
    async def started(cls, command: Sequence[str]) -> "Command":
        """Start it, without the agent's key in its environment.

        Raises:
            ServerGone: it cannot be started.
        """
        env = {name: value for name, value in os.environ.items() if name not in OWN_VARIABLES}
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=env,
                limit=MESSAGE_BYTES_MAX,
            )
        except (OSError, ValueError) as error:
            raise ServerGone(f"{command[0]!r} cannot be started: {error}") from None
        return cls(process)

    async def send(self, message: Message) -> None:
        """Give it a message."""
        try:
            self._in.write(written(message))
            await self._in.drain()
        except ConnectionError as error:
            raise ServerGone(f"it does not take anything any more ({error})") from None

    async def messages(self) -> AsyncIterator[Message]:
        """What it says, until it ends; lines that are no messages are left out, as it may print."""
        while line := await _line(self._out):
            message = lenient(line)
            if message is not None:
                yield message

    async def close(self) -> None:
        """Close its input, then end it as gently as it lets us."""
        self._in.close()
        for end in (None, self._process.terminate, self._process.kill):
            if end is not None:
                with suppress(ProcessLookupError):
                    end()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), END_WITHIN)
                return


def _check_pipe(name: str, number: int) -> None:
    mode = os.fstat(number).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(number)):
        raise InvalidInput(
            name,
            value="a file, or nothing",
            limit="a pipe to an MCP host",
            remedy="Write this command into the configuration of your MCP host, which starts it.",
        )


async def _line(reader: asyncio.StreamReader) -> bytes:
    """The next line, whole; empty at the end, and when it is too long to be a message."""
    try:
        return await reader.readuntil(b"\n")
    except asyncio.IncompleteReadError as cut:
        return cut.partial
    except asyncio.LimitOverrunError:
        sys.stderr.write(f"pullcord: a message of more than {MESSAGE_BYTES_MAX} bytes: ended\n")
        return b""
    except ConnectionError:
        return b""
