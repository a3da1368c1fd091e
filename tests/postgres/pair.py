"""A primary and the synchronous standby it waits for, and what may become of them."""

import asyncio
import signal
from collections.abc import Callable
from typing import Any

from tests.postgres.machine import Server, new_folder, new_server, throw_away
from tests.postgres.programs import binaries

FAULTS = {"killed": signal.SIGKILL, "frozen": 0, "stopped": signal.SIGQUIT, "closed": signal.SIGINT}


class Pair:
    """A primary and the standby it waits for."""

    def __init__(self) -> None:
        self.folder = new_folder()
        self.servers: list[Server] = []
        self.primary = new_server(self.folder, binaries())
        self.servers.append(self.primary)
        self.standby = self.join()

    def join(self) -> Server:
        """A new machine becomes the standby."""
        standby = Server(self.folder, self.primary.bin)
        self.servers.append(standby)
        standby.standby_of(self.primary)
        return standby

    @property
    def dsn(self) -> str:
        """Both hosts, whoever is the primary."""
        both = ",".join(f"127.0.0.1:{each.port}" for each in (self.primary, self.standby))
        return f"postgresql://postgres@{both}/postgres"

    def strike(self, fault: str) -> None:
        if fault == "frozen":
            self.primary.freeze()
        else:
            self.primary.stop(FAULTS[fault])

    def fail_over(self) -> Server:
        """The standby takes over; the old primary, which may be frozen, is returned."""
        old, self.primary = self.primary, self.standby
        self.primary.promote()
        return old

    def rebuild(self, old: Server) -> None:
        """The old machine is cleared and comes back as the standby, at its old place."""
        throw_away(old.data, [old])
        old.standby_of(self.primary)
        self.standby = old


async def apart(work: Callable[..., Any], *arguments: Any) -> Any:
    """Run what blocks beside everybody else."""
    return await asyncio.to_thread(work, *arguments)
