"""E-mail and the house together: the same real mails from the stop to the end, and back again."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import time, timedelta
from email.message import EmailMessage

import httpx2
import pytest

from pullcord.channels.email import AnsweredEmailChannel
from pullcord.channels.port import Edits
from pullcord.console.app import routes
from pullcord.path.escalation import Status
from pullcord.server.app import create_app
from pullcord.store.receipts import ReceiptState
from tests.conformance.channels.email_double import html_of, opened_mail, plain_of, seen_of
from tests.conformance.channels.imap_double import PASSWORD, USERNAME, Postbox, postbox
from tests.pictures.mails import Shop, shop
from tests.unit.channels.test_email_replies import bounce
from tests.unit.engine.board import URL


@dataclass(slots=True)
class Office:
    """The shop, its mailbox, and a browser without a session."""

    shop: Shop
    box: Postbox
    channel: AnsweredEmailChannel
    browser: httpx2.AsyncClient

    async def reply(self, raw: bytes, text: str, *, sender: str = "maria@example.com") -> None:
        """Somebody presses "reply" in their mail program, and the mailbox is looked into."""
        mail = EmailMessage()
        mail["From"] = sender
        mail["To"] = str(opened_mail(raw)["Reply-To"])
        mail["In-Reply-To"] = opened_mail(raw)["Message-ID"]
        quoted = "\n".join(f"> {line}" for line in plain_of(raw).splitlines())
        mail.set_content(f"{text}\n\nOn Tue Pullcord <pullcord@shop.example> wrote:\n{quoted}\n")
        self.box.put(mail.as_bytes())
        await self.look()

    async def look(self) -> None:
        """The mailbox is looked into."""
        await self.channel.look(self.shop.place.town.house.inbound.taker("email"))

    async def comments(self) -> list[str]:
        """What people wrote about it, as their colleagues read it."""
        contents = self.shop.place.town.house.contents
        found = await contents.named("shop", self.shop.escalation)
        return [each["text"] for name, each in found.items() if name.startswith("comment/")]


@asynccontextmanager
async def office() -> AsyncIterator[Office]:
    """A shop that writes mail and reads it."""
    async with postbox() as box:
        inbound = {
            "imap_host": "127.0.0.1",
            "imap_port": str(box.port),
            "imap_tls": "none",
            "imap_username": USERNAME,
            "imap_password": PASSWORD,
        }
        async with shop(**inbound) as found:
            house = found.place.town.house
            channel = house.courier.channels["email"]
            assert isinstance(channel, AnsweredEmailChannel)
            transport = httpx2.ASGITransport(app=create_app(house, extra_routes=routes(house)))
            async with httpx2.AsyncClient(transport=transport, base_url=URL) as browser:
                yield Office(found, box, channel, browser)


def links(raw: bytes, part: str) -> list[str]:
    """The addresses in a mail's HTML that lead to this kind of page."""
    found = re.findall(r'href="([^"]+)"', html_of(raw))
    return [each.removeprefix(URL) for each in found if part in each]


async def status(found: Office) -> Status:
    return (await found.shop.place.town.row(found.shop.escalation)).escalation.status


# --- out ----------------------------------------------------------------------------------------


async def test_a_mail_cannot_be_edited_so_what_follows_tells_the_truth_in_its_thread() -> None:
    """Whoever opens the old mail reads, in the same conversation, that others are asked by now."""
    async with office() as found:
        assert not isinstance(found.channel, Edits)
        asked = found.shop.last("maria@example.com")
        await found.shop.place.town.person("lea").accept(found.shop.escalation)
        await found.shop.place.town.turn(timedelta(minutes=1))

        later = found.shop.last("maria@example.com")

        assert "No longer yours to answer: Lea Brandt has it" in seen_of(later)
        assert opened_mail(later)["In-Reply-To"] == opened_mail(asked)["Message-ID"]
        assert opened_mail(later)["Subject"] == f"Re: {opened_mail(asked)['Subject']}"


@pytest.mark.promise("every-copy-tells-the-truth")
async def test_the_links_of_an_old_mail_say_who_decided() -> None:
    """A mail lies in an inbox for years; its links must not."""
    async with office() as found:
        asked = found.shop.last("maria@example.com")
        await found.shop.place.town.person("maria").approve(found.shop.escalation)

        for link in links(asked, "/acts/"):
            looked = await found.browser.get(link)
            pressed = await found.browser.post(link)

            assert "Maria Lopez approved it at" in looked.text
            assert "<form" not in looked.text
            assert "Maria Lopez approved it at" in pressed.text
            assert "Nothing of yours was done." in pressed.text


