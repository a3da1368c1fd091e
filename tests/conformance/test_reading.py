"""Listings are complete, stable and bounded; look-ups find one thing or nothing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from pullcord.errors import InvalidInput
from pullcord.path.escalation import Change, Entry, Terms, person
from pullcord.store import postgres, sqlite
from pullcord.store.port import Filter, Outcome, Row, Store
from tests.conformance.stage import (
    MINUTE,
    NOON,
    Stage,
    accepts,
    collects,
    commented,
    decides,
    takes_over,
    withdraws,
)


async def ids(store: Store, wanted: Filter | None = None, *, limit: int = 3) -> list[str]:
    return [each async for each in walk(store, wanted or Filter(), limit=limit)]


async def walk(store: Store, wanted: Filter, *, limit: int) -> AsyncIterator[str]:
    cursor = ""
    for _ in range(100):
        page = await store.find("shop", wanted, cursor=cursor, limit=limit)
        assert len(page.rows) <= limit
        for row in page.rows:
            yield row.escalation.id
        cursor = page.cursor
        if not cursor:
            return
    raise AssertionError("a listing without end")


async def fill(stage: Stage, count: int = 7) -> list[Row]:
    """Every second one is withdrawn; all were opened one minute apart."""
    rows = []
    for n in range(count):
        at = NOON + n * MINUTE
        row = await stage.open(f"esc_{n}", at=at)
        rows.append(await stage.act(row, withdraws(at)) if n % 2 else row)
    return rows


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 50])
async def test_a_listing_shows_the_living_by_deadline_then_the_ended_newest_first(
    limit: int, stage: Stage, store: Store
) -> None:
    """What needs somebody stands on top, whatever the size of a page."""
    await fill(stage)

    found = await ids(store, limit=limit)

    assert found == ["esc_0", "esc_2", "esc_4", "esc_6", "esc_5", "esc_3", "esc_1"]


async def test_a_listing_misses_nothing_when_others_are_opened_meanwhile(
    stage: Stage, store: Store
) -> None:
    """Whoever pages through a growing queue sees every one that was there at the start, once."""
    await fill(stage)
    seen: list[str] = []

    async for each in walk(store, Filter(), limit=2):
        seen.append(each)
        await stage.open(f"new_{len(seen)}", at=NOON + timedelta(seconds=7 * len(seen)))

    assert len(seen) == len(set(seen))
    assert {f"esc_{n}" for n in range(7)} <= set(seen)


async def test_a_listing_of_equal_deadlines_is_complete(stage: Stage, store: Store) -> None:
    """A flood opens hundreds in one instant; the id decides their order."""
    for n in range(9):
        await stage.open(f"esc_{n}")

    assert await ids(store, limit=2) == [f"esc_{n}" for n in range(9)]


FILTERS = {
    "owner": (Filter(owner="tom"), ["esc_t"]),
    "candidate": (Filter(candidate="tom"), ["esc_0", "esc_x", "esc_t"]),
    "agent": (Filter(agent="infra"), ["esc_x"]),
    "agent key": (Filter(agent_key="k9"), ["esc_x"]),
    "run": (Filter(run="r1"), ["esc_x"]),
    "ladder": (Filter(ladder="billing"), ["esc_0", "esc_x", "esc_t", "esc_w"]),
    "environment": (Filter(environment="test"), []),
    "end user": (Filter(end_user="u7"), ["esc_x"]),
    "one status": (Filter(statuses=("withdrawn",)), ["esc_w"]),
    "two statuses": (Filter(statuses=("accepted", "withdrawn")), ["esc_t", "esc_w"]),
    "living only": (Filter(statuses=("open",)), ["esc_0", "esc_x"]),
    "owner and status": (Filter(owner="tom", statuses=("open",)), []),
    "nothing": (Filter(), ["esc_0", "esc_x", "esc_t", "esc_w"]),
}


@pytest.mark.parametrize(("wanted", "expected"), FILTERS.values(), ids=FILTERS.keys())
async def test_a_filter_and_its_count_agree(
    wanted: Filter, expected: list[str], stage: Stage, store: Store
) -> None:
    """The number on a tab is the number of rows behind it."""
    await stage.open("esc_0")
    await stage.open("esc_x", agent="infra", agent_key="k9", run="r1", end_user="u7")
    await stage.act(await stage.open("esc_t"), accepts("tom"))
    await stage.act(await stage.open("esc_w"), withdraws())

    assert await ids(store, wanted) == expected
    assert await store.counts("shop", wanted) == len(expected)


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
async def test_what_needs_a_person_is_what_they_have_and_what_they_are_asked_by_deadline(
    limit: int, stage: Stage, store: Store
) -> None:
    """One list, in the order of its deadlines, though the two are found in different places."""
    for n in range(4):
        at = NOON + n * MINUTE
        row = await stage.open(f"asked_{n}", at=at)
        await stage.act(row, *([accepts("maria", at)] if n == 2 else []))
        row = await stage.open(f"has_{n}", at=at + MINUTE / 2)
        await stage.act(row, accepts("tom", at + MINUTE / 2))

    found = await ids(store, Filter(statuses=("open", "accepted"), candidate="tom"), limit=limit)

    asked = ["asked_0", "asked_1", "asked_3"]
    assert found == [*asked, "has_0", "has_1", "has_2", "has_3"]


async def test_what_is_asked_of_a_person_keeps_its_place_when_its_deadline_moves(
    stage: Stage, store: Store
) -> None:
    """Those who stay asked are not asked anew; the list still follows the deadline."""
    row = await stage.open("esc_0")
    await stage.open("esc_1", at=NOON + MINUTE)
    later = replace(
        row.escalation, version=2, accept_by=NOON + 30 * MINUTE, decide_by=NOON + 40 * MINUTE
    )
    entry = Entry("esc_0", "extended", NOON, person("tom"), sets={"version": 2})

    await store.commit(stage.filed(row, Change((later,), (entry,))))

    assert await ids(store, Filter(candidate="tom"), limit=1) == ["esc_1", "esc_0"]


async def test_the_load_of_a_person_is_counted_to_a_bound(
    stage: Stage, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A million open escalations do not make every floor a count of a million."""
    monkeypatch.setattr(sqlite, "LOAD_COUNTED_TO", 2)
    monkeypatch.setattr(postgres, "LOAD_COUNTED_TO", 2)
    for n in range(3):
        await stage.open(f"esc_{n}")
    await stage.act(await stage.open("esc_t"), accepts("tom"))

    assert await store.load_of_people("shop") == {"maria": 2, "tom": 1}


