"""All SQL of the PostgreSQL store, named; what both databases say alike is taken from there."""

from pullcord.store import queries_sqlite as alike

#: microseconds: whoever was asked that lately is not noted again, because every Change that asks
#: the same person would wait for the one before it
ASKED_AGAIN = 1_000_000


def numbered(statement: str) -> str:
    """The statement with $1, $2, … in place of its question marks."""
    pieces = statement.split("?")
    numbers = [f"${at}" for at in range(1, len(pieces))]
    return "".join(part for pair in zip(pieces, [*numbers, ""], strict=True) for part in pair)


#: every write carries the epoch it was prepared in; the database refuses one of another
FENCE = "(select pullcord_fence({n}))"
BEGIN = "begin; select pullcord_fence({epoch})"
GREETING = """select pg_is_in_recovery() or current_setting('transaction_read_only') = 'on',
  case when pg_is_in_recovery() then '' else pg_walfile_name(pg_current_wal_lsn()) end,
  to_regclass('epoch') is not null"""
#: a hint waits for no disk and no standby
HINTS_HURRY = "set synchronous_commit = off"
TELL = "select pg_notify($1, told) from unnest($2::text[]) as told"
CHANGED = """select e.workspace, 'escalation', e.id, e.version, e.agent_key, e.status = 'decided'
  from escalations e where (e.workspace, e.id) in
    (select workspace, chain from links where at >= $1)
  limit $2"""
TIME = "select (extract(epoch from clock_timestamp()) * 1000000)::bigint"

SCHEMA_TABLE = """create table if not exists schema_version
  (version bigint primary key, done bigint not null, serves bigint)"""
SCHEMA_LOCK = "select pg_advisory_xact_lock(7285562273)"
SCHEMA_KNOWN = "select to_regclass('schema_version') is not null"
SCHEMA_APPLIED = "insert into schema_version values ({version}, 1, {serves})"
#: a step waits for others no longer than their writes can wait for it, and gives way before the
#: database sees a deadlock (after a second) and picks whom to fail
SCHEMA_PATIENCE = "set local lock_timeout = '700ms'"
SCHEMA_VERSION = """select version, done, coalesce(serves, version) from schema_version
  order by version"""
EPOCH = alike.EPOCH
NEXT_EPOCH = alike.NEXT_EPOCH
HOLD, LET_GO = numbered(alike.HOLD), alike.LET_GO
HELD_IN = "select h.since, h.by, h.why, e.epoch from holds h, epoch e"
BEAT, FORGET_BEATS = numbered(alike.BEAT), numbered(alike.FORGET_BEATS)
BEATS = alike.BEATS

#: what an opening and a change say of the row itself, from the third value on
ROW_OPENED = """id text, status text, owner text, due_at bigint, environment text, agent text,
  agent_key text, key text, run text, end_user text, ladder text, control text,
  status_digest text, body_digest text, opened_at bigint, decided_at bigint, attempt text,
  head_seq bigint, head_hash text, state bytea"""
ROW_CHANGED = """id text, version bigint, status text, owner text, due_at bigint, control text,
  decided_at bigint, attempt text, head_seq bigint, head_hash text, state bytea"""
#: what both bring with them: many of each, so one array a column
LINKED_ON = "seq bigint, at bigint, kind text, body bytea, hash text"
SEALED_IN = "name text, salt bytea, ciphertext bytea"
SENT_OUT = """id text, escalation text, due_at bigint, channel text, address text, tries bigint,
  message bytea"""
CANDIDATES_NOW = "person text"
ASKED_NOW = "person text, at bigint"
#: the row itself begins after workspace and epoch
FIRST = 3


def _pairs(columns: str) -> list[tuple[str, str]]:
    """(name, type) of each column."""
    return [(name, kind) for name, kind in (each.split() for each in columns.split(","))]


def count(columns: str) -> int:
    """How many values they are."""
    return len(_pairs(columns))


def _names(columns: str) -> str:
    return ", ".join(name for name, _ in _pairs(columns))


def _given(columns: str) -> dict[str, str]:
    """Name of each column of the row itself to its number, with its type."""
    return {name: f"${at}::{kind}" for at, (name, kind) in enumerate(_pairs(columns), FIRST)}


