"""Adapters: an agent of any framework pauses, people decide, it resumes with exactly that."""
