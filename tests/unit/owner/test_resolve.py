"""One function says who is asked: always a name, always a reason, the same for everybody."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullcord.owner.floor import Floor
from pullcord.owner.ladder import KINDS, Ladder, Rung, Target, parse_target
from pullcord.owner.resolve import Resolution, last_resort, named_by, resolve
from pullcord.owner.roster import Absence, Role
from pullcord.owner.schedule import Override
from tests.unit.owner.scenes import HOUR, MINUTE, NOON, always, away, floor, somebody, team

ANA, BEN, DANA = somebody("ana"), somebody("ben"), somebody("dana", Role.LEAD)


def ladder(*targets: str, catch_all: str = "dana") -> Ladder:
    """Ten minutes for each of these, then the catch-all."""
    rungs = tuple(Rung(parse_target(each), 10 * MINUTE) for each in targets)
    return Ladder("billing", rungs, catch_all)


def whys(found: Resolution) -> list[str]:
    """Why rungs were skipped."""
    return [each.why for each in found.skipped]


# --- the first rung with somebody to ask ----------------------------------------------------------


def test_a_named_person_is_asked_with_the_reason() -> None:
    """Whoever is asked can read why them."""
    found = resolve(ladder("person/ana"), floor(ANA, DANA), NOON)

    assert (found.owner, found.candidates, found.rung) == ("ana", ("ana",), 0)
    assert found.until == NOON + 10 * MINUTE
    assert found.reason == "Ana is named by the ladder"
    assert not found.is_catch_all


def test_who_is_on_call_is_asked_and_until_when_is_said() -> None:
    """A schedule gives its person of now."""
    there = floor(ANA, DANA, schedules={"billing": always("ana")})

    found = resolve(ladder("schedule/billing"), there, NOON)

    assert found.owner == "ana"
    assert found.reason == "Ana is on call for billing until 2026-11-30 09:00 UTC"


def test_overrides_count_for_the_router() -> None:
    """Rungs ask people and schedules, never a bare rotation that would bypass overrides."""
    override = Override(NOON - HOUR, NOON + HOUR, "ben", "ana")
    schedule = replace(always("ana"), overrides=(override,))

    found = resolve(
        ladder("schedule/billing"), floor(ANA, BEN, schedules={"billing": schedule}), NOON
    )

    assert found.owner == "ben"
    assert KINDS == ("person", "schedule", "team")


def test_a_team_is_asked_together_longest_not_asked_first() -> None:
    """A fair pick: never asked before all others, then who was asked longest ago."""
    there = floor(
        ANA,
        BEN,
        somebody("cyd"),
        teams={"support": team("ana", "ben", "cyd")},
        last_asked_at={"ana": NOON - HOUR, "ben": NOON - 2 * HOUR},
    )

    assert resolve(ladder("team/support"), there, NOON).candidates == ("cyd", "ben", "ana")


def test_among_equals_who_holds_less_is_asked_first() -> None:
    """Load is spread; the id makes it the same answer everywhere."""
    there = floor(ANA, BEN, teams={"support": team("ben", "ana")})

    assert resolve(ladder("team/support"), there, NOON).owner == "ana"
    loaded = replace(there, load={"ana": 2, "ben": 1})
    assert resolve(ladder("team/support"), loaded, NOON).owner == "ben"


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("person/zoe", "zoe is not a person of this workspace"),
        ("person/gus", "Gus is no longer active"),
        ("person/mute", "Mute has no contact"),
        ("person/off", "Off is away until 2026-11-25 12:00 UTC"),
        ("person/full", "Full already holds 8"),
        ("schedule/none", "nobody is on it"),
        ("team/none", "nobody is on it"),
        ("team/support", "Gus is no longer active; Full already holds 8"),
        ("schedule/empty", "nobody is on it"),
    ],
)
def test_a_rung_with_nobody_to_ask_is_skipped_at_once_and_says_why(target: str, why: str) -> None:
    """Empty, unreachable and full rungs cost no time and leave a trace."""
    there = floor(
        ANA,
        somebody("gus", is_active=False),
        somebody("mute", can_sign_in=False),
        somebody("off", absences=away()),
        somebody("full"),
        teams={"support": team("gus", "full")},
        schedules={
            "empty": replace(
                always("ana"), overrides=(Override(NOON - HOUR, NOON + HOUR, "", "ana"),)
            )
        },
        load={"full": 8},
    )

    found = resolve(ladder(target, "person/ana"), there, NOON)

    assert (found.owner, found.rung) == ("ana", 1)
    assert whys(found) == [why]
    assert (found.skipped[0].rung, found.skipped[0].target) == (0, target)


def test_who_declined_or_may_not_is_not_asked() -> None:
    """The rest of the rung is; with nobody left the next rung."""
    there = floor(ANA, BEN, DANA, teams={"support": team("ana", "ben")})
    rungs = ladder("team/support")

    assert resolve(rungs, there, NOON, declined=frozenset({"ana"})).candidates == ("ben",)
    nobody = resolve(rungs, there, NOON, declined=frozenset({"ana"}), excluding=frozenset({"ben"}))
    assert nobody.is_catch_all
    assert whys(nobody) == ["everybody on it declined or may not decide this"]


def test_resolving_may_begin_further_up() -> None:
    """Advancing asks from the next rung on."""
    found = resolve(ladder("person/ana", "person/ben"), floor(ANA, BEN), NOON, start=1)

    assert (found.owner, found.rung, found.skipped) == ("ben", 1, ())


# --- the end of the ladder ----------------------------------------------------------------------


def test_the_catch_all_is_asked_even_when_away_full_or_declined() -> None:
    """Somebody is always last; they are woken, and asked again every quarter of an hour."""
    last = somebody("dana", absences=away())
    there = floor(last, load={"dana": 99})

    found = resolve(ladder("person/zoe"), there, NOON, declined=frozenset({"dana"}))

    assert (found.owner, found.rung, found.is_catch_all, found.wakes) == ("dana", 1, True, True)
    assert found.until == NOON + 15 * MINUTE
    assert found.reason == "Dana is the catch-all of the ladder"


def test_when_the_catch_all_is_gone_there_is_always_a_next() -> None:
    """Team lead, then the workspace's last resort, then an admin, then whoever is still there."""
    rungs = ladder("team/support", "team/unknown", "person/zoe", catch_all="gone")
    there = floor(
        somebody("gone", is_active=False),
        somebody("lea", Role.LEAD),
        somebody("wim"),
        somebody("kim", Role.ADMIN),
        somebody("ole"),
        teams={"support": team(lead="lea")},
        workspace_catch_all="wim",
    )
    reasons = []
    out: frozenset[str] = frozenset()
    for _ in range(5):
        who, reason = last_resort(rungs, there, out)
        reasons.append(reason)
        out |= {who}

    assert reasons == [
        "Lea leads a team of the ladder, whose catch-all cannot be asked",
        "Wim is the last resort of the workspace",
        "Kim is an admin, and the catch-all cannot be asked",
        "Ole is still here, and nobody who should be asked before can be",
        "gone is the catch-all, and nobody else is left",
    ]


