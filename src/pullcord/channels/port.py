"""What a channel is: a way outward that says what it can do and what became of a letter.

A channel touches neither the store nor another channel; the courier gives it letters and keeps
its receipts. "Accepted by the provider" is not "delivered", and no channel claims more than it
knows. What only some channels do is a protocol of its own, so that a capability is a method and
never a flag that lies: `Edits` changes what was sent, `Hears` takes callbacks of its provider,
`Listens` keeps a connection open to it, `Invites` lets a browser link itself.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable


class Outcome(StrEnum):
    """What a channel knows about a letter."""

    ACCEPTED = "accepted"  #: the provider took it; whether it arrives is not known yet
    DELIVERED = "delivered"  #: it is where the person or machine will find it
    SEEN = "seen"  #: the person opened it; only ever learned later
    FAILED = "failed"  #: it will not arrive this way, however often it is tried
    RETRY = "retry"  #: it may arrive at another try


class FoundBy(StrEnum):
    """What a channel finds a person by: the address a letter carries."""

    SIGN_IN = "sign_in"  #: their own page; the address is their person id
    EMAIL = "email"  #: the e-mail address of their record
    PHONE = "phone"  #: the phone number of their record, as +491510000001
    LINK = "link"  #: accounts or devices they linked; the address is what the link holds
    EVERYBODY = "everybody"  #: one place of the whole workspace that hears every letter


@dataclass(frozen=True, slots=True)
class Rate:
    """So many letters to one destination within that time; beyond it they wait or merge."""

    count: int
    per: timedelta


@dataclass(frozen=True, slots=True)
class Limits:
    """Characters a channel takes at most per field; letters come cut to them at a word.

    The ask is never cut, so `ask` says only how much room there must be for it.
    """

    ask: int = 1_000
    line: int = 300  #: subject, headline, one fact, one option
    text: int = 3_000  #: situation, consequence, one claim
    facts: int = 20  #: facts, claims and lines of a bundle
    button: int = 75  #: a button's label


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a channel can do, declared once and read by plans, letters and the console."""

    #: whether it wakes a sleeping person
    wakes: bool = False
    #: whether only the person reads it: it may show the ask and the facts, else only that
    #: something waits
    is_private: bool = False
    #: whether its buttons may accept and decline
    has_buttons: bool = False
    #: whether its buttons may also decide (approve, reject), its clicker being a linked person
    decides: bool = False
    #: whether a button may ask for more first: a reason, changed arguments, an answer
    has_forms: bool = False
    #: whether later letters of an escalation can follow its first one
    has_threads: bool = False
    #: whether the provider tells later that a letter was delivered
    has_receipts: bool = False
    #: whether whoever asked may be answered here (`reply_to` of an opening)
    answers: bool = False
    #: whether it takes asks and reminders only, no news
    only_asks: bool = False
    #: whether a signed-in person's browser links itself, without a code
    links_here: bool = False
    #: whether it may say what is at stake (an amount, whether it can be undone), though somebody
    #: else may read it: a lock screen
    tells_stake: bool = False
    found_by: FoundBy = FoundBy.EVERYBODY
    limits: Limits = Limits()
    #: per destination; first letters of an escalation are never held
    rates: tuple[Rate, ...] = ()
    #: how long news and reminders wait for others to the same person, to go as one letter
    bundles_for: timedelta = timedelta(0)


class Verb(StrEnum):
    """What a button of a letter does."""

    ACCEPT = "accept"
    DECLINE = "decline"
    APPROVE = "approve"
    REJECT = "reject"
    # only where the channel has forms
    EDIT = "edit"  #: approve with changed arguments
    ANSWER = "answer"
    CHOOSE = "choose"  #: one button for each option
    ASK = "ask"  #: a question to the agent or the end user