def _rows(columns: str, first: int) -> str:
    """The rows whose columns are arrays from this number on."""
    arrays = ", ".join(f"${at}::{kind}[]" for at, (_, kind) in enumerate(_pairs(columns), first))
    return f"unnest({arrays}) as t ({_names(columns)})"


def _brought(row: str) -> str:
    """The parts of a statement that write what a row brings with it, once the row is written."""
    links = FIRST + count(row)
    sealed = links + count(LINKED_ON)
    outgoing = sealed + count(SEALED_IN)
    candidates = outgoing + count(SENT_OUT)
    asked = candidates + count(CANDIDATES_NOW)
    given = _given(row)
    return f"""kept as (
  insert into links (workspace, chain, {_names(LINKED_ON)})
  select $1, {given["id"]}, t.* from {_rows(LINKED_ON, links)} where (select whole from held)
), sealing as (
  insert into sealed (workspace, chain, {_names(SEALED_IN)})
  select $1, {given["id"]}, t.* from {_rows(SEALED_IN, sealed)} where (select whole from held)
), sending as (
  insert into outbox (workspace, {_names(SENT_OUT)})
  select $1, t.* from {_rows(SENT_OUT, outgoing)} where (select whole from held)
), added as (
  insert into candidates (workspace, person, escalation, due_at)
  select $1, t.person, {given["id"]}, {given["due_at"]} from {_rows(CANDIDATES_NOW, candidates)}
  where (select whole from held) on conflict do nothing
), noted as (
  insert into asked (workspace, person, at)
  select $1, t.person, max(t.at) from {_rows(ASKED_NOW, asked)}
  where (select whole from held) and coalesce((select a.at from asked a
    where a.workspace = $1 and a.person = t.person), 0) <= t.at - {ASKED_AGAIN}
  group by t.person order by t.person
  on conflict (workspace, person) do update set at = greatest(asked.at, excluded.at)
)"""


def _opening() -> str:
    given = _given(ROW_OPENED)
    return f"""with fresh as (
  insert into escalations (workspace, version, wake_at, {_names(ROW_OPENED)})
  select $1, 1, {given["due_at"]}, {", ".join(given.values())} where {FENCE.format(n="$2")}
  on conflict (workspace, agent_key, key) do update set touched = escalations.touched + 1
  returning id, body_digest
), held as (select id = {given["id"]} as whole, id, body_digest from fresh),
{_brought(ROW_OPENED)}
select whole, id, body_digest from held"""


def _changing() -> str:
    given = _given(ROW_CHANGED)
    persons = FIRST + sum(map(count, (ROW_CHANGED, LINKED_ON, SEALED_IN, SENT_OUT)))
    return f"""with moved as (
  update escalations e set version = {given["version"]}, status = {given["status"]},
    owner = {given["owner"]}, due_at = {given["due_at"]},
    wake_at = {given["due_at"]}, nudged = 0,
    control = {given["control"]}, decided_at = {given["decided_at"]},
    attempt = {given["attempt"]}, head_seq = {given["head_seq"]},
    head_hash = {given["head_hash"]}, state = {given["state"]}
  where e.workspace = $1 and e.id = {given["id"]} and e.version = {given["version"]} - 1
    and {FENCE.format(n="$2")}
  returning 1
), held as (select exists (select from moved) as whole),
{_brought(ROW_CHANGED)}, stale as (
  update copies c set due_at = coalesce(c.due_at,
    (select max(said) from unnest(${FIRST + count(ROW_CHANGED) + 1}::bigint[]) as said))
  where c.workspace = $1 and c.escalation = {given["id"]} and c.is_edited = 1
    and (select whole from held)
), dropped as (
  delete from candidates c where c.workspace = $1 and c.escalation = {given["id"]}
    and (select whole from held) and c.person <> all(${persons}::text[])
)
select whole, null, null from held"""


#: One escalation with all it brings, in one statement: all of it, or nothing. Row: whether it was
#: written, and for an opening id and digest of what stands under its key. Every table is reached
#: by values and not by a join: a plan is made while tables are empty and kept while they grow, and
#: of a join it may then read all that a workspace has.
OPEN = _opening()
CHANGE = _changing()
#: an escalation of several came second: what was written before it in the transaction is undone
UNDO = "select pullcord_undo($1)"

