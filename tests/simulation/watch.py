"""Safety after every step: each Change the database took is held against the invariants.

The watcher keeps a shadow of every escalation, made only from what was really written, and knows
nothing of how the engine came to write it.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from pullcord.config.configuration import Configuration
from pullcord.owner.authority import PRODUCTION, SEPARATED
from pullcord.owner.ladder import Ladder, Target
from pullcord.path.escalation import (
    ENDED,
    AskKind,
    DecisionKind,
    Escalation,
    Fallback,
    Message,
    Status,
)
from pullcord.path.timeline import Link, broken, public
from pullcord.path.transitions import TABLE
from pullcord.seal.sealing import commitment
from pullcord.store.port import Filed, Head, Row

#: what an opening fixes for ever: everything declared before `version`
FIXED = tuple(each.name for each in fields(Escalation))[
    : [each.name for each in fields(Escalation)].index("version")
]
#: a Change may hold several steps, such as accept and decide
LEADS_TO: Mapping[Status, frozenset[Status]] = {
    status: frozenset(
        {status, *(to for row in TABLE if status in row.since for to in row.leads_to)}
    )
    for status in Status
}
#: entries that must not come before the deadline they are about
NEVER_EARLY: Mapping[str, str] = {
    "rung_expired": "accept_by",
    "offer_returned": "accept_by",
    "lapsed": "hold_until",
    "kept_waiting": "decide_by",
}


class Watch:
    """The shadow of one world."""

    def __init__(self, violated: Callable[[str], None]) -> None:
        self._violated = violated
        self.rows: dict[str, Row] = {}
        self.folds: dict[str, dict[str, Any]] = {}
        #: generation before each version
        self.generations: dict[tuple[str, int], int] = {}
        #: (escalation, person) asked how often
        self.asked: dict[tuple[str, str], int] = {}
        self.configurations: dict[str, Configuration] = {}
        self.changes = 0
        #: how often each kind of entry was written
        self.kinds: dict[str, int] = {}

    def note(self, filed: Filed) -> None:
        """Look at a Change that is being written."""
        self.changes += 1
        for row in filed.rows:
            links = [each for each in filed.links if each.chain == row.escalation.id]
            before = self.rows.get(row.escalation.id)
            for fault in self._faults(before, row, links, filed):
                self._violated(f"{row.escalation.id} version {row.escalation.version}: {fault}")
            self.rows[row.escalation.id] = row
            generation = before.escalation.generation if before else 0
            self.generations[row.escalation.id, row.escalation.version] = generation

    def dropped(self, message: Message) -> None:
        """A message is thrown away because it is no longer true."""
        found = self.rows[message.escalation].escalation
        if found.is_living and found.generation == message.generation:
            self._violated(f"{found.id}: a true {message.kind} to {message.to_id} was dropped")

    def given_up(
        self,
        escalation: str,
        who: str,
        *,
        receipts: Iterable[tuple[str, str]],
        waiting: Iterable[str],
    ) -> None:
        """Somebody counts as not reached: every way of one message to them must have failed."""
        ways: dict[str, dict[str, str]] = {}
        for name, state in receipts:
            ways.setdefault(name.rpartition(".")[0], {})[name] = state
        left = {name.rpartition(".")[0] for name in waiting}
        failed = [
            message
            for message, states in ways.items()
            if message not in left and set(states.values()) == {"failed"}
        ]
        if not failed:
            self._violated(f"{escalation}: {who} counts as not reached, and has ways: {ways}")

    def _faults(
        self, before: Row | None, row: Row, links: list[Link], filed: Filed
    ) -> Iterator[str]:
        now = row.escalation
        was = before.escalation if before else None
        yield from _of_state(now)
        yield from _of_step(was, now) if was else _of_opening(now)
        entries = [json.loads(each.body) for each in links]
        yield from self._of_timeline(before, row, links, entries)
        yield from _of_contents(now.id, entries, filed)
        yield from _of_decision(was, now, entries)
        yield from _of_time(was, entries, links)
        for entry in entries:
            self.kinds[entry["kind"]] = self.kinds.get(entry["kind"], 0) + 1
            if entry["kind"] == "asked":
                yield from self._of_asked(was, now, entry["facts"])

    def _of_timeline(
        self, before: Row | None, row: Row, links: list[Link], entries: list[dict[str, Any]]
    ) -> Iterator[str]:
        """Dense, chained, and folding to exactly the public fields of the row."""
        found = row.escalation
        head = before.head if before else Head()
        if [each.seq for each in links] != list(range(head.seq + 1, row.head.seq + 1)):
            yield f"links {[each.seq for each in links]} after {head.seq} up to {row.head.seq}"
        pairs = [(each.body, each.hash) for each in links]
        yield from broken(pairs, workspace=found.workspace, chain=found.id, after=head.hash)
        state = self.folds.setdefault(found.id, {})
        for entry in entries:
            state.update(entry["sets"])
        if state != public(found):
            expected = public(found)
            differs = sorted(name for name in expected if state.get(name) != expected[name])
            yield f"its timeline folds to other values of {differs}"

    def _of_asked(
        self, was: Escalation | None, found: Escalation, facts: Mapping[str, Any]
    ) -> Iterator[str]:
        """Only people of the pinned ladder are asked, as the pinned policy has them."""
        stays = was is not None and was.generation == found.generation and was.offer is not None
        told = was.offer.candidates if stays and was and was.offer else ()
        for who in [each for each in facts["people"] if each not in told]:
            self.asked[found.id, who] = self.asked.get((found.id, who), 0) + 1
        rung: int = facts["rung"]
        allowed = set(self._people_of(found, rung, through=found.terms.quorum > 1))
        if found.follows:
            # whoever decides late took it by themselves
            allowed.add(found.owner)
        strangers = set(facts["people"]) - allowed
        at_end = rung >= len(found.ladder.rungs)
        if strangers and not at_end:
            yield f"rung {rung} of the pinned ladder asks {sorted(strangers)}"

    def _people_of(self, found: Escalation, rung: int, *, through: bool) -> Iterator[str]:
        configuration = self.configurations[found.policy_version]
        ladder: Ladder = found.ladder
        last = len(ladder.rungs) if through else rung + 1
        for each in ladder.rungs[rung:last]:
            yield from _named(each.target, configuration)
        if through:
            yield ladder.catch_all


def _named(target: Target, configuration: Configuration) -> Iterable[str]:
    if target.kind == "team":
        return configuration.teams[target.id].members
    if target.kind == "schedule":
        return configuration.schedules[target.id].rotation.people
    return (target.id,)


def _of_state(now: Escalation) -> Iterator[str]:
    """Invariant 1: a living escalation has an owner and a deadline."""
    if now.is_living and not now.owner:
        yield "it lives without an owner"
    if now.status not in ENDED and now.due_at is None:
        yield "it goes on without a deadline"
    if now.status in ENDED and now.due_at is not None:
        yield "it has ended with a deadline"
    if now.is_living and now.decision is not None:
        yield "it lives although it is decided"
    if now.status in (Status.DECIDED, Status.COLLECTED) and now.decision is None:
        yield f"it is {now.status} without a decision"


def _of_opening(now: Escalation) -> Iterator[str]:
    if now.version != 1:
        yield f"it begins with version {now.version}"


def _of_step(was: Escalation, now: Escalation) -> Iterator[str]:
    """What may follow what."""
    if now.version != was.version + 1:
        yield f"it follows version {was.version}"
    if now.generation < was.generation:
        yield "its generation went back"
    if now.rung < was.rung:
        yield f"its ladder went back from {was.rung} to {now.rung}"
    changed = [each for each in FIXED if getattr(was, each) != getattr(now, each)]
    if changed:
        yield f"what an opening fixes has changed: {changed}"
    if now.status not in LEADS_TO[was.status] and not _in_two_steps(was, now):
        yield f"{was.status} led to {now.status}"
    if was.attempt and now.attempt != was.attempt:
        yield f"attempt {was.attempt!r} collected it, now {now.attempt!r}"


def _in_two_steps(was: Escalation, now: Escalation) -> bool:
    """An act that also accepts, or a decision nobody waits for."""
    return any(now.status in LEADS_TO[middle] for middle in LEADS_TO[was.status])


def _of_contents(chain: str, entries: list[dict[str, Any]], filed: Filed) -> Iterator[str]:
    """Every content is committed to by the chain, and every commitment has its content."""
    promised: dict[str, str] = {}
    for entry in entries:
        promised.update(entry["sealed"])
    sealed = {
        each.name: commitment(each.salt, each.ciphertext)
        for each in filed.sealed
        if each.escalation == chain
    }
    if sealed != promised:
        yield f"contents {sorted(sealed)} are not what the chain commits to: {sorted(promised)}"


def _of_decision(
    was: Escalation | None, now: Escalation, entries: list[dict[str, Any]]
) -> Iterator[str]:
    """At most one; by somebody who was asked; a fallback is only what the rule names."""
    decision = now.decision
    if was is not None and was.decision is not None:
        if was.decision != decision:
            yield f"its decision changed: {was.decision} to {decision}"
        return
    told = [each for each in entries if each["kind"] == "decided"]
    if len(told) != (1 if decision else 0):
        yield f"{len(told)} entries tell of its decision"
    if decision is None or was is None:
        return
    if decision.kind is DecisionKind.NOBODY_DECIDED:
        yield from _of_fallback(was, now)
        return
    asked = {was.owner, *(was.offer.candidates if was.offer else ())}
    if decision.by not in asked:
        yield f"{decision.by} decided, and {sorted(asked)} were asked"
    if _is_separated(now) and decision.by == now.requester:
        yield f"{decision.by} decided for their own agent"
    if now.terms.quorum > 1 and decision.kind is not DecisionKind.HAND_BACK:
        voters = {each["by"] for each in told[0]["facts"].get("votes", [])}
        if len(voters) < now.terms.quorum:
            yield f"{sorted(voters)} decided alone; {now.terms.quorum} are needed"


def _is_separated(now: Escalation) -> bool:
    return now.environment == PRODUCTION and now.severity in SEPARATED


def _of_fallback(was: Escalation, now: Escalation) -> Iterator[str]:
    decision = now.decision
    assert decision is not None, "a fallback without a decision"
    runs = decision.decided_digest is not None
    named = now.terms.fallback is Fallback.APPROVE and now.ask_kind is AskKind.APPROVE
    if runs and not named:
        yield f"nobody decided, the rule says {now.terms.fallback}, and it may run"
    if now.terms.fallback is Fallback.KEEP_WAITING:
        yield "it was to keep waiting and was decided by rule"
    if was.decide_by is None or decision.at < was.decide_by:
        yield f"the fallback spoke at {decision.at}, before {was.decide_by}"


def _of_time(
    was: Escalation | None, entries: list[dict[str, Any]], links: list[Link]
) -> Iterator[str]:
    """No deadline acts before its time."""
    if was is None:
        return
    for entry, link in zip(entries, links, strict=True):
        name = NEVER_EARLY.get(entry["kind"])
        deadline: datetime | None = getattr(was, name) if name else None
        if name and (deadline is None or link.at < deadline):
            yield f"{entry['kind']} at {link.at}, before its {name}, {deadline}"
        if entry["kind"] == "closed" and was.status in (Status.DECIDED, Status.COLLECTED):
            waited = was.collect_by if was.status is Status.DECIDED else was.report_by
            if waited is None or link.at < waited:
                yield f"given up at {link.at}, before {waited}"
