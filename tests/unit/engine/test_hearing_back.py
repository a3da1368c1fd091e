"""Who else hears of it: the requester where they asked, the end user where they proved to be."""

import re
from datetime import timedelta

import pytest

from pullcord.channels.port import Abilities, FoundBy, Letter
from pullcord.channels.webhook import WebhookChannel
from pullcord.engine.addresses import MARK
from pullcord.errors import ChannelDown, InvalidInput, NotFound
from pullcord.wire import requests as wire
from tests.conformance.channels.loopback import Answered, Asked, http_server
from tests.conformance.channels.webhook_double import SECRET as WEBHOOK_SECRET
from tests.unit.engine.board import URL, Board, board
from tests.unit.engine.counter import refund
from tests.unit.engine.pigeons import GONE, GOOD, Pigeons

THREAD = wire.ReplyToIn(channel="paper", address="room-7/note-1")


def post_office() -> Pigeons:
    """E-mail that flies."""
    found = Pigeons(GOOD, name="email")
    found.can = Abilities(is_private=True, answers=True, found_by=FoundBy.EMAIL)
    return found


async def test_whoever_asked_hears_where_they_asked() -> None:
    """Being asked, has it, decided: in the thread the question came from."""
    async with board(linked=("maria",)) as found:
        name = await found.stopped(reply_to=THREAD)
        await found.town.person("maria").accept(name)
        await found.town.person("maria").approve(name)
        await found.town.turn(timedelta(minutes=1))

        to_room = [each for each in found.double.arrived() if each.reference == "note-2"]
        asked, *edits = [each.text for each in to_room]
        assert "Maria from Billing is being asked until 12:10." in asked
        assert "EUR 480.00" in asked
        assert any("Maria from Billing approved it at 12:00." in each for each in edits)
        assert not any(each.buttons for each in to_room)


async def test_whoever_waits_for_the_decision_gets_a_letter_for_it() -> None:
    """A copy that is changed rings nobody, and somebody is waiting for just this."""
    async with board(linked=("maria",)) as found:
        name = await found.stopped(reply_to=THREAD)
        await found.town.person("maria").accept(name)
        await found.town.person("maria").approve(name)
        await found.town.turn(timedelta(minutes=1))

        letters = [each.text for each in found.notes()[2:]]
        assert len(letters) == 1
        assert "Maria from Billing approved it at 12:00." in letters[0]


@pytest.mark.parametrize("channel", ["nowhere", "console"])
async def test_an_agent_names_channels_that_answer_only(channel: str) -> None:
    """A typo is told at once, not when nobody hears."""
    async with board() as found:
        named = wire.ReplyToIn(channel=channel, address="x")
        with pytest.raises(InvalidInput, match="paper"):
            await found.stopped(reply_to=named)


async def test_where_no_channel_answers_it_is_said() -> None:
    """An agent without any way back is told why."""
    async with board(can=Abilities(found_by=FoundBy.LINK)) as found:
        with pytest.raises(InvalidInput, match="no channel here answers"):
            await found.stopped(reply_to=THREAD)


async def test_an_agent_cannot_make_us_write_to_strangers() -> None:
    """Mail goes to people of the workspace, whoever the agent names."""
    mail = post_office()
    async with board(more={"email": mail}) as found:
        stranger = wire.ReplyToIn(channel="email", address="ceo@elsewhere.example")
        with pytest.raises(InvalidInput, match="a person of this workspace"):
            await found.stopped(reply_to=stranger)
        await found.stopped(
            "k2", reply_to=wire.ReplyToIn(channel="email", address="Tom@example.com")
        )

        assert ("agent:support", "Tom@example.com") in [(e.to, e.address) for e in mail.letters]


async def test_without_reply_to_nothing_is_told_back() -> None:
    """Nobody asked for it."""
    async with board() as found:
        await found.stopped()

        assert len(found.notes()) == 1


# --- the end user -------------------------------------------------------------------------------


async def offered(found: Board, mail: Pigeons, name: str) -> tuple[Letter, str]:
    """The letter that asks for proof, and the code in it."""
    escalation = (await found.town.row(name)).escalation
    await found.town.house.hearing_back.offer(escalation, "anna@example.com", status_token="tok")
    letter = mail.letters[-1]
    code = re.fullmatch(rf"{URL}/status/tok/confirm/(\S+)", letter.url)
    assert code is not None
    return letter, code.group(1)


async def test_nothing_personal_is_sent_before_the_address_is_proven() -> None:
    """Whoever typed a stranger's address tells that stranger nothing."""
    mail = post_office()
    async with board(more={"email": mail}) as found:
        name = await found.stopped()
        letter, _ = await offered(found, mail, name)
        await found.town.person("maria").approve(name)
        await found.town.settle()

        assert letter.kind == "confirm"
        assert letter.content is None
        assert "refund" not in repr(letter).replace("refund-over-limit", "")
        assert not [each for each in mail.letters if each.to.startswith("end_user:")]


