"""pending_1m: what the engine and the inbox cost while a million escalations are open."""

import asyncio
import sqlite3
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec

from pullcord.bench.figure import Figure, Setting, share
from pullcord.bench.ground import POSTGRES, SQLITE, Ground, ground
from pullcord.bench.town import opening
from pullcord.engine.house import House
from pullcord.store.port import AgentKey
from pullcord.wire import requests as wire

FEW, TENTH, MANY = 10_000, 100_000, 1_000_000
CLAIMS = 50
CLAIMED = 100
WORKERS = 8
PAGES = 30
#: really opened, with contents: more than one page shows
READ = 60

#: rows of one transaction, and kibibytes of pages kept: the log of a million rows at once is
#: gigabytes, through which every page would be looked for
AT_ONCE, CACHE_KIB = 50_000, 500_000

#: microseconds by which the many are due later than those that were really opened
LATER = 3_600_000_000
#: one row becomes many, with ids and deadlines of their own
_COPIED = f"""version, status, owner, due_at + {LATER} + n, due_at + {LATER} + n, environment,
  agent, agent_key, 'k' || n, run, end_user, ladder, control, '', body_digest, opened_at,
  decided_at, attempt, head_seq, head_hash"""
_COLUMNS = """workspace, id, version, status, owner, due_at, wake_at, environment, agent, agent_key,
  key, run, end_user, ladder, control, status_digest, body_digest, opened_at, decided_at, attempt,
  head_seq, head_hash, state"""
SQLITE_ROWS = f"""insert into escalations ({_COLUMNS})
  with recursive numbers (n) as (select ?1 union all select n + 1 from numbers where n < ?2)
  select workspace, printf('esc_%010d', n), {_COPIED},
    cast(replace(cast(state as text), id, printf('esc_%010d', n)) as blob)
  from numbers, (select * from escalations where workspace = 'bench' and id = ?3)"""
SQLITE_ASKED = f"""insert into candidates
  with recursive numbers (n) as (select ?1 union all select n + 1 from numbers where n < ?2)
  select workspace, person, printf('esc_%010d', n), due_at + {LATER} + n
  from numbers, (select * from candidates
    where workspace = 'bench' and person = 'maria' and escalation = ?3)"""
POSTGRES_ROWS = f"""insert into escalations ({_COLUMNS})
  select workspace, 'esc_' || lpad(n::text, 10, '0'), {_COPIED},
    convert_to(replace(convert_from(state, 'UTF8'), id, 'esc_' || lpad(n::text, 10, '0')), 'UTF8')
  from generate_series($1::bigint, $2::bigint) as n,
    (select * from escalations where workspace = 'bench' and id = $3) as first"""
POSTGRES_ASKED = f"""insert into candidates (workspace, person, escalation, due_at)
  select workspace, person, 'esc_' || lpad(n::text, 10, '0'), due_at + {LATER} + n
  from generate_series($1::bigint, $2::bigint) as n,
    (select * from candidates
    where workspace = 'bench' and person = 'maria' and escalation = $3) as first"""


async def pending_1m(setting: Setting) -> list[Figure]:
    """Claim 100 due, by one and by eight workers, and show an inbox page, on both databases."""
    figures: list[Figure] = []
    for kind in (SQLITE, POSTGRES):
        async with ground(setting, kind) as place, place.house() as (house, key, _):
            many = MANY if setting.is_full else TENTH
            figures += _figures(kind, await _seen(place, house, key, many), many)
    return figures


@dataclass(frozen=True, slots=True)
class Seen:
    """Seconds of one claim and one page, with few and with many open, and what went wrong."""

    claim_of_few: float
    claim_of_many: float
    page: float
    first_page: float
    duplicates: int


async def _seen(place: Ground, house: House, key: AgentKey, many: int) -> Seen:
    first = await _opened(house, key, "first")
    for at in range(READ):
        await _opened(house, key, f"r{at}")
    await _multiply(place, first, 1, FEW)
    few = await _claim(house, turn=0)
    await _multiply(place, first, FEW + 1, many)
    claim = await _claim(house, turn=CLAIMS)
    duplicates = await _duplicates(house)
    pages = await _pages(house)
    return Seen(few, claim, share(sorted(pages), 0.5), pages[0], duplicates)


