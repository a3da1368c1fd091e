"""Secrets and personal data found and replaced before anybody stores or sends them.

Secrets are always replaced; e-mail addresses and phone numbers only when asked, because operators
often need them. Every pattern is linear in the length of the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_SECRETS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("cloud key", re.compile(r"\bA(?:KIA|SIA)[0-9A-Z]{16}\b")),
    ("git token", re.compile(r"\bgh[pousr]_[A-Za-z0-9]{30,255}\b")),
    ("chat token", re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,200}")),
    ("api key", re.compile(r"\bsk-[A-Za-z0-9_-]{20,200}")),
    ("pullcord key", re.compile(r"\bpk_[a-z0-9]+_[A-Za-z0-9_-]{20,200}")),
    ("web token", re.compile(r"\beyJ[\w-]{5,2000}\.[\w-]{5,4000}\.[\w-]{5,2000}")),
    ("private key", re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{0,8000}-----END")),
)
_CARD = re.compile(r"\b\d(?:[ -]?\d){12,18}\b")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")
_PERSONAL: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("e-mail", re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}\b")),
    ("phone", re.compile(r"(?<!\w)\+\d(?:[ -]?\d){7,14}\b")),
)

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
    if depth >= DEPTH_MAX:
        return value
    if isinstance(value, dict):
        return {
            key: redact_value(item, personal=personal, depth=depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [redact_value(item, personal=personal, depth=depth + 1) for item in value]
    return value


def _findings(text: str, personal: bool) -> Iterator[Finding]:
    for kind, pattern in _SECRETS + (_PERSONAL if personal else ()):
        for match in pattern.finditer(text):
            yield Finding(kind, match.start(), match.end())
    for match in _CARD.finditer(text):
        if is_card(match.group()):
            yield Finding("card", match.start(), match.end())
    for match in _IBAN.finditer(text):
        if is_iban(match.group()):
            yield Finding("iban", match.start(), match.end())


def _replaced(text: str, findings: list[Finding]) -> Iterator[str]:
    at = 0
    for finding in findings:
        yield text[at : finding.start]
        tail = text[finding.end - 4 : finding.end] if finding.kind in ("card", "iban") else ""
        yield f"[{finding.kind}{' …' + tail if tail else ''}]"
        at = finding.end
    yield text[at:]


def is_card(text: str) -> bool:
    """Whether the digits satisfy the Luhn check (ISO/IEC 7812-1)."""
    digits = [int(each) for each in text if each.isdigit()]
    doubled = [sum(divmod(each * 2, 10)) for each in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_iban(text: str) -> bool:
    """Whether the account number satisfies its check digits (ISO 13616, modulo 97)."""
    compact = text.replace(" ", "")
    turned = compact[4:] + compact[:4]
    return int("".join(str(int(each, 36)) for each in turned)) % 97 == 1
