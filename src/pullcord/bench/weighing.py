"""memory: what a waiting escalation and a held poll cost, in bytes."""

import asyncio
import sqlite3
from pathlib import Path

import msgspec

from pullcord.bench.figure import Figure, Setting
from pullcord.bench.ground import SQLITE, ground
from pullcord.bench.plain_http import Connection
from pullcord.bench.town import Served, opening, served

PENDING, POLLS, WARM = 2_000, 1_000, 200


async def memory(setting: Setting) -> list[Figure]:
    """Bytes of database and of server memory, each."""
    async with ground(setting, SQLITE) as place, served(place.folder, db=place.db) as town:
        connection = await town.connection()
        for at in range(WARM):
            await _open(connection, f"warm-{at}")
        before, size, escalation = town.memory(), _size(Path(place.db)), ""
        for at in range(PENDING):
            escalation = await _open(connection, f"k-{at}")
        grown, stored = town.memory() - before, _size(Path(place.db)) - size
        held = await _held(town, escalation)
        await connection.close()
    each, resident = stored / PENDING / 1024, max(grown, 0) / PENDING / 1024
    poll = held / POLLS / 1024
    return [
        Figure("memory_db", each, "KB each", PENDING, reach="≤ 12 KB", has_reached=each <= 12),
        Figure(
            "memory_server", resident, "KB each", PENDING, reach="≈ 0", has_reached=resident < 2
        ),
        Figure("memory_poll", poll, "KB each", POLLS, reach="≤ 15 KB", has_reached=poll <= 15),
    ]


async def _open(connection: Connection, key: str) -> str:
    body = msgspec.json.encode(opening(key))
    status, reply = await connection.send("POST", "/v1/escalations", body)
    assert status == 201, f"{status}: {reply[:300]!r}"
    escalation: str = msgspec.json.decode(reply)["escalation"]["id"]
    return escalation


async def _held(town: Served, escalation: str) -> int:
    """Bytes of the server by which it grows while so many polls are held."""
    before = town.memory()
    connections = [await town.connection() for _ in range(POLLS)]
    path = f"/v1/decisions?wait=55&escalation={escalation}"
    polls = [asyncio.create_task(each.send("GET", path)) for each in connections]
    await asyncio.sleep(2)
    assert not any(each.done() for each in polls), "a poll was not held"
    grown = town.memory() - before
    for each in polls:
        each.cancel()
    await asyncio.gather(*polls, return_exceptions=True)
    for connection in connections:
        await connection.close()
    return max(grown, 0)


def _size(path: Path) -> int:
    connection = sqlite3.connect(path)
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()
    return path.stat().st_size
