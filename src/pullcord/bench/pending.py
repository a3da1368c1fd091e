"""pending_1m and memory: what a million waiting escalations cost, in time and in bytes."""

import sqlite3
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import msgspec

from pullcord.bench.cycles import house_in
from pullcord.bench.figure import Figure, Setting, share
from pullcord.bench.town import opening, served
from pullcord.engine.house import House
from pullcord.store.port import AgentKey, Filter
from pullcord.wire import requests as wire

FEW, MANY = 10_000, 1_000_000
CLAIMS = 50
CLAIMED = 100
PAGES = 30

#: one row becomes many: same content, ids and deadlines of their own
MULTIPLY = """
insert into escalations (workspace, id, version, status, owner, due_at, wake_at, environment,
  agent, agent_key, key, run, end_user, ladder, control, status_digest, body_digest, opened_at,
  decided_at, attempt, head_seq, head_hash, state)
with recursive n(i) as (select ? union all select i + 1 from n where i < ?)
select workspace, printf('esc_%010d', i), version, status, owner, due_at + i, due_at + i,
  environment, agent, agent_key, printf('k%d', i), run, end_user, ladder, control, '', body_digest,
  opened_at, decided_at, attempt, head_seq, head_hash, state
from n, (select * from escalations where id = ?)
"""


async def pending_1m(setting: Setting) -> list[Figure]:
    """Claim 100 due and show an inbox page with a million open, beside ten thousand."""
    with tempfile.TemporaryDirectory(dir=setting.folder) as name:
        folder = Path(name)
        async with house_in(folder) as (house, key, _):
            first = await _opened(house, key)
            _multiply(folder / "cycle.db", first, 1, FEW)
            few = await _claim(house)
            _multiply(folder / "cycle.db", first, FEW + 1, MANY)
            many = await _claim(house)
            page = await _page(house)
    ratio = few / many
    return [
        Figure(
            name="pending_1m_claim",
            value=many * 1e3,
            unit="ms",
            n=CLAIMS,
            floor=few * 1e3,
            ratio=ratio,
            peer=f"the same with {FEW:,} open",
            reach="≤ 3 ms, ratio ≥ 0.67",
            has_reached=many <= 0.003 and ratio >= 0.67,
        ),
        Figure(
            name="pending_1m_page",
            value=page * 1e3,
            unit="ms p50",
            n=PAGES,
            reach="≤ 5 ms",
            has_reached=page <= 0.005,
        ),
    ]


async def _opened(house: House, key: AgentKey) -> str:
    found = await house.desk.open(key, msgspec.convert(opening("first"), wire.OpenIn))
    assert found.row is not None, "the benchmark's call was not stopped"
    return found.row.escalation.id


def _multiply(path: Path, first: str, low: int, high: int) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma synchronous = off")
    connection.execute("begin")
    connection.execute(MULTIPLY, (low, high, first))
    connection.execute("commit")
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()


async def _claim(house: House) -> float:
    """The median of claiming 100 due ones."""
    spans: list[float] = []
    due_at = house.clock.now() + timedelta(days=30)
    for turn in range(CLAIMS):
        lease_until = due_at + timedelta(days=1 + turn)
        began = time.perf_counter()
        rows = await house.store.claim_due(due_at, lease_until=lease_until, limit=CLAIMED)
        spans.append(time.perf_counter() - began)
        assert len(rows) == CLAIMED, f"{len(rows)} were due"
    return share(sorted(spans), 0.5)


async def _page(house: House) -> float:
    spans: list[float] = []
    for _ in range(PAGES):
        began = time.perf_counter()
        view = await house.views.inbox("bench", "maria", tab="needs_me", limit=50, wanted=Filter())
        spans.append(time.perf_counter() - began)
        assert view.rows, "nothing waits for maria"
    return share(sorted(spans), 0.5)


async def memory(setting: Setting) -> list[Figure]:
    """Bytes of database and of server memory a waiting escalation costs."""
    count = 2_000
    with tempfile.TemporaryDirectory(dir=setting.folder) as name:
        folder = Path(name)
        async with served(folder) as place:
            connection = await place.connection()
            for at in range(200):
                await connection.send("POST", "/v1/escalations", _body(f"warm-{at}"))
            before, size = place.memory(), _size(folder)
            for at in range(count):
                await connection.send("POST", "/v1/escalations", _body(f"k-{at}"))
            grown, stored = place.memory() - before, _size(folder) - size
            await connection.close()
    each, resident = stored / count / 1024, max(grown, 0) / count / 1024
    return [
        Figure("memory_db", each, "KB each", count, reach="≤ 12 KB", has_reached=each <= 12),
        Figure("memory_server", resident, "KB each", count, reach="≈ 0", has_reached=resident < 2),
    ]


def _size(folder: Path) -> int:
    path = folder / "bench.db"
    connection = sqlite3.connect(path)
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()
    return path.stat().st_size


def _body(key: str) -> bytes:
    return msgspec.json.encode(opening(key))
