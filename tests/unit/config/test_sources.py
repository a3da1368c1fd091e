"""A directory with one steward per file: read file by file, kept as one text."""

from pathlib import Path

import pytest

from pullcord.config.read import read, read_again, read_path
from pullcord.config.sources import FILES_MAX, Part, merged, parts_of, source_of, stream
from pullcord.errors import InvalidInput, InvalidPolicy
from tests.unit.config.policies import SHOP, SMALL, told

PEOPLE = "# who answers\n" + SMALL
BILLING = """\
%YAML 1.2
---
steward: bo
people:
  bo: {name: Bo, email: bo@example.com}
tools:
  refund:
rules:
  - {id: refunds, tool: refund}
  - {id: big, tool: refund, when: args.amount > 5, steward: ann}
"""
SEARCH = """\
workspace: small
steward: ann
rules:
  - id: searches
    tool: search
tools: {search: }
"""


def directory(path: Path, **files: str) -> Path:
    """A directory of policy files."""
    for name, text in files.items():
        (path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return path


def test_a_file_is_its_own_source(tmp_path: Path) -> None:
    """What is stored is what somebody wrote, to the letter."""
    path = tmp_path / "pullcord.yaml"
    path.write_text(SHOP, encoding="utf-8")

    configuration, source = read_path(path)

    assert source == SHOP
    assert configuration == read(SHOP)


def test_the_files_of_a_directory_are_one_policy(tmp_path: Path) -> None:
    """Each team keeps its own file; rules without a steward take the one of their file."""
    directory(tmp_path, a_people=PEOPLE, billing=BILLING, search=SEARCH)
    (tmp_path / "README.md").write_text("not a policy")

    configuration, _ = read_path(tmp_path)

    assert sorted(configuration.people) == ["ann", "bo"]
    assert [(rule.id, rule.steward) for rule in configuration.policy.rules] == [
        ("refunds", "bo"),
        ("big", "ann"),
        ("searches", "ann"),
    ]
    assert sorted(configuration.policy.tools) == ["refund", "search"]
    assert configuration.warnings == ()


def test_the_source_of_a_directory_is_read_again_as_it_was(tmp_path: Path) -> None:
    """A process that restarts next year has only the stored text."""
    configuration, source = read_path(
        directory(tmp_path, a_people=PEOPLE, billing=BILLING, search=SEARCH)
    )

    again = read_again(source, file="policy p_1")

    assert again == configuration
    assert source.startswith("# file: a_people.yaml\n---\n# who answers\n")


@pytest.mark.parametrize(
    ("file", "line"),
    [("billing.yaml", 10), ("search.yaml", 4)],
)
def test_a_mistake_names_the_file_and_line_a_person_finds_it_at(
    tmp_path: Path, file: str, line: int
) -> None:
    """Also for rules that moved behind the rules of other files."""
    files = {"a_people": PEOPLE, "billing": BILLING, "search": SEARCH}
    files[file.removesuffix(".yaml")] = {
        "billing.yaml": BILLING.replace("> 5", ">"),
        "search.yaml": SEARCH.replace("searches", "two words"),
    }[file]
    directory(tmp_path, **files)

    with pytest.raises(InvalidPolicy) as caught:
        read_path(tmp_path)

    assert (caught.value.file, caught.value.line) == (file, line)


def test_broken_yaml_names_its_file(tmp_path: Path) -> None:
    """One broken file does not hide behind the name of the directory."""
    directory(tmp_path, a_people=PEOPLE, broken="rules:\n  - [\n")

    with pytest.raises(InvalidPolicy) as caught:
        read_path(tmp_path)

    assert caught.value.file == "broken.yaml"
    assert caught.value.line == 3


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            "people:\n  ann: {name: Other, email: o@example.com}",
            "b.yaml:2: people.ann: 'ann' is not accepted. It stands in a.yaml line 3 already; "
            "keep one.",
        ),
        (
            "rules: [{id: one}, {id: one}]",
            "b.yaml:1: rules[1].id: 'one' is not accepted. allowed: an id of its own. It stands in "
            "b.yaml line 1 already.",
        ),
        (
            "workspace: other",
            "b.yaml:1: workspace: 'other' is not accepted. allowed: 'small', as a.yaml line 1 says",
        ),
        (
            "people: [ann]",
            "b.yaml:1: people: ['ann'] is not accepted. allowed: a mapping of fields",
        ),
        ("just text", "b.yaml:1: file: 'just text' is not accepted. allowed: a mapping of fields"),
        ("steward: zoe", "b.yaml:1: steward: 'zoe' is not accepted. allowed: a person of this"),
        ("surprise: 1", "b.yaml:1: surprise: 'surprise' is not accepted. allowed: a known field"),
    ],
)
def test_files_that_contradict_each_other_are_refused(other: str, message: str) -> None:
    """Nobody's definition silently wins."""
    problems = told(stream([Part("a.yaml", SMALL), Part("b.yaml", other)]))

    assert any(each.startswith(message) for each in problems), problems


