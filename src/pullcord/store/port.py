"""What Pullcord asks of a database: verbs of the domain, the same for every store.

Every verb takes the workspace first and reaches nothing outside it, except the engine's own
claims, which serve all workspaces. Times are aware UTC and always arguments; no store reads a
clock. A verb that writes either happens whole or raises, and a `CommitUnknown` may be repeated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from pullcord.path.escalation import Escalation, Message
from pullcord.path.timeline import Link
from pullcord.store.keeping import Keeping
from pullcord.store.receipts import Receipt, Tally

#: living escalations of one person are counted to here; with a capacity beyond nobody is ever full
LOAD_COUNTED_TO = 10_000
#: name of the chain on which policy, people, keys, sign-ins and exports are recorded
WORKSPACE_CHAIN = "workspace"


class VersionConflict(Exception):
    """Another Change was first; the desk loads again and applies the verb again."""


class KeyTaken(Exception):
    """An `open` met its own key: carries what stands there.

    `digest` is the body digest of the standing escalation, `escalation` its id.
    """

    def __init__(self, workspace: str, escalation: str, digest: str) -> None:
        super().__init__(escalation)
        self.workspace = workspace
        self.escalation = escalation
        self.digest = digest


class RunHeld(Exception):
    """An opening of a run that a person has: carries the escalation through which they have it."""

    def __init__(self, escalation: str) -> None:
        super().__init__(escalation)
        self.escalation = escalation


class InvariantBroken(AssertionError):
    """The database refused what would break an invariant: a bug; nothing of it was written."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """One sealed content: SHA-256(salt ‖ ciphertext) is its commitment in the chain."""

    escalation: str
    name: str
    salt: bytes
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way: one row of the outbox. `channel` is empty until the plan is made."""

    id: str
    message: Message
    channel: str = ""
    address: str = ""
    tries: int = 0
    #: when it is due; None: when its message was said
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: what the next link must name."""

    seq: int = 0
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """An escalation as stored: its state and the head of its timeline."""

    escalation: Escalation
    head: Head


@dataclass(frozen=True, slots=True)
class Filed:
    """A Change ready for the store: rows with their new heads, links, sealed contents, messages.

    Each row's escalation carries its new version; the store writes it only where the stored
    version is one less. Version 1 is an opening.
    """

    workspace: str
    rows: tuple[Row, ...] = ()
    links: tuple[Link, ...] = ()
    sealed: tuple[Sealed, ...] = ()
    outgoing: tuple[Outgoing, ...] = ()
    #: an agent's opening, refused while a person has its run
    needs_free_run: bool = False


@dataclass(frozen=True, slots=True)
class Copy:
    """What a provider holds of ours: by its `reference` it is edited, answered and receipted.

    `version` is the escalation's version it shows. A copy of a channel that can edit is due again
    whenever its escalation changes, in the same transaction.
    """

    #: the delivery id of the letter
    id: str
    message: Message
    channel: str
    address: str
    reference: str
    version: int
    at: datetime
    is_edited: bool = False  #: whether the channel can change it
    wakes: bool = False  #: whether it went by a way that wakes
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Planned:
    """What a message of the outbox becomes: a copy per channel and address, or none at all."""

    outgoing: str
    copies: tuple[Outgoing, ...] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one message at one try: done, or tried again later.

    A `copy` is kept with its receipt, due for an edit at once where its escalation has changed.
    """

    receipt: Receipt
    #: when it is tried again (tries + 1); None: it is done
    again_at: datetime | None = None
    copy: Copy | None = None


@dataclass(frozen=True, slots=True)
class Linked:
    """An account or device of a channel that belongs to a person, proven by a one-time code."""

    workspace: str
    channel: str
    #: the provider's stable id of it
    account: str
    person: str
    #: where letters to it go, as the channel needs it
    address: str
    #: what the person reads: the name of the account or device
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a listing and the cursor of the next page; an empty cursor is the end."""

    rows: tuple[Row, ...]
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which escalations a listing wants; empty fields do not filter."""

    statuses: tuple[str, ...] = ()
    owner: str = ""
    candidate: str = ""  #: person being asked now or owner
    agent: str = ""
    agent_key: str = ""
    run: str = ""
    ladder: str = ""
    environment: str = ""
    end_user: str = ""


