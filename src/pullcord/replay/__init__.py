"""Recorded runs through a running server: what would have stopped, who is asked, how it ends."""
