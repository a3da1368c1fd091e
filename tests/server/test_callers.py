"""Keys: believed for a moment, revoked within seconds, held to their rate."""

from datetime import timedelta

import pytest

from pullcord.errors import TooMuch
from pullcord.server import callers, limits
from pullcord.server.limits import Buckets, Rate, Rates
from tests.server.place import Place, opening, place_of


@pytest.mark.promise("key-revoked-in-seconds")
async def test_a_revoked_key_is_refused_within_five_seconds(place: Place) -> None:
    """A leaked key stops working while somebody is still typing the announcement."""
    agent = place.agent()
    await agent.get("/v1/decisions")

    await place.town.house.office.revoke_key("shop", place.key.id, by="dana")
    place.town.clock.turn(timedelta(seconds=5))
    reply = await agent.post("/v1/escalations", json=opening())

    assert reply.status_code == 401
    assert "revoked" in reply.json()["detail"]
    assert await place.town.escalations() == []


@pytest.mark.parametrize("header", ["", "Basic abc", "Bearer", "Bearer pk_live_x", "pk_live"])
async def test_what_is_no_key_signs_nobody_in(place: Place, header: str) -> None:
    """Malformed, foreign and empty credentials are all the same refusal."""
    client = place.client(headers={"authorization": header})

    reply = await client.get("/v1/decisions")

    assert reply.status_code == 401
    assert reply.json()["type"] == "urn:pullcord:problem:not-signed-in"


async def test_the_scheme_is_read_as_the_standard_says(place: Place) -> None:
    """RFC 9110: the name of a scheme is case-insensitive."""
    client = place.client(headers={"authorization": f"bearer {place.shown_key}"})

    reply = await client.get("/v1/decisions")

    assert reply.status_code == 200


async def test_guessing_keys_is_slowed_down_and_true_keys_are_not(place: Place) -> None:
    """One address that guesses is held up; the agents beside it go on."""
    good, forged = place.agent(), place.agent(place.shown_key[:-4] + "AAAA")
    await good.get("/v1/decisions")

    guesses = [(await forged.get("/v1/decisions")).status_code for _ in range(21)]
    meanwhile = await good.get("/v1/decisions")

    assert guesses == [401] * 20 + [429]
    assert meanwhile.status_code == 200


async def test_a_key_over_its_rate_is_told_when_to_come_again() -> None:
    """One agent in an endless loop must not take the server from the others."""
    async with place_of(rates=Rates(key=Rate(per_second=1, burst=3))) as place:
        agent, other = place.agent(), place.agent(place.other_key)
        codes = [(await agent.get("/v1/decisions")).status_code for _ in range(4)]
        told = await agent.get("/v1/decisions")
        beside = await other.get("/v1/decisions")
        place.town.clock.turn(timedelta(seconds=1))
        later = await agent.get("/v1/decisions")

    assert codes == [200, 200, 200, 429]
    assert told.headers["retry-after"] == "1"
    assert told.json()["type"] == "urn:pullcord:problem:too-much"
    assert beside.status_code == later.status_code == 200


async def test_people_and_strangers_have_rates_of_their_own() -> None:
    """A browser that polls wildly, or a scanner, is held up as well."""
    once = Rate(per_second=1, burst=1)
    async with place_of(rates=Rates(person=once, address=once)) as place:
        maria, stranger = await place.person("maria"), place.client()
        person = [(await maria.get("/v1/on-call")).status_code for _ in range(2)]
        public = [(await stranger.get("/livez")).status_code for _ in range(2)]
        nobody = await stranger.get("/v1/on-call")

    assert person == public == [200, 429]
    assert nobody.status_code == 429


async def test_believed_keys_are_bounded(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many keys come, memory stays; a forgotten key is asked for again."""
    monkeypatch.setattr(callers, "BELIEVED_MAX", 1)

    codes = [
        (await place.agent(key).get("/v1/decisions")).status_code
        for key in (place.shown_key, place.other_key, place.shown_key)
    ]

    assert codes == [200, 200, 200]


def test_buckets_forget_whoever_stayed_away_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scanner with a million addresses fills no memory."""
    monkeypatch.setattr(limits, "KEPT_MAX", 2)
    buckets = Buckets(Rate(per_second=1, burst=1), lambda: 0.0, what="requests")

    for caller in ("a", "b", "c"):
        buckets.take(caller)

    assert len(buckets) == 2
    buckets.take("a")
    with pytest.raises(TooMuch):
        buckets.take("c")


def test_a_clock_that_was_set_back_neither_gives_nor_takes() -> None:
    """A correction of the clock must not lock everybody out for an hour."""
    now = [3_600.0]
    buckets = Buckets(Rate(per_second=1, burst=2), lambda: now[0], what="requests")
    buckets.take("a")

    now[0] = 0.0
    buckets.take("a")
    now[0] = 1.0
    buckets.take("a")

    with pytest.raises(TooMuch) as told:
        buckets.take("a")
    assert told.value.retry_after == 1.0


def test_a_check_takes_nothing() -> None:
    """Asking whether somebody is over their limit must not bring them over it."""
    buckets = Buckets(Rate(per_second=1, burst=1), lambda: 0.0, what="requests")

    buckets.check("a")
    buckets.take("a")

    with pytest.raises(TooMuch):
        buckets.check("a")
