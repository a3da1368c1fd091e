"""The office: what changes a workspace itself, each act recorded on the workspace's own chain.

Policies, people, API keys and sign-ins. The record and what it tells of commit together.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

import msgspec

from pullcord.briefing.digest import canonical
from pullcord.config.configuration import Configuration
from pullcord.config.read import read
from pullcord.engine.bus import Bus
from pullcord.engine.clock import Clock, Ids
from pullcord.engine.filing import Filer
from pullcord.engine.floors import Floors
from pullcord.engine.policies import Policies
from pullcord.errors import InvalidInput, NotAllowed, NotFound, NotSignedIn, StoreBusy
from pullcord.owner.authority import Refused, may_in_workspace
from pullcord.owner.reach import Reach
from pullcord.owner.roster import Person
from pullcord.path.escalation import Actor, Entry, Json, person
from pullcord.path.timeline import link
from pullcord.seal import keys
from pullcord.seal.sealing import commitment
from pullcord.store.port import (
    WORKSPACE_CHAIN,
    Account,
    AgentKey,
    Kept,
    PersonRecord,
    PolicyVersion,
    Session,
    Store,
    Ticket,
    VersionConflict,
)

#: times a record is chained again after another was first
TRIES_MAX = 12

_PERSON = msgspec.json.Decoder(Person)

#: what a one-time link is for
SETUP, INVITE, DEMO = "setup", "invite", "demo"


class Office:
    """Every act on a workspace."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        *,
        filer: Filer,
        policies: Policies,
        floors: Floors,
        bus: Bus,
        session_for: timedelta,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._filer = filer
        self._policies = policies
        self._floors = floors
        self._bus = bus
        self._session_for = session_for

    # --- policy and people ------------------------------------------------------------------
    async def apply(
        self,
        source: str,
        *,
        by: str,
        file: str = "pullcord.yaml",
        environ: Mapping[str, str] | None = None,
    ) -> Configuration:
        """Check a policy file, keep it and make it the one in force.

        People of the file are seeds: new ones are added, known ones stay as the console has them
        (a warning names each that differs), nobody is ever deleted.

        Raises:
            InvalidPolicy, InvalidPolicies: nothing was changed.
        """
        configuration = read(source, file=file, environ=environ)
        workspace = configuration.workspace
        known = await self._store.people(workspace)
        seeds, warnings = _seeds(configuration.people, known)
        policy = PolicyVersion(
            workspace=workspace,
            version=configuration.policy.version,
            document=canonical(dict(configuration.document)),
            source=source,
            by=by,
            at=self._clock.now(),
        )
        facts = {"version": policy.version, "added": [each.person for each in seeds]}
        await self.record(
            workspace, "policy_applied", person(by), facts=facts, kept=(policy, *seeds)
        )
        await self.changed(workspace, "policy", policy.version)
        return replace(configuration, warnings=(*configuration.warnings, *warnings))

    async def roll_back(self, workspace: str, version: str, *, by: str) -> Configuration:
        """Make an earlier version the one in force again.

        Raises:
            NotFound: it was never applied here.
        """
        found = await self._store.policy(workspace, version)
        if found is None:
            raise NotFound(f"policy {version!r} was never applied to {workspace!r}.")
        facts = {"version": version}
        await self.record(workspace, "policy_rolled_back", person(by), facts=facts, kept=(found,))
        await self.changed(workspace, "policy", version)
        return (await self._policies.at(workspace, version)).configuration

    async def put_person(self, workspace: str, someone: Person, *, by: str) -> None:
        """Keep a person's record: contacts, role, absences."""
        kept = PersonRecord(someone.id, msgspec.json.encode(someone))
        facts = {"person": someone.id, "role": str(someone.role), "active": someone.is_active}
        await self.record(workspace, "person_changed", person(by), facts=facts, kept=(kept,))
        if not someone.is_active:
            await self._store.end_sessions_of(workspace, someone.id)
        await self.changed(workspace, "people", someone.id)

    async def set_reach(self, workspace: str, who: str, reach: Reach, *, by: str) -> None:
        """Keep how a person is reached; each may say it for themselves, some for others.

        Raises:
            NotFound: there is no such person.
            NotAllowed: it is neither their own nor theirs to change.
        """
        if by != who:
            await self.allow(workspace, by, "people")
        someone = (await self.people(workspace)).get(who)
        if someone is None:
            raise NotFound(f"there is no person {who!r} in this workspace.")
        await self.put_person(workspace, replace(someone, reach=reach), by=by)

    async def changed(self, workspace: str, topic: str, name: str) -> None:
        """Everybody looks again: this process at once, others with their next poll."""
        self._policies.forget(workspace)
        self._floors.stale(workspace)
        await self._store.nudge(workspace, self._clock.now())
        self._bus.publish(workspace, topic, name)

    async def people(self, workspace: str) -> Mapping[str, Person]:
        """Everybody of the workspace as they are now."""
        return (await self._floors.now(workspace)).people

    async def allow(self, workspace: str, who: str, act: str) -> Person:
        """The person, if they may do that in the workspace.

        Raises:
            NotAllowed: says who may.
        """
        someone = (await self.people(workspace)).get(who)
        if someone is None or not someone.is_active:
            raise NotAllowed(f"{who!r} is not an active person of this workspace.")
        answer = may_in_workspace(someone, act)
        if isinstance(answer, Refused):
            raise NotAllowed(answer.reason)
        return someone

    # --- API keys -----------------------------------------------------------------------------
    async def mint_key(
        self, workspace: str, *, agent: str, environment: str, creator: str, note: str = ""
    ) -> tuple[str, AgentKey]:
        """A new API key of one agent in one environment: (shown once, what is kept)."""
        configuration = (await self._policies.current(workspace)).configuration
        if agent not in configuration.agents:
            known = ", ".join(sorted(configuration.agents)) or "none yet"
            raise InvalidInput(
                "agent", value=agent, limit=f"an agent of the policy: {known}", remedy="Add it."
            )
        if not environment or len(environment) > 64 or not environment.isprintable():
            raise InvalidInput("environment", value=environment, limit="1 to 64 characters")
        if creator not in await self.people(workspace):
            raise InvalidInput("creator", value=creator, limit="a person of this workspace")
        shown, key_id, secret_hash = keys.mint(environment, self._ids.chance)
        key = AgentKey(
            id=key_id,
            workspace=workspace,
            agent=agent,
            environment=environment,
            secret_hash=secret_hash,
            creator=creator,
            created_at=self._clock.now(),
            note=note[:200],
        )
        facts = {"key": key_id, "agent": agent, "environment": environment}
        await self.record(workspace, "key_minted", person(creator), facts=facts, kept=(key,))
        return shown, key

    async def revoke_key(self, workspace: str, key_id: str, *, by: str) -> AgentKey:
        """From now on nothing is accepted under this key.

        Raises:
            NotFound: there is no such key here.
        """
        found = await self._store.key(key_id)
        if found is None or found.workspace != workspace:
            raise NotFound(f"there is no key {key_id!r} in this workspace.")
        if found.revoked_at is not None:
            return found
        revoked = replace(found, revoked_at=self._clock.now())
        facts = {"key": key_id}
        await self.record(workspace, "key_revoked", person(by), facts=facts, kept=(revoked,))
        return revoked

    async def key_of(self, shown: str) -> AgentKey:
        """The key a client sent.

        Raises:
            NotSignedIn: unknown, altered or revoked; the three are not told apart.
        """
        parsed = keys.parse_key(shown)
        found = await self._store.key(parsed[0]) if parsed else None
        if parsed is None or found is None or not keys.matches(parsed[1], found.secret_hash):
            raise NotSignedIn("this API key is not known; check PULLCORD_KEY.")
        if found.revoked_at is not None:
            raise NotSignedIn("this API key was revoked; mint a new one.")
        return found

    # --- sign-in ------------------------------------------------------------------------------
    async def needs_setup(self, workspace: str) -> str:
        """Whom to invite first, while nobody can sign in; empty once somebody can."""
        if await self._store.accounts(workspace):
            return ""
        order = {"admin": 0, "lead": 1}
        able = [each for each in (await self.people(workspace)).values() if each.email]
        able.sort(key=lambda each: (order.get(str(each.role), 2), each.id))
        return able[0].id if able else ""

    async def without_account(self, workspace: str) -> list[str]:
        """People who may sign in and have never chosen a password: the console misses them."""
        accounts = await self._store.accounts(workspace)
        people = (await self.people(workspace)).values()
        return sorted(
            each.id
            for each in people
            if each.is_active and each.can_sign_in and each.id not in accounts
        )

    async def invite(
        self,
        workspace: str,
        who: str,
        *,
        purpose: str = INVITE,
        valid_for: timedelta = timedelta(hours=24),
        by: Actor | None = None,
    ) -> str:
        """A one-time link's token for a person; only its hash is kept."""
        someone = (await self.people(workspace)).get(who)
        if someone is None or not someone.is_active or not someone.can_sign_in:
            raise InvalidInput("person", value=who, limit="an active person who may sign in")
        if purpose != DEMO and not someone.email:
            raise InvalidInput("email", value="", remedy=f"Give {who} an e-mail address first.")
        shown, kept = keys.token(self._ids.chance)
        ticket = Ticket(kept, workspace, who, purpose, self._clock.now() + valid_for)
        facts = {"person": who, "purpose": purpose}
        await self.record(workspace, "invited", by or person(who), facts=facts, kept=(ticket,))
        return shown

    async def redeem(self, token: str, password: str) -> tuple[str, Session]:
        """Spend a set-up or invitation link: sets the password and signs in.

        Raises:
            InvalidInput: the password is too short or long; the link is not spent.
            NotSignedIn: the link is unknown, spent or expired.
        """
        try:
            hashed = await asyncio.to_thread(keys.hash_password, password)
        except ValueError as problem:
            raise InvalidInput("password", value="…", limit=str(problem)) from None
        ticket = await self._spend(token, (SETUP, INVITE))
        someone = (await self.people(ticket.workspace)).get(ticket.person)
        if someone is None or not (someone.is_active and someone.can_sign_in and someone.email):
            raise NotSignedIn("this link is of somebody who may no longer sign in.")
        account = Account(
            workspace=ticket.workspace,
            person=someone.id,
            email=someone.email.lower(),
            password_hash=hashed,
            changed_at=self._clock.now(),
        )
        facts = {"person": someone.id, "purpose": ticket.purpose}
        await self.record(
            ticket.workspace, "password_set", person(someone.id), facts=facts, kept=(account,)
        )
        await self._store.end_sessions_of(ticket.workspace, someone.id)
        # from now on the console is a way to them
        await self.changed(ticket.workspace, "people", someone.id)
        return await self._signed_in(ticket.workspace, someone.id)

    async def redeem_demo(self, token: str) -> tuple[str, Session]:
        """Spend the demo's link: signs in without a password, once."""
        ticket = await self._spend(token, (DEMO,))
        return await self._signed_in(ticket.workspace, ticket.person)

    async def _spend(self, token: str, purposes: Sequence[str]) -> Ticket:
        ticket = await self._store.spend_ticket(keys.digest_of(token), self._clock.now())
        if ticket is None or ticket.purpose not in purposes:
            raise NotSignedIn("this link was used already or has expired; ask for a new one.")
        return ticket

    async def sign_in(self, email: str, password: str) -> tuple[str, Session]:
        """(session token, session) for the right password.

        Raises:
            NotSignedIn: the same words for an unknown address and a wrong password.
        """
        account = await self._store.account(email.strip().lower())
        is_right = await asyncio.to_thread(_is_right, password, account)
        people = await self.people(account.workspace) if account else {}
        someone = people.get(account.person) if account else None
        if not is_right or account is None or someone is None or not someone.is_active:
            raise NotSignedIn("e-mail address or password is wrong.")
        return await self._signed_in(account.workspace, account.person)

    async def _signed_in(self, workspace: str, who: str) -> tuple[str, Session]:
        shown, kept = keys.token(self._ids.chance)
        now = self._clock.now()
        session = Session(
            token_hash=kept,
            workspace=workspace,
            person=who,
            csrf=self._ids.chance(24).hex(),
            started_at=now,
            expires_at=now + self._session_for,
        )
        await self._store.put_session(session)
        await self.record(workspace, "signed_in", person(who))
        return shown, session

    async def session_of(self, token: str) -> Session | None:
        """The session of a token; None when it ended or the person is no longer active."""
        session = await self._store.session(keys.digest_of(token), self._clock.now())
        if session is None:
            return None
        someone = (await self.people(session.workspace)).get(session.person)
        return session if someone is not None and someone.is_active else None

    async def sign_out(self, token: str) -> None:
        """End one session."""
        await self._store.end_session(keys.digest_of(token))

    # --- the workspace's chain ------------------------------------------------------------------
    async def record(
        self,
        workspace: str,
        kind: str,
        by: Actor,
        *,
        facts: Mapping[str, Json] | None = None,
        sealed: Mapping[str, Json] | None = None,
        kept: Sequence[Kept] = (),
    ) -> None:
        """Append an entry to the workspace's chain together with what it tells of."""
        now: datetime = self._clock.now()
        entry = Entry(escalation=WORKSPACE_CHAIN, kind=kind, at=now, by=by, facts=facts or {})
        contents = [
            self._filer.seal(workspace, WORKSPACE_CHAIN, f"{name}/{self._ids.new('c')}", value)
            for name, value in (sealed or {}).items()
        ]
        commitments = {each.name: commitment(each.salt, each.ciphertext) for each in contents}
        for _ in range(TRIES_MAX):
            head = await self._store.workspace_head(workspace)
            chained = link(
                workspace,
                WORKSPACE_CHAIN,
                entry,
                seq=head.seq + 1,
                prev=head.hash,
                commitments=commitments,
            )
            with suppress(VersionConflict):
                return await self._store.record(workspace, chained, contents, kept=kept)
        raise StoreBusy(f"{kind} could not be recorded {TRIES_MAX} times; try again.")


@cache
def _nobodys_hash() -> str:
    return keys.hash_password("nobody has this password")


def _is_right(password: str, account: Account | None) -> bool:
    """Whether the password is that of the account; takes as long when there is none."""
    return keys.check_password(password, account.password_hash if account else _nobodys_hash())


def _seeds(
    people: Mapping[str, Person], known: Mapping[str, bytes]
) -> tuple[list[PersonRecord], list[str]]:
    """Records of new people, and a warning for each known one that the file has otherwise."""
    seeds: list[PersonRecord] = []
    warnings: list[str] = []
    for who, someone in people.items():
        document = msgspec.json.encode(someone)
        if who not in known:
            seeds.append(PersonRecord(who, document))
        elif _PERSON.decode(known[who]) != someone:
            warnings.append(
                f"people.{who}: differs from the person in the console, which stays as it is; "
                "change it there"
            )
    return seeds, warnings