async def test_a_count_stops_at_its_limit(stage: Stage, store: Store) -> None:
    """A tab says "1000+"; it never reads a whole history."""
    await fill(stage)

    assert await store.counts("shop", Filter(), limit=5) == 5


BAD_CURSORS = {
    "no base 64": "!!",
    "no JSON": "YWJj",
    "no list": "bnVsbA==",
    "too few": "WzFd",
    "an unknown part": "WyJkZWFkIiwgMSwgIngiXQ==",
    "text for a time": "WyJlbmRlZCIsICIxIiwgIngiXQ==",
    "a huge time": "WyJlbmRlZCIsIDk5OTk5OTk5OTk5OTk5OTk5OTk5OSwgIngiXQ==",
    "a number for an id": "WyJlbmRlZCIsIDEsIDJd",
    "a lone surrogate": "WyJlbmRlZCIsIDEsICJcdWQ4MDAiXQ==",
    "endless": "A" * 1000,
    "no ASCII": "ü",
}


@pytest.mark.parametrize("cursor", BAD_CURSORS.values(), ids=BAD_CURSORS.keys())
async def test_a_foreign_cursor_is_refused(cursor: str, store: Store) -> None:
    """A mangled link says so; it shows neither an error page nor the wrong rows."""
    with pytest.raises(InvalidInput, match="cursor"):
        await store.find("shop", Filter(), cursor=cursor)


@pytest.mark.parametrize("limit", [0, -1, 1001])
async def test_a_page_has_a_size(limit: int, store: Store) -> None:
    """A negative limit would read everything."""
    with pytest.raises(InvalidInput, match="limit"):
        await store.find("shop", Filter(), limit=limit)


async def test_a_status_page_opens_by_its_token_only(stage: Stage, store: Store) -> None:
    """The one read without a workspace needs the one secret that is unique."""
    row = await stage.open("esc_1", status_digest="abc")
    await stage.open("esc_2")

    assert await store.by_status("abc") == row
    assert await store.by_status("abd") is None
    assert await store.by_status("") is None


async def test_a_run_is_controlled_by_a_person_from_take_over_to_the_end(
    stage: Stage, store: Store
) -> None:
    """Guarded calls of that run are refused meanwhile, so the question must be answered right."""
    row = await stage.open("esc_1", run="r1")
    before = await store.human_controls("shop", "support", "r1")
    row = await stage.act(row, accepts("maria"), takes_over("maria"))
    during = await store.human_controls("shop", "support", "r1")
    elsewhere = await store.human_controls("shop", "support", "r2")
    nowhere = await store.human_controls("shop", "support", "")

    await stage.act(row, withdraws())

    assert (before, during, elsewhere, nowhere) == ("", "esc_1", "", "")
    assert await store.human_controls("shop", "support", "r1") == ""


async def test_the_load_of_people_counts_the_living_only(stage: Stage, store: Store) -> None:
    """Capacity is about what somebody still has to do."""
    await stage.act(await stage.open("esc_1"), accepts("tom"))
    await stage.act(await stage.open("esc_2"), accepts("tom"))
    await stage.act(await stage.open("esc_3"), decides("tom"))
    await stage.open("esc_4")

    assert await store.load_of_people("shop") == {"tom": 2, "maria": 1}


async def test_contents_come_in_the_order_they_were_written(stage: Stage, store: Store) -> None:
    """The briefing first, then what was said, or only what is asked for."""
    row = await stage.open("esc_1", shown="a")
    await stage.act(row, commented, commented)

    every = [each.name for each in await store.contents("shop", "esc_1")]
    some = [each.name for each in await store.contents("shop", "esc_1", ["comment/3", "shown"])]
    none = await store.contents("shop", "esc_1", ["nothing"])

    assert every == ["shown", "comment/2", "comment/3"]
    assert some == ["shown", "comment/3"]
    assert none == []


