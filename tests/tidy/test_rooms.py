"""Rooms stay what they are: pure ones pure, none dead, none half built."""

import ast
import re
from collections.abc import Iterator

from tests.tidy.sources import ROOT, Source, python

PURE = ("trigger", "owner", "briefing", "path")

#: what a pure room may import besides its neighbours; no clock, no chance, no world
HARMLESS = frozenset(
    {
        "abc", "base64", "bisect", "calendar", "collections", "contextlib", "copy", "dataclasses",
        "datetime", "decimal", "difflib", "enum", "fnmatch", "fractions", "functools", "hashlib",
        "heapq", "hmac", "html", "itertools", "json", "keyword", "math", "operator", "re", "string",
        "textwrap", "types", "typing", "unicodedata", "zoneinfo",
    }
)  # fmt: skip

#: calls that read a clock or chance through modules that are harmless otherwise
IMPURE_CALLS = frozenset(
    {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "open", "input", "print"}
)


def pure_sources() -> Iterator[tuple[str, Source]]:
    """Every file of the pure rooms with its room."""
    for room in PURE:
        for source in python(f"src/pullcord/{room}"):
            yield room, source


def imports(source: Source) -> Iterator[tuple[ast.AST, str]]:
    """Every module a file imports, by its dotted name."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node, node.module or ""


def test_pure_rooms_import_only_what_is_harmless() -> None:
    """Time and chance are arguments, so a day of waiting is tested in a millisecond."""
    allowed = {room: HARMLESS | ({"re2"} if room == "trigger" else set()) for room in PURE}

    impure = [
        f"{source.at(node)} imports {name}"
        for room, source in pure_sources()
        for node, name in imports(source)
        if (top := name.split(".")[0]) != "pullcord" and top not in allowed[room]
    ]

    assert not impure, "pass it in as an argument, or move it to engine/:\n" + "\n".join(impure)


def test_pure_rooms_read_no_clock_and_touch_no_file() -> None:
    """The same arguments give the same Change, today and in the simulation."""
    impure = [
        f"{source.at(node)} calls {name}"
        for _, source in pure_sources()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and (name := ast.unparse(node.func)) in IMPURE_CALLS
    ]

    assert not impure, "take `now` (or the text) as an argument:\n" + "\n".join(impure)


def entry_points() -> set[str]:
    """Modules that something outside the sources starts."""
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    named = re.findall(r'"(pullcord[\w.]*):\w+"', pyproject)
    return {*named, "pullcord", "pullcord.__main__"}


def reached(source: Source) -> Iterator[str]:
    """Every module that importing this file may load, `from x import module` included."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and str(node.value).startswith("pullcord."):
            yield str(node.value)  # imported by name when it is needed


def test_no_module_is_dead() -> None:
    """What nothing imports is read by everybody and used by nobody."""
    used = {name for source in python("src") for name in reached(source)} | entry_points()

    dead = [
        source.name
        for source in python("src")
        if source.path.name != "__init__.py" and source.module not in used
        if not source.module.startswith(("pullcord.testing.", "pullcord.adapters."))
    ]

    assert not dead, "delete these, or use them:\n" + "\n".join(dead)


def test_nothing_is_left_half_done() -> None:
    """A note to ourselves in the code is a promise nobody keeps; an issue is the place for it."""
    notes = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b|NotImplemented" r"Error")

    left = [
        f"{source.name}:{number} {line.strip()}"
        for source in python("src", "tests")
        for number, line in enumerate(source.text.splitlines(), 1)
        if notes.search(line)
    ]

    assert not left, "finish these or take them out:\n" + "\n".join(left)


def test_templates_escape_everything() -> None:
    """Whatever a model wrote reaches an operator as text, never as markup."""
    trusting = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted((ROOT / "src").rglob("*.html"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"\|\s*safe\b|autoescape\s+false|\bMarkup\(", line)
    ]

    assert not trusting, "let the template escape it:\n" + "\n".join(trusting)
