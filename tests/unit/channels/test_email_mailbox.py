"""Replies and bounces end to end: a real mailbox is read, and the house keeps what it may keep."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from pullcord.channels.email import AnsweredEmailChannel, make
from pullcord.channels.email import mailbox as mailbox_module
from pullcord.channels.email.mailbox import MailboxFailed
from pullcord.channels.offered import Surroundings
from pullcord.channels.port import Answer, Event, Learned, Wrote
from tests.conformance.channels.email_double import (
    KEY,
    PostOffice,
    opened_mail,
    options_for,
    post_office,
    trusted_in,
)
from tests.conformance.channels.imap_double import PASSWORD, USERNAME, Postbox, postbox
from tests.unit.channels.test_email_replies import ADDRESSES, LETTER, bounce, reply

KEPT = Answer("Noted for your colleagues.", is_done=True)
NOW = datetime(2027, 1, 5, 12, tzinfo=UTC)


@dataclass(slots=True)
class Ear:
    """The engine's side: what was handed in, and what it says."""

    answer: Answer = KEPT
    heard: list[Event] = field(default_factory=list)

    async def take(self, events: Sequence[Event]) -> Sequence[Answer]:
        self.heard += events
        return [self.answer for _ in events]


@dataclass(slots=True)
class There:
    """A mailbox, a mail server and the channel between them."""

    box: Postbox
    office: PostOffice
    channel: AnsweredEmailChannel
    ear: Ear

    async def look(self) -> int:
        return await self.channel.look(self.ear.take)


@asynccontextmanager
async def there(*, tls: str = "none", **options: str) -> AsyncIterator[There]:
    """All of it on loopback."""
    office = PostOffice()
    async with postbox(tls=tls) as box, post_office(office, tls="none") as port:
        given = {
            "imap_host": "127.0.0.1",
            "imap_port": str(box.port),
            "imap_tls": tls,
            "imap_username": USERNAME,
            "imap_password": PASSWORD,
            **options,
        }
        surroundings = Surroundings("https://pull.example", lambda: NOW, key=KEY)
        channel = make(options_for(port, tls="none", **given), surroundings)
        assert isinstance(channel, AnsweredEmailChannel)
        yield There(box, office, channel, Ear())
        await channel.close()


@pytest.mark.parametrize("tls", ["none", "starttls", "tls"])
async def test_a_reply_is_handed_in_once_and_marked_as_read(tls: str, tmp_path: Path) -> None:
    """What is read twice would be said twice."""
    async with there(tls=tls, ca_file=trusted_in(tmp_path)) as found:
        found.box.put(reply())

        first, second = await found.look(), await found.look()

        assert (first, second) == (1, 0)
        assert found.ear.heard == [
            Wrote(
                "maria@example.com",
                f"{LETTER}@shop.example",
                "Looks right to me.",
                key="<abc@example.com>",
            )
        ]
        assert found.box.unread == 0
        assert found.office.letters == []


async def test_a_bounce_is_handed_in_as_a_receipt() -> None:
    """From the same mailbox, without a word to the machine that sent it."""
    async with there() as found:
        found.box.put(bounce())

        await found.look()

        (event,) = found.ear.heard
        assert isinstance(event, Learned)
        assert found.box.unread == 0


async def test_mail_that_is_not_ours_stays_unread_and_is_fetched_once() -> None:
    """A person may read this mailbox too."""
    async with there() as found:
        found.box.put(reply(To="pullcord@shop.example"))

        await found.look()
        await found.look()

        assert found.box.unread == 1
        assert found.ear.heard == []
        assert found.box.asked.count("UID FETCH") == 1


