"""`export` and `verify`: what happened, provable offline, and a lie is an exit code."""

import json
from pathlib import Path

import pytest

from pullcord.cli import proving
from tests.unit.cli.terminal import Desk, typed, well


@pytest.fixture
def file(desk: Desk) -> Path:
    """An export with contents, of a workspace with one drill."""
    desk.apply()
    well("drill", "billing", "--by", "dana")
    well("export", "--to", "all.jsonl", "--contents")
    return desk.folder / "all.jsonl"


def test_an_export_holds_offline(desk: Desk, file: Path) -> None:
    """The file alone is enough; the database may be gone."""
    desk.db.unlink()

    plain = well("verify", file)
    told = well("verify", file, "--json").json

    assert "holds" in plain.out
    assert told["holds"] is True
    assert told["workspace"] == "shop"
    assert told["chains"] == 2
    assert told["contents"] == 1
    assert len(told["heads"]) == 64


def test_a_tampered_export_does_not_hold(desk: Desk, file: Path) -> None:
    """Exit 1, and a sentence that names where."""
    file.write_text(file.read_text().replace("billing", "biling", 1))

    plain = typed("verify", file)
    told = typed("verify", file, "--json")

    assert plain.code == told.code == 1
    assert "does not match its hash" in plain.err
    assert "does not hold" in plain.out
    assert told.json["holds"] is False
    assert told.json["faults"]


@pytest.mark.parametrize(
    "damage",
    [b"", b"\xff\xfe\x00", b"[" * 200_000 + b"\n", b'"text"\n', b'{"type": "link"}\n', b"\n\n"],
)
def test_a_file_of_anything_at_all_is_answered(desk: Desk, damage: bytes) -> None:
    """Whoever checks a file may have been handed anything."""
    (desk.folder / "x.jsonl").write_bytes(damage)

    found = typed("verify", "x.jsonl")

    assert found.code == 1
    assert "Traceback" not in found.err
    assert "cut at the" in found.err


def test_a_line_without_an_end_does_not_fill_the_memory(
    desk: Desk, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A longer line than we ever write is cut, and found damaged."""
    monkeypatch.setattr(proving, "LINE_CHARS_MAX", 100)

    assert typed("verify", file).code == 1


def test_with_a_key_from_elsewhere_it_proves_who_signed(desk: Desk, file: Path) -> None:
    """The key in the file is the file's own word; the one `export` printed is not."""
    own = json.loads(file.read_text().splitlines()[0])["public_keys"]
    (pair,) = [f"{key_id}={key}" for key_id, key in own.items()]

    unsaid = well("verify", file)
    said = well("verify", file, "--public-key", pair)
    nonsense = typed("verify", file, "--public-key", "nonsense")

    assert "key in the file itself" in unsaid.err
    assert said.err == ""
    assert nonsense.code == 2
    assert "ID=KEY" in nonsense.err


def test_the_database_itself_is_verified_without_an_export(desk: Desk, file: Path) -> None:
    """The daily check on the machine that serves."""
    found = well("verify")
    told = well("verify", file, "--json").json

    assert told["heads"] in found.out


def test_one_escalation_is_exported_to_the_screen(desk: Desk, file: Path) -> None:
    """Lines go to standard output, everything else beside it."""
    lines = [json.loads(each) for each in file.read_text().splitlines()]
    name = next(each["chain"] for each in lines if str(each.get("chain")).startswith("esc_"))

    found = well("export", name)

    shown = [json.loads(each) for each in found.out.splitlines()]
    assert (shown[0]["type"], shown[-1]["type"]) == ("header", "end")
    assert {each["chain"] for each in shown if "chain" in each} == {name}
    assert "content" not in {each["type"] for each in shown}
    assert "entries exported" in found.err
    assert "--public-key" in found.err


def test_an_export_that_fails_leaves_no_file(desk: Desk, file: Path) -> None:
    """Half an export is worse than none, and an old one stays until the new one is whole."""
    before = file.read_bytes()

    unknown = typed("export", "esc_none", "--to", file)
    nowhere = typed("export", "--to", "no/such/place.jsonl")

    assert unknown.code == nowhere.code == 2
    assert "esc_none" in unknown.err
    assert "a directory that is there" in nowhere.err
    assert file.read_bytes() == before
    assert sorted(each.name for each in desk.folder.glob("*.jsonl*")) == ["all.jsonl"]


def test_an_export_is_for_its_owner_and_on_the_record(desk: Desk, file: Path) -> None:
    """Who took contents out of the house can be read in the house."""
    well("export", "--to", "again.jsonl")

    assert file.stat().st_mode & 0o077 == 0
    assert '\\"kind\\":\\"exported\\"' in (desk.folder / "again.jsonl").read_text()
