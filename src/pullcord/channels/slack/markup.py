"""Slack's markup: what may stand in it, and how words of others are kept from acting in it.

Slack reads `&`, `<` and `>` in every text, and `*_~` and backticks where a text is `mrkdwn`. What
people outside wrote is put into `plain_text`, where nothing is read but the three; so no text can
mention a channel, make a link or pass for a heading.
"""

import re
from datetime import UTC, datetime
from typing import Any

#: one block, element or text of Slack's Block Kit
Block = dict[str, Any]

#: characters of one text of a section; of a header; of one field
TEXT_MAX, HEADER_MAX, FIELD_MAX = 3_000, 150, 2_000

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MARKS = re.compile(r"[*_~`]|\A\s|\s\Z|\n")
_LINK = re.compile(r"<((?:https?|mailto):[^|>]*)(?:\|[^>]*)?>")
_PIECE = re.compile(r"&(?:amp|lt|gt);|.", re.DOTALL)


def escaped(text: str) -> str:
    """A text in which nothing is a mention, a link or an entity."""
    return re.sub("[&<>]", lambda found: _ESCAPES[found.group()], text)


def plain(text: str, most: int | None = None) -> Block:
    """A text nothing is read in, whoever wrote it; with `most`, no longer than that for Slack."""
    safe = escaped(text)
    if most is not None and len(safe) > most:
        kept = _PIECE.findall(safe)
        while sum(map(len, kept)) >= most:
            kept.pop()
        safe = "".join(kept).rstrip() + "…"
    return {"type": "plain_text", "text": safe, "emoji": False}


def marked(text: str) -> Block:
    """A text in Slack's markup, written by us; nothing in it becomes a link by itself."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def strong(text: str) -> Block:
    """A text in bold where bold cannot be broken out of or apart, else as it is."""
    bold = f"*{escaped(text)}*"
    return plain(text) if _MARKS.search(text) or len(bold) > TEXT_MAX else marked(bold)


def sections(text: Block) -> list[Block]:
    """A text as one section, or as several where it is longer than one may be; never cut."""
    return [{"type": "section", "text": {**text, "text": piece}} for piece in pieces(text["text"])]


def pieces(text: str) -> list[str]:
    """An escaped text in parts Slack takes, broken at a space and never inside an entity."""
    found: list[str] = []
    while len(text) > TEXT_MAX:
        head = "".join(_PIECE.findall(text[:TEXT_MAX])[:-5])
        at = head.rfind(" ", len(head) // 2)
        head = head[:at] if at > 0 else head
        found.append(head)
        text = text[len(head) :].lstrip(" ")
    return [*found, text] if text else found


def context(*texts: Block) -> Block:
    """A small line."""
    return {"type": "context", "elements": list(texts)}


def link(url: str, label: str) -> str:
    """A link in markup; a bar or a bracket in the address would end it early."""
    safe = url.replace("|", "%7C").replace(">", "%3E").replace("<", "%3C")
    return f"<{safe.replace('&', '&amp;')}|{escaped(label)}>"


def moment(at: datetime) -> str:
    """A time on the clock of whoever reads it; UTC where their Slack cannot tell."""
    otherwise = f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{otherwise}>"


def typed(text: str) -> str:
    """What somebody typed into Slack, as they typed it: entities and links are Slack's doing."""
    bare = _LINK.sub(lambda found: found.group(1).removeprefix("mailto:"), text)
    return bare.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
