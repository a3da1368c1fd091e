"""The daily letter: once a day, at a time of one's own, with what one has to know."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pullcord.channels.port import Abilities, FoundBy, Letter
from pullcord.engine.daily import around
from pullcord.wire import requests as wire
from tests.unit.engine.board import URL, Board, board
from tests.unit.engine.counter import POLICY
from tests.unit.engine.pigeons import BUSY, GOOD, Pigeons

#: the board's clock begins at noon UTC
EARLY = POLICY.replace(
    "email: maria@example.com}", 'email: maria@example.com, reach: {daily_at: "14:00"}}'
)


def post_office(name: str = "email") -> Pigeons:
    """Private post that can list."""
    found = Pigeons(GOOD, name=name)
    by = FoundBy.EMAIL if name == "email" else FoundBy.LINK
    found.can = Abilities(is_private=True, found_by=by, bundles_for=timedelta(seconds=30))
    return found


def daily(mail: Pigeons) -> list[Letter]:
    """The daily letters that flew."""
    return [each for each in mail.letters if each.kind == "digest"]


async def until(found: Board, hours: float) -> None:
    await found.town.turn(timedelta(hours=hours))


async def test_it_tells_what_waits_what_others_decided_and_what_nobody_did() -> None:
    """Whoever was away reads one letter instead of forty."""
    mail = post_office()
    async with board(policy=EARLY, more={"email": mail}, linked=()) as found:
        await found.stopped("lapses")
        await until(found, 0.25)
        passed_on = await found.stopped("passed", run="run-2")
        own = await found.stopped("own", run="run-3")
        await found.town.person("maria").decline(passed_on)
        await found.town.person("tom").approve(passed_on)
        await found.town.person("maria").approve(own)
        await until(found, 1.7)
        waits = await found.stopped("waits", run="run-4")
        await until(found, 0.1)

        (letter,) = daily(mail)
        said = [each.text for each in letter.lines]
        assert letter.to == "person:maria"
        assert letter.address == "maria@example.com"
        assert letter.headline.startswith("Today: 1 waits for you, ")
        assert "decided without you" in letter.headline
        assert said[0].startswith("Waits for you: normal, decide by ")
        assert letter.lines[0].url == f"{URL}/escalations/{waits}"
        assert any("Tom Ode approved it" in each for each in said)
        assert not any("Maria Lopez approved it" in each for each in said)
        assert letter.lines[0].ask
        assert letter.is_open


async def test_what_nobody_decided_is_told_as_that() -> None:
    """Silence has an end, and people hear of it."""
    mail = post_office()
    policy = EARLY.replace("decide_within: 2h", "decide_within: 1h")
    async with board(policy=policy, more={"email": mail}, linked=()) as found:
        await found.stopped()
        await until(found, 3)

        (letter,) = daily(mail)
        assert letter.headline == "Today: nobody decided 1"
        assert "Nobody could decide by 13:00" in letter.lines[0].text
        assert not letter.is_open
        assert letter.due_at is None


async def test_it_comes_once_a_day_and_not_on_a_day_without_news() -> None:
    """A letter that says nothing teaches people to read none."""
    mail = post_office()
    async with board(policy=EARLY, more={"email": mail}, linked=()) as found:
        await found.stopped()
        await until(found, 5 * 24)

        letters = daily(mail)
        assert len(letters) == 1
        assert letters[0].id == "daily_shop.maria.2027-01-05"


async def test_a_server_in_trouble_is_asked_again_with_the_same_letter() -> None:
    """The provider can tell that it is the same."""
    mail = post_office()
    async with board(policy=EARLY, more={"email": mail}, linked=()) as found:
        await found.stopped()
        await until(found, 1.95)
        mail.answers = [BUSY, GOOD]
        await until(found, 0.25)

        assert len(daily(mail)) == 2
        assert len({each.id for each in daily(mail)}) == 1


async def test_a_letter_that_is_hours_late_is_not_sent() -> None:
    """A server that was down all day does not wake up with yesterday's news."""
    mail = post_office()
    async with board(policy=EARLY, more={"email": mail}, linked=()) as found:
        await found.stopped()
        await found.town.settle()
        found.town.clock.turn(timedelta(hours=9))
        await found.town.settle()

        assert daily(mail) == []


async def test_whoever_wants_none_any_more_gets_none() -> None:
    """Their page is theirs, and so is their day."""
    mail = post_office()
    async with board(policy=EARLY, more={"email": mail}, linked=()) as found:
        await found.stopped()
        await found.town.settle()
        await found.reached("maria", daily_at=None)
        await until(found, 3)

        assert daily(mail) == []


async def test_a_time_that_has_just_passed_counts_today() -> None:
    """Set at ten past for on the hour: the first letter comes at the next look, not tomorrow."""
    mail = post_office()
    async with board(more={"email": mail}, linked=()) as found:
        await found.stopped("k1")
        await until(found, 0.1)
        await found.reached("dana", daily_at=time(12, 30))
        await found.reached("maria", daily_at=time(9, 0))
        await until(found, 1)

        assert [each.to for each in daily(mail)] == ["person:dana"]


async def test_it_goes_by_a_private_quiet_way_or_not_at_all() -> None:
    """E-mail first; a public room and a phone call are no place for it."""
    letters = post_office("letters")
    loud = post_office("loud")
    loud.can = Abilities(is_private=True, wakes=True, bundles_for=timedelta(seconds=30))
    more = {"letters": letters, "loud": loud}
    async with board(
        policy=EARLY, more=more, linked=(), can=Abilities(found_by=FoundBy.LINK)
    ) as found:
        await found.stopped()
        await until(found, 2.5)
        before = len(daily(letters))
        await found.town.house.linking.put(
            "shop", "maria", "letters", account="m", name="m", address="maria-7"
        )
        await found.stopped("k2", run="run-2")
        await until(found, 24)

        assert before == 0
        assert daily(loud) == []
        assert [each.address for each in daily(letters)] == ["maria-7"]


async def test_an_erased_question_is_left_out_of_its_line() -> None:
    """What was erased is not told again."""
    mail = post_office()
    async with board(policy=EARLY, more={"email": mail}, linked=()) as found:
        name = await found.stopped(ask=None, end_user=wire.EndUserIn(id="u_7", name="Anna"))

        async def nothing(*_: object, **__: object) -> dict[str, object]:
            return {}

        found.town.house.runner._duties._daily._contents = type(
            "Erased", (), {"named": staticmethod(nothing)}
        )()
        await until(found, 2.1)

        (letter,) = daily(mail)
        assert letter.lines[0].url.endswith(name)
        assert letter.lines[0].ask == ""


def test_the_last_and_the_next_time_of_a_clock() -> None:
    """Also on the days when clocks are changed."""
    berlin = ZoneInfo("Europe/Berlin")
    eve = datetime(2027, 3, 27, 8, tzinfo=UTC)

    last, following = around(time(8), eve, berlin)
    exact, after = around(time(9), eve, berlin)

    assert last == datetime(2027, 3, 27, 7, tzinfo=UTC)
    assert following == datetime(2027, 3, 28, 6, tzinfo=UTC)
    assert exact == eve
    assert after == datetime(2027, 3, 28, 7, tzinfo=UTC)
