"""Tests about the tests: none waits for a wall clock, none asserts nothing, none is put aside."""

import ast
import re
from collections.abc import Iterator
from functools import cache

from tests.tidy.sources import Function, Source, python

SLEEPS = frozenset({"time.sleep", "asyncio.sleep", "anyio.sleep", "sleep"})
#: here the event loop turns a clock of its own, so `asyncio.sleep` passes no time
VIRTUAL = "tests/simulation/"
PUT_ASIDE = re.compile(r"pytest\.(mark\.)?(skip|skipif|xfail|importorskip)\b")


def sleeps(source: Source) -> Iterator[str]:
    """Every call that waits for time to pass; `asyncio.sleep(0)` only lets others go first."""
    waits = SLEEPS - {"asyncio.sleep"} if source.name.startswith(VIRTUAL) else SLEEPS
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in waits:
            first = node.args[0] if node.args else None
            if not (isinstance(first, ast.Constant) and first.value == 0):
                yield f"{source.at(node)} {ast.unparse(node)}"


def test_no_test_sleeps() -> None:
    """A sleeping test is slow on a good day and red on a bad one: turn the clock, await a fact."""
    asleep = [place for source in python("tests") for place in sleeps(source)]

    assert not asleep, "turn the clock or wait for an event instead:\n" + "\n".join(asleep)


@cache
def checks(function: Function) -> tuple[bool, frozenset[str]]:
    """Whether a function asserts or expects an error itself, and the names of what it calls."""
    calls = [ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)]
    asserts = any(isinstance(node, ast.Assert) for node in ast.walk(function))
    expects = any(name.endswith(("raises", "fail", "expect")) for name in calls)
    return asserts or expects, frozenset(name.rpartition(".")[2] for name in calls)


def checkers_of(sources: tuple[Source, ...]) -> frozenset[str]:
    """Functions of the tests that assert for others, through one another too."""
    functions = [each for source in sources for each in source.functions()]
    found: frozenset[str] = frozenset()
    for _ in range(5):
        found = frozenset(each.name for each in functions if is_checking(each, found))
    return found


def is_checking(function: Function, checkers: frozenset[str]) -> bool:
    """Whether a function checks anything: by itself, or through what asserts for it."""
    by_itself, calls = checks(function)
    return by_itself or bool(calls & checkers)


def test_every_test_checks_something() -> None:
    """A test without an assertion is green whatever happens."""
    sources = python("tests")
    checkers = checkers_of(sources)

    idle = [
        f"{source.at(function)} {function.name}"
        for source in sources
        if source.path.name.startswith("test_")
        for function in source.functions()
        if function.name.startswith("test_") and not is_checking(function, checkers)
    ]

    assert not idle, "assert what the test's name says:\n" + "\n".join(idle)


def test_no_test_is_put_aside() -> None:
    """A skipped test is a hole that looks green; fix it, or delete it and say so."""
    aside = [
        f"{source.name}:{number}"
        for source in python("tests")
        if source.path.name != "test_tests.py"
        for number, line in enumerate(source.text.splitlines(), 1)
        if PUT_ASIDE.search(line)
    ]

    assert not aside, "run these or delete them:\n" + "\n".join(aside)


#: shared by everything that runs in the process, the event loops in other threads among it
SHARED = re.compile(r"\.(asyncio|time|threading|random)\.\w+$")


def reaches_everybody(source: Source) -> Iterator[str]:
    """Every place where a test puts a double into a module of the standard library."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("setattr", "patch")):
            target = node.args[0] if node.args else None
            text = target.value if isinstance(target, ast.Constant) else None
            name = ast.unparse(target) if isinstance(target, ast.Name) else ""
            if SHARED.search(str(text)) or name in {"asyncio", "time", "threading", "random"}:
                yield f"{source.at(node)} {ast.unparse(node)}"


def test_no_double_reaches_everybody() -> None:
    """`pullcord.x.asyncio.sleep` is everybody's sleep: a server in another thread takes it too."""
    everywhere = [place for source in python("tests") for place in reaches_everybody(source)]

    assert not everywhere, "import the name into the module, and patch that:\n" + "\n".join(
        everywhere
    )
