"""Writing one Change into SQLite: rows, candidates, links, sealed contents, messages."""

import sqlite3
from typing import Any

from pullcord.path.escalation import ActorKind, Escalation, MessageKind
from pullcord.path.timeline import Link
from pullcord.store import queries_sqlite as sql
from pullcord.store.codec import encoded, folded, maybe_micros, micros, state_of
from pullcord.store.port import (
    Copy,
    Filed,
    Head,
    KeyTaken,
    Outgoing,
    Row,
    RunHeld,
    Sealed,
    VersionConflict,
)
from pullcord.store.receipts import Receipt


def file(connection: sqlite3.Connection, filed: Filed) -> None:
    """Write a Change in the transaction that is open.

    Raises:
        VersionConflict, KeyTaken, RunHeld: as the port says; the caller undoes what was written.
    """
    _check_heads(filed)
    for row in filed.rows:
        _write_row(connection, filed.workspace, row)
    if filed.needs_free_run:
        _check_run(connection, filed.rows[0].escalation)
    connection.executemany(sql.COPIES_STALE, _stale_rows(filed))
    connection.executemany(sql.LINK, [link_row(filed.workspace, each) for each in filed.links])
    connection.executemany(sql.SEAL, [sealed_row(filed.workspace, each) for each in filed.sealed])
    connection.executemany(
        sql.OUTGOING, [outgoing_row(filed.workspace, each) for each in filed.outgoing]
    )
    connection.executemany(sql.NOTE_ASKED, _asked_rows(filed))


def _check_run(connection: sqlite3.Connection, opened: Escalation) -> None:
    """Nobody has the conversation in which this was opened; most have no run or no person."""
    if opened.run:
        values = (opened.workspace, opened.agent, opened.run)
        held = connection.execute(sql.HUMAN, values).fetchone()
        if held is not None:
            raise RunHeld(held[0])


def _check_heads(filed: Filed) -> None:
    """Every row names the end of its own timeline, and no link stands without its row."""
    ends = {each.chain: Head(each.seq, each.hash) for each in filed.links}
    heads = {row.escalation.id: row.head for row in filed.rows}
    assert ends == heads, f"the heads {heads} are not the ends of the timelines {ends}"


def link_row(workspace: str, each: Link) -> tuple[Any, ...]:
    """A link's columns."""
    return (
        workspace,
        each.chain,
        each.seq,
        micros(each.at),
        each.kind,
        folded(each.body),
        each.hash,
    )


def sealed_row(workspace: str, each: Sealed) -> tuple[Any, ...]:
    """A sealed content's columns."""
    return (workspace, each.escalation, each.name, each.salt, each.ciphertext)


def _asked_rows(filed: Filed) -> list[tuple[Any, ...]]:
    """(workspace, person, instant) of everybody this Change asks, for fairness."""
    return [
        (filed.workspace, each.message.to_id, micros(each.message.at))
        for each in filed.outgoing
        if each.message.kind is MessageKind.ASKED and each.message.to is ActorKind.PERSON
    ]


def _stale_rows(filed: Filed) -> list[tuple[Any, ...]]:
    """(instant, workspace, escalation) of everything whose copies tell of something past now."""
    said_at = {each.chain: micros(each.at) for each in filed.links}
    return [
        (said_at[row.escalation.id], filed.workspace, row.escalation.id)
        for row in filed.rows
        if row.escalation.version > 1
    ]


def _write_row(connection: sqlite3.Connection, workspace: str, row: Row) -> None:
    escalation = row.escalation
    assert escalation.workspace == workspace, f"{escalation.id} belongs to another workspace"
    if escalation.version == 1:
        _insert(connection, row)
    else:
        _update(connection, row)
        connection.execute(sql.CANDIDATES_DROP, (workspace, escalation.id))
    offer = escalation.offer
    if offer is not None and escalation.is_living:
        for who in dict.fromkeys(offer.candidates):
            values = (workspace, who, escalation.id, maybe_micros(escalation.due_at))
            connection.execute(sql.CANDIDATES_ADD, values)


def _insert(connection: sqlite3.Connection, row: Row) -> None:
    each = row.escalation
    due = maybe_micros(each.due_at)
    values = (
        each.workspace,
        each.id,
        each.version,
        each.status.value,
        each.owner,
        due,
        due,
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
    standing, digest = connection.execute(sql.INSERT, values).fetchone()
    if standing != each.id:
        raise KeyTaken(each.workspace, standing, digest)


def _update(connection: sqlite3.Connection, row: Row) -> None:
    each = row.escalation
    due = maybe_micros(each.due_at)
    values = (
        each.version,
        each.status.value,
        each.owner,
        due,
        due,
        due,
        each.control.value,
        _decided_at(each),
        each.attempt,
        row.head.seq,
        row.head.hash,
        state_of(each),
        each.workspace,
        each.id,
        each.version - 1,
    )
    if connection.execute(sql.UPDATE, values).rowcount != 1:
        raise VersionConflict(f"{each.id} is no longer at version {each.version - 1}")


def _decided_at(escalation: Escalation) -> int | None:
    return micros(escalation.decision.at) if escalation.decision else None


def outgoing_row(workspace: str, each: Outgoing) -> tuple[Any, ...]:
    """An outbox row's columns."""
    return (
        workspace,
        each.id,
        each.message.escalation,
        micros(each.due_at or each.message.at),
        each.channel,
        each.address,
        each.tries,
        encoded(each.message),
    )


def outgoing_cells(each: Outgoing) -> tuple[Any, ...]:
    """The same without its workspace, as JSON can carry it."""
    *cells, message = outgoing_row("", each)[1:]
    return (*cells, message.decode())


def copy_row(workspace: str, each: Copy) -> tuple[Any, ...]:
    """What a copy's insertion takes: its columns, and when it is due for an edit already."""
    at = micros(each.at)
    message = each.message
    return (
        workspace,
        each.id,
        message.escalation,
        f"{message.to}:{message.to_id}",
        each.channel,
        each.address,
        each.reference,
        each.version,
        at,
        each.is_edited,
        each.wakes,
        each.is_edited,
        each.version,
        at,
        encoded(message),
        workspace,
        message.escalation,
    )


def receipt_row(workspace: str, receipt: Receipt) -> tuple[Any, ...]:
    """A receipt's columns."""
    return (
        workspace,
        receipt.escalation,
        receipt.outgoing,
        receipt.to,
        receipt.channel,
        receipt.state.value,
        micros(receipt.at),
        receipt.detail[:500],
    )
