"""The Slack channel: letters out, edits after them, presses and forms and words back."""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from hmac import compare_digest
from typing import Any

import structlog
from slack_sdk.signature import SignatureVerifier

from pullcord.channels.answers import TRY_SECONDS
from pullcord.channels.offered import Surroundings
from pullcord.channels.port import (
    Abilities,
    Answer,
    Callback,
    CallbackRefused,
    Commanded,
    Event,
    FoundBy,
    Letter,
    Limits,
    Outcome,
    Rate,
    Reply,
    Sent,
    Take,
    Wrote,
)
from pullcord.channels.slack import forms
from pullcord.channels.slack.blocks import written
from pullcord.channels.slack.markup import escaped, pieces
from pullcord.channels.slack.payloads import Heard, Kind, heard_over_http
from pullcord.channels.slack.socket import stay_connected
from pullcord.channels.slack.web import Unsent, Web

#: how old a signature may be
SIGNED_FOR = timedelta(minutes=5)
#: direct messages, and ids of told messages, that are remembered
REMEMBERED_MAX = 1_000
#: an agent cannot make us write to just anybody of the workspace
NO_PERSON = "Whoever asked is answered in a conversation, C123/1699.2, not as a person."
#: connections kept at once: while Slack replaces one, the other hears
CONNECTIONS = 2

log = structlog.get_logger("pullcord.slack")


