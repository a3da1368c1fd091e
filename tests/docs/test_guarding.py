"""The how-to on guarding a tool runs from top to bottom, as a reader would follow it."""

import inspect
from pathlib import Path

import pytest

import pullcord
from pullcord import Pullcord
from pullcord.testing import edits, live_server, rejects
from tests.docs.pages import ROOT, Block, blocks_of
from tests.docs.test_programs import policy_beside, started

PAGE = ROOT / "docs/how-to/guard-a-tool.md"


@pytest.fixture
def programs() -> list[Block]:
    """The programs of the page, in order."""
    return [
        each for each in blocks_of(PAGE) if each.language == "python" and "server" in each.words
    ]


def test_the_page_works_from_top_to_bottom(programs: list[Block], tmp_path: Path) -> None:
    """Park, decide, go on in another process, and wait for it instead."""
    guarding, working, waiting = programs
    with live_server(policy_beside(guarding)) as live:
        with started(guarding.code, live.environ(), tmp_path) as lines:
            parked = list(lines)
        (row,) = live.call(live.town.escalations())
        with live.operator("maria") as maria:
            maria.edit(row.escalation.id, {"order": "A-17", "amount": 240.0})
        with started(working.code, live.environ(), tmp_path) as lines:
            resumed = list(lines)
        live.plays("maria", rejects(note="not twice"))
        with started(waiting.code, live.environ(), tmp_path) as lines:
            rejected = list(lines)

    assert parked[0] == "refunded 20.00 EUR for A-16\n"
    assert "You will hear by" in parked[1]
    assert resumed == ["thread-41 ran: refunded 240.00 EUR for A-17\n"]
    assert "not twice" in rejected[0]


def test_the_example_of_the_test_kit_is_a_test_that_passes(programs: list[Block]) -> None:
    """The reference shows it in the same words."""
    with (
        live_server(policy_beside(programs[0]), agent="support") as live,
        Pullcord(live.url, live.key) as cord,
    ):
        issue_refund = cord.guard(wait="10s", tool="issue_refund")(lambda amount: amount)
        live.plays("maria", edits(amount=240.0))

        assert issue_refund(480.0) == 240.0


@pytest.mark.parametrize("name", pullcord.__all__)
def test_every_public_name_is_in_the_reference(name: str) -> None:
    """A name nobody can look up is a name nobody uses."""
    text = (ROOT / "docs/reference/sdk.md").read_text(encoding="utf-8")

    assert name in text


@pytest.mark.parametrize("verb", ["guard", "run", "escalate", "resume", "decisions"])
def test_every_argument_of_a_verb_is_in_the_reference(verb: str) -> None:
    """The table is what people read instead of the code."""
    text = (ROOT / "docs/reference/sdk.md").read_text(encoding="utf-8")
    arguments = set(inspect.signature(getattr(Pullcord, verb)).parameters) - {"self", "function"}

    missing = [each for each in arguments if each not in text]

    assert not missing