_ROW = "select state, head_seq, head_hash from escalations"
LOAD = numbered(alike.LOAD)
LOAD_SEVERAL = f"{_ROW} where workspace = $1 and id = any($2)"
#: a write that every standby has when it is acknowledged, and with it all that came before
CONFIRM = f"""update escalations set touched = touched + 1 where workspace = $1 and id = $2
  and {FENCE.format(n="$3")} returning state, head_seq, head_hash"""
BY_KEY = numbered(alike.BY_KEY)
BY_STATUS = numbered(alike.BY_STATUS)
HUMAN = numbered(alike.HUMAN)
LOADS = alike.LOADS.replace("?1", "$1").replace("?2", "{limit}")
ASKED = numbered(alike.ASKED)
CONTENTS = """select chain, name, salt, ciphertext from sealed
  where workspace = $1 and chain = $2 order by ord"""
CONTENTS_NAMED = """select chain, name, salt, ciphertext from sealed
  where workspace = $1 and chain = $2 and name = any($3) order by ord"""
CONTENTS_OF = """select chain, name, salt, ciphertext from sealed
  where workspace = $1 and chain = any($2) and name = $3"""
SALTS_OF = """select chain, salt from sealed
  where workspace = $1 and chain = any($2) and name = $3"""
TIMELINE = numbered(alike.TIMELINE)
CHAINS = numbered(alike.CHAINS)
#: a lease need not last: where it is lost the row is due again, and whoever acts on it is told by
#: its version; so a claim waits for no disk and no standby
LEASED = "(select set_config('synchronous_commit', 'off', true)) = 'off'"
CLAIM = f"""with leased as (
  update wakes set wake_at = $1, nudged = 0 where ctid = any(array(
    select ctid from wakes where wake_at <= $2 and {LEASED} and {FENCE.format(n="$4")}
    order by wake_at limit $3 for update skip locked))
  returning workspace, id)
select e.state, e.head_seq, e.head_hash from leased cross join lateral (
  select state, head_seq, head_hash from escalations
  where workspace = leased.workspace and id = leased.id offset 0) as e"""
#: one that has ended meanwhile is not waited for
REST = """with over as (
  delete from wakes w using escalations e where w.workspace = $1 and w.id = $2
    and e.workspace = $1 and e.id = $2 and e.due_at is null)
update wakes w set wake_at = e.due_at from escalations e where w.workspace = $1 and w.id = $2
  and w.nudged = 0 and e.workspace = $1 and e.id = $2 and e.version = $3 and e.due_at is not null"""
NEXT_WAKE = "select min(wake_at) from wakes"
OVERDUE = numbered(alike.OVERDUE)
NUDGE = """update wakes w set wake_at = least(w.wake_at, $1), nudged = 1 from escalations e
  where e.workspace = $2 and e.status = 'open' and w.id = e.id and w.workspace = $2"""
UNSENT = numbered(alike.UNSENT)
CLAIM_OUT = f"""with due as (
  select workspace, id from outbox where due_at <= $2 and {FENCE.format(n="$4")}
  order by due_at limit $3 for update skip locked)
update outbox o set due_at = $1 from due where o.workspace = due.workspace and o.id = due.id
returning o.workspace, o.id, o.channel, o.address, o.tries, o.message"""
POSTPONE = numbered(alike.POSTPONE)
#: copies of one message are named after it: "msg_1.slack"; "/" follows "." in byte order
_COPIES_OF = "workspace = $1 and id > $2::text || '.' and id < $2::text || '/' and channel <> ''"
HASTEN = f"""update outbox set due_at = $3 where {_COPIES_OF} and tries = 0 and due_at > $4"""
LEFT = f"select count(*) from outbox where {_COPIES_OF}"
#: messages become their copies: only those that are still there
PLAN = """with given as (select * from unnest($3::text[], $4::text[], $5::text[], $6::bigint[],
    $7::text[], $8::text[], $9::bigint[], $10::bytea[])
    as g (origin, id, escalation, due_at, channel, address, tries, message)),
gone as (delete from outbox where workspace = $1 and id = any($2::text[]) returning id)
insert into outbox (workspace, id, escalation, due_at, channel, address, tries, message)
  select $1, g.id, g.escalation, g.due_at, g.channel, g.address, g.tries, g.message
  from given g where g.origin in (select id from gone)"""
