"""Guessing a password is slow, from one address and from a thousand."""

from datetime import timedelta

import httpx2

from tests.console.pages import Pages, pages


async def tries(found: Pages, email: str, *, first: int, count: int) -> list[int]:
    """One try from each of so many addresses."""
    statuses = []
    for at in range(first, first + count):
        transport = httpx2.ASGITransport(app=found.app, client=(f"198.51.100.{at}", 1))
        async with httpx2.AsyncClient(transport=transport, base_url="https://pull.example") as each:
            told = await each.post("/sign-in", data={"email": email, "password": "wrong-guess"})
            statuses.append(told.status_code)
    return statuses


async def test_one_account_is_guessed_at_slowly_from_many_addresses() -> None:
    """Thirty tries, then one in ten seconds; others sign in as before."""
    async with pages() as found:
        at_once = await tries(found, "maria@example.com", first=0, count=31)
        other_case = await tries(found, " MARIA@example.com", first=31, count=1)
        other = await tries(found, "tom@example.com", first=32, count=1)
        found.board.town.clock.turn(timedelta(seconds=10))
        later = await tries(found, "maria@example.com", first=33, count=1)

    assert at_once == [401] * 30 + [429]
    assert (other_case, other, later) == ([429], [401], [401])


async def test_accounts_that_do_not_exist_are_counted_the_same() -> None:
    """The answer tells nobody which addresses have an account."""
    async with pages() as found:
        assert await tries(found, "nobody@example.com", first=0, count=31) == [401] * 30 + [429]
