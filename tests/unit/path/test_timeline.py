"""The timeline: chained, complete, and unbroken by erasure."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from pullcord.briefing.digest import canonical
from pullcord.path.asking import accept, open_escalation
from pullcord.path.deciding import decide
from pullcord.path.draft import Draft
from pullcord.path.escalation import (
    ENGINE,
    Change,
    Entry,
    Escalation,
    Status,
    Terms,
)
from pullcord.path.timeline import (
    Link,
    broken,
    changed,
    commitments_of,
    fold,
    link,
    plain,
    public,
)
from pullcord.seal.sealing import commitment
from tests.unit.path.scenes import (
    FLOOR,
    MINUTE,
    NOON,
    SHOWN,
    accepted,
    blank,
    only,
    opened,
    ruling,
    sign,
)


def chained(*changes: Change) -> list[Link]:
    """The entries of these changes as a chain, contents committed to."""
    links: list[Link] = []
    for entry in (entry for change in changes for entry in change.entries):
        links.append(
            link(
                "shop",
                entry.escalation,
                entry,
                seq=len(links) + 1,
                prev=links[-1].hash if links else "",
                commitments={name: commitment(b"salt", name.encode()) for name in entry.sealed},
            )
        )
    return links


def story() -> tuple[Escalation, list[Link]]:
    """Opened, accepted, decided; the escalation and its chain."""
    first = open_escalation(blank(), SHOWN, FLOOR, NOON)
    second = accept(only(first), "ana", FLOOR, NOON + MINUTE)
    third = decide(only(second), "ana", FLOOR, NOON + 2 * MINUTE, ruling=ruling(), sign=sign)
    return only(third), chained(first, second, third)


def faults(links: list[Link], *, chain: str = "esc_1", after: str = "") -> list[str]:
    """What is wrong with these links."""
    pairs = [(each.body, each.hash) for each in links]
    return broken(pairs, workspace="shop", chain=chain, after=after)


def forged(original: Link, change: Callable[[dict[str, Any]], object]) -> Link:
    """A link with another body and a hash that fits it."""
    body = json.loads(original.body)
    change(body)
    raw = canonical(body)
    return Link(
        original.chain,
        original.seq,
        original.at,
        original.kind,
        raw,
        hashlib.sha256(raw).hexdigest(),
    )


def test_the_fold_of_a_timeline_is_the_row() -> None:
    """What is stored and what is provable are the same."""
    escalation, links = story()

    assert fold(each.body for each in links) == public(escalation)


def test_a_chain_that_was_only_appended_to_holds() -> None:
    """Each link names the one before it."""
    _, links = story()

    assert [each.seq for each in links] == [1, 2, 3, 4]
    assert faults(links) == []
    assert faults(links[2:], after=links[1].hash) == []
    assert (links[0].chain, links[0].kind, links[0].at) == ("esc_1", "opened", NOON)


def test_a_changed_content_is_found() -> None:
    """One byte is enough."""
    _, links = story()
    first = links[0]
    tampered = first.body.replace(b"support", b"suppose")
    links[0] = Link(first.chain, 1, NOON, "opened", tampered, first.hash)

    assert faults(links) == ["esc_1 entry 1: its content does not match its hash"]


def test_a_rewritten_link_breaks_the_next() -> None:
    """Whoever rewrites one must rewrite all that follow, and the roots published outside."""
    _, links = story()
    links[1] = forged(links[1], lambda body: body["facts"].update(people=["cyd"]))

    assert faults(links) == ["esc_1 entry 3: does not continue the entry before it"]


def test_a_missing_link_is_found() -> None:
    """Leaving out is found like changing."""
    _, links = story()

    assert faults([links[0], *links[2:]]) == [
        "esc_1 entry 2: does not continue the entry before it",
        "esc_1 entry 2: has number 3",
    ]
    assert faults(links[1:])[0] == "esc_1 entry 1: does not continue the entry before it"


def test_a_link_of_another_chain_is_found() -> None:
    """An entry cannot be moved to another escalation."""
    _, links = story()

    assert faults(links[:1], chain="esc_9") == ["esc_9 entry 1: belongs to another chain"]


def test_an_unknown_format_is_refused() -> None:
    """A verifier does not vouch for what it does not understand."""
    _, links = story()

    assert faults([forged(links[0], lambda body: body.update(v=2))]) == [
        "esc_1 entry 1: format 2 is not known"
    ]


@pytest.mark.parametrize("body", [b"no json", b"[1]", b"\xff", b'"text"'])
def test_rubbish_with_a_fitting_hash_is_a_fault_and_no_crash(body: bytes) -> None:
    """A verifier reads what strangers wrote."""
    found = Link("esc_1", 1, NOON, "opened", body, hashlib.sha256(body).hexdigest())

    assert faults([found]) == ["esc_1 entry 1: is no JSON object"]


def test_after_a_broken_number_the_rest_is_still_checked() -> None:
    """One fault is told once, not for every entry behind it."""
    _, links = story()
    odd = forged(links[0], lambda body: body.update(seq="one"))

    assert faults([odd]) == ["esc_1 entry 1: has number 'one'"]


def test_erasing_a_content_leaves_the_chain_whole() -> None:
    """The chain holds the commitment to what was sealed, never the content."""
    _, links = story()
    kept = commitments_of(each.body for each in links)

    assert set(kept) == {"shown", "decision/3"}
    assert kept["shown"] == commitment(b"salt", b"shown")
    assert faults(links) == []
    assert b"Refund" not in b"".join(each.body for each in links)


def test_blind_votes_are_in_no_public_field() -> None:
    """Until the quorum is complete the row's public part is as if nobody had voted."""
    escalation = opened(terms={"quorum": 2})
    voted = decide(escalation, "ana", FLOOR, NOON, ruling=ruling(), sign=sign)

    assert len(only(voted).votes) == 1
    assert "votes" not in public(only(voted))
    assert b'"votes"' not in b"".join(each.body for each in chained(voted))


