"""The timeline: what happened, in an order nobody can change afterwards.

Each chain is append-only. A link's body is canonical JSON (RFC 8785) that holds the hash of the
link before it, the public fields the entry changed, and for every sealed content the commitment
SHA-256(salt ‖ ciphertext). So content can be erased without breaking a chain, and folding a chain
gives exactly the public fields of the stored row.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import lru_cache
from operator import attrgetter
from typing import Any

from pullcord.briefing.digest import canonical
from pullcord.owner.ladder import Ladder
from pullcord.path.escalation import Entry, Escalation, Json, Terms

#: version of the entry format; a verifier refuses a format it does not know
FORMAT = 1

#: fields that are never public: blind votes until the quorum is complete
PRIVATE = frozenset({"votes"})
#: kinds that are JSON already
AS_IT_IS = frozenset({type(None), bool, int, float, str})
#: records that come from the configuration and are the same for many escalations
PINNED = frozenset({Ladder, Terms})
PINNED_MAX = 512
#: instants whose text is remembered
INSTANTS_MAX = 1024


@dataclass(frozen=True, slots=True)
class Link:
    """An entry in its place: `body` is canonical JSON, `hash` its SHA-256 in lower-case hex."""

    chain: str
    seq: int
    at: datetime
    kind: str
    body: bytes
    hash: str


#: names of the public fields by kind of record, found once
_names: dict[Any, tuple[str, ...]] = {}


def _public_names(kind: Any) -> tuple[str, ...]:
    if kind not in _names:
        _names[kind] = tuple(each.name for each in fields(kind) if each.name not in PRIVATE)
    return _names[kind]


_public_values: Callable[[Escalation], tuple[Any, ...]] = attrgetter(*_public_names(Escalation))


def plain(value: Any) -> Json:
    """A domain value as JSON: times as UTC text, spans as whole seconds, records as objects."""
    kind: Any = type(value)
    if kind in AS_IT_IS:
        return value
    if kind is datetime:
        return _plain_instant(value)
    if kind is timedelta:
        return int(value.total_seconds())
    if isinstance(value, Enum):
        return value.value
    if kind in PINNED:
        return _plain_pinned(value)
    if is_dataclass(value):
        return _plain_record(value)
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    return [plain(item) for item in value]


@lru_cache(maxsize=INSTANTS_MAX)
def _plain_instant(value: datetime) -> str:
    """One act names the same few instants again and again."""
    return value.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def _plain_record(value: Any) -> Json:
    return {name: plain(getattr(value, name)) for name in _public_names(type(value))}


@lru_cache(maxsize=PINNED_MAX)
def _plain_pinned(value: Any) -> Json:
    """What many escalations pin alike is made plain once; nobody changes what this gives."""
    return _plain_record(value)


def public(escalation: Escalation) -> dict[str, Json]:
    """The public fields of an escalation, as a fold of its timeline gives them."""
    return changed(None, escalation)


def changed(before: Escalation | None, after: Escalation) -> dict[str, Json]:
    """Public fields of `after` that differ from `before`, with their plain values."""
    if before is after:
        return {}
    names = _public_names(Escalation)
    values = zip(names, _public_values(after), strict=True)
    if before is None:
        return {name: plain(value) for name, value in values}
    return {
        name: plain(value)
        for (name, value), earlier in zip(values, _public_values(before), strict=True)
        if value is not earlier and value != earlier
    }


def link(
    workspace: str,
    chain: str,
    entry: Entry,
    *,
    seq: int,
    prev: str,
    commitments: Mapping[str, str],
) -> Link:
    """Give an entry its place: `seq` is one more than the head's, `prev` is the head's hash."""
    body = canonical(
        {
            "v": FORMAT,
            "workspace": workspace,
            "chain": chain,
            "seq": seq,
            "at": plain(entry.at),
            "by": str(entry.by),
            "kind": entry.kind,
            "facts": plain(entry.facts),
            "sets": entry.sets,
            "sealed": commitments,
            "prev": prev,
        }
    )
    return Link(
        chain=chain,
        seq=seq,
        at=entry.at,
        kind=entry.kind,
        body=body,
        hash=hashlib.sha256(body).hexdigest(),
    )


def fold(bodies: Iterable[bytes]) -> dict[str, Json]:
    """Replay a timeline: the public fields after its last entry."""
    state: dict[str, Json] = {}
    for body in bodies:
        state.update(json.loads(body)["sets"])
    return state


def commitments_of(bodies: Iterable[bytes]) -> dict[str, str]:
    """Every commitment the chain makes, by content name."""
    found: dict[str, str] = {}
    for body in bodies:
        found.update(json.loads(body)["sealed"])
    return found


def broken(
    links: Sequence[tuple[bytes, str]], *, workspace: str, chain: str, after: str = ""
) -> list[str]:
    """What is wrong with a chain of (body, hash), as sentences; empty when it holds.

    `after` is the hash the first link must name (empty: the chain's beginning, seq 1).
    """
    faults: list[str] = []
    prev, expected = after, None if after else 1
    for body, stated in links:
        faults.extend(_faults_of(body, stated, prev=prev, seq=expected, names=(workspace, chain)))
        prev = stated
        expected = _seq_of(body, default=(expected or 0)) + 1
    return faults


def _seq_of(body: bytes, *, default: int) -> int:
    try:
        return int(json.loads(body)["seq"])
    except (ValueError, KeyError, TypeError):
        return default


def _faults_of(
    body: bytes, stated: str, *, prev: str, seq: int | None, names: tuple[str, str]
) -> list[str]:
    workspace, chain = names
    where = f"{chain} entry {seq or '?'}"
    if hashlib.sha256(body).hexdigest() != stated:
        return [f"{where}: its content does not match its hash"]
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return [f"{where}: is no JSON object"]
    faults = []
    if found.get("v") != FORMAT:
        faults.append(f"{where}: format {found.get('v')!r} is not known")
    if found.get("prev") != prev:
        faults.append(f"{where}: does not continue the entry before it")
    if seq is not None and found.get("seq") != seq:
        faults.append(f"{where}: has number {found.get('seq')!r}")
    if (found.get("workspace"), found.get("chain")) != (workspace, chain):
        faults.append(f"{where}: belongs to another chain")
    return faults
