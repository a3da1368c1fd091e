"""What somebody wrote in a reply, without what they wrote it under.

Mail programs quote in many ways. What they share: quoted lines begin with ">", or everything below
a line of dashes, a block of headers or our own letter is quoted; the line above a quote that names
us says who is quoted. HTML marks quotes by elements of its own.
"""

import re
from collections.abc import Iterable
from email.message import Message
from html.parser import HTMLParser

#: characters of a reply that are looked at
TEXT_MAX = 50_000
#: lines from "On Tuesday" to "wrote:", and an empty one above them
ATTRIBUTION_MAX = 4

_DIVIDER = re.compile(
    r"^\s*(?:[-_*]{2,}\s*(?:original|forwarded|ursprüngliche|weitergeleitete|message|mensaje"
    r"|messaggio|oorspronkelijk|ursprungligt)\b.*|[_]{8,}|-- ?|[-_]{20,})\s*$",
    re.IGNORECASE,
)
_FROM = re.compile(
    r"^\s*\**(?:from|von|de|da|van|från|fra|od|от|lähettäjä|发件人|差出人)\s*:", re.IGNORECASE
)
_ABOUT = re.compile(r"^\s*\**[\w .-]{2,20}\**\s*:\s*\S")

#: elements whose text nobody wrote in this reply
_QUOTED_TAGS = frozenset({"blockquote", "style", "script", "head", "title"})
_QUOTED_MARKS = ("gmail_quote", "divrplyfwdmsg", "appendonsend", "yahoo_quoted", "moz-cite-prefix")
_BREAKS = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3"})
_EMPTY = frozenset({"br", "img", "hr", "meta", "input", "link", "wbr", "col", "area", "base"})


def reply_of(message: Message, *, ours: str) -> str:
    """The words of a reply; `ours` is the address whose letters are quoted in it."""
    text = _text_of(message)[:TEXT_MAX]
    return "\n".join(_own(text.splitlines(), ours.lower())).strip()


def _own(lines: list[str], ours: str) -> Iterable[str]:
    """The lines above and between what is quoted."""
    kept: list[str] = []
    for at, line in enumerate(lines):
        if _DIVIDER.match(line) or _is_head(lines, at):
            break
        if line.lstrip().startswith(">"):
            _drop_attribution(kept, ours)
        else:
            kept.append(line.rstrip())
    else:
        return kept
    _drop_attribution(kept, ours)
    return kept


def _is_head(lines: list[str], at: int) -> bool:
    """Whether a block of headers begins here: a sender, and more such lines below it."""
    if not _FROM.match(lines[at]):
        return False
    below = [each for each in lines[at + 1 : at + 4] if each.strip()]
    return sum(bool(_ABOUT.match(each)) for each in below) >= 2


def _drop_attribution(kept: list[str], ours: str) -> None:
    """Take away "On Tuesday Pullcord <us@example.com> wrote:", over as many lines as it stands."""
    while kept and not kept[-1]:
        kept.pop()
    if not kept or not kept[-1].endswith((":", "：")):
        return
    last = kept[-ATTRIBUTION_MAX:]
    paragraph = last[last.index("") + 1 :] if "" in last else []
    for said in (paragraph, *(last[-count:] for count in range(1, len(last) + 1))):
        if ours in " ".join(said).lower():
            del kept[-len(said) :]
            return


# --- from MIME to text --------------------------------------------------------------------------


def _text_of(message: Message) -> str:
    """The first plain text of a mail, else its HTML as text."""
    parts = [each for each in message.walk() if not each.is_multipart() and not _is_file(each)]
    for wanted in ("text/plain", "text/html"):
        for part in parts:
            if part.get_content_type() == wanted:
                text = decoded(part)
                return _from_html(text) if wanted == "text/html" else text
    return ""


def files_in(message: Message) -> int:
    """How many files are attached."""
    return sum(_is_file(each) for each in message.walk())


def _is_file(part: Message) -> bool:
    return part.get_content_disposition() == "attachment"


def decoded(part: Message) -> str:
    """The text of a part, whatever its charset claims to be."""
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    try:
        return raw.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return raw.decode("utf-8", "replace")


class _Reader(HTMLParser):
    """Collects the text outside of quotes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._open: list[tuple[str, bool]] = []

    @property
    def _is_quoted(self) -> bool:
        return any(is_quote for _, is_quote in self._open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BREAKS and not self._is_quoted:
            self.found.append("\n")
        if tag in _EMPTY:
            return
        marks = " ".join(value or "" for name, value in attrs if name in ("class", "id")).lower()
        is_quote = tag in _QUOTED_TAGS or any(each in marks for each in _QUOTED_MARKS)
        self._open.append((tag, is_quote))

    def handle_endtag(self, tag: str) -> None:
        for at in range(len(self._open) - 1, -1, -1):
            if self._open[at][0] == tag:
                del self._open[at:]
                return

    def handle_data(self, data: str) -> None:
        if not self._is_quoted:
            self.found.append(re.sub(r"\s+", " ", data))


def _from_html(html: str) -> str:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = [line.strip() for line in "".join(reader.found).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))
