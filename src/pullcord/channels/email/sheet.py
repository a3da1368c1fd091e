"""What a mail says, in the order it is read, before it becomes text or HTML.

Both say the same: they are written from one sheet. What does not fit is left out from the end, so
that mail programs show the whole of it; the question is never cut.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pullcord.channels.port import Button, Content, Letter

#: what a mail to one of our people says about answering it
REPLY = (
    "Reply to this letter and your words become a comment for your colleagues. "
    "A reply decides nothing."
)
#: what stands beside buttons that are links
LINKS = "Each opens a page with a button. Opening a link or this letter does nothing."

#: why a letter came, by its kind or by whom it is for
WHY: Mapping[str, str] = {
    "confirm": (
        "This letter was asked for on a page of ours. Without your confirmation no other follows."
    ),
    "test": "You get this because somebody signed in as you pressed “Send me a test”.",
    "person": "You get this because you are one of the people who are asked here.",
    "agent": "You get this because the agent named this address for whoever asked it.",
    "end_user": (
        "You get this because you confirmed this address for your request. Replies are not read; "
        "use your page."
    ),
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One letter as a mail says it."""

    letter: Letter
    #: what is read first: the question, or how it stands now
    title: str
    #: one line above the title; empty where the title says it all
    lead: str
    #: how it stands, beneath the title
    standing: str
    #: the question, where the title is something else
    ask: str
    content: Content | None
    #: label of the one link that is always there, and what it needs
    open_label: str
    open_note: str
    buttons: tuple[Button, ...]
    #: deadline and fallback
    times: tuple[str, ...]
    #: (name, value) at the foot: rule, agent, environment, id
    facts: tuple[tuple[str, str], ...]
    #: why this letter came, and what to do about that
    why: str
    #: (label, address) at the foot
    links: tuple[tuple[str, str], ...]
    #: what can be done by replying; empty where replies are not read
    reply: str
    #: whether parts of the content were left out
    is_cut: bool = False


def sheet_of(letter: Letter, *, public_url: str, takes_replies: bool) -> Sheet:
    """What this letter says as a mail."""
    kind, _, who = letter.to.partition(":")
    content = _content(letter)
    asks = letter.is_open and content is not None and not letter.lines
    title = content.ask if asks and content else letter.headline
    return Sheet(
        letter=letter,
        title=title,
        lead=letter.headline if asks else "",
        standing="" if letter.standing in title else letter.standing,
        ask="" if asks or content is None else content.ask,
        content=content,
        open_label=_open_label(letter, kind),
        open_note="" if kind == "end_user" or not letter.escalation else "sign in",
        buttons=tuple(each for each in letter.buttons if each.url and letter.is_open),
        times=(letter.deadline, letter.fallback) if letter.is_open and letter.deadline else (),
        facts=_facts(letter) if kind != "end_user" else (),
        why=WHY.get(letter.kind) or WHY[kind],
        links=_links(letter, kind, who, public_url),
        reply=REPLY if takes_replies else "",
    )


def _content(letter: Letter) -> Content | None:
    """All of it for whoever can still do something; for others what it was about, and words."""
    content = letter.content
    if content is None or letter.lines:
        return None
    if not letter.is_open:
        return Content(ask=content.ask, said=content.said)
    known = {(name, value) for name, value in _facts(letter)}
    facts = tuple(each for each in content.facts if (each[0].lower(), each[1]) not in known)
    return replace(content, facts=facts)


def _open_label(letter: Letter, kind: str) -> str:
    if letter.kind == "confirm":
        return "Open the page and confirm"
    if kind == "end_user":
        return "Open your page"
    if letter.lines:
        return "Open the inbox"
    if letter.kind == "test":
        return "Open the channels"
    return "Open it and decide" if letter.is_open else "See how it stands"


def _facts(letter: Letter) -> tuple[tuple[str, str], ...]:
    if not letter.agent:
        return ()
    named = {
        "rule": letter.rule,
        "tool": letter.tool,
        "agent": letter.agent,
        "environment": letter.environment,
        "severity": letter.severity,
        "escalation": letter.escalation,
    }
    return tuple((name, value) for name, value in named.items() if value)


def _links(letter: Letter, kind: str, who: str, public_url: str) -> tuple[tuple[str, str], ...]:
    if kind == "person" and letter.kind != "test":
        return (("How I am reached", f"{public_url}/people/{who}/reach"),)
    return ()


def shortened(sheet: Sheet) -> Sheet | None:
    """The same with less of its content; None when nothing is left that may go.

    Claims go first, then facts from the end, then the situation, options and what was said are cut.
    """
    content = sheet.content
    if content is None:
        return None
    if content.claims:
        less = replace(content, claims=content.claims[:-1])
    elif content.facts:
        less = replace(content, facts=content.facts[:-1])
    elif content.situation:
        less = replace(content, situation="")
    elif content.options:
        less = replace(content, options=content.options[:-1])
    elif content.said:
        less = replace(content, said="")
    elif content.consequence:
        less = replace(content, consequence="")
    else:
        return None
    return replace(sheet, content=less, is_cut=True)