class SlackChannel:
    """Writes to people who linked their Slack account; Slack calls back over HTTP."""

    name = "slack"
    can = Abilities(
        is_private=True,
        has_buttons=True,
        decides=True,
        has_forms=True,
        has_threads=True,
        answers=True,
        found_by=FoundBy.LINK,
        limits=Limits(ask=1_000, line=600, text=2_000, facts=20, button=75),
        rates=(Rate(1, timedelta(seconds=1)),),
        bundles_for=timedelta(seconds=30),
    )

    def __init__(self, options: Mapping[str, str], surroundings: Surroundings) -> None:
        self._web = Web(options["token"], options["api_url"], internal=surroundings.internal_hosts)
        self._secret = options["signing_secret"]
        self._now = surroundings.now
        #: the direct message with each user
        self._places: OrderedDict[str, str] = OrderedDict()
        #: messages that were told already: Slack tells again what it thinks was not heard
        self._told: OrderedDict[str, None] = OrderedDict()
        self._later: set[asyncio.Task[None]] = set()
        self._team = ""

    # --- outward ------------------------------------------------------------------------------
    async def send(self, letter: Letter) -> Sent:
        """Post it into the direct message with the person, or where the requester asked."""
        try:
            async with asyncio.timeout(TRY_SECONDS):
                said = await self._posted(letter)
        except TimeoutError:
            return Sent(Outcome.RETRY, f"no answer within {TRY_SECONDS:g} s")
        except Unsent as unsent:
            return unsent.sent
        channel, stamp = said.get("channel"), said.get("ts")
        if not channel or not stamp:
            return Sent(Outcome.RETRY, "Slack said yes and named no message")
        return Sent(Outcome.ACCEPTED, "posted", reference=f"{channel}/{stamp}")

    async def _posted(self, letter: Letter) -> Mapping[str, Any]:
        message = written(letter)
        channel, thread = await self._place(letter)
        call = self._web.calls.chat_postMessage(
            channel=channel,
            thread_ts=thread or None,
            text=message.text,
            blocks=message.blocks,
            metadata=_metadata(letter),
            unfurl_links=False,
            unfurl_media=False,
        )
        return await self._web.carry(call, at=letter.at)

    async def edit(self, reference: str, letter: Letter) -> Sent:
        """Make the message say how things stand now."""
        channel, _, stamp = reference.partition("/")
        message = written(letter)
        call = self._web.calls.chat_update(
            channel=channel,
            ts=stamp,
            text=message.text,
            blocks=message.blocks,
            metadata=_metadata(letter),
        )
        try:
            await self._web.carry(call, at=letter.at)
        except Unsent as unsent:
            return unsent.sent
        return Sent(Outcome.ACCEPTED, "changed", reference=reference)

    async def _place(self, letter: Letter) -> tuple[str, str]:
        """(conversation, thread): a user's direct message, or "C123/1699.2" of a requester."""
        channel, _, stamp = letter.address.partition("/")
        thread = stamp or letter.thread.partition("/")[2]
        if not channel.startswith(("U", "W")):
            return channel, thread
        if not letter.to.startswith("person:"):
            raise Unsent(Sent(Outcome.FAILED, NO_PERSON))
        if channel not in self._places:
            call = self._web.calls.conversations_open(users=channel)
            said = await self._web.carry(call, at=letter.at)
            place = said.get("channel")
            if not isinstance(place, dict) or not place.get("id"):
                raise Unsent(Sent(Outcome.RETRY, "Slack said yes and named no conversation"))
            self._places[channel] = str(place["id"])
            _forget_oldest(self._places)
        return self._places[channel], thread

    # --- back over HTTP -----------------------------------------------------------------------
    async def hear(self, callback: Callback) -> Sequence[Event]:
        """What happened, if Slack signed it just now and it is of our workspace."""
        self._check(callback)
        return await self.events_of(heard_over_http(callback))

    def _check(self, callback: Callback) -> None:
        if not self._secret:
            raise CallbackRefused("no signing secret is set: this house hears by Socket Mode")
        stamp = callback.headers.get("x-slack-request-timestamp", "")
        given = callback.headers.get("x-slack-signature", "")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12) or not given:
            raise CallbackRefused("the signature or its time is missing")
        age = callback.at.timestamp() - int(stamp)
        if abs(age) > SIGNED_FOR.total_seconds():
            raise CallbackRefused("it was signed more than five minutes ago or ahead")
        try:
            right = SignatureVerifier(self._secret).generate_signature(
                timestamp=stamp, body=callback.body
            )
        except UnicodeDecodeError:
            raise CallbackRefused("it is no text") from None
        if not compare_digest(str(right).encode(), given.encode()):
            raise CallbackRefused("the signature is wrong")

    async def events_of(self, heard: Heard) -> Sequence[Event]:
        """The event of a payload; none when it was told before or is nothing of ours.

        Raises:
            CallbackRefused: it is of another workspace.
        """
        if heard.event is None:
            return []
        await self._refuse_other_workspaces(heard)
        if heard.id and heard.id in self._told:
            return []
        if heard.id:
            self._told[heard.id] = None
            _forget_oldest(self._told)
        return [await self._named(heard)]

    async def _refuse_other_workspaces(self, heard: Heard) -> None:
        try:
            if not self._team:
                call = self._web.calls.auth_test()
                self._team = str((await self._web.carry(call, at=self._now())).get("team_id", ""))
        except Unsent as unsent:
            raise CallbackRefused(f"which workspace we are in is unknown: {unsent}") from None
        if not self._team or heard.team != self._team:
            raise CallbackRefused("it is of another workspace")

    async def _named(self, heard: Heard) -> Event:
        """Whoever links an account sees their own name beside it later."""
        event = heard.event
        assert event is not None, "a payload without an event has no name"
        is_linking = isinstance(event, Commanded) and event.words.lower().startswith("link ")
        if not isinstance(event, Commanded) or not is_linking:
            return event
        try:
            call = self._web.calls.users_info(user=heard.user)
            said = await self._web.carry(call, at=self._now())
        except Unsent:
            return event
        user: Any = said.get("user") or {}
        name = user.get("profile", {}).get("real_name") or user.get("real_name") or heard.name
        return replace(event, name=str(name))

    async def answer(self, callback: Callback, answers: Sequence[Answer]) -> Reply:
        """What Slack is answered at once; what needs a call of ours follows by itself."""
        heard = heard_over_http(callback)
        if heard.kind is Kind.CHALLENGE:
            return Reply(body=heard.challenge.encode())
        body = self.reply_to(heard, answers)
        if body is None:
            self._soon(self.follow(heard, answers))
            return Reply()
        return Reply(body=json.dumps(body).encode(), media_type="application/json")

    # --- answers, the same by socket and by HTTP ----------------------------------------------
    def reply_to(self, heard: Heard, answers: Sequence[Answer]) -> dict[str, Any] | None:
        """What Slack takes as the reply itself; None where an answer is a call of its own."""
        if not answers:
            return None
        if heard.kind is Kind.FORM:
            return forms.response(answers[0], heard.view)
        if heard.kind is Kind.COMMAND:
            return {"response_type": "ephemeral", "text": escaped(answers[0].text)}
        return None

    async def follow(self, heard: Heard, answers: Sequence[Answer]) -> None:
        """Open the form that was asked for, or tell whoever pressed or wrote, privately."""
        if not answers:
            return
        if heard.kind is Kind.MESSAGE and not answers[0].is_done:
            self._told.pop(heard.id, None)
        try:
            await self._followed(heard, answers[0])
        except Unsent as unsent:
            log.warning("answer_lost", why=unsent.sent.detail)

    async def _followed(self, heard: Heard, answer: Answer) -> None:
        calls = self._web.calls
        if answer.form is not None:
            view = forms.modal(answer.form, channel=heard.channel, thread=heard.thread)
            call: object = calls.views_open(trigger_id=heard.trigger, view=view)
        elif heard.kind is Kind.MESSAGE and not heard.thread:
            call = calls.chat_postMessage(channel=heard.channel, text=_said(answer))
        elif heard.channel:
            call = calls.chat_postEphemeral(
                channel=heard.channel,
                user=heard.user,
                text=_said(answer),
                thread_ts=heard.thread if isinstance(heard.event, Wrote) else None,
            )
        else:
            return
        await self._web.carry(call, at=self._now())

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Slack waits three seconds for a reply; a call of ours is not one of them."""
        task = asyncio.create_task(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def rest(self) -> None:
        """Wait until what follows an answer is done."""
        await asyncio.gather(*self._later)

    async def close(self) -> None:
        """Finish what is under way, then let go of connections."""
        await self.rest()
        await self._web.close()


class LiveSlackChannel(SlackChannel):
    """The same with Socket Mode: Slack needs no address of ours, we keep connections to it."""

    def __init__(self, options: Mapping[str, str], surroundings: Surroundings) -> None:
        super().__init__(options, surroundings)
        self._app_token = options["app_token"]

    async def listen(self, take: Take) -> None:
        """Keep connections open until cancelled; a lost one is opened again by itself."""
        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(stay_connected(self, take))

    async def address(self) -> str:
        """Where the next connection goes: an address that Slack gives out once.

        Raises:
            Unsent: Slack gave none.
        """
        call = self._web.calls.apps_connections_open(app_token=self._app_token)
        url = (await self._web.carry(call, at=self._now())).get("url")
        if not url:
            raise Unsent(Sent(Outcome.RETRY, "Slack said yes and named no address"))
        return str(url)


def _metadata(letter: Letter) -> dict[str, Any]:
    """The message key: whoever reads a message twice can tell."""
    return {
        "event_type": "pullcord_letter",
        "event_payload": {"id": letter.id, "escalation": letter.escalation},
    }


def _said(answer: Answer) -> str:
    return pieces(escaped(answer.text or "Noted."))[0]


def _forget_oldest(remembered: OrderedDict[str, Any]) -> None:
    while len(remembered) > REMEMBERED_MAX:
        remembered.popitem(last=False)