async def test_a_proven_address_hears_of_everything() -> None:
    """The person, the promise, the outcome; with their own page."""
    mail = post_office()
    async with board(more={"email": mail}) as found:
        name = await found.stopped()
        _, code = await offered(found, mail, name)
        escalation = (await found.town.row(name)).escalation
        await found.town.house.hearing_back.confirm(escalation, code)
        await found.town.person("maria").approve(name)
        await found.town.settle()

        letters = [each for each in mail.letters if each.to.startswith("end_user:")]
        assert {each.address for each in letters} == {"anna@example.com"}
        decided = next(each for each in letters if each.kind == "decided")
        assert decided.standing == (
            "Maria from Billing approved it at 12:00. It is being carried out."
        )
        assert decided.url.startswith(f"{URL}/status/")
        assert decided.content is None
        assert decided.buttons == ()


async def test_the_address_lies_sealed() -> None:
    """A dump of the database shows nobody's mail."""
    mail = post_office()
    async with board(more={"email": mail}) as found:
        name = await found.stopped()
        _, code = await offered(found, mail, name)
        escalation = (await found.town.row(name)).escalation
        await found.town.house.hearing_back.confirm(escalation, code)

        (linked,) = [e for e in await found.town.house.store.links("shop") if not e.person]
        assert linked.address.startswith(MARK)
        assert "anna" not in repr(linked)
        found.town.clock.turn(timedelta(seconds=2))
        floor = await found.town.house.floors.now("shop")
        assert MARK not in repr(floor.linked)


async def test_a_proof_is_good_once_for_its_own_request() -> None:
    """A code of one request opens no other."""
    mail = post_office()
    async with board(more={"email": mail}) as found:
        name = await found.stopped()
        other = await found.stopped("k2", run="run-2")
        _, code = await offered(found, mail, name)
        hearing_back = found.town.house.hearing_back
        first = (await found.town.row(name)).escalation
        second = (await found.town.row(other)).escalation

        with pytest.raises(NotFound):
            await hearing_back.confirm(second, code)
        with pytest.raises(NotFound):
            await hearing_back.confirm(first, code)
        with pytest.raises(NotFound):
            await hearing_back.confirm(first, "never-made")


async def test_mail_that_cannot_be_sent_is_told() -> None:
    """The page keeps the address and asks to try again."""
    mail = post_office()
    async with board(more={"email": mail}) as found:
        name = await found.stopped()
        mail.answers = [GONE]
        escalation = (await found.town.row(name)).escalation

        with pytest.raises(ChannelDown):
            await found.town.house.hearing_back.offer(escalation, "a@b.example", status_token="t")


async def test_a_house_without_mail_offers_none() -> None:
    """Then the page takes the address as a note for the person."""
    async with board() as found:
        name = await found.stopped()
        hearing_back = found.town.house.hearing_back
        escalation = (await found.town.row(name)).escalation

        assert not hearing_back.sends_mail
        with pytest.raises(NotFound):
            await hearing_back.offer(escalation, "a@b.example", status_token="t")
        assert refund().reply_to is None


JOBS = "https://jobs.example/answers"


@pytest.mark.parametrize(
    ("address", "is_taken"),
    [
        ("https://jobs.example/answers", True),
        ("https://jobs.example/answers/7?step=2", True),
        ("https://jobs.example/answersheet", False),
        ("https://jobs.example/answers/../admin", False),
        ("https://jobs.example:444/answers/7", False),
        ("http://jobs.example/answers/7", False),
        ("https://me@jobs.example/answers/7", False),
        ("https://jobs.example.evil.example/answers/7", False),
        ("https://[broken", False),
    ],
)
async def test_a_webhook_answers_where_the_operator_said_only(address: str, is_taken: bool) -> None:
    """An agent that can be talked into anything must not choose where we post."""
    webhook = WebhookChannel("https://wall.example/", WEBHOOK_SECRET, answers=[JOBS])
    async with board(more={"webhook": webhook}) as found:
        named = wire.ReplyToIn(channel="webhook", address=address)
        if is_taken:
            await found.town.house.hearing_back.check("shop", named)
        else:
            with pytest.raises(InvalidInput, match=f"an address under {JOBS}"):
                await found.town.house.hearing_back.check("shop", named)


async def test_whoever_asked_by_webhook_hears_there_and_nobody_else_does() -> None:
    """Another program asked: it is told, and so is the wall that hears everything."""
    told: list[tuple[str, str]] = []

    async def take(asked: Asked) -> Answered:
        told.append((asked.path, asked.body.decode()))
        return Answered(202)

    async with http_server(take) as url:
        webhook = WebhookChannel(
            f"{url}/wall", WEBHOOK_SECRET, internal=["127.0.0.1"], answers=[f"{url}/answers"]
        )
        reply_to = wire.ReplyToIn(channel="webhook", address=f"{url}/answers/7")
        async with board(more={"webhook": webhook}, linked=("maria",)) as found:
            name = await found.stopped(reply_to=reply_to)
            other = await found.stopped("k2", run="run-2")
            await found.town.person("maria").approve(name)
            await found.town.person("maria").approve(other)
            await found.town.turn(timedelta(minutes=1))

    answers = [body for path, body in told if path == "/answers/7"]
    wall = [body for path, body in told if path == "/wall"]
    assert any('"status":"decided"' in each for each in answers)
    assert all(name in each and other not in each for each in answers)
    assert any(other in each for each in wall)