#: receipts, the messages' ends or their next tries, and their copies: all of them or none
SETTLE = """with given as (select * from unnest($2::text[], $3::text[], $4::text[], $5::text[],
    $6::text[], $7::bigint[], $8::text[], $9::bigint[], $10::text[], $11::text[], $12::bigint[],
    $13::bigint[], $14::bigint[], $15::bigint[], $16::bytea[]) with ordinality
    as g (escalation, id, recipient, channel, state, at, detail, again_at, address, reference,
      version, kept_at, is_edited, wakes, message, place)),
gone as (delete from outbox o using given g
  where o.workspace = $1 and o.id = g.id and g.again_at is null returning o.id),
again as (update outbox o set due_at = g.again_at, tries = o.tries + 1 from given g
  where o.workspace = $1 and o.id = g.id and g.again_at is not null returning o.id),
said as (insert into receipts (workspace, escalation, outgoing, recipient, channel, state, at,
    detail)
  select $1, g.escalation, g.id, g.recipient, g.channel, g.state, g.at, g.detail from given g
  where g.id in (select id from gone union all select id from again) order by g.place
  returning outgoing)
insert into copies (workspace, id, escalation, recipient, channel, address, reference, version, at,
    is_edited, wakes, tries, due_at, message)
  select $1, g.id, g.escalation, g.recipient, g.channel, g.address, g.reference, g.version,
    g.kept_at, g.is_edited, g.wakes, 0,
    case when g.is_edited = 1 and e.version > g.version then g.kept_at end, g.message
  from given g join escalations e on e.workspace = $1 and e.id = g.escalation
  where g.version is not null and g.id in (select outgoing from said)
  on conflict (workspace, id) do update set reference = excluded.reference,
    version = excluded.version, due_at = excluded.due_at"""
_COPY = "id, message, channel, address, reference, version, at, is_edited, wakes, tries"
CLAIM_COPIES = f"""with due as (
  select workspace, id from copies where due_at <= $2 and {FENCE.format(n="$4")}
  order by due_at limit $3 for update skip locked)
update copies c set due_at = $1 from due where c.workspace = due.workspace and c.id = due.id
returning c.workspace, {", ".join(f"c.{name}" for name in _COPY.split(", "))}"""
#: a copy kept while its escalation changed: neither write saw the other, so this looks at both
RECHECK_COPIES = """update copies c set due_at = $2 from escalations e
  where (e.workspace, e.id) in (select workspace, chain from links where at >= $1)
    and c.workspace = e.workspace and c.escalation = e.id
    and c.is_edited = 1 and c.due_at is null and c.version < e.version"""
COPY_SHOWN = """update copies c set version = $1, tries = 0, due_at = case when $1 <
  (select e.version from escalations e where e.workspace = c.workspace and e.id = c.escalation)
  then 0 end where c.workspace = $2 and c.id = $3"""
UNEDITED = numbered(alike.UNEDITED)
COPY_AGAIN = numbered(alike.COPY_AGAIN)
COPIES = numbered(alike.COPIES)
COPY_OF = numbered(alike.COPY_OF)
SENT_TO = numbered(alike.SENT_TO)
WOKEN = numbered(alike.WOKEN)
RECEIPT = numbered(alike.RECEIPT)
NOTE_RECEIPT = """insert into receipts (workspace, escalation, outgoing, recipient, channel,
  state, at, detail) select $1, $2, $3, $4, $5, $6, $7, $8 where not exists (select 1
  from receipts where workspace = $1 and escalation = $2 and outgoing = $3 and state = $6)"""
TALLIES = numbered(alike.TALLIES)
WHY_FAILED = numbered(alike.WHY_FAILED)
LINKS = numbered(alike.LINKS)
LINKED = numbered(alike.LINKED)
PUT_LINKED = numbered(alike.PUT_LINKED)
UNLINK = numbered(alike.UNLINK)
RECEIPTS = numbered(alike.RECEIPTS)
CLAIM_DUTIES = f"""with due as (
  select workspace, duty from duties where due_at <= $2 and {FENCE.format(n="$4")}
  order by due_at limit $3 for update skip locked)
update duties d set due_at = $1 from due where d.workspace = due.workspace and d.duty = due.duty
returning d.workspace, d.duty"""
ENROL_DUTY = numbered(alike.ENROL_DUTY)
FINISH_DUTY = numbered(alike.FINISH_DUTY)
DECIDED = numbered(alike.DECIDED)

