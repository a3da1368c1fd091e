"""A promise without a test is advertising; an acceptance test without a promise is a whim."""

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache

from tests.promises import PROMISES
from tests.tidy.sources import ROOT, Function, Source, python

#: folders in which every test keeps a promise
KEEPERS = ("tests/acceptance/", "tests/browser/", "tests/simulation/", "tests/crash/")


def marked(decorators: list[ast.expr], source: Source) -> Iterator[str]:
    """Ids in `@pytest.mark.promise("…")` decorators; the id must stand there as a literal."""
    for decorator in decorators:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("mark.promise"):
            for given in decorator.args:
                assert isinstance(given, ast.Constant), (
                    f"{source.at(given)}: write the promise's id as a plain string"
                )
                yield str(given.value)


def promising(source: Source) -> Iterator[tuple[Function, list[str]]]:
    """Every test of a file with the promises on it, on its class, and in `pytestmark`."""
    of_module = [
        named
        for node in source.tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
        for each in ast.walk(node.value)
        if isinstance(each, ast.Call)
        for named in marked([each], source)
    ]
    for node in source.tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        of_class = [*marked(node.decorator_list, source)] if isinstance(node, ast.ClassDef) else []
        for each in inner:
            if isinstance(each, Function) and each.name.startswith("test_"):
                yield each, [*of_module, *of_class, *marked(each.decorator_list, source)]


@cache
def kept() -> Counter[str]:
    """How many tests keep each promise."""
    return Counter(
        named for source in python("tests") for _, ids in promising(source) for named in ids
    )


def test_every_promise_is_kept_by_a_test() -> None:
    """What we say is what we check."""
    unkept = [promise.id for promise in PROMISES if not kept()[promise.id]]

    assert not unkept, (
        "mark a test with @pytest.mark.promise(id), or delete the row from tests/promises.py:\n"
        + "\n".join(unkept)
    )


def test_every_promise_that_a_test_names_exists() -> None:
    """A typo in an id would leave a promise unchecked."""
    known = {promise.id for promise in PROMISES}

    unknown = sorted(set(kept()) - known)

    assert not unknown, "add these to tests/promises.py, with a sentence:\n" + "\n".join(unknown)


def test_every_acceptance_test_keeps_a_promise() -> None:
    """A long test must say for whom it runs."""
    idle = [
        f"{source.at(function)} {function.name}"
        for source in python("tests")
        if source.name.startswith(KEEPERS)
        for function, ids in promising(source)
        if not ids
    ]

    assert not idle, "say which promise of tests/promises.py each of these keeps:\n" + "\n".join(
        idle
    )


def test_promises_are_sentences_of_existing_rooms_told_once() -> None:
    """The manifest is read by people: one id, one sentence, one place to look."""
    doubled = [each for each, count in Counter(each.id for each in PROMISES).items() if count > 1]
    homeless = [
        each.id
        for each in PROMISES
        if not (ROOT / "src/pullcord" / each.room).is_dir()
        and not (ROOT / "src/pullcord" / f"{each.room}.py").is_file()
    ]
    unfinished = [each.id for each in PROMISES if not each.sentence.endswith(".")]

    assert not doubled, f"give each promise an id of its own: {doubled}"
    assert not homeless, f"name a room of src/pullcord: {homeless}"
    assert not unfinished, f"write a whole sentence with its full stop: {unfinished}"
