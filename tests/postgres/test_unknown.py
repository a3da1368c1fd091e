"""What agents and people are told over HTTP while the database fails over, and how they go on."""

import asyncio
from contextlib import AsyncExitStack

import httpx2
import pytest

from pullcord import AsyncPullcord
from pullcord.engine.house import House, opened
from tests.postgres.crowd import Crowd, founded, house_on
from tests.postgres.pair import Pair, apart
from tests.postgres.processes import Running, server_on
from tests.postgres.traffic import Traffic, session

BODY = {"key": "call-1", "tool": "refund", "args": {"amount": 480.0}}


@pytest.mark.promise("unknown-is-told")
async def test_a_commit_that_may_stand_is_answered_with_503_and_can_be_sent_again(
    pair: Pair,
) -> None:
    """Neither "done" nor "failed" would be true; the same request again finds out."""
    shown, _ = await founded(pair.dsn)
    agent = {"authorization": f"Bearer {shown}"}
    async with (
        server_on(pair.dsn) as server,
        httpx2.AsyncClient(base_url=server.url, headers=agent, timeout=30, trust_env=False) as http,
    ):
        await apart(pair.standby.freeze)
        unknown = [await http.post("/v1/escalations", json=BODY) for _ in range(2)]
        await apart(pair.standby.thaw)
        known = await again(http)

    assert [each.status_code for each in unknown] == [503, 503]
    assert [each.headers["retry-after"] for each in unknown] == ["1", "1"]
    assert unknown[0].json()["type"] == "urn:pullcord:problem:commit-unknown"
    assert "same key" in unknown[0].json()["detail"]
    assert known.status_code == 200, "it had been written, and is there once"


async def again(http: httpx2.AsyncClient) -> httpx2.Response:
    """What a client does after a 503: the same request."""
    async with asyncio.timeout(30):
        while (answer := await http.post("/v1/escalations", json=BODY)).status_code == 503:
            continue
    return answer


@pytest.mark.promise("failover-loses-nothing")
async def test_a_fail_over_behind_two_servers_is_told_as_503_and_nobody_has_to_be_restarted(
    pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    """Agents, people and a call that waits in the SDK come through without anybody's help."""
    dsn = pair.dsn
    shown, key = await founded(dsn)
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(opened(house_on(dsn), runs=False))
        servers = [await stack.enter_async_context(server_on(dsn)) for _ in range(2)]
        maria = await session(house, "maria")
        traffic = Traffic(
            Crowd(house, key),
            [each.url for each in servers],
            {"authorization": f"Bearer {shown}"},
            maria,
        )
        waits = asyncio.create_task(refund(servers[0], shown))
        waiting = await parked(house)
        async with traffic.flowing():
            for fault in ("killed", "frozen"):
                await traffic.more()
                await apart(pair.strike, fault)
                old = await apart(pair.fail_over)
                await traffic.more()
                await apart(pair.rebuild, old)
        async with httpx2.AsyncClient(trust_env=False, headers=maria, timeout=30) as http:
            path = f"{servers[1].url}/v1/escalations/{waiting}/decide"
            decided = await http.post(path, json={"kind": "approve"})
        said = await waits

    with capsys.disabled():
        told = f"{len(traffic.crowd.collected)} stops, answers {dict(traffic.statuses)}"
        print(f"\n{told}")
    assert decided.status_code == 200
    assert said == "refunded 480.0"
    assert traffic.rude == []
    assert set(traffic.statuses) <= {0, 200, 201, 409, 503}
    assert await traffic.crowd.faults(pair.primary.dsn()) == []


async def refund(server: Running, key: str) -> str:
    """An agent whose call waits as long as it takes."""
    async with AsyncPullcord(url=server.url, key=key) as cord:

        @cord.guard(tool="refund", wait=None)
        async def refund(amount: float) -> str:
            return f"refunded {amount}"

        with cord.run("waits"):
            return str(await refund(amount=480.0))


async def parked(house: House) -> str:
    """The escalation of the call that waits, once it is there."""
    async with asyncio.timeout(30):
        while not (found := await house.store.chains("shop")):
            await house.clock.sleep(0.05)
    return found[0]
