"""The e-mail channel: a letter handed in once is "accepted"; nobody claims that it arrived.

A mail that was sent cannot be changed. What happens later follows it in the same thread, and the
pages its links open say how things stand and who decided.
"""

from asyncio import sleep
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from pullcord.channels.email.addresses import plain
from pullcord.channels.email.letter import Desk, mail_of
from pullcord.channels.email.lines import Lines
from pullcord.channels.email.mailbox import Account, MailboxFailed, Reader
from pullcord.channels.email.replies import OTHERS, Mail, Replies
from pullcord.channels.port import (
    Abilities,
    Answer,
    FoundBy,
    Letter,
    Limits,
    Outcome,
    Rate,
    Sent,
    Take,
)

NO_ADDRESS = "this is no address a server takes; correct it on the People page"

log = structlog.get_logger("pullcord.email")


class EmailChannel:
    """Writes to people, to whoever asked, and to end users who confirmed their address."""

    name = "email"
    can = Abilities(
        is_private=True,
        has_buttons=True,
        has_threads=True,
        answers=True,
        found_by=FoundBy.EMAIL,
        limits=Limits(),
        rates=(Rate(10, timedelta(minutes=1)), Rate(120, timedelta(hours=1))),
        bundles_for=timedelta(seconds=30),
    )

    def __init__(self, desk: Desk, lines: Lines) -> None:
        self._desk = desk
        self._lines = lines

    async def send(self, letter: Letter) -> Sent:
        """Hand it in once."""
        address = plain(letter.address)
        if not address:
            return Sent(Outcome.FAILED, NO_ADDRESS)
        mail = mail_of(letter, self._desk, address=address)
        sent = await self._lines.hand_in(self._desk.sender.address, address, mail)
        if sent.outcome is not Outcome.ACCEPTED:
            return sent
        return Sent(sent.outcome, sent.detail, reference=self._desk.reference(letter.id))

    async def close(self) -> None:
        """Let go of connections."""
        await self._lines.close()


class AnsweredEmailChannel(EmailChannel):
    """The same with a mailbox behind it: replies become comments, bounces become receipts."""

    def __init__(
        self, desk: Desk, lines: Lines, *, account: Account, now: Callable[[], datetime]
    ) -> None:
        super().__init__(desk, lines)
        self._reader = Reader(account)
        self._every = account.every
        self._replies = Replies(desk, now)

    async def listen(self, take: Take) -> None:
        """Look into the mailbox now and then, until cancelled; one that fails is tried again."""
        while True:
            try:
                await self.look(take)
            except MailboxFailed as problem:
                log.warning("mailbox_failed", problem=str(problem))
            await sleep(self._every)

    async def look(self, take: Take) -> int:
        """Take in what is new; returns how many mails were ours.

        Raises:
            MailboxFailed: the server did not answer as IMAP servers do; nothing is lost by it.
        """
        count = 0
        async with self._reader.opened() as box:
            for uid in await box.unread():
                raw = await box.mail(uid)
                mail = self._replies.read(raw) if raw else OTHERS
                if not mail.is_ours:
                    box.passes(uid)
                elif await self._taken(mail, take):
                    await box.mark_read(uid)
                    count += 1
        return count

    async def _taken(self, mail: Mail, take: Take) -> bool:
        """Whether it is done with; what could not be kept just now is read again later."""
        if not mail.events:
            return True
        (answer,) = await take(mail.events)
        if answer.may_repeat:
            return False
        if mail.answer_to and not answer.is_done:
            await self._explain(mail, answer)
        return True

    async def _explain(self, mail: Mail, answer: Answer) -> None:
        """Say privately why a reply was not kept: never to a machine, once a letter."""
        note = self._replies.explanation(mail, answer.text)
        if note is not None:
            await self._lines.hand_in(self._desk.sender.address, mail.answer_to, note)