async def test_a_button_of_a_mail_accepts_and_declines_and_never_decides() -> None:
    """Two presses from anywhere; deciding needs a sign-in."""
    async with office() as found:
        asked = found.shop.last("maria@example.com")
        have_it, not_me = links(asked, "/acts/")
        (page,) = set(links(asked, "/escalations/"))

        declined = await found.browser.post(not_me)
        decided = await found.browser.post(f"{page}/decide", data={"kind": "approve"})
        late = await found.browser.post(have_it)

        assert "The next person is being asked" in declined.text
        assert decided.status_code in (303, 401, 403)
        assert "Nothing of yours was done." in late.text
        assert await status(found) is Status.OPEN


async def test_a_house_that_is_down_delays_no_mail_for_ever_and_no_other_channel() -> None:
    """A refused letter is tried again; the console is told at once all the same."""
    async with office() as found:
        town = found.shop.place.town
        receipts = await town.house.store.receipts("shop", found.shop.escalation)

        mine = [each for each in receipts if each.channel == "email" and each.to == "person:maria"]

        assert [each.state for each in mine] == [ReceiptState.ACCEPTED]
        assert mine[0].detail == "asked: taken by 127.0.0.1: 250 2.0.0"


# --- replies --------------------------------------------------------------------------------------


@pytest.mark.promise("replies-are-comments")
async def test_a_reply_becomes_a_comment_of_whoever_wrote_it() -> None:
    """From the train, with one thumb."""
    async with office() as found:
        asked = found.shop.last("maria@example.com")

        await found.reply(asked, "The bank says it was twice. Approve it.")

        assert await found.comments() == ["The bank says it was twice. Approve it."]
        assert await status(found) is Status.OPEN
        timeline = await found.shop.place.town.timeline(found.shop.escalation)
        assert any("person:maria" in repr(each) and "comment" in repr(each) for each in timeline)


@pytest.mark.promise("replies-are-comments")
async def test_somebody_elses_reply_to_my_letter_is_not_kept() -> None:
    """A forwarded letter hands nobody a voice; they are told privately, without content."""
    async with office() as found:
        asked = found.shop.last("maria@example.com")

        await found.reply(asked, "I am Tom.", sender="tom@example.com")
        note = opened_mail(found.shop.last("tom@example.com"))

        assert await found.comments() == []
        assert "sent to somebody else" in str(note.get_content())
        assert "Anna" not in str(note.get_content())


async def test_a_strangers_reply_is_not_kept() -> None:
    """Neither words nor content for whoever is not of the house."""
    async with office() as found:
        asked = found.shop.last("maria@example.com")

        await found.reply(asked, "Approve!", sender="eve@evil.example")
        note = str(opened_mail(found.shop.last("eve@evil.example")).get_content())

        assert await found.comments() == []
        assert "do not know this sender" in note
        assert "Anna" not in note
        assert "link CODE" not in note


async def test_a_forged_address_is_nobodys() -> None:
    """Nothing is kept and nothing is answered."""
    async with office() as found:
        asked = found.shop.last("maria@example.com")
        count = len(found.shop.office.letters)
        forged = asked.replace(
            str(opened_mail(asked)["Reply-To"]).encode(),
            b"pullcord+1mb.aaaaaaaaaaaaaaaa@shop.example",
        )

        await found.reply(forged, "Approve!")

        assert await found.comments() == []
        assert len(found.shop.office.letters) == count


async def test_whoever_asked_may_answer_in_their_thread() -> None:
    """The requester's letter is answered like any other."""
    async with office() as found:
        letter = found.shop.last("dana@example.com")

        await found.reply(letter, "It is urgent.", sender="dana@example.com")

        assert await found.comments() == ["It is urgent."]


async def test_a_bounce_asks_the_next_person_at_once() -> None:
    """ "Accepted" was not "reached", and now it is known."""
    async with office() as found:
        asked = found.shop.last("maria@example.com")
        mark = str(opened_mail(asked)["X-Pullcord-Letter"])
        letter = mark.partition(" ")[0]
        for _ in range(2):  # some servers tell it twice
            found.box.put(bounce(mark=mark))
            await found.look()
        await found.shop.place.town.settle()

        escalation = (await found.shop.place.town.row(found.shop.escalation)).escalation
        receipts = await found.shop.place.town.house.store.receipts("shop", escalation.id)
        states = [each.state for each in receipts if each.outgoing == letter]
        assert states[0] is ReceiptState.ACCEPTED
        assert ReceiptState.FAILED in states
        assert escalation.owner == "tom"
        assert "Refund EUR 480.00 to Anna?" in seen_of(found.shop.last("tom@example.com"))


