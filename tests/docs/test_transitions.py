"""Decision 1 is the table of the code, cell by cell."""

import ast
import re

from pullcord.path.transitions import TABLE
from tests.docs.pages import ROOT, rows
from tests.tidy.sources import python

PAGE = ROOT / "docs/adr/0001-transitions.md"


def test_the_documented_table_is_the_table_of_the_code() -> None:
    """Whoever owns the process reads the page; whoever changes the code changes both."""
    documented = [row[:4] for row in rows(PAGE, "verb")]

    told = [
        [
            row.verb,
            ", ".join(row.by),
            ", ".join(row.since) or "–",
            ", ".join(row.leads_to),
        ]
        for row in TABLE
    ]

    assert documented == told


def entered() -> set[str]:
    """Every kind of entry that the verbs write, read from their source."""
    found = set()
    for source in python("src/pullcord/path"):
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            if name.endswith(".enter"):
                found |= {each.value for each in literals(node.args[0])}
            elif name in ("_reopen", "_step_aside"):
                found |= {each.value for each in literals(node.args[1])}
    return {kind for kind in found if isinstance(kind, str)}


def literals(node: ast.expr) -> list[ast.Constant]:
    """The texts an expression may be: a literal, or one of two."""
    return [each for each in ast.walk(node) if isinstance(each, ast.Constant)]


def test_every_kind_of_entry_is_documented_and_none_is_invented() -> None:
    """An auditor looks up here what a line of the timeline means."""
    text = PAGE.read_text(encoding="utf-8")
    cells = " ".join(row[-1] for row in rows(PAGE, "verb"))

    documented = set(re.findall(r"\b[a-z_]+ed(?:_\w+)?\b", cells)) - {"needed"}

    assert documented <= entered()
    missing = sorted(kind for kind in entered() if kind not in text)
    assert not missing, f"name these kinds of entries in {PAGE.name}: {missing}"


def test_every_documented_problem_has_its_error() -> None:
    """What stands in the way has one name, on the page and on the wire."""
    names = {re.findall(r"`([a-z-]+)`", row[2])[0] for row in rows(PAGE, "tried")}
    errors = (ROOT / "src/pullcord/errors.py").read_text(encoding="utf-8")

    unknown = sorted(name for name in names if f'problem = "{name}"' not in errors)

    assert not unknown, f"no error carries these names: {unknown}"
