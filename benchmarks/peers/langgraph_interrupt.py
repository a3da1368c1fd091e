"""LangGraph: `interrupt()` in a graph of one node, a durable checkpointer, `Command(resume=…)`."""

import argparse
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from yard import DECISION, Yard, main

POOL = 20


class Paused(TypedDict, total=False):
    key: str
    context: dict[str, Any]
    decision: dict[str, Any]


async def begin(yard: Yard, options: argparse.Namespace, folder: Path) -> Any:
    def ask(state: Paused) -> Paused:
        decision = interrupt({"args": state["context"]["args"]})
        yard.resumed(state["key"])
        return {"decision": decision}

    graph = StateGraph(Paused)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    graph.add_edge("ask", END)
    app = graph.compile(checkpointer=await saver(yard, options, folder))

    async def invoke(key: str, value: Any) -> None:
        await app.ainvoke(value, {"configurable": {"thread_id": key}}, durability="sync")

    async def pause(key: str, context: dict[str, Any]) -> None:
        await invoke(key, {"key": key, "context": context})

    async def decide(key: str) -> None:
        await invoke(key, Command(resume=DECISION))

    return pause, decide


async def saver(yard: Yard, options: argparse.Namespace, folder: Path) -> Any:
    if options.store == "sqlite":
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        found = await yard.keep(AsyncSqliteSaver.from_conn_string(str(folder / "peer.db")))
        await found.setup()
        return found
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
    from psycopg.rows import dict_row
    from psycopg_pool import AsyncConnectionPool

    pool = AsyncConnectionPool(
        options.dsn,
        min_size=POOL,
        max_size=POOL,
        open=False,
        kwargs={"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row},
    )
    await pool.open(wait=True)
    found = AsyncPostgresSaver(pool)
    await found.setup()
    return found


if __name__ == "__main__":
    main("LangGraph interrupt", version("langgraph"), begin)
