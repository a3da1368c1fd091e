"""What a page offers is what the verbs accept: the same people, the same refusals."""

from zoneinfo import ZoneInfo

import pytest

from pullcord.engine.views_acts import refusal, takers
from pullcord.engine.views_next import later_asks
from pullcord.errors import InvalidInput, NotAllowed, WorldMovedOn
from pullcord.path.asking import accept, advance, reassign, release
from pullcord.path.deciding import take_over
from pullcord.path.escalation import Escalation
from pullcord.path.wording import Reader
from tests.unit.path.scenes import FLOOR, MINUTE, NOON, PEOPLE, accepted, offered, only, opened

READER = Reader({}, ZoneInfo("UTC"), NOON)


def refused(escalation: Escalation, who: str, verb: str) -> str:
    """What the page says instead of offering the verb."""
    return refusal(escalation, who, verb, floor=FLOOR, reader=READER)


@pytest.mark.parametrize("environment", ["production", "test"])
def test_everybody_a_page_offers_as_taker_can_be_given_it(environment: str) -> None:
    """And nobody it leaves out could be: the list and the verb ask one question."""
    owner = "ana" if environment == "production" else "vic"
    escalation = opened(environment=environment)
    offered_people = takers(escalation, FLOOR)

    for who in PEOPLE:
        if who in offered_people:
            assert reassign(escalation, owner, FLOOR, NOON, to=who).escalations
        else:
            with pytest.raises(InvalidInput):
                reassign(escalation, owner, FLOOR, NOON, to=who)


def test_an_invited_voter_is_not_offered_to_accept() -> None:
    """They are asked to vote; who accepted has it. Who it was reassigned to may accept."""
    voting = accepted(terms={"quorum": 2})

    assert "ana has it" in refused(voting, "ben", "accept").lower()
    assert refused(offered("cyd"), "cyd", "accept") == ""
    with pytest.raises(WorldMovedOn):
        accept(voting, "ben", FLOOR, NOON)


def test_a_taken_over_conversation_is_not_offered_for_release() -> None:
    """The page says what to do instead, and the verb refuses too."""
    escalation = only(take_over(accepted(), "ana", FLOOR, NOON))

    assert "hand it back" in refused(escalation, "ana", "release")
    with pytest.raises((InvalidInput, NotAllowed)):
        release(escalation, "ana", FLOOR, NOON)


def test_the_preview_of_a_ladder_is_what_the_ladder_does() -> None:
    """Whom a page announces and when is whom the engine asks, then."""
    escalation = opened()
    announced = [(at, each.owner, each.candidates) for at, each in later_asks(escalation, FLOOR)]

    happened = []
    while not escalation.is_at_catch_all:
        at = escalation.accept_by
        assert at is not None
        escalation = only(advance(escalation, FLOOR, at))
        assert escalation.offer is not None
        happened.append((at, escalation.owner, escalation.offer.candidates))

    assert announced == happened
    assert [at for at, _, _ in announced] == [NOON + 10 * MINUTE, NOON + 30 * MINUTE]