@dataclass(frozen=True, slots=True)
class AgentKey:
    """An agent's API key: bound to agent and environment; only the hash is kept."""

    id: str
    workspace: str
    agent: str
    environment: str
    secret_hash: str
    creator: str  #: person id; is asked outside production, may not decide at high severity
    created_at: datetime
    revoked_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """An operator's sign-in: person id, e-mail, argon2 hash; no default password anywhere."""

    workspace: str
    person: str
    email: str
    password_hash: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser; the token is kept hashed."""

    token_hash: str
    workspace: str
    person: str
    csrf: str
    started_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Ticket:
    """A one-time link: set-up, invitation, sign-in of the demo. Spent by its first use."""

    token_hash: str
    workspace: str
    person: str
    purpose: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One applied policy: `document` is canonical JSON of the checked file, `source` its text."""

    workspace: str
    version: str
    document: bytes
    source: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """One person's living record: canonical JSON of contacts, absences, role."""

    person: str
    document: bytes


#: what may be kept together with the workspace entry that tells of it
Kept = PolicyVersion | PersonRecord | AgentKey | Account | Ticket | Linked


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One guarded call and its verdict: denominators and sampling need every one."""

    id: str
    at: datetime
    agent: str
    agent_key: str
    environment: str
    run: str
    tool: str
    verdict: str
    rule: str
    policy_version: str
    count: int = 1  #: > 1: that many alike, batched
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A label learned afterwards, of one escalation or of a whole run."""

    workspace: str
    escalation: str
    run: str
    label: str
    text: str
    by: str
    at: datetime


