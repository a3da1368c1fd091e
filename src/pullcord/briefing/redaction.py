"""Secrets and personal data found and replaced before anybody stores or sends them.

Secrets are always replaced; e-mail addresses and phone numbers only when asked, because operators
often need them. Every pattern is linear in the length of the text.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from string import ascii_uppercase, digits
from typing import Any

#: Each begins where a word begins and takes all that belongs to it, so none is left in part.
#: What each begins with stands in `_has_a_chance` too.
_SECRETS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("cloud key", re.compile(r"\bA(?:KIA|SIA)[0-9A-Z]{16,}")),
    ("cloud key", re.compile(r"\bAIza[\w-]{35,}")),
    ("git token", re.compile(r"\bgh[pousr]_[A-Za-z0-9]{30,}")),
    ("git token", re.compile(r"\bgithub_pat_\w{20,}")),
    ("chat token", re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}")),
    ("api key", re.compile(r"\b[sr]k[-_][\w-]{20,}")),
    ("pullcord key", re.compile(r"\bpk_[a-z0-9]+_[\w-]{20,}")),
    ("web token", re.compile(r"(?<![\w-])eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]{5,}")),
    (
        "private key",
        re.compile(
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:[^-]|-(?!----))*+"
            r"(?:-----END [A-Z ]{0,40}-----)?"
        ),
    ),
)
_DIGITS = re.compile(r"\d+(?:[ -]\d+)*")
#: bytes by what they can be part of: every account number begins so, and no card is shorter
_IBAN_BYTES = bytes(
    ord("A") if chr(each) in ascii_uppercase else ord("0") if chr(each) in digits else 0
    for each in range(256)
)
_IBAN_LIKE = b"AA00"
_DIGIT = b"0"
_CARD_BYTES = bytes(ord("0") if chr(each) in "0123456789 -" else 0 for each in range(256))
_CARD_LIKE = b"0" * 13
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_IBAN_LENGTH_MIN = 15
_PERSONAL: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("e-mail", re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}\b")),
    ("phone", re.compile(r"(?<!\w)\+\d(?:[ -]?\d){7,14}\b")),
)
#: digits of a card number (ISO/IEC 7812-1), groups it is written in, characters of both
_CARD_DIGITS = range(13, 20)
_CARD_GROUPS_MAX = 6
_CARD_LENGTH = range(13, 25)

#: characters of the shortest thing that is replaced: a card number without spaces
LENGTH_MIN = 13
#: kinds of values that hold no text
_HARMLESS = frozenset({type(None), bool, int, float})
_NESTED = (dict, list, tuple)
#: levels of a JSON value that are looked through
DEPTH_MAX = 64


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was replaced."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Redacted:
    """The text after replacement and what was found in it."""

    text: str
    found: tuple[Finding, ...]


def redact(text: str, *, personal: bool = False) -> Redacted:
    """Replace secrets, card numbers and IBANs; with `personal` also addresses and phones."""
    if not personal and not _has_a_chance(text):
        return Redacted(text, ())
    findings: list[Finding] = []
    end = 0
    for finding in sorted(_findings(text, personal), key=lambda each: (each.start, -each.end)):
        if finding.start >= end:
            findings.append(finding)
            end = finding.end
    return Redacted("".join(_replaced(text, findings)), tuple(findings))


def redact_value(value: Any, *, personal: bool = False) -> Any:
    """The same for every text in a JSON value; keys are left alone."""
    return _redacted(value, personal, 0)


def _redacted(value: Any, personal: bool, depth: int) -> Any:
    if isinstance(value, str):
        if not personal and not _has_a_chance(value):
            return value
        return redact(value, personal=personal).text
    if not isinstance(value, _NESTED):
        return value
    if depth >= DEPTH_MAX:
        return "[nested too deep]"
    if isinstance(value, dict):
        # most values are these, and a call for each would cost more than the look
        short = 0 if personal else LENGTH_MIN
        return {
            key: item
            if type(item) in _HARMLESS or (type(item) is str and len(item) < short)
            else _redacted(item, personal, depth + 1)
            for key, item in value.items()
        }
    return [_redacted(item, personal, depth + 1) for item in value]


def is_clean(texts: Iterable[str]) -> bool:
    """Whether none of these texts can hold a secret; one look at all of them costs least."""
    return not _has_a_chance("\n".join(texts))


def _has_a_chance(text: str) -> bool:
    """Whether any secret, card or account number can be in it: what each begins with or needs.

    Almost every text holds none, and this looks in a fraction of the time.
    """
    if len(text) < LENGTH_MIN:
        return False
    # one character is found many times faster than several
    if (
        ("_" in text and ("k_" in text or "gh" in text or "pat_" in text))
        or ("-" in text and ("k-" in text or "xox" in text or "-----" in text))
        or ("A" in text and ("AKIA" in text or "ASIA" in text or "AIza" in text))
        or ("J" in text and "eyJ" in text)
    ):
        return True
    raw = text.encode("utf-8", "surrogatepass")
    kinds = raw.translate(_IBAN_BYTES)
    if _DIGIT not in kinds:
        return False
    return _IBAN_LIKE in kinds or _CARD_LIKE in raw.translate(_CARD_BYTES)


def _findings(text: str, personal: bool) -> Iterator[Finding]:
    for kind, pattern in _SECRETS + (_PERSONAL if personal else ()):
        for match in pattern.finditer(text):
            yield Finding(kind, match.start(), match.end())
    for match in _DIGITS.finditer(text):
        yield from _cards(match)
    for match in _IBAN.finditer(text):
        length = _iban_length(match.group())
        if length:
            yield Finding("iban", match.start(), match.start() + length)


def _cards(run: re.Match[str]) -> Iterator[Finding]:
    """Card numbers among groups of digits, also beside other numbers."""
    groups = [(each.start(), each.end()) for each in re.finditer(r"\d+", run.group())]
    for first, (start, _) in enumerate(groups):
        for _, end in groups[first : first + _CARD_GROUPS_MAX]:
            if end - start in _CARD_LENGTH and is_card(run.group()[start:end]):
                yield Finding("card", run.start() + start, run.start() + end)


def _iban_length(text: str) -> int:
    """How much of a text is an account number: words that follow it may look like part of it."""
    while len(text) >= _IBAN_LENGTH_MIN and not is_iban(text):
        text = text.rpartition(" ")[0]
    return len(text) if len(text) >= _IBAN_LENGTH_MIN else 0


def _replaced(text: str, findings: list[Finding]) -> Iterator[str]:
    at = 0
    for finding in findings:
        yield text[at : finding.start]
        tail = text[finding.end - 4 : finding.end] if finding.kind in ("card", "iban") else ""
        yield f"[{finding.kind}{' …' + tail if tail else ''}]"
        at = finding.end
    yield text[at:]


def is_card(text: str) -> bool:
    """Whether it has the length, the first digit and the Luhn check of a card (ISO/IEC 7812-1)."""
    figures = [int(each) for each in text if each.isdecimal()]
    if len(figures) not in _CARD_DIGITS or not 2 <= figures[0] <= 6:
        return False
    doubled = [sum(divmod(each * 2, 10)) for each in figures[-2::-2]]
    return (sum(figures[-1::-2]) + sum(doubled)) % 10 == 0


def is_iban(text: str) -> bool:
    """Whether the account number satisfies its check digits (ISO 13616, modulo 97)."""
    compact = text.replace(" ", "")
    turned = compact[4:] + compact[:4]
    return int("".join(str(int(each, 36)) for each in turned)) % 97 == 1
