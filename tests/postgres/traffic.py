"""Agents and people over HTTP who go on whatever becomes of servers and database.

They do what every client is told to do: the same request again, at whichever server answers. What
they were told is held against the database that is left.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from pullcord.engine.house import House
from tests.postgres.crowd import AGAIN_SECONDS, CLOCK, Crowd

#: seconds one request may take before it is sent again
WITHIN = 20.0
#: seconds in which everybody must come to an end after the last fault
END_SECONDS = 180.0


@dataclass
class Traffic:
    """Several agents with one key, and one person who decides."""

    #: what is acknowledged is written down here, and checked by it
    crowd: Crowd
    #: servers that may be asked now
    urls: list[str]
    agent: Mapping[str, str]
    person: Mapping[str, str]
    #: every status that was answered, 0 where none was
    statuses: Counter[int] = field(default_factory=Counter)
    #: refusals that did not say when to come again
    rude: list[str] = field(default_factory=list)
    is_over: bool = False

    @asynccontextmanager
    async def flowing(self, writers: int = 4) -> AsyncIterator[None]:
        """Until the block ends, and then what was begun is finished."""
        async with httpx2.AsyncClient(timeout=WITHIN, trust_env=False) as http:
            tasks = [asyncio.create_task(self._work(http, n)) for n in range(writers)]
            try:
                yield
                self.is_over = True
                async with asyncio.timeout(END_SECONDS):
                    await asyncio.gather(*tasks)
            finally:
                for each in tasks:
                    each.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def more(self, count: int = 20) -> None:
        """Wait until that many more stops went their whole way."""
        wanted = len(self.crowd.collected) + count
        async with asyncio.timeout(END_SECONDS):
            while len(self.crowd.collected) < wanted:
                await CLOCK.sleep(AGAIN_SECONDS)

    async def _work(self, http: httpx2.AsyncClient, number: int) -> None:
        count = 0
        while not self.is_over:
            count += 1
            await self._one(http, f"t{number}-{count}")

    async def _one(self, http: httpx2.AsyncClient, key: str) -> None:
        """One stop from opening to collecting."""
        body = {"key": key, "tool": "refund", "args": {"amount": 480.0, "order": key}}
        opened = await self._insist(http, "", body, self.agent)
        name = opened["escalation"]["id"]
        self.crowd.opened[key] = name
        decided = await self._insist(http, f"/{name}/decide", {"kind": "approve"}, self.person)
        if "decision" in decided:
            self.crowd.decided[name] = {decided["decision"]["by"]["id"]}
        attempt = f"attempt-{key}"
        await self._insist(http, f"/{name}/collect", {"attempt": attempt}, self.agent)
        self.crowd.collected[name] = attempt
        self.crowd.written_at.append(asyncio.get_running_loop().time())

    async def _insist(
        self, http: httpx2.AsyncClient, path: str, body: Any, headers: Mapping[str, str]
    ) -> dict[str, Any]:
        """Again and again, until it is done or was done before."""
        while True:
            url = random.choice(self.urls)  # whichever
            try:
                answer = await http.post(
                    f"{url}/v1/escalations{path}", json=body, headers=dict(headers)
                )
            except httpx2.HTTPError:
                self.statuses[0] += 1
                await CLOCK.sleep(AGAIN_SECONDS)
                continue
            self.statuses[answer.status_code] += 1
            if answer.is_success or answer.status_code == 409:
                found: dict[str, Any] = answer.json()
                return found
            if answer.status_code != 503 or "retry-after" not in answer.headers:
                self.rude.append(f"{path}: {answer.status_code} {answer.text[:300]}")
            self.crowd.refused += 1
            await CLOCK.sleep(AGAIN_SECONDS)


async def session(house: House, who: str) -> dict[str, str]:
    """The headers of somebody who signed in."""
    link = await house.office.invite("shop", who, purpose="demo")
    token, found = await house.office.redeem_demo(link)
    return {"cookie": f"pullcord_session={token}", "x-csrf-token": found.csrf}
