"""A Change as the values of its statements: one a row, with all that belongs to the row."""

from collections.abc import Iterable, Sequence
from typing import Any

from pullcord.path.escalation import ActorKind, Escalation, MessageKind
from pullcord.store import queries_postgres as sql
from pullcord.store.codec import encoded, maybe_micros, micros, state_of
from pullcord.store.filing_sqlite import outgoing_row
from pullcord.store.port import Copy, Filed, Head, Outgoing, Row

Columns = list[Sequence[Any]]


def parts(filed: Filed) -> list[Filed]:
    """A Change of several escalations as one of each, with all that belongs to it.

    Raises:
        AssertionError: something belongs to none of them, or rows and links do not belong
            together; a bug, nothing is written.
    """
    _check(filed)
    if len(filed.rows) == 1:
        return [filed]
    found = []
    for row in filed.rows:
        of = row.escalation.id
        found.append(
            Filed(
                filed.workspace,
                (row,),
                tuple(each for each in filed.links if each.chain == of),
                tuple(each for each in filed.sealed if each.escalation == of),
                tuple(each for each in filed.outgoing if each.message.escalation == of),
            )
        )
    assert sum(len(each.outgoing) for each in found) == len(filed.outgoing), "a message of another"
    return found


def statement(part: Filed) -> str:
    """What writes a Change of one escalation."""
    return sql.OPEN if part.rows[0].escalation.version == 1 else sql.CHANGE


def values(part: Filed, epoch: int) -> list[Any]:
    """The values of `statement`: workspace, epoch, the row, then one array a column."""
    row = part.rows[0]
    is_opening = row.escalation.version == 1
    links = ((each.seq, micros(each.at), each.kind, each.body, each.hash) for each in part.links)
    sealed = ((each.name, each.salt, each.ciphertext) for each in part.sealed)
    outgoing = (outgoing_row("", each)[1:] for each in part.outgoing)
    return [
        part.workspace,
        epoch,
        *(_opened(row) if is_opening else _changed(row)),
        *columns(links, sql.count(sql.LINKED_ON)),
        *columns(sealed, sql.count(sql.SEALED_IN)),
        *columns(outgoing, sql.count(sql.SENT_OUT)),
        _candidates(row.escalation),
        *columns(_asked(part.outgoing), sql.count(sql.ASKED_NOW)),
    ]


def columns(rows: Iterable[Sequence[Any]], count: int) -> Columns:
    """Rows turned into columns; as many as the statement has, also of no rows."""
    turned: Columns = list(zip(*rows, strict=True))
    return turned or [()] * count


def _check(filed: Filed) -> None:
    """Every row is this workspace's and names the end of its own timeline."""
    ends = {each.chain: Head(each.seq, each.hash) for each in filed.links}
    heads = {row.escalation.id: row.head for row in filed.rows}
    assert ends == heads, f"the heads {heads} are not the ends of the timelines {ends}"
    for row in filed.rows:
        of = row.escalation
        assert of.workspace == filed.workspace, f"{of.id} belongs to another workspace"
    sealed = {each.escalation for each in filed.sealed}
    assert sealed <= heads.keys(), f"contents of {sealed - heads.keys()}, which do not change"


def _opened(row: Row) -> tuple[Any, ...]:
    each = row.escalation
    return (
        each.id,
        each.status.value,
        each.owner,
        maybe_micros(each.due_at),
        each.environment,
        each.agent,
        each.agent_key,
        each.key,
        each.run,
        each.end_user,
        each.ladder.id,
        each.control.value,
        each.status_digest,
        each.body_digest,
        micros(each.opened_at),
        _decided_at(each),
        each.attempt,
        row.head.seq,
        row.head.hash,
        state_of(each),
    )


def _changed(row: Row) -> tuple[Any, ...]:
    each = row.escalation
    return (
        each.id,
        each.version,
        each.status.value,
        each.owner,
        maybe_micros(each.due_at),
        each.control.value,
        _decided_at(each),
        each.attempt,
        row.head.seq,
        row.head.hash,
        state_of(each),
    )


def _decided_at(escalation: Escalation) -> int | None:
    return micros(escalation.decision.at) if escalation.decision else None


def _candidates(escalation: Escalation) -> list[str]:
    """Everybody who is asked now."""
    offer = escalation.offer
    if offer is None or not escalation.is_living:
        return []
    return list(dict.fromkeys(offer.candidates))


def _asked(outgoing: Iterable[Outgoing]) -> Iterable[tuple[str, int]]:
    """(person, instant) of everybody these messages ask, for fairness."""
    for each in outgoing:
        message = each.message
        if message.kind is MessageKind.ASKED and message.to is ActorKind.PERSON:
            yield message.to_id, micros(message.at)


def copy_columns(each: Copy) -> tuple[Any, ...]:
    """What a copy has beside its receipt."""
    return (
        each.address,
        each.reference,
        each.version,
        micros(each.at),
        int(each.is_edited),
        int(each.wakes),
        encoded(each.message),
    )