@dataclass(frozen=True, slots=True)
class Button:
    """One act offered in a letter.

    `token` is opaque, signed, and bound to person, escalation, generation and expiry; a channel
    hands it back in a `Pressed`. `url` opens a page with a real button that does the same; it is
    empty for acts that need a sign-in or the provider's own identity. Opening it does nothing.
    """

    verb: Verb
    label: str
    token: str
    url: str = ""
    #: whether more is asked first: hand back `Began`, show the form that is answered, then
    #: `Pressed` with what was filled in
    has_form: bool = False
    #: what to ask once more before the press counts; empty for what can be undone
    confirm: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One escalation of a bundle: when, what happened, where to look."""

    at: datetime
    text: str
    url: str
    #: the ask, where the channel is private
    ask: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """What only a private channel shows, cut to its limits; untrusted text made plain."""

    ask: str  #: the question, whole
    situation: str = ""
    #: who tells what happened: "agent", "end_user", "system"
    situation_by: str = ""
    #: what happens on approval, from configuration
    consequence: str = ""
    #: "This cannot be undone.", "This can be undone in part.", "This can be undone."
    reversibility: str = ""
    money: str = ""  #: "EUR 480.00"; empty when there is none
    facts: tuple[tuple[str, str], ...] = ()  #: captured by the system
    claims: tuple[tuple[str, str], ...] = ()  #: said by the agent, checked by nobody
    options: tuple[str, ...] = ()
    #: what was said with this message: a question, a reply
    said: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """One message as a channel sees it; `content` is there on private channels only.

    Everything outside `content` is free of what agents and end users wrote.
    """

    id: str  #: the delivery id, the same at every try: the message key
    kind: str  #: asked, reminded, accepted, decided, …, or test, confirm, bundle
    workspace: str
    escalation: str
    to: str  #: "person:maria", "agent:support", "end_user"
    address: str
    at: datetime
    severity: str
    tool: str
    agent: str
    environment: str
    rule: str
    status: str
    owner: str  #: how the owner is shown
    due_at: datetime | None
    url: str  #: the page on which one can act, after signing in; carries no key
    wakes: bool = False
    generation: int = 0
    #: version of the escalation this letter shows
    version: int = 0
    #: one line fit for a subject or a lock screen: "Somebody needs you: high, by 14:30"
    headline: str = ""
    #: how it stands, as one sentence: "Maria from Billing approved it at 14:09."
    standing: str = ""
    #: by when, as this person's clock says it: "Decide by 14:30."
    deadline: str = ""
    #: what happens when nobody decides, as one sentence
    fallback: str = ""
    #: whether this person can still do something about it
    is_open: bool = False
    content: Content | None = None
    #: what is at stake, in amounts and classes only: "EUR 480.00. This cannot be undone."
    stake: str = ""
    buttons: tuple[Button, ...] = ()
    #: a code of five characters with which this person names this escalation by SMS or phone
    code: str = ""
    #: the provider's name of this person's first letter about the escalation, where there is one
    thread: str = ""
    #: several escalations in one letter: a bundle, a digest, a catch-up
    lines: tuple[Line, ...] = ()
    #: IANA zone in which the sentences give their times
    timezone: str = "UTC"
    #: what the workspace is called
    workspace_name: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one try; `retry_after` in seconds when the provider said so.

    `reference` names the provider's copy (a message id, channel and timestamp): by it the copy is
    edited, late receipts are matched and replies are told apart.
    """

    outcome: Outcome
    detail: str = ""
    retry_after: float | None = None
    reference: str = ""
    #: the address itself is no more: a linked device is forgotten
    is_gone: bool = False


class Channel(Protocol):
    """One way outward."""

    #: its name in receipts, settings and personal rules; lower case, no dots
    name: str
    #: what it can do
    can: Abilities

    async def send(self, letter: Letter) -> Sent:
        """Try once; never raises for what a provider does."""

    async def close(self) -> None:
        """Let go of connections."""


@runtime_checkable
class Edits(Protocol):
    """A channel that can change what it sent."""

    async def edit(self, reference: str, letter: Letter) -> Sent:
        """Make the provider's copy say what the letter says now; never raises for a provider."""


@runtime_checkable
class Invites(Protocol):
    """A channel to which a signed-in person's browser links itself."""

    def invitation(self) -> str:
        """What the browser needs to link itself: a public key."""

    def account_of(self, address: str) -> str:
        """The stable account of what the browser sent.

        Raises:
            InvalidInput: nobody can be found there.
        """


@runtime_checkable
class Answers(Protocol):
    """A channel that knows itself where whoever asked may be answered; see `Abilities.answers`."""

    def may_answer(self, address: str) -> bool:
        """Whether a requester may hear back at this address."""

    def places(self) -> str:
        """Which addresses these are, as a phrase for an error."""


