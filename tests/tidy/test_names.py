"""Names say what a thing is, and every public thing says what it is for."""

import ast
from collections.abc import Iterator

from tests.tidy.sources import Function, Source, python

#: names that say nothing; whatever lands in such a file has a better place
FORBIDDEN = frozenset(
    {"common", "data", "helper", "helpers", "info", "manager", "misc", "util", "utils"}
)


def test_no_module_has_a_name_that_says_nothing() -> None:
    """A drawer called `utils` fills up with what nobody thought about."""
    bad = [
        source.name
        for source in python("src", "tests", "benchmarks")
        if FORBIDDEN.intersection((source.path.stem, source.path.parent.name))
    ]

    assert not bad, "name these after the thing they hold:\n" + "\n".join(bad)


def public_things(source: Source) -> Iterator[tuple[str, ast.AST]]:
    """The module, its public classes and functions, and the public methods of those classes."""
    yield source.name, source.tree
    for node in source.tree.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield f"{source.at(node)} {node.name}", node
            if isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, Function) and not inner.name.startswith("_"):
                        if is_overload(inner):
                            continue
                        yield f"{source.at(inner)} {node.name}.{inner.name}", inner


def is_overload(function: Function) -> bool:
    """Whether it only gives types; the implementation below it speaks for all overloads."""
    names = [each.id for each in function.decorator_list if isinstance(each, ast.Name)]
    return "overload" in names


def says_what_it_is_for(node: ast.AST) -> bool:
    """Whether a module, class or function has a docstring, or is one more shape of one that has."""
    assert isinstance(node, ast.Module | ast.ClassDef | Function), node
    decorators = getattr(node, "decorator_list", [])
    is_shape = any(ast.unparse(each).endswith("overload") for each in decorators)
    return is_shape or bool(ast.get_docstring(node))


def test_every_public_thing_says_what_it_is_for() -> None:
    """A stranger reads the first sentence and knows whether to read on."""
    silent = [
        place
        for source in python("src")
        for place, node in public_things(source)
        if not says_what_it_is_for(node)
    ]

    assert not silent, "give each a docstring, first what it is for:\n" + "\n".join(silent)


def test_every_test_says_why_it_matters() -> None:
    """Whoever breaks a test should learn from it what they would have broken for whom."""
    silent = [
        f"{source.at(function)} {function.name}"
        for source in python("tests")
        if source.path.name.startswith("test_")
        for function in source.functions()
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]

    assert not silent, "add one docstring line that says why:\n" + "\n".join(silent)
