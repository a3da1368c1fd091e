"""`init`, `check`, `apply` and `explain`: a policy from the first line to the one in force."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.terminal import POLICY, Desk, typed, well

#: nobody is on the ladder while Maria is away and nobody else is asked
AWAY = POLICY.replace(
    "maria: {name: Maria Lopez, email: maria@example.com}",
    "maria: {name: Maria Lopez, email: maria@example.com, "
    "absences: [{from: 2020-01-01T00:00Z, until: 2099-01-01T00:00Z}]}",
).replace("people: [maria, tom]", "people: [maria]")


# --- init -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", ["support", "coding", "infra"])
def test_a_starter_is_right_as_it_stands(desk: Desk, purpose: str) -> None:
    """The first minute decides whether there is a second."""
    written = well("init", "--for", purpose)
    checked = well("check", desk.file, "--json")

    assert "pullcord check" in written.out
    assert checked.json["gaps"] == []
    assert checked.json["warnings"] == []
    assert checked.json["rules"] >= 2
    assert json.loads((desk.folder / "pullcord.schema.json").read_text())["$schema"]


def test_a_starter_is_written_into_a_new_directory(desk: Desk) -> None:
    """One word more and the files stand where they belong."""
    well("init", "deep/er")

    assert (desk.folder / "deep/er/pullcord.yaml").is_file()


def test_a_starter_overwrites_nothing(desk: Desk) -> None:
    """Somebody's rules are worth more than our example."""
    desk.write("mine: 1\n")

    found = typed("init")

    assert found.code == 2
    assert "Move the old one away" in found.err
    assert desk.file.read_text() == "mine: 1\n"


def test_an_unknown_starter_names_the_known_ones(desk: Desk) -> None:
    """A list to choose from, not a riddle."""
    found = typed("init", "--for", "cooking")

    assert found.code == 2
    assert "support, coding, infra" in found.err
    assert not desk.file.exists()


# --- check ----------------------------------------------------------------------------------------


def test_a_good_file_is_summed_up(desk: Desk) -> None:
    """What it has, and that somebody is always there."""
    found = well("check", desk.write(), "--days", "30")

    assert "2 rules, 3 people, 1 ladder" in found.out
    assert "every ladder has somebody on a rung for the next 30 days" in found.out


def test_a_gap_fails_the_check(desk: Desk) -> None:
    """Times in which only the catch-all is there are found before they come."""
    plain = typed("check", desk.write(AWAY))
    told = typed("check", desk.file, "--json")

    assert plain.code == told.code == 1
    assert "only the catch-all from" in plain.out
    assert told.json["gaps"][0]["ladder"] == "billing"
    assert told.json["gaps"][0]["why"]


def test_what_deserves_a_second_look_is_told(desk: Desk) -> None:
    """A warning is no failure."""
    policy = POLICY.replace("tool: issue_refund, when: args.amount > 250", "tool: issue_refnd")

    found = well("check", desk.write(policy))

    assert "issue_refnd" in found.out


def test_a_broken_file_is_told_by_line_field_and_remedy(desk: Desk) -> None:
    """All mistakes at once, each where it stands."""
    policy = POLICY.replace("mode: deny", "mode: forbid").replace("role: lead", "role: boss")

    found = typed("check", desk.write(policy))

    assert found.code == 2
    assert f"{desk.file}:7:" in found.err
    assert "'boss'" in found.err
    assert "'forbid'" in found.err
    assert "deny" in found.err


def test_a_file_that_is_not_there_is_named(desk: Desk) -> None:
    """Not an exception with a stack."""
    found = typed("check", "nowhere.yaml")

    assert found.code == 2
    assert "nowhere.yaml" in found.err


def test_secrets_come_from_the_environment(desk: Desk) -> None:
    """Numbers and addresses need not stand in the repository; a missing one is named."""
    desk.write(POLICY.replace("maria@example.com", '"${env:MARIA_MAIL}"'))

    missing = typed("check", desk.file)
    there = well("check", desk.file, env={"MARIA_MAIL": "m@example.com"})

    assert missing.code == 2
    assert "MARIA_MAIL" in missing.err
    assert "3 people" in there.out


def test_editors_get_the_schema(desk: Desk) -> None:
    """The file completes itself while it is written."""
    found = well("check", "--schema")

    assert found.json["$schema"].startswith("https://json-schema.org/")


# --- apply ----------------------------------------------------------------------------------------


def test_applying_makes_a_policy_the_one_in_force_and_rolling_back_undoes_it(desk: Desk) -> None:
    """Both are one command, and both say what holds now."""
    first = desk.apply()
    second = desk.apply(POLICY.replace("> 250", "> 100"))

    back = well("apply", "--roll-back", first, "--db", desk.db)
    again = well("apply", "--roll-back", second, "--db", desk.db, "--json")

    assert first != second
    assert f"policy {first} is in force" in back.out
    assert again.json["version"] == second


