"""A letter as a Slack message: the ask first and whole, facts apart from claims, buttons last.

Slack refuses a message that is too long as a whole, whatever its parts are. Then the agent's
claims go first, facts from the end next; a message that does not show every fact decides nothing.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from pullcord.channels.port import Button, Content, Letter, Verb
from pullcord.channels.slack.markup import (
    FIELD_MAX,
    HEADER_MAX,
    Block,
    context,
    escaped,
    link,
    marked,
    moment,
    plain,
    sections,
    strong,
)

#: blocks of a message; characters of it as JSON (Slack refuses from about 13,200 on)
BLOCKS_MAX, TOTAL_MAX = 50, 12_000
#: fields of one section: two make one fact
FIELDS_MAX = 10
#: characters of a value that stands beside its name; a longer one gets the whole width
BESIDE_MAX = 120
#: characters of the question before an act, and of its two buttons
CONFIRM_MAX, CONFIRM_BUTTON_MAX = 300, 30
#: buttons of one message, and characters on one
ACTIONS_MAX, BUTTON_MAX = 25, 75
#: acts that need everything on the screen
DECIDING = frozenset({Verb.APPROVE, Verb.EDIT, Verb.REJECT, Verb.CHOOSE})
SEVERITY = {"critical": "🔴", "high": "🟠", "normal": "🔵", "low": "⚪"}
#: what a press of a button that only opens a page is called
OPENS = "open"


@dataclass(frozen=True, slots=True)
class Written:
    """A message: its blocks, and one line for notifications and screen readers."""

    text: str
    blocks: list[Block]


def written(letter: Letter) -> Written:
    """The message a letter becomes."""
    text = escaped(letter.headline)
    if letter.lines:
        return Written(text, _bundle(letter))
    if not letter.to.startswith("person:") or not letter.is_open:
        return Written(text, _told(letter))
    return Written(text, _asked(letter))


def _asked(letter: Letter) -> list[Block]:
    """Everything a person needs, as much of it as Slack takes."""
    messages = (_whole(each, is_cut=each is not letter) for each in _lighter(letter))
    return next(filter(fits, messages), _told(letter))


def fits(blocks: list[Block]) -> bool:
    """Whether Slack takes a message of this length."""
    total = len(json.dumps(blocks, ensure_ascii=False))
    return len(blocks) <= BLOCKS_MAX and total <= TOTAL_MAX


def _lighter(letter: Letter) -> Iterator[Letter]:
    """The letter, then with less and less of what is least needed; the ask always stays."""
    yield letter
    content = letter.content
    if content is None:
        return
    content = replace(content, claims=())
    yield replace(letter, content=content)
    buttons = tuple(each for each in letter.buttons if each.verb not in DECIDING)
    while content.facts:
        content = replace(content, facts=content.facts[:-1])
        yield replace(letter, content=content, buttons=buttons)
    for emptied in ("situation", "options", "consequence", "said"):
        content = replace(content, **{emptied: type(getattr(content, emptied))()})
        yield replace(letter, content=content, buttons=buttons)


def _whole(letter: Letter, *, is_cut: bool) -> list[Block]:
    content = letter.content
    return [
        *_heading(letter),
        context(marked(_about(letter))),
        *(_content(content) if content else []),
        *([context(marked(f"There is more: {link(letter.url, 'the whole page')}"))] * is_cut),
        {"type": "divider"},
        *_standing(letter),
        _actions(letter),
    ]


def _heading(letter: Letter) -> list[Block]:
    heading = plain(letter.headline)
    if 0 < len(heading["text"]) <= HEADER_MAX:
        return [{"type": "header", "text": heading}]
    return sections(strong(letter.headline))


def _about(letter: Letter) -> str:
    """Severity in a word beside its colour, then where it comes from."""
    severity = f"{SEVERITY.get(letter.severity, '⚪')} *{escaped(letter.severity)}*"
    names = (letter.agent, letter.environment, letter.rule, letter.workspace_name)
    return "  ·  ".join([severity, *(escaped(each) for each in names if each)])


# --- what a private letter shows ------------------------------------------------------------------


def _content(content: Content) -> list[Block]:
    stake = "  ·  ".join(each for each in (content.money, content.reversibility) if each)
    return [
        *sections(strong(content.ask)),
        *(_titled("You were told", content.said) if content.said else []),
        *([{"type": "section", "text": strong(stake)}] if stake else []),
        *(sections(plain(content.consequence)) if content.consequence else []),
        *_situation(content),
        *_options(content.options),
        *_facts(content.facts),
        *_claims(content.claims),
    ]


def _situation(content: Content) -> list[Block]:
    """What happened, and whether only the agent says so."""
    if not content.situation:
        return []
    by = ", the agent says, checked by nobody" if content.situation_by == "agent" else ""
    return [context(marked(f"*What happened*{by}")), *sections(plain(content.situation))]


def _titled(title: str, text: str) -> list[Block]:
    return [context(marked(f"*{title}*")), *sections(plain(text))]


def _options(options: tuple[str, ...]) -> list[Block]:
    if not options:
        return []
    listed = "\n".join(f"{number}. {each}" for number, each in enumerate(options, 1))
    return _titled("Options", listed)


def _facts(facts: tuple[tuple[str, str], ...]) -> list[Block]:
    """Names beside values, in the order they came; what is long stands by itself."""
    if not facts:
        return []
    found: list[Block] = [context(marked("*Facts*, captured by the system"))]
    beside: list[Block] = []
    for name, value in facts:
        if len(escaped(value)) <= min(BESIDE_MAX, FIELD_MAX) and "\n" not in value:
            beside += [strong(name), plain(value or "–")]
        else:
            found += [*_rows(beside), {"type": "section", "text": strong(name)}]
            found += sections(plain(value))
            beside = []
    return found + _rows(beside)


def _rows(fields: list[Block]) -> list[Block]:
    return [
        {"type": "section", "fields": fields[at : at + FIELDS_MAX]}
        for at in range(0, len(fields), FIELDS_MAX)
    ]


def _claims(claims: tuple[tuple[str, str], ...]) -> list[Block]:
    if not claims:
        return []
    found: list[Block] = [context(marked("*The agent says*, checked by nobody"))]
    for name, text in claims:
        found += sections(plain(f"{name}: {text}"))
    return found


# --- how it stands, and what can be done ----------------------------------------------------------


def _standing(letter: Letter) -> list[Block]:
    due = f"⏳ *Due* {moment(letter.due_at)}\n" if letter.due_at else ""
    deadline = f"{letter.deadline} ({letter.timezone})" if letter.deadline else ""
    lines = [each for each in (letter.standing, deadline, letter.fallback) if each]
    return sections(marked(due + escaped("\n".join(lines))))


def _actions(letter: Letter) -> Block:
    buttons = [_button(each, number) for number, each in enumerate(letter.buttons, 1)]
    page: Block = {
        "type": "button",
        "action_id": OPENS,
        "text": plain("Open the page"),
        "url": letter.url,
    }
    return {"type": "actions", "elements": [*buttons[: ACTIONS_MAX - 1], page]}


def _button(button: Button, number: int) -> Block:
    """One act; `form` and `press` tell what to hand back when it is pressed."""
    kind = "form" if button.has_form else "press"
    found: Block = {
        "type": "button",
        "action_id": f"{kind}:{number}:{button.verb}",
        "text": plain(button.label, BUTTON_MAX),
        "value": button.token,
    }
    if button.confirm:
        found["confirm"] = {
            "title": plain("Are you sure?"),
            "text": plain(button.confirm, CONFIRM_MAX),
            "confirm": plain(button.label, CONFIRM_BUTTON_MAX),
            "deny": plain("Not yet"),
        }
    return found


# --- letters that ask nothing ---------------------------------------------------------------------


def _told(letter: Letter) -> list[Block]:
    """How it stands, in two lines; what it was about, where only its reader sees it."""
    is_own = letter.to.startswith("person:")
    content = letter.content if is_own else None
    standing = letter.standing if letter.standing not in letter.headline else ""
    return [
        *sections(strong(letter.headline)),
        *(sections(plain(standing)) if standing else []),
        *(sections(plain(content.ask)) if content else []),
        *(_titled("You were told", content.said) if content and content.said else []),
        *_where(letter),
    ]


def _where(letter: Letter) -> list[Block]:
    page = link(letter.url, "Open the page") if letter.url else ""
    about = _about(letter) if letter.agent else ""
    said = "  ·  ".join(each for each in (about, page) if each)
    return [context(marked(said))] if said else []


def _bundle(letter: Letter) -> list[Block]:
    """Several escalations in one message, as many as fit."""
    found = [*sections(strong(letter.headline)), *sections(plain(letter.standing))]
    end = context(marked(link(letter.url, "All of them")))
    for line in letter.lines:
        said = f"{moment(line.at)} {link(line.url, line.text)}"
        row = [*sections(marked(said)), *(sections(plain(line.ask)) if line.ask else [])]
        if not fits([*found, *row, end]):
            break
        found += row
    return [*found, end]
