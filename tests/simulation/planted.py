"""Bugs to plant: each a mistake somebody could make in good faith, put in place of the right code.

A simulation that does not find these would not find the next one either.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from pullcord.engine import acting, courier, desk
from pullcord.engine.courier import Courier
from pullcord.engine.desk import Collected, Desk
from pullcord.engine.filing import Filer
from pullcord.path import asking, deciding, ending, stepping
from pullcord.path.deciding import Ruling
from pullcord.path.draft import Draft
from pullcord.path.escalation import Change, Escalation, Fallback, Json, Message
from pullcord.store import filing_sqlite, queries_sqlite
from pullcord.store.port import AgentKey, Copy, Filed, Head, Planned, Row, Settled
from pullcord.store.receipts import ReceiptState
from pullcord.wire import requests as wire
from tests.simulation.faults import StormyStore

Bug = Callable[[], AbstractContextManager[Any]]


def writes_without_looking_at_the_version() -> AbstractContextManager[Any]:
    """The last writer wins instead of the first."""
    blind = queries_sqlite.UPDATE.replace("and version = ?", "and version >= ? - 99")
    return patch.object(queries_sqlite, "UPDATE", blind)


@contextmanager
def opens_again_under_the_same_key() -> Iterator[None]:
    """Every request opens, also the repeated one."""
    real = Desk.open
    count = iter(range(10**9))

    async def forgetful(self: Desk, key: AgentKey, request: wire.OpenIn) -> Any:
        fields = {name: getattr(request, name) for name in request.__struct_fields__}
        return await real(self, key, wire.OpenIn(**{**fields, "key": f"k{next(count)}"}))

    with patch.object(Desk, "open", forgetful):
        yield


def loses_the_timer() -> AbstractContextManager[Any]:
    """A change of the row forgets when to wake again."""
    asleep = queries_sqlite.UPDATE.replace("min(wake_at, ?), ?)", "min(wake_at, ?), max(?, 9e15))")
    return patch.object(queries_sqlite, "UPDATE", asleep)


@contextmanager
def hands_out_what_was_proposed() -> Iterator[None]:
    """The agent is given the proposed arguments, not those the person changed."""
    real = Desk._collected

    async def careless(self: Desk, row: Row) -> Collected:
        found = await real(self, row)
        if row.escalation.decision is None or row.escalation.decision.decided_digest is None:
            return found
        one = row.escalation
        shown = await self._contents.one(one.workspace, one.id, "shown")
        return replace(found, content={**found.content, "args": shown["document"]["args"]})

    with patch.object(Desk, "_collected", careless):
        yield


@contextmanager
def climbs_the_ladder_in_force() -> Iterator[None]:
    """The timer asks by the policy of today, not by the one the escalation is pinned to."""
    real = Desk.step

    async def modern(self: Desk, row: Row) -> bool:
        configured = await self._policies.current(row.escalation.workspace)
        name = row.escalation.ladder.id
        ladder = configured.configuration.ladders.get(name, row.escalation.ladder)
        return await real(self, replace(row, escalation=replace(row.escalation, ladder=ladder)))

    with patch.object(Desk, "step", modern):
        yield


def lets_silence_approve() -> AbstractContextManager[Any]:
    """Nobody decided, so it may run."""

    def generous(escalation: Escalation) -> Fallback:
        return Fallback.APPROVE

    return patch.object(deciding, "fallback_of", generous)


@contextmanager
def advances_to_nobody() -> Iterator[None]:
    """While the next rung is being asked nobody is the owner."""
    real = asking.advance

    def adrift(escalation: Escalation, floor: Any, now: Any) -> Change:
        change = real(escalation, floor, now)
        return replace(change, escalations=tuple(replace(e, owner="") for e in change.escalations))

    with patch.object(stepping, "advance", adrift):
        yield


@contextmanager
def sends_messages_after_the_commit() -> Iterator[None]:
    """State first, messages in a second transaction: a crash between them tells nobody."""
    real = StormyStore.commit

    async def later(self: StormyStore, filed: Filed) -> None:
        await real(self, replace(filed, outgoing=()))
        await real(self, Filed(filed.workspace, outgoing=filed.outgoing))

    with patch.object(StormyStore, "commit", later):
        yield


def takes_acts_on_an_old_page() -> AbstractContextManager[Any]:
    """Somebody decides on what the page showed, whoever is asked by now."""
    return patch.object(desk, "_same_generation", lambda escalation, request: None)


@contextmanager
def gives_the_decision_to_every_attempt() -> Iterator[None]:
    """A second process of the agent is given the decision too."""
    real = ending.collect

    def generous(escalation: Escalation, now: Any, *, attempt: str) -> Change:
        if escalation.attempt:
            return Change()
        return real(escalation, now, attempt=attempt)

    with patch.object(ending, "collect", generous), ExitStack() as also:
        shows = queries_sqlite.DECIDED.replace("attempt = ? and attempt <> ''", "attempt <> ?")
        also.enter_context(patch.object(queries_sqlite, "DECIDED", shows))
        yield


@contextmanager
def forgets_an_entry() -> Iterator[None]:
    """Comments are not written into the timeline, to save space."""
    real = Filer.file

    def brief(self: Filer, workspace: str, change: Change, heads: Mapping[str, Head]) -> Filed:
        kept = tuple(each for each in change.entries if each.kind != "rung_skipped")
        return real(self, workspace, replace(change, entries=kept), heads)

    with patch.object(Filer, "file", brief):
        yield


def never_lets_a_lease_lapse() -> AbstractContextManager[Any]:
    """Who has accepted keeps it for ever."""
    return patch.object(stepping, "lapse", lambda escalation, floor, now: Change())


@contextmanager
def lets_a_late_vote_overwrite() -> Iterator[None]:
    """A decision that comes second replaces the first."""
    real = acting._decide

    def again(escalation: Escalation, request: Any, scene: Any) -> Change:
        if escalation.decision is not None and scene.ruling is None:
            draft = Draft(escalation, scene.now)
            decision = replace(escalation.decision, by=scene.by.id, at=scene.now)
            draft.enter("decided", scene.by, decision=decision)
            return draft.change()
        return real(escalation, request, scene)

    with patch.dict(acting.VERBS, {wire.DecideIn: again}):
        yield


@contextmanager
def answers_before_it_is_durable() -> Iterator[None]:
    """The reply leaves first, the write follows."""

    async def hasty(self: Desk, workspace: str, change: Change, heads: Mapping[str, Head]) -> Row:
        filed = self._filer.file(workspace, change, heads)
        loop = asyncio.get_running_loop()
        self._later = loop.create_task(self._store.commit(filed))  # type: ignore[attr-defined]
        return filed.rows[0]

    with patch.object(Desk, "_commit", hasty):
        yield


def lets_any_agent_read() -> AbstractContextManager[Any]:
    """Whoever knows the id may collect."""
    return patch.object(desk, "_own", lambda escalation, by, agent_key: None)


@contextmanager
def decides_with_one_vote() -> Iterator[None]:
    """The first of two votes is enough."""

    def enough(draft: Any, who: str, ruling: Ruling) -> bool:
        return True

    with patch.object(deciding, "_vote", enough):
        yield


@contextmanager
def falls_back_too_early() -> Iterator[None]:
    """The fallback speaks five minutes before its time."""
    real = deciding.fall_back

    def early(escalation: Escalation, now: Any, **more: Any) -> Change:
        if escalation.decide_by is None:
            return Change()
        sooner = replace(escalation, decide_by=escalation.decide_by - timedelta(minutes=5))
        return real(sooner, now, **more)

    with patch.object(stepping, "fall_back", early):
        yield


def commits_the_row_without_the_rest() -> AbstractContextManager[Any]:
    """State is written, entries and messages are not."""

    def half(connection: Any, filed: Filed) -> None:
        for row in filed.rows:
            filing_sqlite._write_row(connection, filed.workspace, row)

    return patch("tests.simulation.faults.file", half)


@contextmanager
def drops_messages_that_fail() -> Iterator[None]:
    """A message that could not be sent is thrown away without a receipt."""
    real = StormyStore.settle_outgoing

    async def silent(self: StormyStore, workspace: str, settled: Sequence[Settled]) -> None:
        failed = [each for each in settled if each.receipt.state is ReceiptState.FAILED]
        await self.plan_outgoing(workspace, [Planned(each.receipt.outgoing) for each in failed])
        await real(self, workspace, [each for each in settled if each not in failed])

    with patch.object(StormyStore, "settle_outgoing", silent):
        yield


def signs_something_else() -> AbstractContextManager[Any]:
    """The signature is over facts without the digest."""
    real = deciding.signed_facts

    def fewer(escalation: Escalation, decision: Any) -> dict[str, Json]:
        return {**real(escalation, decision), "decided_digest": None}

    return patch.object(deciding, "signed_facts", fewer)


def takes_every_message_for_stale() -> AbstractContextManager[Any]:
    """Nobody is told anything any more, and the receipts look fine."""
    return patch.object(courier, "is_stale", lambda message, escalation: True)


def takes_one_silent_way_for_all() -> AbstractContextManager[Any]:
    """The first way that fails gives a person up, whatever the others do."""

    async def hasty(self: Courier, workspace: str, outgoing: str, message: Message) -> Any:
        return courier._unreached(workspace, message)

    return patch.object(Courier, "lost", hasty)


def leaves_copies_as_they_were() -> AbstractContextManager[Any]:
    """Copies are noted as edited, and nobody edits them."""

    async def blind(self: Courier, workspace: str, copy: Copy, taken_at: Any) -> None:
        row = await self._store.load(workspace, copy.message.escalation)
        version = row.escalation.version if row else 0
        await self._store.settle_copy(
            workspace, copy.id, version=version, receipt=None, again_at=None
        )

    return patch.object(Courier, "_edit", blind)


#: by name; each is planted alone
BUGS: tuple[Bug, ...] = (
    writes_without_looking_at_the_version,
    opens_again_under_the_same_key,
    loses_the_timer,
    hands_out_what_was_proposed,
    climbs_the_ladder_in_force,
    lets_silence_approve,
    advances_to_nobody,
    sends_messages_after_the_commit,
    takes_acts_on_an_old_page,
    gives_the_decision_to_every_attempt,
    forgets_an_entry,
    never_lets_a_lease_lapse,
    lets_a_late_vote_overwrite,
    answers_before_it_is_durable,
    lets_any_agent_read,
    decides_with_one_vote,
    falls_back_too_early,
    commits_the_row_without_the_rest,
    drops_messages_that_fail,
    signs_something_else,
    takes_every_message_for_stale,
    takes_one_silent_way_for_all,
    leaves_copies_as_they_were,
)
