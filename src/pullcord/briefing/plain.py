"""Text from agents and end users, made safe for people to read: marked, cut, never rewritten."""

import re
from dataclasses import dataclass

#: characters that hide, reorder or impersonate text: controls, zero width, bidi, tags; a line
#: ending of two characters is none of them
_HOSTILE = re.compile(
    "(?!\r\n)[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e01ef\ud800-\udfff]"
)
_SPACES = re.compile(r"\s+")

_KINDS = (
    ("bidi", re.compile("[\u061c\u202a-\u202e\u2066-\u2069\u200e\u200f]")),
    ("zero width", re.compile("[\u180e\u200b-\u200d\u2060-\u2065\ufeff]")),
    ("invisible tag", re.compile("[\U000e0000-\U000e01ef]")),
)

#: marks reported for one text
MARKS_MAX = 20


@dataclass(frozen=True, slots=True)
class Mark:
    """A hostile character: its kind and where it stands."""

    kind: str
    position: int


def marks(text: str) -> tuple[Mark, ...]:
    """Where hidden or misleading characters stand, the first 20."""
    found: list[Mark] = []
    for match in _HOSTILE.finditer(text):
        kind = next((name for name, which in _KINDS if which.match(match.group())), "control")
        found.append(Mark(kind, match.start()))
        if len(found) == MARKS_MAX:
            break
    return tuple(found)


def safe_text(text: str, limit: int) -> str:
    """Text with hostile characters shown as ⟦U+202E⟧, cut at a word to at most `limit`."""
    shown = _HOSTILE.sub(lambda match: f"⟦U+{ord(match.group()):04X}⟧", text[: limit * 2])
    return cut(shown, limit)


def safe_line(text: str, limit: int) -> str:
    """The same on one line."""
    return cut(_SPACES.sub(" ", safe_text(text, limit * 2)).strip(), limit)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, ended at a word with an ellipsis when something was cut."""
    if len(text) <= limit:
        return text
    head, ends_a_word = text[: limit - 1], text[limit - 1].isspace()
    if not ends_a_word and " " in head[limit // 2 :]:
        head = head[: head.rindex(" ")]
    return head.rstrip() + "…"
