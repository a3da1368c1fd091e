"""Words that answer a letter: a note for colleagues, kept once, from whoever got the letter."""

import asyncio
from dataclasses import replace

import pytest

from pullcord.channels.port import Abilities, FoundBy, Wrote
from pullcord.path.escalation import Status
from tests.unit.engine.board import board
from tests.unit.engine.pigeons import GOOD, Pigeons


async def test_an_answer_in_words_becomes_a_note() -> None:
    """A reply by mail helps colleagues and decides nothing."""
    async with board() as found:
        name = await found.stopped()

        answer = await found.tells(
            kind="wrote", account="maria-1", reference="note-1", text=" Ask Tom, he knows. "
        )

        assert answer.is_done
        kinds = [each.kind for each in await found.town.timeline(name)]
        assert kinds[-1] == "commented"
        assert (await found.town.row(name)).escalation.status is Status.OPEN


@pytest.mark.parametrize(
    ("account", "reference", "text", "said"),
    [
        ("maria-1", "note-9", "Hm.", "nothing that I sent"),
        ("maria-1", "note-1", "  ", "nothing that I sent"),
        ("mallory-1", "note-1", "Hm.", "do not know"),
        ("tom-1", "note-1", "Hm.", "somebody else"),
    ],
)
async def test_words_that_answer_nothing_of_theirs_are_not_kept(
    account: str, reference: str, text: str, said: str
) -> None:
    """Anybody can write to an address."""
    async with board() as found:
        name = await found.stopped()

        answer = await found.tells(kind="wrote", account=account, reference=reference, text=text)

        assert said in answer.text
        assert "commented" not in [each.kind for each in await found.town.timeline(name)]


async def test_a_reply_by_mail_is_known_by_the_senders_address() -> None:
    """In whatever case their mail program writes it."""
    mail = Pigeons(replace(GOOD, reference="<m-1>"), name="email")
    mail.can = Abilities(is_private=True, found_by=FoundBy.EMAIL)
    async with board(more={"email": mail}, linked=()) as found:
        name = await found.stopped()

        (answer,) = await found.town.house.inbound.take(
            "email", [Wrote("Maria@Example.com ", "<m-1>", "Ask Tom.")]
        )

        assert answer.is_done
        assert "commented" in [each.kind for each in await found.town.timeline(name)]


async def test_a_reply_that_comes_again_is_kept_once() -> None:
    """Two processes read one mailbox, and a provider that hears nothing sends again."""
    mail = Pigeons(replace(GOOD, reference="<m-1>"), name="email")
    mail.can = Abilities(is_private=True, found_by=FoundBy.EMAIL)
    async with board(more={"email": mail}, linked=()) as found:
        name = await found.stopped()
        hears = found.town.house.inbound.take
        reply = Wrote("maria@example.com", "<m-1>", "Ask Tom.", key="<reply@example.com>")
        other = replace(reply, key="<other@example.com>")

        told = await asyncio.gather(*(hears("email", [reply]) for _ in range(5)))
        await hears("email", [other])
        await hears("email", [reply])

        assert {answer.text for (answer,) in told} == {"Noted for your colleagues."}
        kinds = [each.kind for each in await found.town.timeline(name)]
        assert kinds.count("commented") == 2


async def test_a_reply_without_a_name_is_kept_as_often_as_it_comes() -> None:
    """Where nothing tells two mails apart, one too many is better than one too few."""
    mail = Pigeons(replace(GOOD, reference="<m-1>"), name="email")
    mail.can = Abilities(is_private=True, found_by=FoundBy.EMAIL)
    async with board(more={"email": mail}, linked=()) as found:
        name = await found.stopped()

        for _ in range(2):
            await found.town.house.inbound.take("email", [Wrote("maria@example.com", "<m-1>", "?")])

        kinds = [each.kind for each in await found.town.timeline(name)]
        assert kinds.count("commented") == 2