# --- what comes back ----------------------------------------------------------------------------


class CallbackRefused(Exception):
    """A callback that is unsigned, too old, altered or not for us; says which, for the log."""


@dataclass(frozen=True, slots=True)
class Callback:
    """A request of a provider, exactly as it came: signatures are over the raw bytes."""

    method: str
    #: the address the provider called, as it knows it
    url: str
    query: str
    #: names in lower case
    headers: Mapping[str, str]
    body: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Pressed:
    """Somebody pressed a button of a letter; `account` is the provider's stable id of them."""

    account: str
    token: str
    #: what a form asked for, by the names of its inputs
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Began:
    """Somebody pressed a button that asks for more first; nothing is done by it.

    Its answer holds the form to show, or says why there is none.
    """

    account: str
    token: str


@dataclass(frozen=True, slots=True)
class Coded:
    """Somebody sent a letter's code with a verb: an SMS "Y 7KQ2M", a key on the phone."""

    account: str
    code: str
    verb: Verb


@dataclass(frozen=True, slots=True)
class Wrote:
    """Somebody answered a letter in words; it becomes a comment, never a decision."""

    account: str
    #: the provider's name of the letter that was answered
    reference: str
    text: str
    #: the provider's name of what was written; what comes again under it is kept once
    key: str = ""


@dataclass(frozen=True, slots=True)
class Commanded:
    """Somebody typed a command: "link CODE", "on-call", "accept esc_…"."""

    account: str
    words: str
    #: what the provider calls this account, for people
    name: str = ""
    #: where to write to them, if it is not the account itself
    address: str = ""


@dataclass(frozen=True, slots=True)
class Learned:
    """What became of a letter, told later by the provider."""

    reference: str
    outcome: Outcome
    detail: str = ""


Event = Pressed | Began | Coded | Wrote | Commanded | Learned


class InputKind(StrEnum):
    """How an input looks; its value is text all the same."""

    LINE = "line"
    TEXT = "text"  #: several lines
    NUMBER = "number"  #: with decimals
    INTEGER = "integer"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a form, as a person reads it."""

    name: str
    label: str
    kind: InputKind = InputKind.LINE
    #: what stands in it before anybody types
    value: str = ""
    help: str = ""
    is_needed: bool = False
    #: (what is sent, what is read) of a choice
    choices: tuple[tuple[str, str], ...] = ()
    length_max: int = 3_000


@dataclass(frozen=True, slots=True)
class Form:
    """What is asked for before an act, with the token that a `Pressed` hands back with it."""

    title: str
    token: str
    inputs: tuple[Input, ...]
    #: what the button says
    submit: str
    #: what this is about, above the inputs
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the engine made of one event, for the eyes of whoever caused it only."""

    text: str
    is_done: bool = False
    escalation: str = ""
    #: what to fill in, after `Began`
    form: Form | None = None
    #: what to put right in a form, by the names of its inputs; nothing was done
    problems: Mapping[str, str] = field(default_factory=dict)
    #: it could not be saved just now: the same event may be handed in again
    may_repeat: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What the provider is answered."""

    status: int = 200
    body: bytes = b""
    media_type: str = "text/plain"


@runtime_checkable
class Hears(Protocol):
    """A channel whose provider calls back at `/callbacks/{name}`."""

    async def hear(self, callback: Callback) -> Sequence[Event]:
        """Check who sent it, on the raw body, then say what happened.

        A missing secret, signature, time or id is a mismatch. Identity is the provider's stable
        id, never a display name. A repeated callback gives the same events: acts are harmless to
        repeat.

        Raises:
            CallbackRefused: nothing in it may be believed.
        """

    async def answer(self, callback: Callback, answers: Sequence[Answer]) -> Reply:
        """What the provider gets back, one answer for each event in order."""


#: hands events to the engine and gives back its answers, one each
Take = Callable[[Sequence[Event]], Awaitable[Sequence[Answer]]]


@runtime_checkable
class Listens(Protocol):
    """A channel that keeps a connection to its provider instead of being called."""

    async def listen(self, take: Take) -> None:
        """Connect, and go on connecting, until cancelled; events go through `take`."""
