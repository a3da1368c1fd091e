"""The SQLite store's configuration verbs: policies, people, keys, accounts, sessions, calls."""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pullcord.errors import InvalidInput
from pullcord.path.timeline import Link
from pullcord.store import queries_sqlite as sql
from pullcord.store.codec import call_row, instant, key_of, linked_of, maybe_micros, micros
from pullcord.store.filing_sqlite import link_row, sealed_row
from pullcord.store.port import (
    WORKSPACE_CHAIN,
    Account,
    AgentKey,
    CallRecord,
    Head,
    Kept,
    Linked,
    PersonRecord,
    PolicyVersion,
    Sealed,
    Session,
    Ticket,
    VersionConflict,
)

Result = TypeVar("Result")


class OfficeVerbs(ABC):
    """The half of the store that configuration uses."""

    @abstractmethod
    async def write(self, job: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run a write; the store provides it."""

    @abstractmethod
    async def read(self, statement: str, *values: Any) -> list[Any]:
        """All rows of a read; the store provides it."""

    @abstractmethod
    async def look(self, statement: str, *values: Any) -> list[Any]:
        """The same for a read of a few pages; the store provides it."""

    async def _do(self, statement: str, *values: Any) -> int:
        return await self.write(lambda link: link.execute(statement, values).rowcount)

    # --- workspace chain ------------------------------------------------------------------
    async def workspace_head(self, workspace: str) -> Head:
        """The end of the workspace's own chain."""
        rows = await self.read(sql.HEAD, workspace, WORKSPACE_CHAIN)
        return Head(*rows[0]) if rows else Head()

    async def record(
        self,
        workspace: str,
        link: Link,
        sealed: Sequence[Sealed] = (),
        *,
        kept: Sequence[Kept] = (),
    ) -> None:
        """Append one link to the workspace's chain and keep what it tells of."""
        assert link.chain == WORKSPACE_CHAIN, f"{link.chain} is not the workspace's own chain"

        def job(connection: sqlite3.Connection) -> None:
            last = connection.execute(sql.HEAD, (workspace, link.chain)).fetchone() or (0, "")
            if link.seq != last[0] + 1:
                raise VersionConflict(f"entry {link.seq} of {link.chain} is taken")
            connection.execute(sql.LINK, link_row(workspace, link))
            connection.executemany(sql.SEAL, [sealed_row(workspace, each) for each in sealed])
            for one in kept:
                _keep(connection, workspace, one)

        await self.write(job)

    # --- configuration --------------------------------------------------------------------
    async def workspaces(self) -> Sequence[str]:
        """All workspaces of this store."""
        return sorted(row[0] for row in await self.read(sql.WORKSPACES))

    async def put_policy(self, policy: PolicyVersion) -> None:
        """Keep a version and make it the current one."""
        await self.write(lambda link: _keep(link, policy.workspace, policy))

    async def policy(self, workspace: str, version: str = "") -> PolicyVersion | None:
        """The current policy, or the named version."""
        if version:
            rows = await self.look(sql.POLICY_NAMED, workspace, version)
        else:
            rows = await self.look(sql.POLICY_NOW, workspace)
        return _policy(rows[0]) if rows else None

    async def policy_version(self, workspace: str) -> str:
        """The version in force."""
        rows = await self.look(sql.POLICY_VERSION, workspace)
        return str(rows[0][0]) if rows else ""

    async def policies(self, workspace: str, *, limit: int = 50) -> Sequence[PolicyVersion]:
        """Versions, newest first."""
        return [_policy(row) for row in await self.read(sql.POLICIES, workspace, limit)]

    async def people(self, workspace: str) -> Mapping[str, bytes]:
        """Person id to the living person record."""
        return dict(await self.read(sql.PEOPLE, workspace))

    async def put_person(self, workspace: str, person: str, document: bytes) -> None:
        """Keep one person's record."""
        await self.write(lambda link: _keep(link, workspace, PersonRecord(person, document)))

    # --- linked accounts --------------------------------------------------------------------
    async def links(self, workspace: str) -> Sequence[Linked]:
        """Every linked account and device of the workspace."""
        return [linked_of(row) for row in await self.read(sql.LINKS, workspace)]

    async def linked(self, channel: str, account: str) -> Sequence[Linked]:
        """Whose account this is."""
        return [linked_of(row) for row in await self.look(sql.LINKED, channel, account)]

    async def unlink(self, workspace: str, channel: str, account: str) -> None:
        """Forget an account."""
        await self._do(sql.UNLINK, workspace, channel, account)

    # --- keys, accounts, sessions ---------------------------------------------------------
    async def put_key(self, key: AgentKey) -> None:
        """Keep a new key, or revoke one."""
        await self.write(lambda link: _keep(link, key.workspace, key))

    async def key(self, key_id: str) -> AgentKey | None:
        """A key by its public id."""
        rows = await self.look(sql.KEY, key_id)
        return key_of(rows[0]) if rows else None

    async def keys(self, workspace: str) -> Sequence[AgentKey]:
        """All keys of the workspace, newest first."""
        return [key_of(row) for row in await self.read(sql.KEYS, workspace)]

    async def put_account(self, account: Account) -> None:
        """Keep or replace a person's sign-in."""
        await self.write(lambda link: _keep(link, account.workspace, account))

    async def account(self, email: str) -> Account | None:
        """A sign-in by e-mail."""
        rows = await self.look(sql.ACCOUNT, email)
        return _account(*rows[0]) if rows else None

    async def accounts(self, workspace: str) -> Mapping[str, str]:
        """Person id to sign-in e-mail."""
        return dict(await self.read(sql.ACCOUNTS, workspace))

    async def put_session(self, session: Session) -> None:
        """Keep a new session; those that are over go."""
        started_at = micros(session.started_at)
        named = (session.token_hash, session.workspace, session.person, session.csrf)
        values = (*named, started_at, micros(session.expires_at))

        def job(connection: sqlite3.Connection) -> None:
            connection.execute(sql.SESSIONS_OVER, (started_at,))
            connection.execute(sql.PUT_SESSION, values)

        await self.write(job)

    async def session(self, token_hash: str, now: datetime) -> Session | None:
        """A session that has not expired."""
        rows = await self.look(sql.SESSION, token_hash, micros(now))
        return _session(*rows[0]) if rows else None

    async def end_session(self, token_hash: str) -> None:
        """Sign out."""
        await self._do(sql.END_SESSION, token_hash)

    async def end_sessions_of(self, workspace: str, person: str) -> None:
        """Sign a person out everywhere."""
        await self._do(sql.END_SESSIONS, workspace, person)

    async def put_ticket(self, ticket: Ticket) -> None:
        """Keep a one-time link."""
        await self.write(lambda link: _keep(link, ticket.workspace, ticket))

    async def spend_ticket(self, token_hash: str, now: datetime) -> Ticket | None:
        """Take a one-time link, once."""
        row = await self.write(lambda link: link.execute(sql.SPEND, (token_hash,)).fetchone())
        if row is None or row[4] <= micros(now):
            return None
        return _ticket(*row)

    # --- calls ----------------------------------------------------------------------------
    async def record_calls(self, workspace: str, calls: Sequence[CallRecord]) -> None:
        """Keep a batch of guarded calls."""
        rows = [call_row(workspace, call) for call in calls]
        await self.write(lambda link: link.executemany(sql.CALLS, rows).rowcount)

    async def call_counts(
        self, workspace: str, *, since: datetime
    ) -> Mapping[tuple[str, str], int]:
        """(tool, verdict) to number of calls."""
        rows = await self.read(sql.COUNTS, workspace, micros(since))
        return {(tool, verdict): count for tool, verdict, count in rows}


def _keep(connection: sqlite3.Connection, workspace: str, one: Kept) -> None:
    """Write one configuration record in the transaction that is open."""
    match one:
        case PolicyVersion():
            connection.execute(sql.POLICY_OFF, (workspace,))
            at = micros(one.at)
            values = (workspace, one.version, one.document, one.source, one.by, at)
            connection.execute(sql.POLICY_ON, values)
        case PersonRecord():
            connection.execute(sql.PUT_PERSON, (workspace, one.person, one.document))
        case AgentKey():
            created, revoked = micros(one.created_at), maybe_micros(one.revoked_at)
            named = (one.id, workspace, one.agent, one.environment, one.secret_hash, one.creator)
            connection.execute(sql.PUT_KEY, (*named, created, revoked, one.note))
        case Account():
            changed = micros(one.changed_at)
            signed = (one.email, workspace, one.person, one.password_hash, changed)
            try:
                connection.execute(sql.PUT_ACCOUNT, signed)
            except sqlite3.IntegrityError:
                raise InvalidInput(
                    "email",
                    value=one.email,
                    limit="an address nobody else signs in with",
                    remedy="Use another address, or change the other person's first.",
                ) from None
        case Linked():
            place = (one.channel, one.account, one.person, one.address, one.name)
            connection.execute(sql.PUT_LINKED, (workspace, *place, micros(one.at)))
        case _:
            expires = micros(one.expires_at)
            ticket = (one.token_hash, workspace, one.person, one.purpose, expires)
            connection.execute(sql.PUT_TICKET, ticket)


def _policy(row: Any) -> PolicyVersion:
    workspace, version, document, source, by, at = row
    return PolicyVersion(workspace, version, document, source, by, instant(at))


def _account(workspace: str, person: str, email: str, password_hash: str, at: int) -> Account:
    return Account(workspace, person, email, password_hash, instant(at))


def _session(
    token_hash: str, workspace: str, person: str, csrf: str, started_at: int, expires_at: int
) -> Session:
    return Session(token_hash, workspace, person, csrf, instant(started_at), instant(expires_at))


def _ticket(token_hash: str, workspace: str, person: str, purpose: str, expires_at: int) -> Ticket:
    return Ticket(token_hash, workspace, person, purpose, instant(expires_at))