def test_people_that_differ_from_the_console_are_warned_about(desk: Desk) -> None:
    """The file is a seed; who thinks otherwise must learn it."""
    desk.apply()

    found = well("apply", desk.write(POLICY.replace("Tom Ode", "Thomas Ode")), "--db", desk.db)

    assert "people.tom" in found.err
    assert "change it there" in found.err


def test_a_broken_file_leaves_no_database_behind(desk: Desk) -> None:
    """A typo must not make an empty house with a key of its own."""
    found = typed("apply", desk.write("workspace: 1\n"), "--db", desk.db)

    assert found.code == 2
    assert not desk.db.exists()
    assert not desk.db.with_name("pullcord.db.key").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--roll-back", "p_none"], "never applied"),
        (["--roll-back", "p_none", "--workspace", "elsewhere"], "shop"),
        (["--roll-back", "p_none", "--db", "none.db"], "there is no database 'none.db'"),
        (["--roll-back", "p_none", "--db", "mysql://x/y"], "sqlite:///path"),
    ],
)
def test_rolling_back_to_what_is_not_there_says_so(desk: Desk, words: list[str], says: str) -> None:
    """Each mistake has its own words, and changes nothing."""
    desk.apply()

    found = typed("apply", *words)

    assert found.code == 2
    assert says in found.err
    assert not Path("none.db").exists()


def test_where_there_are_several_workspaces_one_is_named(desk: Desk) -> None:
    """Guessing would roll back somebody else's policy."""
    first = desk.apply()
    desk.apply(POLICY.replace("workspace: shop", "workspace: other"))

    vague = typed("apply", "--roll-back", first)
    named = well("apply", "--roll-back", first, "--workspace", "shop")

    assert vague.code == 2
    assert "other, shop" in vague.err
    assert "--workspace" in vague.err
    assert first in named.out


# --- explain --------------------------------------------------------------------------------------


def explain(desk: Desk, *more: str) -> tuple[str, str, str]:
    """(verdict, rule, owner) of a refund of 480."""
    args = '{"amount": 480}'
    words = ("explain", desk.write(), "--tool", "issue_refund", "--args", args, "--json")
    found = well(*words, *more).json
    return found["verdict"], found["rule"], found["owner"]


def test_a_call_is_explained_rule_by_rule_and_to_the_person(desk: Desk) -> None:
    """Before it happens in production: what would stop it, and who would be asked."""
    found = well("explain", desk.write(), "--tool", "issue_refund", "--args", '{"amount": 480}')

    assert "gate" in found.out
    assert "refund-over-limit: fires" in found.out
    assert "never-negative: does not fire" in found.out
    assert "asked first:" in found.out


@pytest.mark.parametrize(
    ("args", "verdict"), [('{"amount": 20}', "allow"), ('{"amount": -1}', "deny"), ("{}", "gate")]
)
def test_every_verdict_is_explained(desk: Desk, args: str, verdict: str) -> None:
    """Nobody is named where nobody is asked; a rule that cannot be computed stops."""
    desk.write()

    found = well("explain", desk.file, "--tool", "issue_refund", "--args", args, "--json")

    assert found.json["verdict"] == verdict
    assert bool(found.json["owner"]) == (verdict == "gate")


def test_who_is_asked_is_right_when_the_clocks_change(desk: Desk) -> None:
    """On 2027-03-28 there is no 02:30 in Berlin, on 2027-10-31 there are two."""
    skipped = [
        explain(desk, "--at", at)[2]
        for at in ("2027-03-28T01:59+01:00", "2027-03-28T03:00+02:00", "2027-03-29T02:30+02:00")
    ]
    doubled = [
        explain(desk, "--at", at)[2]
        for at in ("2027-10-31T02:29+02:00", "2027-10-31T02:30+02:00", "2027-10-31T02:30+01:00")
    ]

    assert skipped[0] != skipped[1]
    assert skipped[1] != skipped[2]
    assert doubled[0] != doubled[1]
    assert doubled[1] == doubled[2]


@pytest.mark.parametrize("at", ["yesterday", "2027-03-28T02:30", "2027-02-30T00:00Z"])
def test_an_instant_needs_a_zone_and_must_exist(desk: Desk, at: str) -> None:
    """Half past two in Berlin is twice, once or never."""
    found = typed("explain", desk.write(), "--tool", "issue_refund", "--at", at)

    assert found.code == 2
    assert "an instant with its zone" in found.err


@pytest.mark.parametrize("args", ["{", "[1]", '{"a": 1, "a": 2}', '{"a": NaN}', "[" * 5000])
def test_arguments_are_a_json_object(desk: Desk, args: str) -> None:
    """What two parties would read differently is refused."""
    found = typed("explain", desk.write(), "--tool", "issue_refund", "--args", args)

    assert found.code == 2
    assert "a JSON object" in found.err
