"""`keys`, `invite` and `drill` beside a database."""

import re

import pytest

from tests.unit.cli.terminal import POLICY, Desk, typed, well

MINT = ("keys", "mint", "--agent", "support", "--creator", "dana")


def test_a_key_is_shown_once_listed_and_revoked(desk: Desk) -> None:
    """The whole life of a key from the command line."""
    desk.apply()
    nobody = well("keys", "list")

    plain = well(*MINT, "--note", "[blue] laptop")
    shown = well(*MINT, "--environment", "test", "--json").json
    revoked = well("keys", "revoke", shown["id"])
    listed = well("keys", "list", "--json").json
    table = well("keys", "list")

    assert "no keys yet" in nobody.out
    assert re.fullmatch(r"pk_live\w{12}_[\w-]{43}\n", plain.out)
    assert "shown once" in plain.err
    assert shown["key"].startswith("pk_test")
    assert "is revoked" in revoked.out
    assert [each["environment"] for each in listed] == ["test", "production"]
    assert listed[0]["revoked_at"]
    assert listed[1]["revoked_at"] is None
    assert "revoked 20" in table.out
    assert "[blue] laptop" in table.out
    for secret in (plain.out.strip(), shown["key"]):
        assert secret not in table.out + str(listed)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("keys", "mint", "--agent", "nobody", "--creator", "dana"), "support"),
        (("keys", "mint", "--agent", "support", "--creator", "nobody"), "a person of this"),
        (("keys", "revoke", "000000000000"), "there is no key"),
        (("invite", "nobody"), "an active person"),
        (("drill", "nowhere", "--by", "dana"), "billing"),
    ],
)
def test_what_is_not_there_is_said_and_changes_nothing(
    desk: Desk, words: tuple[str, ...], says: str
) -> None:
    """Each mistake names what would be right."""
    desk.apply()

    found = typed(*words)

    assert found.code == 2
    assert says in found.err
    assert well("keys", "list", "--json").json == []


@pytest.mark.parametrize(
    "words",
    [("keys", "list"), MINT, ("invite", "dana"), ("drill", "billing", "--by", "dana"), ("export",)],
    ids=" ".join,
)
def test_without_a_database_nothing_is_made(desk: Desk, words: tuple[str, ...]) -> None:
    """A typo in --db must not make an empty workspace that looks real."""
    found = typed(*words, "--db", "tpyo.db")

    assert found.code == 2
    assert "there is no database 'tpyo.db'" in found.err
    assert "pullcord init" in found.err
    assert not list(desk.folder.iterdir())


def test_an_invitation_is_a_link_to_the_console(desk: Desk) -> None:
    """Printed, not mailed: whoever runs the command hands it over."""
    desk.apply()

    plain = well("invite", "maria", env={"PULLCORD_PUBLIC_URL": "https://pull.example/"})
    told = well("invite", "tom", "--url", "https://pull.example", "--json").json

    assert re.fullmatch(r"https://pull\.example/setup/[\w-]{32}\n", plain.out)
    assert "24 hours" in plain.err
    assert told["person"] == "tom"
    assert told["link"].startswith("https://pull.example/setup/")


def test_a_drill_names_who_is_asked(desk: Desk) -> None:
    """A ladder can be tried before the night it is needed."""
    desk.apply()

    plain = well("drill", "billing", "--by", "dana")
    told = well("drill", "billing", "--by", "dana", "--json").json

    assert "asks" in plain.out
    assert told["owner"] in ("maria", "tom")
    assert told["escalation"].startswith("esc_")


def test_one_of_several_workspaces_is_named(desk: Desk) -> None:
    """A key for the wrong tenant is worse than none."""
    desk.apply()
    desk.apply(POLICY.replace("workspace: shop", "workspace: other"))

    vague = typed(*MINT)
    well(*MINT, "--workspace", "other")

    assert vague.code == 2
    assert "exactly one, or a named one" in vague.err
    assert well("keys", "list", "--workspace", "shop", "--json").json == []