async def test_what_is_remembered_as_not_ours_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full mailbox fills no memory."""
    monkeypatch.setattr(mailbox_module, "PASSED_MAX", 2)
    async with there() as found:
        for _ in range(4):
            found.box.put(reply(To="pullcord@shop.example"))

        await found.look()

        assert len(found.channel._reader._passed) == 2


async def test_a_machine_is_read_and_told_nothing() -> None:
    """Two programs that answer each other never stop."""
    async with there() as found:
        found.box.put(reply(**{"Auto-Submitted": "auto-replied"}))

        await found.look()

        assert found.ear.heard == []
        assert found.office.letters == []
        assert found.box.unread == 0


async def test_what_could_not_be_saved_is_read_again() -> None:
    """A database that was away for a minute loses no reply."""
    async with there() as found:
        found.box.put(reply())
        found.ear.answer = Answer("not now", may_repeat=True)
        first = await found.look()
        found.ear.answer = KEPT

        second = await found.look()

        assert (first, second) == (0, 1)
        assert len(found.ear.heard) == 2
        assert found.box.unread == 0


async def test_whoever_is_refused_reads_why_once_and_nothing_more() -> None:
    """Privately, without content, and from nobody who can be answered."""
    async with there() as found:
        found.ear.answer = Answer("this was sent to somebody else; open the page instead.")
        found.box.put(reply())
        found.box.put(reply("And again."))

        await found.look()

        (raw,) = found.office.letters
        (envelope,) = found.office.envelopes
        mail = opened_mail(raw)
        assert envelope.rcpt_tos == ["maria@example.com"]
        assert mail["Auto-Submitted"] == "auto-replied"
        assert "this was sent to somebody else" in str(mail.get_content())
        assert "Looks right" not in str(mail.get_content())


async def test_a_mail_that_another_process_read_meanwhile_is_left_to_it() -> None:
    """Two servers on one mailbox take turns."""
    async with there() as found:
        found.box.put(reply())
        found.box.read_elsewhere.add(1)

        assert await found.look() == 0
        assert found.ear.heard == []


async def test_a_huge_mail_is_read_from_its_beginning() -> None:
    """Ten megabytes of pictures below one sentence."""
    mail = EmailMessage()
    mail["From"], mail["To"] = "maria@example.com", ADDRESSES.of(LETTER)
    mail.set_content("Yes.")
    mail.add_attachment(b"x" * 1_000_000, maintype="image", subtype="png", filename="x.png")
    async with there() as found:
        found.box.put(mail.as_bytes())

        await found.look()

        (event,) = found.ear.heard
        assert isinstance(event, Wrote)
        assert event.text.startswith("Yes.")


# --- when the mailbox fails ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refused", "said"),
    [("SELECT", "no folder 'INBOX'"), ("UID SEARCH", "SEARCH"), ("LOGIN", "IMAP_PASSWORD")],
)
async def test_a_refusal_says_what_to_check(refused: str, said: str) -> None:
    """And no password."""
    async with there() as found:
        found.box.refused.add(refused)

        with pytest.raises(MailboxFailed, match=said) as caught:
            await found.look()

        assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("dropped", ["LOGIN", "SELECT", "UID SEARCH", "UID FETCH", "UID STORE"])
async def test_a_line_that_goes_dead_anywhere_is_told_and_loses_nothing(dropped: str) -> None:
    """The next look reads it again."""
    async with there() as found:
        found.box.put(reply())
        found.box.dropped.add(dropped)
        with pytest.raises(MailboxFailed, match="does not answer"):
            await found.look()
        found.box.dropped.clear()

        await found.look()

        assert found.ear.heard
        assert found.box.unread == 0


async def test_a_mail_that_is_gone_is_passed_over() -> None:
    """Somebody deleted it between the search and the fetch."""
    async with there() as found:
        found.box.put(reply())
        found.box.gone.add(1)

        assert await found.look() == 0


async def test_a_wrong_certificate_is_told(tmp_path: Path) -> None:
    """Nobody between us and the mailbox."""
    async with there(tls="tls") as found:
        with pytest.raises(MailboxFailed, match="self-signed"):
            await found.look()


async def test_it_listens_until_it_is_told_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mailbox that fails for a while is looked into again."""
    async with there() as found:
        found.box.put(reply())
        found.box.refused.add("SELECT")
        heard = asyncio.Event()
        looks = 0

        async def soon(seconds: float) -> None:
            nonlocal looks
            looks += 1
            assert seconds == 30
            found.box.refused.clear()
            if found.ear.heard:
                heard.set()
                await asyncio.Event().wait()

        monkeypatch.setattr("pullcord.channels.email.channel.sleep", soon)
        listening = asyncio.create_task(found.channel.listen(found.ear.take))
        async with asyncio.timeout(10):
            await heard.wait()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)

        assert looks == 2
        assert len(found.ear.heard) == 1


async def test_a_stop_in_the_middle_of_a_look_waits_for_nothing() -> None:
    """A server that is told to stop stops within seconds."""
    async with there() as found:
        found.box.silent.add("UID SEARCH")
        looking = asyncio.create_task(found.look())
        async with asyncio.timeout(10):
            await found.box.is_silent.wait()

        looking.cancel()

        with pytest.raises(asyncio.CancelledError):
            await looking
