"""Every kind of entry reads as one sentence, whoever acted and whatever it changed."""

import ast
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import pullcord.path
from pullcord.path.telling import TELLERS, sentence
from pullcord.path.wording import Reader

READER = Reader(
    {"maria": "Maria", "tom": "Tom", "dana": "Dana"},
    ZoneInfo("Europe/Berlin"),
    datetime(2026, 11, 23, 13, 0, tzinfo=UTC),
)
HALF_PAST_TWO = "2026-11-23T13:30:00.000000Z"


def said(
    entry: str, by: str = "engine", *, sets: Mapping[str, Any] | None = None, **facts: Any
) -> str:
    """The sentence of an entry with these facts; a trailing underscore keeps a keyword a fact."""
    plain = {name.rstrip("_"): value for name, value in facts.items()}
    return sentence({"kind": entry, "by": by, "facts": plain, "sets": sets or {}}, READER)


# --- nothing is left out ------------------------------------------------------------------------


def functions_of(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef))


def texts_in(node: ast.expr) -> Iterator[str]:
    return (
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    )


def kinds_entered(trees: list[ast.Module]) -> set[str]:
    """Every kind of entry the path can write: what `enter` is given, through parameters too."""
    found: set[str] = set()
    passed_on: set[str] = set()
    for tree in trees:
        for function in functions_of(tree):
            for call in (each for each in ast.walk(function) if isinstance(each, ast.Call)):
                if not (isinstance(call.func, ast.Attribute) and call.func.attr == "enter"):
                    continue
                kind = call.args[0]
                if isinstance(kind, ast.Name):
                    passed_on.add(function.name)
                elif isinstance(kind, ast.IfExp):
                    found |= {*texts_in(kind.body), *texts_in(kind.orelse)}
                else:
                    found |= set(texts_in(kind))
    for tree in trees:
        for call in (each for each in ast.walk(tree) if isinstance(each, ast.Call)):
            if isinstance(call.func, ast.Name) and call.func.id in passed_on:
                found |= set(texts_in(call.args[1]))
    return found


def test_every_kind_of_entry_that_the_path_writes_has_its_sentence() -> None:
    """A timeline with a line nobody can read is no path that people can see."""
    room = Path(pullcord.path.__file__).parent
    trees = [ast.parse(each.read_text(encoding="utf-8")) for each in sorted(room.glob("*.py"))]

    assert kinds_entered(trees) == set(TELLERS)


def test_an_entry_of_a_kind_nobody_knows_is_still_told() -> None:
    """An older console shows what a newer engine wrote, plainly, and never fails on it."""
    assert said("coffee_brewed", "person:tom") == "Tom: coffee brewed."


# --- the sentences --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (
            said("opened", "agent:support", rule="limit", tool="refund"),
            "The agent support was stopped at refund by rule limit.",
        ),
        (said("opened", "agent:support", rule="vip"), "The agent support was stopped by rule vip."),
        (said("opened", "agent:support", tool="refund"), "The agent support asked about refund."),
        (
            said("opened", "person:maria", follows="esc_1"),
            "Maria asked, following esc_1.",
        ),
        (
            said("asked", people=["maria"], reason="Maria is on call for billing"),
            "Maria is being asked: Maria is on call for billing.",
        ),
        (
            said(
                "asked",
                people=["tom", "maria", "dana"],
                reason="Tom may",
                wakes=True,
                sets={"accept_by": HALF_PAST_TWO},
            ),
            "Tom, Maria and Dana are being asked until 14:30, and may be woken: Tom may.",
        ),
        (
            said("rung_skipped", target="team/x", why="nobody is on it"),
            "team/x was skipped: nobody is on it.",
        ),
        (said("accepted", "person:tom"), "Tom has it."),
        (said("accepted", "person:tom", from_="maria"), "Tom has it, instead of Maria."),
        (said("declined", "person:tom"), "Tom said: not me."),
        (
            said("declined", "person:dana", stays=True),
            "Dana said: not me, and stays asked as the last of the ladder.",
        ),
        (said("not_reached", person="tom"), "Tom could not be reached on any channel."),
        (
            said("not_reached", person="dana", stays=True),
            "Dana could not be reached on any channel; reminders go on.",
        ),
        (said("rung_expired", asked=["maria", "tom"]), "Maria and Tom did not answer in time."),
        (said("reminded", count=3), "Reminder 3 went out."),
        (said("lapsed", from_="tom"), "The time Tom had for it is over; others are asked."),
        (said("released", "person:tom"), "Tom gave it back; others are asked."),
        (said("offer_returned", asked=["tom"]), "Tom did not answer, so it stays where it was."),
        (
            said("reassigned", "person:maria", to="tom", sets={"accept_by": HALF_PAST_TWO}),
            "Maria offered it to Tom until 14:30.",
        ),
        (
            said("snoozed", "person:maria", sets={"hold_until": HALF_PAST_TWO}),
            "Maria holds it until 14:30.",
        ),
        (
            said("extended", "person:maria", seconds=5400, sets={"decide_by": HALF_PAST_TWO}),
            "Maria took 1 hour 30 minutes more, and promised 14:30.",
        ),
        (said("asked_back", "person:maria", to="end_user"), "Maria asked the end user a question."),
        (said("replied", "end_user:via link"), "The end user answered the question."),
        (said("context_added", "agent:support"), "The agent support added context."),
        (said("commented", "person:maria"), "Maria left a note for colleagues."),
        (said("voted", "person", needed=2), "One vote was given; 2 have to agree."),
        (said("decided", "person:maria", kind="edit"), "Maria approved it with changes."),
        (
            said(
                "decided",
                "person:tom",
                kind="approve",
                votes=[{"by": "maria", "kind": "approve"}, {"by": "tom", "kind": "approve"}],
            ),
            "Tom approved it; votes: Maria approved it, Tom approved it.",
        ),
        (
            said("decided", kind="nobody_decided", applied="reject"),
            "Nobody decided in time, so it was not done.",
        ),
        (said("taken_over", "person:maria"), "Maria took over the conversation."),
        (
            said("kept_waiting", sets={"decide_by": HALF_PAST_TWO}),
            "Nobody decided in time; it keeps waiting until 14:30.",
        ),
        (said("withdrawn", "agent:support"), "The agent support took the question back."),
        (said("collected", "agent:support", attempt="a1"), "The agent support took the decision."),
        (
            said("reported", "agent:support", outcome="executed"),
            "The agent support reported: executed.",
        ),
        (
            said("reported", "agent:support", outcome="failed", followed_by="esc_2"),
            "The agent support reported: failed; it is not what was decided, esc_2 asks about it.",
        ),
        (
            said("reported_late", "agent:support", outcome="not_needed"),
            "The agent support reported: not needed, after its time.",
        ),
        (
            said("closed", as_="uncollected"),
            "Nobody collected the decision in time; the technical contact was told.",
        ),
        (said("closed", why="no agent waits"), "It is closed: no agent waits."),
    ],
)
def test_an_entry_says_who_did_what(told: str, expected: str) -> None:
    """Operators read the path instead of codes."""
    assert told == expected


def test_a_vote_is_told_without_the_voter() -> None:
    """A second person who can see the first one's vote is no second person."""
    told = said("voted", "person", needed=2)

    assert "Maria" not in told
    assert "Tom" not in told
