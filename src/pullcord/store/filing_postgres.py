"""A Change as the arrays of one statement: rows, candidates, links, sealed contents, messages."""

from collections.abc import Iterable, Sequence
from typing import Any

from pullcord.path.escalation import ActorKind, Escalation, MessageKind
from pullcord.store.codec import encoded, maybe_micros, micros
from pullcord.store.filing_sqlite import outgoing_row
from pullcord.store.port import Copy, Filed, Head, Row

#: columns of each part of the statement, in its order
OPENED, CHANGED, LINKS, SEALED, OUTGOING = 20, 11, 6, 4, 7

Columns = list[Sequence[Any]]


def arrays(filed: Filed, epoch: int) -> list[Any]:
    """The values of `COMMIT`: workspace, epoch, then one array a column.

    Raises:
        AssertionError: rows and links do not belong together; a bug, nothing is written.
    """
    _check(filed)
    opened = [row for row in filed.rows if row.escalation.version == 1]
    changed = [row for row in filed.rows if row.escalation.version > 1]
    said_at = {each.chain: micros(each.at) for each in filed.links}
    return [
        filed.workspace,
        epoch,
        *_columns(map(_opened, opened), OPENED),
        *_columns(map(_changed, changed), CHANGED),
        *_columns(
            (
                (each.chain, each.seq, micros(each.at), each.kind, each.body, each.hash)
                for each in filed.links
            ),
            LINKS,
        ),
        *_columns(
            ((each.escalation, each.name, each.salt, each.ciphertext) for each in filed.sealed),
            SEALED,
        ),
        *_columns((outgoing_row("", each)[1:] for each in filed.outgoing), OUTGOING),
        [said_at[row.escalation.id] for row in changed],
        *_columns(_candidates(filed), 3),
        *_columns(_asked(filed), 2),
    ]


def _columns(rows: Iterable[Sequence[Any]], count: int) -> Columns:
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
        encoded(each),
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
        encoded(each),
    )


def _decided_at(escalation: Escalation) -> int | None:
    return micros(escalation.decision.at) if escalation.decision else None


def _candidates(filed: Filed) -> Iterable[tuple[str, str, int | None]]:
    """(person, escalation, its deadline) of everybody who is asked now."""
    for row in filed.rows:
        offer = row.escalation.offer
        if offer is not None and row.escalation.is_living:
            for who in dict.fromkeys(offer.candidates):
                yield who, row.escalation.id, maybe_micros(row.escalation.due_at)


def _asked(filed: Filed) -> Iterable[tuple[str, int]]:
    """(person, instant) of everybody this Change asks, for fairness."""
    for each in filed.outgoing:
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