async def test_one_content_of_many_escalations_is_read_at_once(stage: Stage, store: Store) -> None:
    """A page of fifty costs one query; what was erased or never there is missing, not wrong."""
    await stage.open("esc_1", shown="a")
    await stage.open("esc_2", shown="b")
    await Stage(store, "other").open("esc_3", shown="c")

    found = await store.contents_of("shop", ["esc_1", "esc_2", "esc_3", "esc_4"], "shown")

    assert sorted(found) == ["esc_1", "esc_2"]
    assert found["esc_1"] == (await store.contents("shop", "esc_1"))[0]
    assert await store.contents_of("shop", [], "shown") == {}


async def test_the_salts_of_many_tell_which_contents_still_stand(
    stage: Stage, store: Store
) -> None:
    """Whoever remembers a content asks by its salt whether it was erased since."""
    await stage.open("esc_1", shown="a")
    await Stage(store, "other").open("esc_2", shown="b")

    found = await store.salts_of("shop", ["esc_1", "esc_2", "esc_3"], "shown")

    assert found == {"esc_1": (await store.contents("shop", "esc_1"))[0].salt}
    assert await store.salts_of("shop", [], "shown") == {}


async def test_a_timeline_is_read_in_pieces(stage: Stage, store: Store) -> None:
    """Long timelines page by number and never skip."""
    row = await stage.open("esc_1")
    row = await stage.act(row, *[commented] * 5)
    seen: list[int] = []

    for _ in range(10):
        links = await store.timeline("shop", "esc_1", after=len(seen), limit=2)
        seen += [each.seq for each in links]

    assert seen == list(range(1, row.head.seq + 1))


async def test_all_chains_of_a_workspace_are_listed_in_pieces(stage: Stage, store: Store) -> None:
    """An export walks every escalation, in an order that does not move."""
    for n in range(5):
        await stage.open(f"esc_{n}")

    first = await store.chains("shop", limit=3)
    rest = await store.chains("shop", after=first[-1], limit=3)

    assert [*first, *rest] == [f"esc_{n}" for n in range(5)]


async def test_an_agent_finds_what_was_decided_for_its_key(stage: Stage, store: Store) -> None:
    """One poll serves every parked run: oldest decision first, redelivered until reported."""
    for n, minute in ((1, 3), (2, 1), (3, 2)):
        row = await stage.open(f"esc_{n}")
        await stage.act(row, decides("maria", NOON + minute * MINUTE))
    await stage.open("esc_4")
    other = await stage.open("esc_5", agent_key="k2")
    await stage.act(other, decides("maria"))
    await take(stage, "esc_2", "mine")
    await take(stage, "esc_3", "another")

    found = [each.escalation.id for each in await store.decided_for("shop", "k1", attempt="mine")]
    fresh = [each.escalation.id for each in await store.decided_for("shop", "k1")]
    first = await store.decided_for("shop", "k1", attempt="mine", limit=1)

    assert found == ["esc_2", "esc_1"]
    assert fresh == ["esc_1"]
    assert [each.escalation.id for each in first] == ["esc_2"]


async def take(stage: Stage, escalation: str, attempt: str) -> None:
    row = await stage.store.load("shop", escalation)
    assert row is not None
    await stage.act(row, collects(attempt))


async def test_what_was_learned_is_kept_in_order(stage: Stage, store: Store) -> None:
    """A label never replaces another: the team may change its mind, and both stay."""
    await stage.open("esc_1")
    labels = [
        Outcome("shop", "esc_1", "r1", label, "why", "maria", NOON) for label in ("good", "bad")
    ]

    for each in labels:
        await store.put_outcome("shop", each)

    assert await store.outcomes("shop", "esc_1") == labels
    assert await store.outcomes("shop", "esc_2") == []
    with pytest.raises(AssertionError):
        await store.put_outcome("other", labels[0])


async def test_readers_and_writers_do_not_wait_for_each_other(stage: Stage, store: Store) -> None:
    """A page opens while others decide."""
    rows = [await stage.open(f"esc_{n}", terms=Terms(quorum=1)) for n in range(20)]

    await asyncio.gather(
        *(stage.act(row, accepts("maria"), decides("maria")) for row in rows),
        *(store.find("shop", Filter()) for _ in range(20)),
    )

    assert await store.counts("shop", Filter(statuses=("decided",))) == 20


async def test_several_escalations_come_in_one_read(stage: Stage) -> None:
    """A courier that takes a hundred messages reads what they are about once."""
    first = await stage.open("esc_1")
    moved = await stage.act(await stage.open("esc_2"), accepts("maria"))

    found = await stage.store.load_several("shop", ["esc_1", "esc_2", "esc_9"])

    assert found == {"esc_1": first, "esc_2": moved}
    assert await stage.store.load_several("shop", []) == {}
