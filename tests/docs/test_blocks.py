"""What stands in the documentation works: code compiles, policies are read."""

import pytest
from ruamel.yaml import YAML

from pullcord.config.fields import Section
from pullcord.config.read import read
from tests.docs.pages import ROOT, Block, blocks


def named(block: Block) -> str:
    """Where a block stands, as the id of its test."""
    return block.place


@pytest.mark.parametrize("block", blocks("python"), ids=named)
def test_every_python_block_compiles(block: Block) -> None:
    """Whoever copies it must not find a typo."""
    code = compile(block.code, block.place, "exec")

    assert code.co_code


@pytest.mark.parametrize("block", blocks("yaml"), ids=named)
def test_every_yaml_block_is_yaml(block: Block) -> None:
    """Whoever copies it must not find a typo."""
    value = YAML(typ="safe", pure=True).load(block.code)

    assert value


@pytest.mark.parametrize("block", blocks("yaml", "policy"), ids=named)
def test_every_policy_in_the_documentation_is_accepted(block: Block) -> None:
    """A policy we show is one that can be applied as it stands."""
    configuration = read(block.code, file=block.place)

    assert configuration.ladders
    assert not configuration.warnings


def given_names() -> set[str]:
    """What the policies we show call their people, ladders, agents and tools."""
    policies = [YAML(typ="safe", pure=True).load(each.code) for each in blocks("yaml", "policy")]
    sections = ("people", "schedules", "ladders", "agents", "tools")
    return {name for policy in policies for each in sections for name in policy.get(each, {})}


def test_every_field_of_the_policy_file_is_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    """A field nobody can look up is a field nobody uses."""
    asked: set[str] = set()
    get = Section.get

    def noted(self: Section, name: str) -> object:
        asked.add(name)
        return get(self, name)

    monkeypatch.setattr(Section, "get", noted)
    page = ROOT / "docs/reference/policy-file.md"
    text = page.read_text(encoding="utf-8")

    for block in blocks("yaml", "policy"):
        read(block.code, file=block.place)

    missing = sorted(name for name in asked - given_names() if f"`{name}`" not in text)
    assert not missing, f"document these in {page.relative_to(ROOT)}: {missing}"


def test_the_readme_example_fits_on_a_postcard() -> None:
    """Putting a cord on a tool is twenty lines, or people do it tomorrow."""
    (block, *more) = [each for each in blocks("python", "server") if "README" in each.place]

    lines = [line for line in block.code.splitlines() if line.strip()]

    assert not more
    assert len(lines) <= 20
