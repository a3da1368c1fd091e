"""The sources as the tidy tests see them: parsed once, named by their place in the repository."""

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file: where it lies, its text, its syntax tree."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """Its path from the root of the repository."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def module(self) -> str:
        """Its dotted name, as an import writes it."""
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        parts = parts[1:] if parts[0] == "src" else parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def functions(self) -> Iterator[Function]:
        """Every function and method in it, inner ones included."""
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                yield node

    def at(self, node: ast.AST) -> str:
        """A place a reader can jump to."""
        return f"{self.name}:{getattr(node, 'lineno', 1)}"


@cache
def python(*folders: str) -> tuple[Source, ...]:
    """Every Python file below the folders, in the order of their names."""
    return tuple(
        parsed(path) for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))
    )


@cache
def parsed(path: Path) -> Source:
    """One file, read and parsed once for all tests of a process."""
    text = path.read_text(encoding="utf-8")
    return Source(path, text, ast.parse(text, str(path)))


#: folders that come with an environment or a run, never with a clone
NOT_OURS = frozenset({".git", ".artifacts", ".hypothesis", "dist", "build", "__pycache__"})


@cache
def texts(*endings: str) -> tuple[Path, ...]:
    """Every file of the repository with one of the endings, hidden and built folders left out."""
    found = []
    for folder, below, names in os.walk(ROOT):
        below[:] = [each for each in below if not _comes_by_itself(each)]
        found += [Path(folder, name) for name in names]
    return tuple(path for path in sorted(found) if path.suffix in endings)


def _comes_by_itself(folder: str) -> bool:
    return folder in NOT_OURS or folder.startswith(".venv") or folder.endswith("_cache")
