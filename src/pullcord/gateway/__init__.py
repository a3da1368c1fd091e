"""Guards that stand outside the agent: before an MCP server, and behind a coding agent's hook."""
