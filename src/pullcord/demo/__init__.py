"""The demo: a small shop with three agents, scripted colleagues, and a visitor who decides."""
