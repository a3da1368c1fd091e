"""Letters: what a person, an agent's requester or an end user is told, made in one place.

Everything outside `content` is written by Pullcord: times, names people are shown as, ids. What
agents and end users wrote stands in `content`, made plain and cut to the channel's limits, and only
channels that one person reads get it. The ask is never cut.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pullcord.briefing.plain import cut, safe_line, safe_text
from pullcord.channels.port import (
    Abilities,
    Button,
    Content,
    FoundBy,
    Letter,
    Line,
    Verb,
)
from pullcord.engine import views_briefing as briefing
from pullcord.engine.actions import Action, Actions
from pullcord.engine.showing import can as can_take
from pullcord.engine.views_acts import refusal
from pullcord.engine.views_inbox import question_of
from pullcord.engine.views_next import fallback_sentence
from pullcord.owner.floor import Floor
from pullcord.path.escalation import (
    ActorKind,
    AskKind,
    Control,
    Escalation,
    Message,
    MessageKind,
    Purpose,
    Status,
)
from pullcord.path.promise import for_user, headline, outcome
from pullcord.path.wording import Reader, listed
from pullcord.wire.views import OptionOut

#: characters a question has at most, by policy and wire; a channel that shows asks has the room
ASK_MAX = 1_000

#: how each kind of message begins, before how it stands
LEADS: Mapping[MessageKind, str] = {
    MessageKind.ASKED: "An escalation needs you",
    MessageKind.REMINDED: "Still waiting for you",
    MessageKind.STOOD_DOWN: "No longer yours to answer",
    MessageKind.ACCEPTED: "Somebody has it",
    MessageKind.TAKEN_OVER: "Somebody has the conversation",
    MessageKind.QUESTION: "A question for you",
    MessageKind.REPLIED: "Your question was answered",
    MessageKind.DECIDED: "Decided",
    MessageKind.WITHDRAWN: "Taken back",
    MessageKind.CLOSED: "Ended",
    MessageKind.AGENT_GONE: "The agent is missing",
    MessageKind.PROMISE_MOVED: "The time has changed",
}
REVERSIBLE: Mapping[str, str] = {
    "no": "This cannot be undone.",
    "partly": "This can be undone in part.",
    "yes": "This can be undone.",
}
LABELS: Mapping[Verb, str] = {
    Verb.ACCEPT: "I have it",
    Verb.DECLINE: "Not me",
    Verb.APPROVE: "Approve",
    Verb.EDIT: "Approve with changes",
    Verb.REJECT: "Reject",
    Verb.ANSWER: "Answer",
    Verb.ASK: "Ask a question",
}
#: which right each button needs
RIGHTS: Mapping[Verb, str] = {
    Verb.ACCEPT: "accept",
    Verb.DECLINE: "decline",
    Verb.APPROVE: "decide",
    Verb.EDIT: "decide",
    Verb.REJECT: "decide",
    Verb.ANSWER: "decide",
    Verb.CHOOSE: "decide",
    Verb.ASK: "ask",
}
#: acts of which a channel with forms asks more before they are done
FORMS = frozenset({Verb.EDIT, Verb.REJECT, Verb.ANSWER, Verb.ASK})
#: acts that are confirmed once more where nothing undoes them
CONFIRMED = frozenset({Verb.APPROVE, Verb.CHOOSE})
#: characters of that question
CONFIRM_MAX = 300
#: system facts a letter leaves to the page
LEFT_OUT = frozenset({"Run", "Call", "Policy", "End user's address", "Amount"})


@dataclass(frozen=True, slots=True)
class Occasion:
    """Everything one letter is written from."""

    id: str
    message: Message
    escalation: Escalation
    #: the sealed content people are shown; empty where this channel may not show it
    shown: Mapping[str, Any]
    floor: Floor
    reader: Reader
    #: whether it goes by a way that wakes
    wakes: bool
    workspace_name: str
    public_url: str
    address: str
    #: the channel
    channel: str
    can: Abilities
    #: reference of this recipient's first letter about it on this channel
    thread: str = ""
    #: the words this message is about
    said: str = ""

    @property
    def to(self) -> str:
        """The recipient as receipts name them."""
        return f"{self.message.to}:{self.message.to_id}"

    @property
    def person(self) -> str:
        """The person it is for; empty for agents, end users and shared places."""
        is_own = self.message.to is ActorKind.PERSON
        return self.message.to_id if is_own and self.can.found_by is not FoundBy.EVERYBODY else ""


def letter_of(occasion: Occasion, actions: Actions) -> Letter:
    """The letter as it reads now."""
    escalation, reader = occasion.escalation, occasion.reader
    message = occasion.message
    owner = occasion.floor.people.get(escalation.owner)
    content = content_of(occasion)
    is_open = _is_open(occasion)
    is_for_people = message.to is ActorKind.PERSON
    person = occasion.person
    return Letter(
        id=occasion.id,
        kind=str(message.kind),
        workspace=escalation.workspace,
        escalation=escalation.id,
        to=occasion.to,
        address=occasion.address,
        at=reader.now,
        severity=escalation.severity,
        tool=escalation.tool,
        agent=escalation.agent,
        environment=escalation.environment,
        rule=escalation.rule,
        status=str(escalation.status),
        owner=owner.shown_as if owner else escalation.owner,
        due_at=escalation.due_at,
        url=_url(occasion),
        wakes=message.wakes,
        generation=message.generation,
        version=escalation.version,
        headline=headline_of(occasion, is_open=is_open),
        standing=standing(occasion),
        deadline=deadline(escalation, reader) if is_for_people else "",
        fallback=_fallback(escalation, reader) if is_for_people else "",
        is_open=is_open,
        content=content,
        stake=stake_of(occasion) if is_for_people else "",
        buttons=_buttons(occasion, content, actions) if is_open else (),
        code=actions.code(escalation.workspace, escalation.id, person) if person else "",
        thread=occasion.thread,
        timezone=reader.zone.key,
        workspace_name=occasion.workspace_name,
    )


def bundle_of(letters: list[Letter], *, id: str) -> Letter:
    """Several letters to one destination as one, the most urgent first; at least two.

    Letters about one escalation say the same by now, so it stands there once; where all of them
    are about one, the last of them says it all.
    """
    letters = _one_each(letters)
    first = letters[0]
    if len(letters) == 1:
        return first
    count = len(letters)
    needing = sum(each.is_open for each in letters)
    needs = f"{needing} need{'s' if needing == 1 else ''} you" if needing else "news"
    lines = tuple(
        Line(
            at=each.at,
            text=each.headline,
            url=each.url,
            ask=each.content.ask if each.content else "",
        )
        for each in letters
    )
    return Letter(
        id=id,
        kind="bundle",
        workspace=first.workspace,
        escalation=first.escalation,
        to=first.to,
        address=first.address,
        at=first.at,
        severity=first.severity,
        tool="",
        agent="",
        environment=first.environment,
        rule="",
        status=first.status,
        owner="",
        due_at=min((each.due_at for each in letters if each.due_at), default=None),
        url=first.url.partition("/escalations/")[0] + "/",
        wakes=any(each.wakes for each in letters),
        headline=f"{count} escalations: {needs}",
        standing=f"News of {count} escalations, together in one letter.",
        is_open=bool(needing),
        lines=lines,
        timezone=first.timezone,
        workspace_name=first.workspace_name,
    )


def _one_each(letters: list[Letter]) -> list[Letter]:
    """One letter an escalation: with what somebody wrote, else the last."""
    found: dict[str, Letter] = {}
    for each in letters:
        known = found.get(each.escalation)
        found[each.escalation] = max(known, each, key=_says) if known else each
    return list(found.values())


def _says(letter: Letter) -> tuple[bool, str]:
    return bool(letter.content and letter.content.said), letter.id


# --- sentences -----------------------------------------------------------------------------------


def headline_of(occasion: Occasion, *, is_open: bool) -> str:
    """One line for a subject or a lock screen: nothing of what agents and end users wrote."""
    escalation, reader, kind = occasion.escalation, occasion.reader, occasion.message.kind
    if occasion.message.to is ActorKind.END_USER:
        return headline(escalation, reader)
    drill = "Drill: " if escalation.purpose is Purpose.DRILL else ""
    if is_open and kind in (MessageKind.ASKED, MessageKind.REMINDED):
        assert escalation.due_at is not None, f"{escalation.id} is open without a deadline"
        return f"{drill}{LEADS[kind]}: {escalation.severity}, by {reader.clock(escalation.due_at)}"
    lead = _lead(occasion)
    return f"{drill}{lead}{standing(occasion)}"


def _lead(occasion: Occasion) -> str:
    """What stands before the state; nothing where the state alone says it."""
    kind = occasion.message.kind
    speaks_for_itself = (MessageKind.ACCEPTED, MessageKind.DECIDED, MessageKind.CLOSED)
    if kind in speaks_for_itself or (kind is MessageKind.ASKED and not _is_open(occasion)):
        return ""
    return f"{LEADS[kind]}: "


def standing(occasion: Occasion) -> str:
    """How it stands now, as one sentence."""
    escalation, reader = occasion.escalation, occasion.reader
    if occasion.message.to is ActorKind.END_USER:
        return for_user(escalation, reader)
    return stands(escalation, reader)


def stands(escalation: Escalation, reader: Reader) -> str:
    """How an escalation stands now, for colleagues: who decided, who has it, who is asked."""
    if not escalation.is_living:
        return outcome(escalation, reader)
    owner = reader.subject(escalation.owner)
    if escalation.control is Control.HUMAN:
        return f"{owner} has the conversation."
    if escalation.status is Status.ACCEPTED:
        until = f" until {reader.clock(escalation.hold_until)}" if escalation.hold_until else ""
        return f"{owner} has it{until}."
    offer = escalation.offer
    asked = [reader.name(each) for each in (offer.candidates if offer else (escalation.owner,))]
    until = f" until {reader.clock(escalation.accept_by)}" if escalation.accept_by else ""
    names = listed(asked)
    be = "is" if len(asked) == 1 else "are"
    return f"{names[:1].upper()}{names[1:]} {be} being asked{until}."


def deadline(escalation: Escalation, reader: Reader) -> str:
    """By when something is needed, as one sentence; empty when nothing is."""
    if not escalation.is_living or escalation.decide_by is None:
        return ""
    by = f"decide by {reader.clock(escalation.decide_by)}."
    if escalation.status is Status.OPEN and escalation.accept_by is not None:
        return f"Say by {reader.clock(escalation.accept_by)} whether you have it; {by}"
    return by[:1].upper() + by[1:]


def _fallback(escalation: Escalation, reader: Reader) -> str:
    told = "the end user" if escalation.end_user else ""
    return fallback_sentence(escalation, reader, told)


def _is_open(occasion: Occasion) -> bool:
    """Whether the person it is for can still do something about it."""
    escalation, message = occasion.escalation, occasion.message
    if message.to is not ActorKind.PERSON or not escalation.is_living:
        return False
    if not occasion.person:
        return True
    offer = escalation.offer
    is_asked = offer is not None and message.to_id in offer.candidates
    return is_asked or escalation.owner == message.to_id


def _url(occasion: Occasion) -> str:
    escalation = occasion.escalation
    if occasion.message.to is ActorKind.END_USER:
        token = occasion.shown.get("status_token", "")
        return f"{occasion.public_url}/status/{token}" if token else ""
    return f"{occasion.public_url}/escalations/{escalation.id}"


# --- what a private channel shows -----------------------------------------------------------------


def content_of(occasion: Occasion) -> Content | None:
    """The ask and what belongs to it, cut to the channel's limits; None on other channels."""
    shown, can = occasion.shown, occasion.can
    if not can.is_private or not shown or occasion.message.to is ActorKind.END_USER:
        return None
    limits = can.limits
    facts = facts_of(occasion)
    said, source = briefing.situation(shown)
    claims = briefing.claims(shown)
    if source == "agent":
        claims = [each for each in claims if each[0] != "Situation"]
    return Content(
        ask=safe_text(question_of(shown), ASK_MAX),
        situation=cut(said, limits.text),
        situation_by=source,
        consequence=cut(str(shown.get("consequence", "")), limits.text),
        reversibility=REVERSIBLE.get(str(shown.get("reversible", "no")), REVERSIBLE["no"]),
        money=briefing.money_of(shown),
        facts=tuple((name, cut(value, limits.line)) for name, value in facts[: limits.facts]),
        claims=tuple((name, cut(value, limits.text)) for name, value in claims[: limits.facts]),
        options=tuple(cut(_option(each), limits.line) for each in briefing.options(shown)),
        said=safe_text(occasion.said, limits.text),
    )


