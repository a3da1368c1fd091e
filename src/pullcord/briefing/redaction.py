"""Secrets and personal data found and replaced before anybody stores or sends them.

Secrets are always replaced; e-mail addresses and phone numbers only when asked, because operators
often need them. Every pattern is linear in the length of the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
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
#: no card has fewer digits on end, and every account number begins like this
_CARD_LIKE = re.compile(r"[0-9][0-9 -]{12}")
_IBAN_LIKE = re.compile(r"[A-Z][A-Z][0-9][0-9]")
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


def redact_value(value: Any, *, personal: bool = False, depth: int = 0) -> Any:
    """The same for every text in a JSON value; keys are left alone."""
    if isinstance(value, str):
        return redact(value, personal=personal).text
    if depth >= DEPTH_MAX and isinstance(value, dict | list | tuple):
        return "[nested too deep]"
    if isinstance(value, dict):
        return {
            key: redact_value(item, personal=personal, depth=depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact_value(item, personal=personal, depth=depth + 1) for item in value]
    return value


def _has_a_chance(text: str) -> bool:
    """Whether any secret, card or account number can be in it: what each begins with or needs.

    Almost every text holds none, and this looks in a fraction of the time.
    """
    if len(text) < LENGTH_MIN:
        return False
    return (
        "_" in text
        or "k-" in text
        or "AKIA" in text
        or "ASIA" in text
        or "AIza" in text
        or "xox" in text
        or "eyJ" in text
        or "-----" in text
        or _CARD_LIKE.search(text) is not None
        or _IBAN_LIKE.search(text) is not None
    )


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
    digits = [int(each) for each in text if each.isdecimal()]
    if len(digits) not in _CARD_DIGITS or not 2 <= digits[0] <= 6:
        return False
    doubled = [sum(divmod(each * 2, 10)) for each in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_iban(text: str) -> bool:
    """Whether the account number satisfies its check digits (ISO 13616, modulo 97)."""
    compact = text.replace(" ", "")
    turned = compact[4:] + compact[:4]
    return int("".join(str(int(each, 36)) for each in turned)) % 97 == 1
