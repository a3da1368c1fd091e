"""The pages on adapters and the programs that stand in them."""

from tests.docs.pages import ROOT, Block, blocks_of

PAGES = {
    "langgraph": "langgraph.md",
    "pydantic_ai": "pydantic-ai.md",
    "openai_agents": "openai-agents.md",
    "claude_agent": "claude-agent-sdk.md",
}


def page_of(name: str) -> list[Block]:
    """The blocks of an adapter's page."""
    return list(blocks_of(ROOT / "docs/how-to/adapters" / PAGES[name]))
