"""Escalations for the store's tests: made by the real verbs and filed as the desk files them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from pullcord.engine.filing import Filer
from pullcord.owner.floor import Floor
from pullcord.owner.ladder import Ladder, Rung, Target
from pullcord.owner.roster import Person, Team
from pullcord.path import asking, deciding, ending
from pullcord.path.deciding import Ruling
from pullcord.path.escalation import (
    ActorKind,
    AskKind,
    Change,
    DecisionKind,
    Entry,
    Escalation,
    Message,
    MessageKind,
    Purpose,
    Terms,
    agent,
    person,
)
from pullcord.path.timeline import Link, link
from pullcord.seal.sealing import Vault
from pullcord.store.port import WORKSPACE_CHAIN, Filed, Head, Outgoing, Row, Store

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
Verb = Callable[[Escalation], Change]


class CountedIds:
    """Ids and chance that count upwards."""

    def __init__(self) -> None:
        self._count = 0

    def new(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}_{self._count:06}"

    def chance(self, size: int) -> bytes:
        self._count += 1
        return self._count.to_bytes(8, "big").rjust(size, b"\0")


def people() -> dict[str, Person]:
    return {name: Person(id=name, name=name.title(), shown_as=name) for name in ("dana", "tom")}


def floor(at: datetime = NOON) -> Floor:
    known = {**people(), "maria": Person(id="maria", name="Maria", shown_as="Maria")}
    teams = {"billing": Team("billing", ("maria", "tom"))}
    return Floor(version=1, at=at, people=known, teams=teams, workspace_catch_all="dana")


LADDER = Ladder(
    id="billing",
    rungs=(
        Rung(Target("team", "billing"), 10 * MINUTE),
        Rung(Target("person", "tom"), 10 * MINUTE),
    ),
    catch_all="dana",
)


def blank(id: str, **fields: object) -> Escalation:
    """An escalation about to be opened."""
    made = Escalation(
        workspace="shop",
        id=id,
        environment="production",
        agent="support",
        agent_key="k1",
        key=id,
        opened_at=NOON,
        tool="refund",
        ask_kind=AskKind.APPROVE,
        severity="normal",
        rule="limit",
        policy_version="p1",
        ladder=LADDER,
        terms=Terms(),
        body_digest="body",
        shown_digest="shown",
        nonce="nonce",
        requester="dana",
        purpose=Purpose.WORK,
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def decides(who: str, at: datetime = NOON, *, note: str = "") -> Verb:
    """The verb with which this person approves."""
    ruling = Ruling(DecisionKind.APPROVE, "console", "n", "digest", content={"note": note})
    return lambda each: deciding.decide(
        each, who, floor(at), at, ruling=ruling, sign=lambda facts: ("key", "signature")
    )


def accepts(who: str, at: datetime = NOON) -> Verb:
    return lambda each: asking.accept(each, who, floor(at), at)


def takes_over(who: str, at: datetime = NOON) -> Verb:
    return lambda each: deciding.take_over(each, who, floor(at), at)


def collects(attempt: str, at: datetime = NOON) -> Verb:
    return lambda each: ending.collect(each, at, attempt=attempt)


def withdraws(at: datetime = NOON) -> Verb:
    return lambda each: ending.withdraw(each, agent("support"), at)


def commented(each: Escalation, text: str = "hm", at: datetime = NOON) -> Change:
    """A Change of nothing but version and timeline."""
    after = replace(each, version=each.version + 1)
    sealed = {f"comment/{after.version}": {"text": text}}
    entry = Entry(each.id, "commented", at, person("tom"), sets={"version": after.version})
    return Change((after,), (replace(entry, sealed=sealed),))


def message(
    escalation: str, to: str = "maria", *, at: datetime = NOON, urgency: int = 1
) -> Message:
    return Message(
        escalation=escalation,
        to=ActorKind.PERSON,
        to_id=to,
        kind=MessageKind.ASKED,
        generation=1,
        at=at,
        urgency=urgency,
    )


def outgoing(id: str, escalation: str, **more: str) -> Outgoing:
    return Outgoing(id=id, message=message(escalation), **more)  # type: ignore[arg-type]


def workspace_link(workspace: str, head: Head, *, kind: str = "noted") -> Link:
    """The next link of a workspace's own chain."""
    entry = Entry(WORKSPACE_CHAIN, kind, NOON, person("dana"))
    seq = head.seq + 1
    return link(workspace, WORKSPACE_CHAIN, entry, seq=seq, prev=head.hash, commitments={})


@dataclass
class Stage:
    """Opens and changes escalations on a store."""

    store: Store
    workspace: str = "shop"
    ids: CountedIds = field(default_factory=CountedIds)

    @property
    def filer(self) -> Filer:
        return Filer(Vault(bytes(32)), self.ids)

    def opening(self, id: str, *, at: datetime = NOON, shown: str = "", **fields: object) -> Filed:
        fields = {"workspace": self.workspace, **fields}
        change = asking.open_escalation(blank(id, **fields), {"text": shown}, floor(at), at)
        return self.filer.file(self.workspace, change, {})

    async def open(self, id: str, *, at: datetime = NOON, shown: str = "", **fields: object) -> Row:
        filed = self.opening(id, at=at, shown=shown, **fields)
        await self.store.commit(filed)
        return filed.rows[0]

    def filed(self, row: Row, change: Change) -> Filed:
        return self.filer.file(self.workspace, change, {row.escalation.id: row.head})

    async def act(self, row: Row, *verbs: Verb) -> Row:
        """Apply verbs one after the other, a commit each."""
        for verb in verbs:
            filed = self.filed(row, verb(row.escalation))
            await self.store.commit(filed)
            row = filed.rows[0]
        return row