def stake_of(occasion: Occasion) -> str:
    """How much it is about and whether it can be undone; nothing that anybody wrote."""
    shown, can = occasion.shown, occasion.can
    if not shown or not (can.tells_stake or can.is_private):
        return ""
    money = cut(briefing.money_of(shown), 40)
    can_undo = REVERSIBLE.get(str(shown.get("reversible", "no")), REVERSIBLE["no"])
    parts = [f"{money}." if money else "", can_undo if occasion.escalation.tool else ""]
    return " ".join(each for each in parts if each)


def facts_of(occasion: Occasion) -> list[tuple[str, str]]:
    """The proposed arguments, then what the system captured; whole."""
    args = briefing.args_of(occasion.shown)
    found = [(safe_line(name, 80), _plain(value)) for name, value in args.items()]
    system = briefing.facts(occasion.escalation, occasion.shown)
    return found + [each for each in system if each[0] not in LEFT_OUT and not _is_nothing(*each)]


def _is_nothing(name: str, value: str) -> bool:
    """Whether a counter says that nothing happened: a letter has room for what did."""
    return name in briefing.COUNTERS and value == "0"


def _option(option: OptionOut) -> str:
    return f"{option.label}: {option.consequence}" if option.consequence else option.label


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return safe_text(value, briefing.TEXT_MAX)
    return briefing.args_text(value)


