"""What coding assistants read about Pullcord is in the wheel, and everything it names exists."""

import ast
import importlib
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from pullcord import Pullcord
from pullcord.cli import app
from pullcord.config.read import read
from pullcord.server.table import ROUTES
from tests.docs.pages import ROOT, blocks_of
from tests.tidy.sources import python

INDEX = ROOT / "llms.txt"
SKILL = ROOT / "src/pullcord/.agents/skills/pullcord/SKILL.md"
BOTH = pytest.mark.parametrize("page", [INDEX, SKILL], ids=["llms.txt", "SKILL.md"])

FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#]+)")
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: what Python and YAML say by themselves, and what a reader fills in
PLAIN = frozenset({"from", "import", "None", "cord", "pullcord", "yaml", "txt", "run", "policy"})
PLACEHOLDER = re.compile(r"^[A-Z]+$")


def named(page: Path) -> list[str]:
    """Everything a page writes as code, outside its blocks."""
    return CODE.findall(FENCED.sub("", page.read_text(encoding="utf-8")))


def names_of(tree: ast.AST) -> Iterator[str]:
    """Every class, function, parameter and field of a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def command_of(words: list[str]) -> Any:
    """The command that these words start; None when there is none."""
    found: Any = typer.main.get_command(app)
    for word in words:
        below = getattr(found, "commands", {})
        if not below:
            break
        if word not in below:
            return None
        found = below[word]
    return found


def unknown_command(text: str) -> str:
    """What is wrong with a command line; empty when it can be typed."""
    words = text.split()[1:]
    own = words[: words.index("--")] if "--" in words else words
    command = command_of([each for each in own if not each.startswith("-") and each.islower()])
    if command is None:
        return text
    options = {name for each in command.params for name in each.opts}
    return ", ".join(each for each in own if each.startswith("--") and each not in options)


def known_names() -> set[str]:
    """Names of the client, the adapters and the test kit, and the fields of the policy file."""
    folders = [f"src/pullcord/{each}" for each in ("client", "adapters", "testing")]
    sources = python(*folders)
    found = {name for source in sources for name in names_of(source.tree)}
    found |= {part for source in sources for part in source.module.split(".")}
    fields = (ROOT / "docs/reference/policy-file.md").read_text(encoding="utf-8")
    found |= {word for each in CODE.findall(fields) for word in WORD.findall(each)}
    return found | set(vars(importlib.import_module("pullcord"))["__all__"])


@BOTH
def test_every_command_that_is_named_can_be_typed(page: Path) -> None:
    """An assistant types what it read, and a stranger pays for it."""
    lines = [each for each in named(page) if each.startswith("pullcord ")]

    assert lines
    assert [wrong for each in lines if (wrong := unknown_command(each))] == []


@BOTH
def test_every_name_that_is_told_exists(page: Path) -> None:
    """A name that is gone is worse than no page: it is believed."""
    known, paths = known_names(), {route.path for route in ROUTES}
    unknown = [
        text
        for text in named(page)
        if not text.startswith("pullcord ")
        and text not in paths
        and not (ROOT / text).exists()
        and not (ROOT / "src" / text).exists()
        for word in WORD.findall(re.sub(r'"[^"]*"', "", text))
        if word not in known | PLAIN
        and not PLACEHOLDER.match(word)
        and not (ROOT / "src/pullcord" / word).is_dir()
    ]

    assert unknown == []


@BOTH
def test_every_verb_of_the_cord_exists(page: Path) -> None:
    """`cord.…` is the face of the SDK."""
    text = page.read_text(encoding="utf-8")

    verbs = set(re.findall(r"\bcord\.(\w+)", text))

    assert {each for each in verbs if not hasattr(Pullcord, each)} == set()


def test_the_programs_of_the_skill_import_what_there_is() -> None:
    """What an assistant copies must not fail at its first line."""
    programs = [each for each in blocks_of(SKILL) if each.language == "python"]
    imports = [
        node
        for each in programs
        for node in ast.walk(ast.parse(each.code))
        if isinstance(node, ast.ImportFrom)
    ]

    assert imports
    for node in imports:
        module = importlib.import_module(str(node.module))
        assert [each.name for each in node.names if not hasattr(module, each.name)] == []


def test_the_policy_of_the_skill_is_accepted() -> None:
    """A policy we show is one that can be applied as it stands."""
    (policy,) = [each for each in blocks_of(SKILL) if "policy" in each.words]

    assert not read(policy.code, file=policy.place).warnings


def test_the_skill_says_when_it_is_for() -> None:
    """An assistant chooses a skill by its name and description alone."""
    head = SKILL.read_text(encoding="utf-8").split("---")[1]

    assert "\nname: pullcord\n" in head
    assert 50 < len(re.findall(r"description: (.*)", head)[0]) < 1_024


def test_the_index_names_every_page_for_readers() -> None:
    """A page that an assistant is not told of is not read."""
    named_pages = set(LINK.findall(INDEX.read_text(encoding="utf-8")))
    folders = [ROOT / "docs" / each for each in ("how-to", "reference", "ideas")]
    pages = [str(page.relative_to(ROOT)) for each in folders for page in each.rglob("*.md")]

    assert len(pages) > 20
    assert sorted(set(pages) - named_pages) == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel as it is published."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.mark.promise("assistants-find-their-way")
def test_the_wheel_holds_the_skill_and_the_index_with_every_page(wheel: zipfile.ZipFile) -> None:
    """An assistant reads what is installed: nothing of it may need a network."""
    names = set(wheel.namelist())
    links = LINK.findall(wheel.read("pullcord/llms.txt").decode())

    assert "pullcord/.agents/skills/pullcord/SKILL.md" in names
    assert len(links) > 10
    assert [each for each in links if f"pullcord/{each}" not in names] == []
    assert wheel.read("pullcord/llms.txt").decode() == INDEX.read_text(encoding="utf-8")