def test_only_what_changed_is_in_an_entry() -> None:
    """An entry says what it did, not what everything was."""
    change = accept(opened(), "ana", FLOOR, NOON + MINUTE)

    assert set(change.entries[0].sets) == {
        "version",
        "generation",
        "status",
        "offer",
        "accept_by",
        "hold_until",
    }
    assert changed(opened(), opened()) == {}


def test_an_act_without_an_entry_is_a_bug() -> None:
    """Nothing happens that nobody could read about later."""
    with pytest.raises(AssertionError, match="nobody could read about"):
        Draft(accepted(), NOON).change()


def test_a_living_escalation_without_owner_is_a_bug() -> None:
    """The assertion stays on in production and aborts the transaction."""
    draft = Draft(accepted(), NOON)
    draft.enter("accepted", ENGINE, owner="")

    with pytest.raises(AssertionError, match="without owner or deadline"):
        draft.change()


def test_values_are_written_the_same_everywhere() -> None:
    """Times in UTC, spans in seconds, records as objects, lists as lists."""
    berlin = datetime(2026, 11, 24, 13, tzinfo=timezone(timedelta(hours=1)))

    assert plain(berlin) == "2026-11-24T12:00:00.000000Z"
    assert plain(timedelta(minutes=5)) == 300
    assert plain((Status.OPEN, 1, 1.5, None, True)) == ["open", 1, 1.5, None, True]
    assert plain({1: "one"}) == {"1": "one"}
    assert plain(Terms())["fallback"] == "reject"
    assert datetime.fromisoformat(plain(berlin)) == datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_two_changes_add_up_to_one() -> None:
    """Drift writes the old and the fresh escalation together or not at all."""
    change = open_escalation(blank(), SHOWN, FLOOR, NOON)

    both = change + Change(entries=(Entry("esc_1", "noted", NOON, ENGINE),))

    assert len(both.entries) == len(change.entries) + 1
    assert not both.is_empty
    assert Change().is_empty