def _shows_all(occasion: Occasion) -> bool:
    """Whether every argument stands in the letter whole: only then it may decide."""
    limits, args = occasion.can.limits, briefing.args_of(occasion.shown)
    values = [_plain(value) for value in args.values()]
    return len(values) <= limits.facts and all(
        len(each) <= min(limits.line, briefing.TEXT_MAX - 1) for each in values
    )


# --- buttons ----------------------------------------------------------------------------------


def _buttons(occasion: Occasion, content: Content | None, actions: Actions) -> tuple[Button, ...]:
    """What this person may do from the letter itself."""
    can, escalation = occasion.can, occasion.escalation
    if not can.has_buttons:
        return ()
    verbs = [Verb.ACCEPT, Verb.DECLINE]
    if can.decides and content is not None:
        verbs += _deciding(occasion)
    expires_at = escalation.decide_by
    assert expires_at is not None, f"{escalation.id} is living without decide_by"
    return tuple(
        _button(occasion, verb, actions, expires_at, option=option)
        for verb in verbs
        if _may(occasion, verb)
        for option in (briefing.options(occasion.shown) if verb is Verb.CHOOSE else [None])
    )


def _deciding(occasion: Occasion) -> list[Verb]:
    """How this ask is decided from a letter; a cut argument is no ground to decide on."""
    kind, has_forms = occasion.escalation.ask_kind, occasion.can.has_forms
    asking = [Verb.ASK] if has_forms else []
    if kind is AskKind.APPROVE and _shows_all(occasion):
        changing = [Verb.EDIT] if has_forms and _can_change(occasion.shown) else []
        return [Verb.APPROVE, *changing, Verb.REJECT, *asking]
    if kind is AskKind.ANSWER and has_forms:
        return [Verb.ANSWER, Verb.REJECT, Verb.ASK]
    if kind is AskKind.CHOOSE and has_forms and _shows_options(occasion):
        return [Verb.CHOOSE, Verb.REJECT, Verb.ASK]
    return asking


