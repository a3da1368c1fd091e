"""The plain text of a mail: for programs without HTML, for reading aloud, for replies.

Whatever agents and end users wrote is indented, so that it cannot pass for our own sections.
"""

from collections.abc import Iterable
from textwrap import wrap

from pullcord.channels.email.sheet import LINKS, Sheet

#: characters of a line; addresses are never broken
WIDTH = 76
INDENT = "  "
#: names of facts stand in a column this wide at most
COLUMN_MAX = 30


def text_of(sheet: Sheet) -> str:
    """The whole letter as text."""
    parts = [
        _head(sheet),
        _title(sheet),
        _stakes(sheet),
        _acts(sheet),
        _plain(sheet.times),
        *_content(sheet),
        _lines(sheet),
        _foot(sheet),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(sheet: Sheet) -> str:
    letter = sheet.letter
    place = letter.workspace_name or "Pullcord"
    top = f"{place} · {letter.environment}" if _is_elsewhere(letter.environment) else place
    return "\n".join(each for each in (top, _wrapped(sheet.lead)) if each)


def _is_elsewhere(environment: str) -> bool:
    return environment not in ("", "production")


def _title(sheet: Sheet) -> str:
    title = _block(sheet.title) if sheet.lead else _wrapped(sheet.title)
    asked = f"The question was:\n{_block(sheet.ask)}" if sheet.ask else ""
    return "\n\n".join(each for each in (title, _wrapped(sheet.standing), asked) if each)


def _stakes(sheet: Sheet) -> str:
    content = sheet.content
    if content is None:
        return ""
    return _plain((content.money, content.consequence, content.reversibility))


def _acts(sheet: Sheet) -> str:
    note = f" ({sheet.open_note})" if sheet.open_note else ""
    lines = (
        [f"{sheet.open_label}{note}:", f"{INDENT}{sheet.letter.url}"] if sheet.letter.url else []
    )
    for each in sheet.buttons:
        lines += ["", f"{each.label}:", f"{INDENT}{each.url}"]
    if sheet.buttons:
        lines += ["", LINKS]
    return "\n".join(lines)


def _content(sheet: Sheet) -> Iterable[str]:
    content = sheet.content
    if content is None:
        return
    if content.said:
        yield f"What was said:\n{_block(content.said)}"
    if content.situation:
        by = " (says the agent, checked by nobody)" if content.situation_by == "agent" else ""
        yield f"What happened{by}:\n{_block(content.situation)}"
    if content.facts:
        yield f"Facts, noted by the system:\n{_pairs(content.facts)}"
    if content.options:
        yield "What you can decide:\n" + "\n".join(_block(f"- {each}") for each in content.options)
    if content.claims:
        said = "\n".join(f"{INDENT}{name}:\n{_block(text, 2)}" for name, text in content.claims)
        yield f"The agent says (checked by nobody):\n{said}"
    if sheet.is_cut:
        yield f"More than fits into a letter; all of it: {sheet.letter.url}"


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    """Names in a column, values beside them; a name that is too long has a line of its own."""
    pairs = [(" ".join(name.split()), value) for name, value in pairs]
    column = min(max(len(name) for name, _ in pairs), COLUMN_MAX)
    lines = []
    for name, value in pairs:
        values = (_wrapped(value, WIDTH - column - 4) or "-").splitlines()
        if len(name) > column:
            lines.append(f"{INDENT}{name}")
        else:
            lines.append(f"{INDENT}{name.ljust(column)}  {values.pop(0)}")
        lines += [f"{INDENT}{' ' * column}  {each}" for each in values]
    return "\n".join(lines)


def _lines(sheet: Sheet) -> str:
    found = []
    for each in sheet.letter.lines:
        ask = f"\n{_block(each.ask)}" if each.ask else ""
        found.append(f"* {each.text}{ask}\n{INDENT}{each.url}")
    return "\n\n".join(found)


def _foot(sheet: Sheet) -> str:
    facts = " · ".join(f"{name} {value}" for name, value in sheet.facts)
    links = [f"{label}: {url}" for label, url in sheet.links]
    parts = [_wrapped(facts), _wrapped(sheet.reply), _wrapped(sheet.why), *links]
    return "\n".join(["- " * 10, *(each for each in parts if each)])


def _plain(texts: Iterable[str]) -> str:
    return "\n".join(_wrapped(each) for each in texts if each)


def _block(text: str, depth: int = 1) -> str:
    """Somebody else's text, indented line by line."""
    room = WIDTH - depth * len(INDENT)
    return "\n".join(INDENT * depth + each for each in _wrapped(text, room).splitlines())


def _wrapped(text: str, width: int = WIDTH) -> str:
    found = []
    for line in text.splitlines():
        found += wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""]
    return "\n".join(found)