HEAD = numbered(alike.HEAD)
#: no row where the number is taken
LINK = """insert into links (workspace, chain, seq, at, kind, body, hash)
  values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning seq"""
SEAL = """insert into sealed (workspace, chain, name, salt, ciphertext)
  values ($1, $2, $3, $4, $5)"""
WORKSPACES = alike.WORKSPACES
POLICY_OFF = numbered(alike.POLICY_OFF)
POLICY_ON = numbered(alike.POLICY_ON)
POLICY_NOW = numbered(alike.POLICY_NOW)
POLICY_NAMED = numbered(alike.POLICY_NAMED)
POLICY_VERSION = numbered(alike.POLICY_VERSION)
POLICIES = numbered(alike.POLICIES)
PEOPLE = numbered(alike.PEOPLE)
PUT_PERSON = numbered(alike.PUT_PERSON)
PUT_KEY = numbered(alike.PUT_KEY)
KEY = numbered(alike.KEY)
KEYS = numbered(alike.KEYS)
PUT_ACCOUNT = numbered(alike.PUT_ACCOUNT)
ACCOUNT = numbered(alike.ACCOUNT)
ACCOUNTS = numbered(alike.ACCOUNTS)
OUTCOME = numbered(alike.OUTCOME)
OUTCOMES = numbered(alike.OUTCOMES)
SESSIONS_OVER = numbered(alike.SESSIONS_OVER)
PUT_SESSION = numbered(alike.PUT_SESSION)
SESSION = numbered(alike.SESSION)
END_SESSION = numbered(alike.END_SESSION)
END_SESSIONS = numbered(alike.END_SESSIONS)
PUT_TICKET = numbered(alike.PUT_TICKET)
SPEND = numbered(alike.SPEND)
CALLS = """insert into calls (workspace, id, at, agent, agent_key, environment, run, tool,
    verdict, rule, policy_version, count, facts)
  select $1, t.* from unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[],
    $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::bigint[], $13::bytea[]) as t
  on conflict do nothing"""
COUNTS = numbered(alike.COUNTS)

#: conditions of a listing by field of the filter; `{n}` is the number of its value
WANTED = {name: condition.replace("?", "${n}") for name, condition in alike.WANTED.items()}
STATUSES = "status = any(${n})"
CANDIDATE = alike.CANDIDATE.replace("?", "${n}")
LIVING_PAGE = f"""{_ROW} where workspace = $1 and status in ('open','accepted') {{more}}
  and (due_at, id) > (${{a}}, ${{b}}) order by due_at, id limit {{limit}}"""
ENDED_PAGE = f"""{_ROW} where workspace = $1 and status not in ('open','accepted') {{more}}
  and (opened_at, id) < (${{a}}, ${{b}}) order by opened_at desc, id desc limit {{limit}}"""
#: by numbers: 1 workspace, 2 person, 3 time and 4 id after which it begins
NEEDING_PAGE = """select state, head_seq, head_hash from (
    (select due_at, id from escalations
      where workspace = $1 and owner = $2 and status in ('open','accepted') {more}
      and (due_at, id) > ($3, $4) order by due_at, id limit {limit})
    union
    (select c.due_at, c.escalation from candidates c
      join escalations e on e.workspace = c.workspace and e.id = c.escalation
      where c.workspace = $1 and c.person = $2 {more}
      and (c.due_at, c.escalation) > ($3, $4) order by c.due_at, c.escalation limit {limit})
    order by 1, 2 limit {limit}) as needing
  join escalations on escalations.workspace = $1 and escalations.id = needing.id
  order by needing.due_at, needing.id"""
COUNT_NEEDING = """select count(*) from (
  (select id from escalations where workspace = $1 and owner = $2
    and status in ('open','accepted') {more} limit {limit})
  union
  (select c.escalation from candidates c
    join escalations e on e.workspace = c.workspace and e.id = c.escalation
    where c.workspace = $1 and c.person = $2 {more} limit {limit})
  limit {limit}) as needing"""
LIVING = alike.LIVING
ENDED = alike.ENDED
WITH_AGENT = alike.WITH_AGENT
COUNT = """select count(*) from (select 1 from escalations
  where workspace = $1 {more} limit {limit}) as found"""
