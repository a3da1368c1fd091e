"""The pages of the documentation, and the code that stands in them.

The words after the language of a fenced block say what the docs tests do with it:
`python server` runs as it stands against a real server, `yaml policy` is a whole policy file.
Other Python must at least compile, other YAML must at least parse.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_BLOCK = re.compile(r"^```(?P<kind>[^\n]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: its language, the words after it, and where it stands."""

    language: str
    words: tuple[str, ...]
    code: str
    place: str


def pages() -> list[Path]:
    """Every page a visitor reads, the README first."""
    return [
        ROOT / "README.md",
        ROOT / "ARCHITECTURE.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").rglob("*.md")),
    ]


def blocks(language: str, word: str = "") -> list[Block]:
    """Every block of a language; with `word`, only those that carry it."""
    return [
        block
        for page in pages()
        for block in blocks_of(page)
        if block.language == language and (not word or word in block.words)
    ]


def blocks_of(page: Path) -> Iterator[Block]:
    """The fenced blocks of one page."""
    text = page.read_text(encoding="utf-8")
    for match in _BLOCK.finditer(text):
        language, *words = match["kind"].split() or [""]
        line = text.count("\n", 0, match.start()) + 1
        place = f"{page.relative_to(ROOT)}:{line}"
        yield Block(language, tuple(words), match["code"], place)


def rows(page: Path, heading: str) -> list[list[str]]:
    """The cells of the table whose first column has this heading, head and rule left out."""
    lines = page.read_text(encoding="utf-8").splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found