WHO = st.sampled_from([*"abcdefgh"])


@st.composite
def floors(draw: st.DrawFn) -> Floor:
    """Any floor: people missing, gone, away, full, unreachable; teams of strangers."""
    people = {
        who: somebody(
            who,
            draw(st.sampled_from(Role)),
            is_active=draw(st.booleans()),
            can_sign_in=draw(st.booleans()),
            email=draw(st.sampled_from(["", "a@example.com"])),
            capacity=draw(st.integers(0, 2)),
            absences=draw(st.sampled_from([(), away()])),
        )
        for who in draw(st.sets(WHO))
    }
    members = draw(st.lists(WHO, max_size=3, unique=True))
    return Floor(
        version=1,
        at=NOON,
        people=people,
        teams={"support": team(*members, lead=draw(WHO))},
        schedules={"billing": always(draw(WHO))},
        load=draw(st.dictionaries(WHO, st.integers(0, 3))),
        last_asked_at=draw(st.dictionaries(WHO, st.just(NOON - HOUR))),
        workspace_catch_all=draw(st.one_of(st.just(""), WHO)),
    )


TARGETS = st.one_of(
    WHO.map(lambda who: f"person/{who}"),
    st.sampled_from(["team/support", "team/none", "schedule/billing", "schedule/none"]),
)


