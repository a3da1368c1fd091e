"""Documents have one title, whole links, and nothing of the machine they were written on."""

import re
from pathlib import Path

from tests.tidy.sources import ROOT, texts

#: what a skill says about itself before its title
FRONT = re.compile(r"\A---\n.*?\n---\n\s*", re.DOTALL)
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def documents() -> list[Path]:
    """Every Markdown document of the repository."""
    return list(texts(".md"))


def prose(path: Path) -> str:
    """A document without its fenced code and without what stands before its title."""
    return FENCE.sub("", FRONT.sub("", path.read_text(encoding="utf-8")))


def test_every_document_has_one_title() -> None:
    """One page, one subject, told in its first line."""
    wrong = [
        f"{path.relative_to(ROOT)}: {titles} titles"
        for path in documents()
        if (titles := len(re.findall(r"^# \S", prose(path), re.MULTILINE))) != 1
        or not prose(path).startswith("# ")
    ]

    assert not wrong, "begin each with its one `# Title`:\n" + "\n".join(wrong)


def test_every_link_between_documents_leads_somewhere() -> None:
    """A dead link costs a stranger's trust in the rest."""
    dead = [
        f"{path.relative_to(ROOT)} → {target}"
        for path in documents()
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", prose(path))
        if "://" not in target and not target.startswith("mailto:")
        if not (path.parent / target).exists()
    ]

    assert not dead, "mend these links:\n" + "\n".join(dead)


#: each in two pieces, so that this file does not contain what it looks for
FOREIGN_PIECES = (
    (r"files\.python", r"hosted\.org"),
    (r"(?<![\w.])py", r"pi\.org/simple"),
    ("--extra-", "index-url"),
    ("--find-", "links"),
    ("file:///", "(opt|home|root|work)"),
    (r"(?<![\w./-])/(work|opt)", "/(main|shared|pypi|wheels)"),
    ("/tmp/", "(contract|bash_jobs)"),
)
FOREIGN = re.compile("|".join(first + second for first, second in FOREIGN_PIECES))


def test_nothing_points_at_a_machine_or_a_mirror() -> None:
    """A clone builds anywhere: no paths and no package hosts of the machine it was written on."""
    endings = (".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".html", ".js", ".css", ".json", "")

    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in texts(*endings)
        if (match := FOREIGN.search(path.read_text(encoding="utf-8", errors="replace")))
    ]

    assert not found, "take these out:\n" + "\n".join(found)
