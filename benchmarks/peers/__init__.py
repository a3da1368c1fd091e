"""Other products at the same job: an agent pauses durably, somebody decides, it goes on.

Each runs in an environment of its own (`make bench-peers`), because their pins exclude each other
and ours. One program a product; `run` measures ours and theirs turn about and tells ratios.
"""