class Store(Keeping, Protocol):
    """One database behind Pullcord. SQLite and PostgreSQL pass the same conformance suite."""

    # --- life of the store ------------------------------------------------------------------
    async def start(self) -> None:
        """Open, check the schema (unknown or half-applied: refuse), migrate, read the epoch."""

    async def close(self) -> None:
        """Finish what was taken in and let go."""

    async def ping(self) -> None:
        """One cheap read and the schema check; raises `StoreBusy` when it does not answer."""

    async def epoch(self) -> int:
        """The store's epoch; grows with every restore and fail-over."""

    # --- escalations ----------------------------------------------------------------------
    async def commit(self, filed: Filed) -> None:
        """Write it all or nothing.

        Raises:
            VersionConflict: a row's stored version is not one less than the new one.
            KeyTaken: an opening met (workspace, agent key, key) that stands already; the write
                touched the standing row, so the reply to it is as durable as an opening.
            RunHeld: it needs a free run and a person has it; a key that stands is told first.
            CommitUnknown, StoreBusy: see `pullcord.errors`.
        """

    async def load(self, workspace: str, escalation: str) -> Row | None:
        """One escalation, or None."""

    async def load_confirmed(self, workspace: str, escalation: str) -> Row | None:
        """The same after a replicated write: for replies that let an agent act."""

    async def by_key(self, workspace: str, agent_key: str, key: str) -> Row | None:
        """The escalation that stands under an idempotency key."""

    async def load_several(self, workspace: str, escalations: Sequence[str]) -> Mapping[str, Row]:
        """Many escalations in one read, by id; unknown ones are missing."""

    async def by_status(self, status_digest: str) -> Row | None:
        """The escalation a status page's token opens; the one read without a workspace."""

    async def find(
        self, workspace: str, wanted: Filter, *, cursor: str = "", limit: int = 50
    ) -> Page:
        """Living ones by due time (earliest first), then ended ones newest first; cursor pages."""

    async def counts(self, workspace: str, wanted: Filter, *, limit: int = 1000) -> int:
        """How many escalations a listing would show; counts to `limit` and no further."""

    async def human_controls(self, workspace: str, agent: str, run: str) -> str:
        """Id of the living escalation through which a person controls this run, else empty."""

    async def load_of_people(self, workspace: str) -> Mapping[str, int]:
        """How many living escalations each person owns; counts to `LOAD_COUNTED_TO`."""

    async def last_asked(self, workspace: str) -> Mapping[str, datetime]:
        """When each person was last asked, for fairness."""

    async def contents(
        self, workspace: str, escalation: str, names: Sequence[str] = ()
    ) -> Sequence[Sealed]:
        """Sealed contents, all or the named ones, in the order they were written."""

    async def contents_of(
        self, workspace: str, escalations: Sequence[str], name: str
    ) -> Mapping[str, Sealed]:
        """One named content of many escalations at once, by escalation; erased ones are missing."""

    async def salts_of(
        self, workspace: str, escalations: Sequence[str], name: str
    ) -> Mapping[str, bytes]:
        """The salt of one named content of many; it stands as long as the content does."""

    async def timeline(
        self, workspace: str, chain: str, *, after: int = 0, limit: int = 500
    ) -> Sequence[Link]:
        """Links of one chain after a sequence number, in order."""

    async def chains(self, workspace: str, *, after: str = "", limit: int = 500) -> Sequence[str]:
        """Ids of all escalations of the workspace in id order, for export and verification."""

    async def put_outcome(self, workspace: str, outcome: Outcome) -> None:
        """Keep a label that was learned afterwards; nothing is replaced."""

    async def outcomes(self, workspace: str, escalation: str) -> Sequence[Outcome]:
        """What was learned about one escalation, oldest first."""

    # --- the engine's claims (all workspaces) ---------------------------------------------
    async def claim_due(
        self, now: datetime, *, lease_until: datetime, limit: int = 100
    ) -> Sequence[Row]:
        """Escalations whose `wake_at` has come; pushes `wake_at` to `lease_until` (the lease)."""

    async def rest(self, workspace: str, escalation: str, *, version: int) -> None:
        """Nothing was due after a claim: sleep until its own `due_at`, if `version` still holds."""

    async def next_wake(self) -> datetime | None:
        """The earliest `wake_at`, or None when nothing waits."""

    async def overdue_since(self, now: datetime) -> datetime | None:
        """The earliest `due_at` that has passed, for the watchdog; None when nothing is late."""

    async def nudge(self, workspace: str, at: datetime) -> int:
        """After a change of people or policy: wake every open escalation at `at`; how many."""

    async def claim_outgoing(
        self, now: datetime, *, lease_until: datetime, limit: int = 100
    ) -> Sequence[tuple[str, Outgoing]]:
        """(workspace, message) pairs due for sending; leased until `lease_until`."""

    async def unsent_since(self, now: datetime) -> datetime | None:
        """Since when the oldest due message has waited for a courier; None when none waits."""

    async def plan_outgoing(self, workspace: str, plans: Sequence[Planned]) -> None:
        """Replace unplanned messages by their copies, all of them or none.

        A message that is no longer there was planned already and is left alone.
        """

    async def settle_outgoing(self, workspace: str, settled: Sequence[Settled]) -> None:
        """Keep the receipts of one try each, all of them or none.

        A message that is no longer there was settled already: nothing of it is kept again.
        """

    async def postpone_outgoing(self, workspace: str, outgoing: str, until: datetime) -> None:
        """Leave a message until then; that is no try and no receipt."""

    async def hasten_outgoing(
        self, workspace: str, origin: str, at: datetime, *, later_than: datetime
    ) -> int:
        """One way failed: copies of message `origin` that nobody tried yet are due at `at`.

        Only those due later than `later_than`, so that a lease stays a lease. Returns how many
        copies of it there still are, whenever they are due.
        """

    async def claim_copies(
        self, now: datetime, *, lease_until: datetime, limit: int = 100
    ) -> Sequence[tuple[str, Copy]]:
        """(workspace, copy) pairs whose escalation has changed since; leased."""

    async def unedited_since(self, now: datetime) -> datetime | None:
        """Since when the oldest copy that is due has told something past; None when none has."""

    async def settle_copy(
        self,
        workspace: str,
        copy: str,
        *,
        version: int,
        receipt: Receipt | None,
        again_at: datetime | None,
    ) -> None:
        """The copy shows `version` now; due again at once where that is no longer the last.

        With `again_at` it was not changed: try again then (tries + 1).
        """

    async def copies(self, workspace: str, escalation: str) -> Sequence[Copy]:
        """Every copy of one escalation's letters, oldest first."""

    async def copy_of(self, channel: str, reference: str) -> tuple[str, Copy] | None:
        """(workspace, copy) by the provider's name of it; read without a workspace."""

    async def sent_to(
        self, workspace: str, channel: str, address: str, *, since: datetime, limit: int = 1000
    ) -> Sequence[datetime]:
        """When letters went to one destination, newest first, for its declared rates."""

    async def woken(self, workspace: str, person: str, *, since: datetime) -> int:
        """How many letters went to a person by a way that wakes."""

    async def note_receipt(self, workspace: str, receipt: Receipt) -> None:
        """Keep what a provider told later; the same receipt again is not kept twice."""

    async def tallies(self, workspace: str, *, since: datetime) -> Sequence[Tally]:
        """Receipts by channel and state since then, for the health of each channel."""

    async def why_failed(self, workspace: str, channel: str, at: datetime) -> str:
        """What the receipt of a try that failed then says; empty when none did."""

    async def receipts(self, workspace: str, escalation: str) -> Sequence[Receipt]:
        """What became of the messages of one escalation, oldest first."""

    async def claim_duties(
        self, now: datetime, *, lease_until: datetime, limit: int = 10
    ) -> Sequence[tuple[str, str]]:
        """(workspace, duty) pairs that are due; leased."""

    async def enrol_duty(self, workspace: str, duty: str, first_at: datetime) -> None:
        """Make the row of a duty, due at `first_at`; one that exists keeps its time."""

    async def finish_duty(self, workspace: str, duty: str, next_at: datetime) -> None:
        """The duty is done until `next_at`; creates the row when it is new."""

    # --- the agent's poll -------------------------------------------------------------------
    async def decided_for(
        self, workspace: str, agent_key: str, *, attempt: str = "", limit: int = 100
    ) -> Sequence[Row]:
        """Decided ones of one API key, oldest first, and those `attempt` collected, unreported."""

    # --- workspace chain --------------------------------------------------------------------
    async def workspace_head(self, workspace: str) -> Head:
        """The end of the workspace's own chain."""

    async def record(
        self,
        workspace: str,
        link: Link,
        sealed: Sequence[Sealed] = (),
        *,
        kept: Sequence[Kept] = (),
    ) -> None:
        """Append one link to the workspace's chain with what it tells of, together or not at all.

        Raises:
            VersionConflict: the link's number is taken; read the head again.
        """

    # --- configuration ------------------------------------------------------------------------
    async def workspaces(self) -> Sequence[str]:
        """All workspaces of this store."""

    async def put_policy(self, policy: PolicyVersion) -> None:
        """Keep a version and make it the current one; the same version again only makes it so."""

    async def policy(self, workspace: str, version: str = "") -> PolicyVersion | None:
        """The current policy, or the named version."""

    async def policy_version(self, workspace: str) -> str:
        """The version in force, without its text; empty when none was applied."""

    async def policies(self, workspace: str, *, limit: int = 50) -> Sequence[PolicyVersion]:
        """Versions, newest first (sources and documents included)."""

    async def people(self, workspace: str) -> Mapping[str, bytes]:
        """Person id to canonical JSON of the living person record (contacts, absences, …)."""

    async def put_person(self, workspace: str, person: str, document: bytes) -> None:
        """Keep one person's record."""

    # --- linked accounts ------------------------------------------------------------------------
    async def links(self, workspace: str) -> Sequence[Linked]:
        """Every linked account and device of the workspace, oldest first."""

    async def linked(self, channel: str, account: str) -> Sequence[Linked]:
        """Whose account this is, one entry a workspace; read without a workspace."""

    async def unlink(self, workspace: str, channel: str, account: str) -> None:
        """Forget an account."""

    # --- keys, accounts, sessions -------------------------------------------------------------
    async def put_key(self, key: AgentKey) -> None:
        """Keep a new key, or revoke one by writing it again with `revoked_at`."""

    async def key(self, key_id: str) -> AgentKey | None:
        """A key by its public id."""

    async def keys(self, workspace: str) -> Sequence[AgentKey]:
        """All keys of the workspace, newest first."""

    async def put_account(self, account: Account) -> None:
        """Keep or replace a person's sign-in."""

    async def account(self, email: str) -> Account | None:
        """A sign-in by e-mail, lower case."""

    async def accounts(self, workspace: str) -> Mapping[str, str]:
        """Person id to sign-in e-mail, for everybody who can sign in."""

    async def put_session(self, session: Session) -> None:
        """Keep a new session."""

    async def session(self, token_hash: str, now: datetime) -> Session | None:
        """A session that has not expired."""

    async def end_session(self, token_hash: str) -> None:
        """Sign out."""

    async def end_sessions_of(self, workspace: str, person: str) -> None:
        """Sign a person out everywhere, after a change of password or role."""

    async def put_ticket(self, ticket: Ticket) -> None:
        """Keep a one-time link."""

    async def spend_ticket(self, token_hash: str, now: datetime) -> Ticket | None:
        """Take a one-time link, once; None when unknown, spent or expired."""

    # --- calls ----------------------------------------------------------------------------------
    async def record_calls(self, workspace: str, calls: Sequence[CallRecord]) -> None:
        """Keep a batch of guarded calls; a known id is not counted twice."""

    async def call_counts(
        self, workspace: str, *, since: datetime
    ) -> Mapping[tuple[str, str], int]:
        """(tool, verdict) to number of calls since then."""
