"""Inbound: the one way from any channel back to the desk.

Whoever presses a button is looked up by the provider's stable id, and the desk decides with the
same authorisation as the console: who may, whether it is still their turn, who was first. Every
event has an answer for the eyes of whoever caused it; nothing here raises for what they did.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from pullcord.briefing.plain import safe_text
from pullcord.channels.port import (
    Answer,
    Began,
    Callback,
    CallbackRefused,
    Channel,
    Coded,
    Commanded,
    Event,
    FoundBy,
    Hears,
    Learned,
    Pressed,
    Reply,
    Take,
    Verb,
    Wrote,
)
from pullcord.engine.actions import Action, Actions
from pullcord.engine.clock import Clock
from pullcord.engine.courier import STATES, Courier
from pullcord.engine.desk import Desk
from pullcord.engine.floors import Floors
from pullcord.engine.letters import FORMS, stands
from pullcord.engine.linking import Linking
from pullcord.engine.readers import colleague
from pullcord.engine.slips import act_on, is_past, problems_of, slip_of, why_not
from pullcord.engine.views import Views
from pullcord.errors import (
    InvalidInput,
    NotAllowed,
    NotFound,
    OutsideFailed,
    PullcordError,
    StaleView,
    WorldMovedOn,
)
from pullcord.owner.roster import Person
from pullcord.path.escalation import Actor, person
from pullcord.store.port import Copy, Filter, Row, Store
from pullcord.store.receipts import Receipt, ReceiptState
from pullcord.wire import requests as wire

#: events one callback may hold, and escalations a code is looked for among
EVENTS_MAX = 50
CODED_MAX = 200
#: escalations that ask somebody, and where to look for those that ask this person no more
LIVING = ("open", "accepted")
PAST = (
    Filter(statuses=("decided", "collected", "closed", "withdrawn")),
    Filter(statuses=LIVING),
)
#: characters of a comment that came by a channel
COMMENT_MAX = 4_000
#: hex digits that name something written outside, 128 bits
ONCE_LENGTH = 32
#: acts a link or a phone may do: deciding needs a page or a linked account
LINK_VERBS = frozenset({Verb.ACCEPT, Verb.DECLINE})

DONE: Mapping[Verb, str] = {
    Verb.ACCEPT: "You have it.",
    Verb.DECLINE: "Noted: not you. The next person is being asked.",
    Verb.APPROVE: "Approved. The agent goes on with exactly this.",
    Verb.EDIT: "Approved with your changes. The agent goes on with exactly these.",
    Verb.REJECT: "Rejected. It does not run.",
    Verb.ANSWER: "Answered. The agent goes on with your answer.",
    Verb.CHOOSE: "Chosen. The agent goes on with it.",
    Verb.ASK: "Asked. You are told here when it is answered.",
}
VOTED = "Your vote counts. It is decided when enough colleagues agree."
USED = "This button is too old; open the page to see how it stands."
HELP = "I know: on-call · accept ID · link CODE (from Channels in the console)."

log = structlog.get_logger("pullcord.inbound")


@dataclass(frozen=True, slots=True)
class Behind:
    """What is behind a link of a letter: the act it offered, and how things stand now."""

    action: Action
    row: Row
    #: who decided, who has it, who is asked: as the person of the link may read it
    standing: str
    #: whether its button still does something
    is_now: bool


class Inbound:
    """Turns what comes back from channels into acts, comments, receipts and answers."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        channels: Mapping[str, Channel],
        actions: Actions,
        desk: Desk,
        views: Views,
        floors: Floors,
        linking: Linking,
        courier: Courier,
        public_url: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._channels = channels
        self._actions = actions
        self._desk = desk
        self._views = views
        self._floors = floors
        self._linking = linking
        self._courier = courier
        self._public_url = public_url

    # --- from a provider ----------------------------------------------------------------------
    async def called(
        self,
        channel: str,
        *,
        method: str,
        url: str,
        query: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Reply:
        """A provider's request at `/callbacks/{channel}`, as it came.

        Raises:
            NotFound: no such channel takes callbacks here.
            NotAllowed: it is not signed by the provider, too old, or altered.
        """
        found = self._channels.get(channel)
        if found is None or not isinstance(found, Hears):
            raise NotFound("there is no such channel here.")
        callback = Callback(method, url, query, headers, body, self._clock.now())
        try:
            events = await found.hear(callback)
        except CallbackRefused as refusal:
            log.warning("callback_refused", channel=channel, why=str(refusal))
            raise NotAllowed("this callback is not signed as it must be.") from None
        return await found.answer(callback, await self.take(channel, events))

    def taker(self, channel: str) -> Take:
        """What a channel that keeps a connection hands its events to."""

        async def take(events: Sequence[Event]) -> Sequence[Answer]:
            return await self.take(channel, events)

        return take

    async def take(self, channel: str, events: Sequence[Event]) -> list[Answer]:
        """Every event in order; one answer each, also where something failed."""
        return [await self._answered(channel, each) for each in events[:EVENTS_MAX]]

    async def _answered(self, channel: str, event: Event) -> Answer:
        try:
            return await self._handled(channel, event)
        except OutsideFailed as problem:
            log.warning("inbound_failed", channel=channel, problem=str(problem))
            return Answer("It could not be saved just now; please try again.", may_repeat=True)
        except PullcordError as problem:
            return Answer(safe_text(str(problem), 500))

    async def _handled(self, channel: str, event: Event) -> Answer:
        if isinstance(event, Pressed):
            return await self._pressed(channel, event)
        if isinstance(event, Began):
            return await self._began(channel, event)
        if isinstance(event, Coded):
            return await self._coded(channel, event)
        if isinstance(event, Wrote):
            return await self._wrote(channel, event)
        if isinstance(event, Commanded):
            return await self._commanded(channel, event)
        return await self._learned(channel, event)

    # --- buttons ------------------------------------------------------------------------------
    async def _pressed(self, channel: str, event: Pressed) -> Answer:
        action = self._action(event.token)
        someone = await self._presser(channel, event.account, action)
        if someone is None:
            return self._stranger(channel)
        by = person(someone.id)
        if action.verb not in LINK_VERBS and self._channels[channel].can.has_forms:
            return await self._filled(action, by, event, via=channel)
        return await self._act(action, by, _request(action, event.values), via=channel)

    async def _presser(self, channel: str, account: str, action: Action) -> Person | None:
        """Who pressed, if this button is theirs to press here; None for strangers."""
        someone = (await self._linking.people_of(channel, account)).get(action.workspace)
        if someone is None:
            return None
        if action.person not in ("", someone.id):
            raise NotAllowed("this was sent to somebody else; open the page instead.")
        can = self._channels[channel].can
        if action.verb not in LINK_VERBS and not (can.decides and can.found_by is FoundBy.LINK):
            raise NotAllowed("deciding needs the page; open it and sign in.")
        return someone

    async def _began(self, channel: str, event: Began) -> Answer:
        """What to fill in first; whoever may not, or comes too late, is told so instead."""
        action = self._action(event.token)
        someone = await self._presser(channel, event.account, action)
        if someone is None:
            return self._stranger(channel)
        if action.verb not in FORMS:
            raise NotAllowed("this button asks for nothing; press it.")
        view = await self._views.detail(action.workspace, someone.id, action.escalation)
        if is_past(action, view):
            return await self._overtaken(action, person(someone.id))
        refused = why_not(action, view)
        if refused:
            return Answer(refused, escalation=action.escalation)
        return Answer("", escalation=action.escalation, form=slip_of(action, event.token, view))

    async def _filled(self, action: Action, by: Actor, event: Pressed, *, via: str) -> Answer:
        """A slip that was filled in; what does not fit is told beside its input."""
        view = await self._views.detail(action.workspace, by.id, action.escalation)
        if is_past(action, view):
            return await self._overtaken(action, by)
        try:
            return await self._act(action, by, act_on(action, event.values, view), via=via)
        except InvalidInput as error:
            if action.verb not in FORMS:
                raise
            problems = problems_of(error, slip_of(action, event.token, view))
            return Answer(" ".join(problems.values()), problems=problems)

    def _action(self, token: str) -> Action:
        action = self._actions.read(token)
        if action is None:
            raise NotFound("this button is not known.")
        if self._clock.now() >= action.expires_at:
            raise StaleView(USED)
        return action

    async def _act(self, action: Action, by: Actor, request: wire.Act, *, via: str) -> Answer:
        """The same act as on the page, as long as it is still their turn."""
        try:
            row = await self._desk.act(action.workspace, action.escalation, by, request, via=via)
        except WorldMovedOn:
            return await self._overtaken(action, by)
        is_vote = isinstance(request, wire.DecideIn) and row.escalation.decision is None
        text = VOTED if is_vote else DONE[action.verb]
        if action.verb is Verb.DECLINE and not row.escalation.is_living:
            text = "It has ended already."
        return Answer(text, is_done=True, escalation=action.escalation)

    async def _overtaken(self, action: Action, by: Actor) -> Answer:
        """Somebody was first: who, and when, instead of an error."""
        row = await self._store.load(action.workspace, action.escalation)
        assert row is not None, f"{action.escalation} was acted on and is gone"
        floor = await self._floors.now(action.workspace)
        reader = colleague(floor, by.id, self._clock.now())
        text = f"{stands(row.escalation, reader)} Nothing of yours was done."
        return Answer(text, escalation=action.escalation)

    def _stranger(self, channel: str) -> Answer:
        """For the eyes of an account nobody linked."""
        if self._channels[channel].can.found_by in (FoundBy.EMAIL, FoundBy.PHONE):
            where = f"Write from the one in your own record, {self._public_url}/people."
            return Answer(f"I do not know this sender, so nothing was done. {where}")
        return Answer(
            f"I do not know this {channel} account, so nothing was done. Sign in at "
            f"{self._public_url}/channels, make a code there, and send me: link CODE"
        )

    # --- links in letters ---------------------------------------------------------------------
    async def offered(self, token: str) -> Behind:
        """What a link in a letter would do, and what became of it; looking does nothing.

        Raises:
            NotFound: it is none of ours.
        """
        action = self._actions.read(token)
        if action is None or action.verb not in LINK_VERBS or not action.person:
            raise NotFound("this link is not known.")
        row = await self._store.load(action.workspace, action.escalation)
        if row is None:
            raise NotFound("this link is not known.")
        floor, now = await self._floors.now(action.workspace), self._clock.now()
        found = row.escalation
        is_same = found.is_living and found.generation == action.generation
        standing = stands(found, colleague(floor, action.person, now))
        return Behind(action, row, standing, is_now=is_same and now < action.expires_at)

    async def follow(self, token: str) -> Answer:
        """The button on the page of such a link was pressed: who holds the link is its person.

        Raises:
            PullcordError: nothing was done; says why, and who was first.
        """
        behind = await self.offered(token)
        action = behind.action
        if self._clock.now() >= action.expires_at:
            raise StaleView(USED)
        people = (await self._floors.now(action.workspace)).people
        someone = people.get(action.person)
        if someone is None or not someone.is_active:
            raise NotAllowed("this person is no longer active.")
        by = person(someone.id)
        try:
            return await self._act(action, by, _request(action, {}), via="link")
        except NotAllowed:
            if behind.is_now:
                raise
            return await self._overtaken(action, by)

    # --- codes by SMS and phone ---------------------------------------------------------------
    async def _coded(self, channel: str, event: Coded) -> Answer:
        if event.verb not in LINK_VERBS:
            raise NotAllowed("deciding needs the page; open it and sign in.")
        people = await self._linking.people_of(channel, event.account)
        if not people:
            return self._stranger(channel)
        for workspace, someone in people.items():
            theirs = Filter(statuses=LIVING, candidate=someone.id)
            row = await self._by_code(workspace, someone, event.code, theirs)
            if row is not None:
                action = self._action_on(row, event.verb, someone)
                request = _request(action, {})
                return await self._act(action, person(someone.id), request, via=channel)
        for workspace, someone in people.items():
            row = await self._by_code(workspace, someone, event.code, *PAST)
            if row is not None:
                action = self._action_on(row, event.verb, someone)
                return await self._overtaken(action, person(someone.id))
        return Answer("Nothing with this code waits for you.")

    def _action_on(self, row: Row, verb: Verb, someone: Person) -> Action:
        found = row.escalation
        now = self._clock.now()
        return Action(found.workspace, found.id, found.generation, verb, someone.id, now)

    async def _by_code(
        self, workspace: str, someone: Person, code: str, *wanted: Filter
    ) -> Row | None:
        """The escalation this person calls so, the first of the wanted ones."""
        plain = code.strip().upper()
        for each in wanted:
            page = await self._store.find(workspace, each, limit=CODED_MAX)
            for row in page.rows:
                if self._actions.code(workspace, row.escalation.id, someone.id) == plain:
                    return row
        return None

    # --- words ----------------------------------------------------------------------------------
    async def _wrote(self, channel: str, event: Wrote) -> Answer:
        """A reply becomes a comment: whoever sends mail may be anybody, so it decides nothing."""
        found = await self._store.copy_of(channel, event.reference)
        text = event.text.strip()
        if found is None or not text:
            return Answer("This answers nothing that I sent, so it was not kept.")
        workspace, copy = found
        someone = (await self._linking.people_of(channel, event.account)).get(workspace)
        if someone is None:
            return self._stranger(channel)
        if not _is_theirs(copy, someone):
            raise NotAllowed("this was sent to somebody else; open the page instead.")
        escalation = copy.message.escalation
        comment, by = wire.CommentIn(text=text[:COMMENT_MAX]), person(someone.id)
        named = _once(channel, event)
        await self._desk.act(workspace, escalation, by, comment, via=channel, once=named)
        return Answer("Noted for your colleagues.", is_done=True, escalation=escalation)

    async def _commanded(self, channel: str, event: Commanded) -> Answer:
        verb, _, rest = event.words.strip().partition(" ")
        if verb.lower() == "link":
            someone = await self._linking.redeem(
                channel,
                rest,
                account=event.account,
                name=event.name,
                address=event.address,
            )
            return Answer(f"Linked: you are {someone.name}.", is_done=True)
        people = await self._linking.people_of(channel, event.account)
        if not people:
            return self._stranger(channel)
        if verb.lower() == "on-call":
            return await self._on_call(list(people))
        if verb.lower() == "accept" and rest.strip():
            return await self._accept(channel, people, rest.strip())
        return Answer(HELP)

    async def _on_call(self, workspaces: Sequence[str]) -> Answer:
        lines = [
            f"{line.ladder}: {line.person.shown_as} ({line.reason})"
            for workspace in workspaces
            for line in await self._views.on_call(workspace)
        ]
        return Answer(safe_text("\n".join(lines), COMMENT_MAX), is_done=True)

    async def _accept(self, channel: str, people: Mapping[str, Person], escalation: str) -> Answer:
        for workspace, someone in people.items():
            row = await self._store.load(workspace, escalation)
            if row is not None:
                await self._desk.act(
                    workspace, escalation, person(someone.id), wire.AcceptIn(), via=channel
                )
                return Answer(DONE[Verb.ACCEPT], is_done=True, escalation=escalation)
        raise NotFound(f"there is no escalation {escalation!r} here.")

    # --- receipts -------------------------------------------------------------------------------
    async def _learned(self, channel: str, event: Learned) -> Answer:
        """What a provider tells later: kept once, and a last way that failed moves the ladder."""
        found = await self._store.copy_of(channel, event.reference)
        if found is None:
            return Answer("unknown letter")
        workspace, copy = found
        message = copy.message
        receipt = Receipt(
            outgoing=copy.id,
            escalation=message.escalation,
            to=f"{message.to}:{message.to_id}",
            channel=channel,
            state=STATES[event.outcome],
            at=self._clock.now(),
            detail=f"{message.kind}: {event.detail}",
        )
        await self._store.note_receipt(workspace, receipt)
        if receipt.state is ReceiptState.FAILED:
            for each in await self._courier.lost(workspace, copy.id, message):
                await self._courier.report(each)
        return Answer("noted", is_done=True, escalation=message.escalation)


def _request(action: Action, values: Mapping[str, str]) -> wire.Act:
    """The act of a button, bound to the generation in which it was offered."""
    bound = action.generation
    note = values.get("note", "")[:COMMENT_MAX]
    if action.verb is Verb.ACCEPT:
        return wire.AcceptIn(generation=bound)
    if action.verb is Verb.DECLINE:
        return wire.DeclineIn(generation=bound, reason=values.get("reason", "")[:COMMENT_MAX])
    if action.verb is Verb.APPROVE:
        return wire.DecideIn(kind="approve", generation=bound, note=note)
    return wire.DecideIn(kind="reject", generation=bound, note=note)


def _once(channel: str, event: Wrote) -> str:
    """The name under which it is kept once: a provider may hand it to two processes of ours."""
    if not event.key:
        return ""
    named = f"{channel}\n{event.account}\n{event.key}"
    return hashlib.sha256(named.encode()).hexdigest()[:ONCE_LENGTH]


def _is_theirs(copy: Copy, someone: Person) -> bool:
    """Whether a letter went to this person, or to a place that many read."""
    return copy.message.to_id == someone.id or copy.message.to != "person"