# --- end users and requesters -------------------------------------------------------------------


async def test_an_end_user_confirms_by_a_real_mail_and_then_hears_everything() -> None:
    """The address is theirs before a personal word goes there."""
    async with office() as found:
        town = found.shop.place.town
        shown = await town.house.contents.one("shop", found.shop.escalation, "shown")
        page = f"/status/{shown['status_token']}"
        left = await found.browser.post(f"{page}/notify", data={"email": "anna@example.com"})
        letter = found.shop.last("anna@example.com")
        (link,) = set(links(letter, "/confirm/"))

        looked = await found.browser.get(link)
        await town.person("maria").accept(found.shop.escalation)
        await town.turn(timedelta(minutes=1))
        unheard = found.shop.last("anna@example.com")
        pressed = await found.browser.post(link)
        await town.person("maria").approve(found.shop.escalation)
        await town.turn(timedelta(minutes=1))
        told = found.shop.last("anna@example.com")

        assert left.headers["location"].endswith("did=mailed")
        for private in ("Anna", "refund", "480", "Example Shop", "Maria"):
            assert private not in plain_of(letter)
        assert '<form method="post"' in looked.text
        assert unheard is letter
        assert pressed.headers["location"].endswith("did=confirm")
        assert "Maria from Billing approved it at" in " ".join(plain_of(told).split())
        assert set(links(told, "/status/")) == {page}


async def test_whoever_asked_hears_being_asked_has_it_and_decided_in_one_thread() -> None:
    """Where the request came from."""
    async with office() as found:
        town = found.shop.place.town
        first = found.shop.last("dana@example.com")
        await town.person("maria").accept(found.shop.escalation)
        await town.turn(timedelta(minutes=1))
        second = found.shop.last("dana@example.com")
        await town.person("maria").approve(found.shop.escalation)
        await town.turn(timedelta(minutes=1))
        third = found.shop.last("dana@example.com")

        assert "is being asked" in seen_of(first)
        assert "Maria from Billing has it" in seen_of(second)
        assert "Maria from Billing approved it" in seen_of(third)
        thread = opened_mail(first)["Message-ID"]
        assert [opened_mail(each)["In-Reply-To"] for each in (second, third)] == [thread, thread]


async def test_news_of_one_escalation_is_one_mail_and_not_a_list_of_itself() -> None:
    """Accepted and decided within a minute is one piece of news."""
    async with office() as found:
        town = found.shop.place.town
        before = len(found.shop.office.letters)
        await town.person("maria").accept(found.shop.escalation)
        await town.person("maria").approve(found.shop.escalation)
        await town.turn(timedelta(minutes=1))

        letters = found.shop.office.letters[before:]
        to_dana = [each for each in letters if opened_mail(each)["To"] == "dana@example.com"]
        assert len(to_dana) == 1
        assert "Maria from Billing approved it" in seen_of(to_dana[0])


async def test_the_daily_letter_lists_what_waits() -> None:
    """One mail a day, for whoever wants one."""
    async with office() as found:
        place = found.shop.place
        await place.reached("lea", daily_at=time(13, 30))  # it is 13:00 in Berlin
        await place.town.turn(timedelta(hours=1, minutes=1))

        (letter,) = [
            raw
            for raw in found.shop.office.letters
            if opened_mail(raw)["Subject"] == "Today: 1 waits for you"
        ]
        assert opened_mail(letter)["To"] == "lea@example.com"
        assert opened_mail(letter)["Reply-To"] is None
        assert "Refund EUR 480.00 to Anna?" in seen_of(letter)
        assert "Waits for you: high, decide by 15:00" in plain_of(letter)


async def test_somebody_tries_the_channel_from_the_console() -> None:
    """A set-up is finished when a letter is in one's own inbox."""
    async with office() as found:
        town = found.shop.place.town

        tried = await town.house.channel_desk.try_out("shop", "tom", "email")

        assert tried.has_arrived
        assert "this way works" in seen_of(found.shop.last("tom@example.com"))


@pytest.mark.parametrize("who", ["maria", "tom"])
async def test_an_address_that_changed_meanwhile_gets_the_next_letter(who: str) -> None:
    """People are resolved when a letter goes, not when the policy was written."""
    async with office() as found:
        town = found.shop.place.town
        people = await town.house.office.people("shop")
        moved = replace(people[who], email=f"{who}@new.example")
        await town.house.office.put_person("shop", moved, by="dana")

        tried = await town.house.channel_desk.try_out("shop", who, "email")

        assert tried.has_arrived
        assert found.shop.last(f"{who}@new.example")