async def _opened(house: House, key: AgentKey, name: str) -> str:
    found = await house.desk.open(key, msgspec.convert(opening(name), wire.OpenIn))
    assert found.row is not None, "the benchmark's call was not stopped"
    return found.row.escalation.id


def _figures(kind: str, seen: Seen, many: int) -> list[Figure]:
    ratio = seen.claim_of_few / seen.claim_of_many
    note = "" if many == MANY else f"; {many:,} open, the million with --full"
    is_quick = seen.claim_of_many <= 0.003 and ratio >= 1 / 1.5
    return [
        Figure(
            name=f"pending_1m_claim_{kind}",
            value=seen.claim_of_many * 1e3,
            unit="ms p50",
            n=CLAIMS,
            floor=seen.claim_of_few * 1e3,
            ratio=ratio,
            peer=f"the same with {FEW:,} open{note}",
            reach="≤ 3 ms, ratio ≥ 0.67",
            has_reached=is_quick,
        ),
        Figure(
            name=f"pending_1m_page_{kind}",
            value=seen.page * 1e3,
            unit="ms p50",
            n=PAGES,
            peer=f"the first took {seen.first_page * 1e3:.1f} ms{note}",
            reach="≤ 5 ms",
            has_reached=seen.page <= 0.005,
        ),
        Figure(
            name=f"pending_1m_twice_{kind}",
            value=seen.duplicates,
            unit="claimed twice",
            n=WORKERS * CLAIMED,
            peer=f"{WORKERS} workers at once{note}",
            reach="0",
            has_reached=not seen.duplicates,
        ),
    ]


async def _multiply(place: Ground, first: str, low: int, high: int) -> None:
    """As if so many had been opened; statistics and files as they are after some hours."""
    if place.kind == SQLITE:
        await asyncio.to_thread(_multiply_file, Path(place.db), (low, high, first))
        return
    import asyncpg  # noqa: PLC0415  # only where PostgreSQL is measured

    connection = await asyncpg.connect(place.db)
    await connection.execute(POSTGRES_ROWS, low, high, first)
    await connection.execute(POSTGRES_ASKED, low, high, first)
    await connection.execute("vacuum analyze escalations")
    await connection.execute("vacuum analyze candidates")
    await connection.execute("vacuum analyze wakes")
    await connection.execute("checkpoint")
    await connection.close()


def _multiply_file(path: Path, values: tuple[int, int, str]) -> None:
    low, high, first = values
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma synchronous = off")
    connection.execute(f"pragma cache_size = {-CACHE_KIB}")
    for at in range(low, high + 1, AT_ONCE):
        piece = (at, min(at + AT_ONCE - 1, high), first)
        connection.execute("begin")
        connection.execute(SQLITE_ROWS, piece)
        connection.execute(SQLITE_ASKED, piece)
        connection.execute("commit")
        connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()


async def _claim(house: House, *, turn: int) -> float:
    """The median of claiming 100 due ones."""
    spans: list[float] = []
    due_at = house.clock.now() + timedelta(days=30)
    for more in range(CLAIMS):
        lease_until = due_at + timedelta(days=1 + turn + more)
        began = time.perf_counter()
        rows = await house.store.claim_due(due_at, lease_until=lease_until, limit=CLAIMED)
        spans.append(time.perf_counter() - began)
        assert len(rows) == CLAIMED, f"{len(rows)} were due"
    return share(sorted(spans), 0.5)


async def _duplicates(house: House) -> int:
    """How many of what eight workers claimed at once was given to two of them."""
    due_at = house.clock.now() + timedelta(days=30)
    lease_until = due_at + timedelta(days=1_000)
    claims = [
        house.store.claim_due(due_at, lease_until=lease_until, limit=CLAIMED)
        for _ in range(WORKERS)
    ]
    ids = [row.escalation.id for rows in await asyncio.gather(*claims) for row in rows]
    return len(ids) - len(set(ids))


async def _pages(house: House) -> list[float]:
    spans: list[float] = []
    for _ in range(PAGES):
        began = time.perf_counter()
        view = await house.views.inbox("bench", "maria", tab="needs_me", limit=50)
        spans.append(time.perf_counter() - began)
        assert view.rows, "nothing waits for maria"
    return spans