@given(
    there=floors(),
    targets=st.lists(TARGETS, max_size=4),
    catch_all=WHO,
    start=st.integers(0, 4),
    declined=st.frozensets(WHO),
    excluding=st.frozensets(WHO),
)
def test_the_resolver_never_says_nobody_and_always_why(
    there: Floor,
    targets: list[str],
    catch_all: str,
    start: int,
    declined: frozenset[str],
    excluding: frozenset[str],
) -> None:
    """Whatever the floor looks like there is a named owner, a reason and a time."""
    rungs = ladder(*targets, catch_all=catch_all)

    found = resolve(rungs, there, NOON, start=start, declined=declined, excluding=excluding)

    assert found.owner
    assert found.reason
    assert found.owner == found.candidates[0]
    assert len(set(found.candidates)) == len(found.candidates)
    assert found.until > NOON
    assert [each.rung for each in found.skipped] == list(
        range(start, min(found.rung, len(targets)))
    )
    assert all(each.why for each in found.skipped)
    if not found.is_catch_all:
        for who in found.candidates:
            assert not there.why_unavailable(who, NOON)
            assert who not in declined | excluding
    elif any(each.is_active and who not in excluding for who, each in there.people.items()):
        assert there.people[found.owner].is_active
        assert found.owner not in excluding


@given(there=floors(), targets=st.lists(TARGETS, min_size=1, max_size=4), catch_all=WHO)
def test_a_preview_is_what_the_router_does(
    there: Floor, targets: list[str], catch_all: str
) -> None:
    """There is one function: asked rung by rung or whole it gives the same people."""
    rungs = ladder(*targets, catch_all=catch_all)
    whole = resolve(rungs, there, NOON)

    by_rung = [resolve(rungs, there, NOON, start=start) for start in range(len(targets) + 1)]
    first = next(each for start, each in enumerate(by_rung) if each.rung == start)

    assert (whole.owner, whole.candidates, whole.rung) == (
        first.owner,
        first.candidates,
        first.rung,
    )
    assert whole.reason == first.reason


def test_the_people_of_a_target_are_named_alike_for_everybody() -> None:
    """Console and router read the same list, available or not."""
    there = floor(ANA, teams={"support": team("ana", "zoe")})

    assert named_by(Target("team", "support"), there, NOON) == (
        ["ana", "zoe"],
        "is in the team support",
    )


# --- small parts --------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["tom", "person/", "/tom", "rotation/billing", "", "Person/tom"])
def test_a_target_that_is_none_says_what_one_looks_like(text: str) -> None:
    """Who writes a ladder reads what to write instead."""
    with pytest.raises(ValueError, match="write schedule/NAME, team/NAME or person/NAME"):
        parse_target(text)


def test_a_target_reads_as_it_is_written() -> None:
    """Also with a slash in its name."""
    assert str(parse_target("team/a/b")) == "team/a/b"


def test_an_absence_ends_when_it_says() -> None:
    """Half-open; of several that hold now the longest counts."""
    person = somebody(
        "ana", absences=(Absence(NOON, NOON + HOUR), Absence(NOON, NOON + 2 * HOUR, "Leave"))
    )

    assert person.absent_until(NOON) == NOON + 2 * HOUR
    assert person.absent_until(NOON + 2 * HOUR) is None
    assert person.absent_until(NOON - timedelta(seconds=1)) is None


@pytest.mark.parametrize(
    ("changes", "accounts", "reachable"),
    [
        ({}, None, True),
        ({}, {"ana"}, True),
        ({}, {"ben"}, False),
        ({"email": "a@example.com"}, {"ben"}, True),
        ({"can_sign_in": False}, None, False),
        ({"can_sign_in": False}, {"ana"}, False),
        ({"can_sign_in": False, "email": "a@example.com"}, None, True),
        ({"can_sign_in": False, "phone": "+49151"}, None, True),
    ],
)
def test_reachable_is_who_has_any_way_to_be_told(
    changes: dict[str, Any], accounts: set[str] | None, reachable: bool
) -> None:
    """A person without one is never waited for; a console they cannot open is none."""
    known = None if accounts is None else frozenset(accounts)

    found = floor(somebody("ana", **changes), accounts=known)

    assert found.has_contact("ana") is reachable
    assert (found.why_unavailable("ana", NOON) == "") is reachable


def test_who_opens_the_console_is_there_active_and_has_a_password() -> None:
    """Each of the three alone is not enough."""
    gone = somebody("ben", is_active=False)
    found = floor(ANA, gone, accounts=frozenset({"ana", "ben", "zoe"}))

    assert [who for who in ("ana", "ben", "zoe") if found.can_sign_in(who)] == ["ana"]


def test_capacity_is_a_limit_for_asking_and_no_wall() -> None:
    """At the limit others are asked first; below it nothing happens."""
    assert floor(ANA, load={"ana": 7}).why_unavailable("ana", NOON) == ""
    assert floor(ANA, load={"ana": 8}).why_unavailable("ana", NOON) == "Ana already holds 8"