def _can_change(shown: Mapping[str, Any]) -> bool:
    return can_take(shown, "edit_args") and bool(briefing.args_of(shown))


def _shows_options(occasion: Occasion) -> bool:
    """Whether every option stands whole on its own button."""
    limits = occasion.can.limits
    return all(
        len(each.label) <= limits.button and len(_option(each)) <= limits.line
        for each in briefing.options(occasion.shown)
    )


def _may(occasion: Occasion, verb: Verb) -> bool:
    if not occasion.person:
        # a place many read: the desk looks at whoever presses
        return verb is not Verb.DECLINE
    return not refusal(
        occasion.escalation,
        occasion.person,
        RIGHTS[verb],
        floor=occasion.floor,
        reader=occasion.reader,
    )


def _button(
    occasion: Occasion,
    verb: Verb,
    actions: Actions,
    expires_at: datetime,
    *,
    option: OptionOut | None = None,
) -> Button:
    escalation = occasion.escalation
    token = actions.token(
        Action(
            escalation.workspace,
            escalation.id,
            escalation.generation,
            verb,
            occasion.person,
            expires_at,
            option.id if option else "",
        )
    )
    has_page = occasion.person and verb in (Verb.ACCEPT, Verb.DECLINE)
    label = option.label if option else LABELS[verb]
    return Button(
        verb,
        cut(label, occasion.can.limits.button),
        token,
        f"{occasion.public_url}/acts/{token}" if has_page else "",
        has_form=occasion.can.has_forms and verb in FORMS,
        confirm=_confirm(occasion, label) if verb in CONFIRMED else "",
    )


def _confirm(occasion: Occasion, label: str) -> str:
    """What is asked once more before something that nothing undoes."""
    if str(occasion.shown.get("reversible", "no")) != "no":
        return ""
    money = briefing.money_of(occasion.shown)
    about = f" It is about {money}." if money else ""
    return cut(f"{REVERSIBLE['no']}{about} Go on with “{label}”?", CONFIRM_MAX)


def trial_of(
    *, id: str, workspace: str, who: str, address: str, at: datetime, url: str, name: str
) -> Letter:
    """A letter that asks nothing: somebody tries a channel from the console."""
    return Letter(
        id=id,
        kind="test",
        workspace=workspace,
        escalation="",
        to=f"person:{who}",
        address=address,
        at=at,
        severity="low",
        tool="",
        agent="",
        environment="",
        rule="",
        status="",
        owner="",
        due_at=None,
        url=url,
        headline="Test from Pullcord: this way works",
        standing="Nothing is asked of you. Somebody tried this channel from the console.",
        workspace_name=name,
    )
