"""Parked runs: sealed, claimed by one worker, and honest about what has changed."""

import threading
import warnings
from pathlib import Path

import msgspec
import pytest

from pullcord import InvalidInput
from pullcord.adapters import parking
from pullcord.adapters.calls import Framework
from pullcord.adapters.parking import (
    AgentChanged,
    ParkedRun,
    SqliteShelf,
    differences,
    fingerprint,
    parked_run,
    stamp,
    unsealed,
)

MADE_WITH = Framework("A framework", "msgspec", ("durable",))
SECRET = "pk_secret"
NOON = 1_800_000_000.0


def run(thread: str = "t-1", **waits: str) -> ParkedRun:
    """A run that waits."""
    made_with = stamp(MADE_WITH, agent="agent-1", state_version="7")
    return parked_run(made_with, thread=thread, waits=waits or {"c1": "esc_1"}, state='{"a": 1}')


@pytest.fixture
def shelf(tmp_path: Path) -> SqliteShelf:
    """An empty shelf."""
    return SqliteShelf(tmp_path / "shelf.db")


def test_a_sealed_run_comes_back_as_it_was() -> None:
    """Everything that is needed to go on is in one text."""
    parked = run()

    assert unsealed(parked.sealed(SECRET), SECRET) == parked


@pytest.mark.parametrize("change", [lambda t: t.replace("t-1", "t-2"), lambda t: f"2{t[1:]}", str])
def test_a_run_that_was_changed_or_is_another_agents_is_refused(change: object) -> None:
    """Frameworks do not authenticate their state; whoever can write it could speak for anybody."""
    text = run().sealed(SECRET)
    key = "pk_other" if change is str else SECRET

    with pytest.raises(InvalidInput, match="sealed with this agent's key"):
        unsealed(change(text), key)  # type: ignore[operator]


def test_a_run_is_found_by_every_escalation_it_waits_for(shelf: SqliteShelf) -> None:
    """Two calls of one turn wait in one run."""
    parked = run(c1="esc_1", c2="esc_2")
    shelf.put(parked, SECRET)

    found = shelf.claim("esc_2", SECRET, now=NOON)

    assert found == parked
    assert shelf.claim("esc_9", SECRET, now=NOON) is None


def test_one_worker_has_a_run_at_a_time(shelf: SqliteShelf) -> None:
    """Two workers that go on with one run would let its model speak twice."""
    parked = run()
    shelf.put(parked, SECRET)

    first = shelf.claim("esc_1", SECRET, now=NOON)
    second = shelf.claim("esc_1", SECRET, now=NOON)
    shelf.release(parked)
    third = shelf.claim("esc_1", SECRET, now=NOON)
    much_later = shelf.claim("esc_1", SECRET, now=NOON + parking.CLAIM_FOR)

    assert (first, second, third, much_later) == (parked, None, parked, parked)


def test_workers_that_race_for_a_run_get_it_once(shelf: SqliteShelf) -> None:
    """The claim is one transaction."""
    shelf.put(run(), SECRET)
    got: list[ParkedRun | None] = []

    def race() -> None:
        got.append(shelf.claim("esc_1", SECRET, now=NOON))

    racers = [threading.Thread(target=race) for _ in range(8)]
    for each in racers:
        each.start()
    for each in racers:
        each.join()

    assert sum(each is not None for each in got) == 1


def test_a_run_that_went_on_and_waits_again_is_the_one_that_is_found(shelf: SqliteShelf) -> None:
    """One call is decided, the other still waits: the older state is over."""
    before = run(c1="esc_1", c2="esc_2")
    shelf.put(before, SECRET)
    after = run(c2="esc_2")

    shelf.put(after, SECRET)
    shelf.drop(before)

    assert shelf.claim("esc_2", SECRET, now=NOON) == after
    assert shelf.claim("esc_1", SECRET, now=NOON) is None
    assert len(shelf) == 1


def test_the_shelf_is_for_its_owner_alone(tmp_path: Path, shelf: SqliteShelf) -> None:
    """Transcripts are in there."""
    assert (tmp_path / "shelf.db").stat().st_mode & 0o077 == 0
    assert len(shelf) == 0


def test_a_run_that_is_too_large_is_refused_before_it_pauses(
    shelf: SqliteShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit on everything, said where something can still be done."""
    monkeypatch.setattr(parking, "PARKED_BYTES_MAX", 100)

    with pytest.raises(InvalidInput, match="Shorten the transcript"):
        shelf.put(run(), SECRET)


def test_what_has_changed_since_the_pause_is_said_in_words() -> None:
    """Nobody should find out by a stack trace of the framework."""
    now = stamp(MADE_WITH, agent="agent-1", state_version="7")
    then = msgspec.structs.replace(now, framework_version="0.1", agent="agent-0", state_version="6")

    with pytest.warns(AgentChanged):
        found = differences(then, now, what="the run t-1")

    assert found == [
        f"A framework was 0.1 when the run t-1 paused and is {MADE_WITH.version} now",
        "the state of A framework was 6 when the run t-1 paused and is 7 now",
        "the model, tools or schemas behind the run t-1 have changed since it paused",
    ]


def test_nothing_is_said_when_nothing_has_changed() -> None:
    """A warning that always comes is read by nobody."""
    now = stamp(MADE_WITH, agent="agent-1")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = differences(now, now, what="the run t-1")

    assert found == []


def test_a_fingerprint_changes_with_a_schema_and_with_nothing_else() -> None:
    """The order in which tools are listed is not a change."""
    one = fingerprint(model="m", tools={"a": {"type": "object"}, "b": {}})
    same = fingerprint(tools={"b": {}, "a": {"type": "object"}}, model="m")
    other = fingerprint(model="m", tools={"a": {"type": "array"}, "b": {}})

    assert one == same
    assert one != other


def test_a_framework_that_is_not_installed_has_no_version() -> None:
    """The adapter says so where it is imported; its terms can be read all the same."""
    assert Framework("none", "there-is-no-such-distribution", ()).version == ""