def test_rules_that_are_no_list_are_refused_wherever_they_stand() -> None:
    """In the first file and in the second."""
    first = stream([Part("a.yaml", SMALL + "rules: none\n"), Part("b.yaml", "rules: [{id: r}]")])
    second = stream([Part("a.yaml", SMALL + "rules: [{id: r}]"), Part("b.yaml", "rules: none")])

    assert any(each.startswith("a.yaml:6: rules: 'none'") for each in told(first))
    assert told(second) == ["b.yaml:1: rules: 'none' is not accepted. allowed: a list of rules"]


def test_equal_ids_in_two_files_are_told_with_both_places() -> None:
    """Two teams may think of the same name."""
    source = stream(
        [
            Part("a.yaml", SMALL + "steward: ann\nrules:\n  - id: r\n"),
            Part("b.yaml", "steward: ann\nrules:\n  - id: r\n"),
        ]
    )

    assert told(source) == [
        "b.yaml:3: rules[1].id: 'r' is not accepted. allowed: an id of its own. "
        "It stands in a.yaml line 8 already."
    ]


def test_what_files_may_repeat_they_may_repeat() -> None:
    """Each file can stand for itself, and an empty section is no contradiction."""
    source = stream(
        [Part("a.yaml", SMALL + "timezone: UTC\n"), Part("b.yaml", "workspace: small\npeople:\n")]
    )

    assert told(source) == []


def test_a_file_with_rules_and_no_steward_is_worth_a_warning() -> None:
    """Rules that nobody looks after grow old."""
    source = stream([Part("a.yaml", SMALL), Part("b.yaml", "rules: [{id: r}]")])

    assert read(source).warnings == ("b.yaml: has rules and no steward; write steward: NAME",)


def test_a_steward_of_malformed_rules_changes_nothing() -> None:
    """The mistakes are told, and only those."""
    problems = told(SMALL + "steward: ann\nrules: [5]\n")

    assert problems == [
        "pullcord.yaml:7: rules[0]: 5 is not accepted. allowed: a mapping of fields. "
        "Indent fields below it.",
        "pullcord.yaml:7: rules[0].id: missing or wrong. allowed: text. Write id: …",
    ]
    assert any("rules: 5" in each for each in told(SMALL + "steward: ann\nrules: 5\n"))


def test_a_text_with_several_documents_and_no_header_is_one_broken_file() -> None:
    """Only what Pullcord wrote itself is taken as a stream."""
    source = SMALL + "---\nrules: []\n"

    assert parts_of(source, "x.yaml") == [Part("x.yaml", source)]
    assert "another document" in told(source)[0]


def test_a_stream_has_a_limit_of_files() -> None:
    """A limit on everything."""
    with pytest.raises(InvalidPolicy, match="'101 files' is not accepted"):
        merged([Part(f"{at}.yaml", "") for at in range(FILES_MAX + 1)])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path / "missing.yaml", "allowed: a file or directory. Check the path."),
        (lambda path: path, "'0 files that end in .yaml in "),
        (
            lambda path: directory(path, **{f"f{at}": "" for at in range(101)}),
            "'101 files that end in .yaml in ",
        ),
    ],
)
def test_a_path_that_leads_nowhere_is_told(tmp_path: Path, make: object, message: str) -> None:
    """A wrong path is the caller's mistake, told as one."""
    with pytest.raises(InvalidInput) as caught:
        source_of(make(tmp_path))  # type: ignore[operator]  # a row of the table

    assert message in str(caught.value)


def test_bytes_that_are_no_text_and_huge_files_are_told(tmp_path: Path) -> None:
    """Fifty megabytes are not even read."""
    latin, huge = tmp_path / "latin.yaml", tmp_path / "huge.yaml"
    latin.write_bytes("name: Müller".encode("latin-1"))
    with huge.open("wb") as file:
        file.truncate(50 * 1_048_576)

    with pytest.raises(InvalidInput, match=r"allowed: UTF-8 text. Save it as UTF-8"):
        source_of(latin)
    with pytest.raises(InvalidInput, match=r"'52428800 bytes in .*allowed: 1 MiB"):
        source_of(huge)
