"""DBOS: a workflow that waits in `recv`, and `send` to it; its input is the context."""

import argparse
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dbos import DBOS, SetWorkflowID
from yard import DECISION, Yard, main

POOL = 20


async def begin(yard: Yard, options: argparse.Namespace, folder: Path) -> Any:
    @DBOS.workflow()
    async def agent(key: str, context: dict[str, Any]) -> Any:
        decision = await DBOS.recv_async("decision", timeout_seconds=3600)
        yard.resumed(key)
        return decision

    DBOS(
        config={
            "name": "peer",
            "system_database_url": options.dsn,
            "log_level": "ERROR",
            "sys_db_pool_size": POOL,
        }
    )
    DBOS.launch()

    async def pause(key: str, context: dict[str, Any]) -> None:
        with SetWorkflowID(key):
            await DBOS.start_workflow_async(agent, key, context)

    async def decide(key: str) -> None:
        await DBOS.send_async(key, DECISION, "decision")

    return pause, decide


if __name__ == "__main__":
    main("DBOS recv and send", version("dbos"), begin)
