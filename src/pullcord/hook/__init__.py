"""The command hook: a coding agent calls it before it uses a tool, and what fails denies."""
