"""All SQL of the SQLite store, named. It runs on SQLite 3.40."""

SCHEMA_VERSION = "select version, done from schema_version order by version"
SCHEMA_TABLE = """create table if not exists schema_version
  (version integer primary key, done integer not null) strict"""
SCHEMA_BEGIN = "insert into schema_version values ({version}, 0)"
SCHEMA_DONE = "update schema_version set done = 1 where version = {version}"
EPOCH = "select epoch from epoch"
NEXT_EPOCH = "update epoch set epoch = epoch + 1 returning epoch"
HOLD = """insert into holds values (1, ?, ?, ?) on conflict (one) do update set
  since = excluded.since, by = excluded.by, why = excluded.why"""
HELD = "select since, by, why from holds"
LET_GO = "delete from holds"
BEAT = """insert into beats values (?, ?)
  on conflict (process) do update set at = excluded.at"""
FORGET_BEATS = "delete from beats where at < ?"
BEATS = "select process, at from beats"

#: a backup's own table: what it says of itself
BACKUP_TABLE = "create table backup (one integer primary key check (one = 1), manifest text)"
BACKUP_NOTE = "insert into backup values (1, ?)"
BACKUP_TOLD = "select manifest from backup"
BACKUP_DROP = "drop table backup"
ESCALATIONS = "select count(*) from escalations"
SEALED_LAST = """select workspace, chain, name, salt, ciphertext from sealed
  order by ord desc limit 1"""
HEADS = "select head_hash from escalations where workspace = ? order by id"

INSERT = """insert into escalations (workspace, id, version, status, owner, due_at, wake_at,
  environment, agent, agent_key, key, run, end_user, ladder, control, status_digest, body_digest,
  opened_at, decided_at, attempt, head_seq, head_hash, state)
  values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
  on conflict (workspace, agent_key, key) do update set touched = touched + 1
  returning id, body_digest"""
#: a nudge that no claim has seen yet outlives other people's writes
UPDATE = """update escalations set version = ?, status = ?, owner = ?, due_at = ?,
  wake_at = iif(nudged = 1, min(wake_at, ?), ?), control = ?, decided_at = ?, attempt = ?,
  head_seq = ?, head_hash = ?, state = ?
  where workspace = ? and id = ? and version = ?"""
CANDIDATES_DROP = "delete from candidates where workspace = ? and escalation = ?"
CANDIDATES_ADD = "insert into candidates values (?, ?, ?, ?)"
LINK = "insert into links values (?, ?, ?, ?, ?, ?, ?)"
#: a select, because the database undoes it alone where the disk is full; of a plain row it would
#: undo the whole group
SEAL = "insert into sealed (workspace, chain, name, salt, ciphertext) select ?, ?, ?, ?, ?"
OUTGOING = "insert into outbox values (?, ?, ?, ?, ?, ?, ?, ?)"

_ROW = "select state, head_seq, head_hash from escalations"
LOAD = f"{_ROW} where workspace = ? and id = ?"
LOAD_SEVERAL = f"{_ROW} where workspace = ? and id in ({{places}})"
TOUCH = "update escalations set touched = touched + 1 where workspace = ? and id = ?"
BY_KEY = f"{_ROW} where workspace = ? and agent_key = ? and key = ?"
BY_STATUS = f"{_ROW} where status_digest = ? and status_digest <> ''"
HUMAN = """select id from escalations where workspace = ? and agent = ? and run = ?
  and status = 'accepted' and control = 'human' limit 1"""
#: from one owner to the next by the index, and never more than so many of each
LOADS = """with recursive owners (owner) as (
    select min(owner) from escalations where workspace = ?1 and status in ('open','accepted')
    union all
    select (select min(e.owner) from escalations e where e.workspace = ?1
      and e.status in ('open','accepted') and e.owner > owners.owner)
    from owners where owners.owner is not null)
  select owner, (select count(*) from (select 1 from escalations e where e.workspace = ?1
    and e.owner = owners.owner and e.status in ('open','accepted') limit ?2) as counted)
  from owners where owner is not null"""
NOTE_ASKED = """insert into asked values (?, ?, ?)
  on conflict (workspace, person) do update set at = max(asked.at, excluded.at)"""
ASKED = "select person, at from asked where workspace = ?"
CONTENTS = """select chain, name, salt, ciphertext from sealed
  where workspace = ? and chain = ? {more} order by ord"""
CONTENTS_OF = """select chain, name, salt, ciphertext from sealed
  where workspace = ? and chain in ({places}) and name = ?"""
SALTS_OF = """select chain, salt from sealed
  where workspace = ? and chain in ({places}) and name = ?"""
TIMELINE = """select chain, seq, at, kind, body, hash from links
  where workspace = ? and chain = ? and seq > ? order by seq limit ?"""
CHAINS = "select id from escalations where workspace = ? and id > ? order by id limit ?"
CLAIM = """update escalations set wake_at = ?, nudged = 0 where (workspace, id) in
  (select workspace, id from escalations where wake_at <= ? order by wake_at limit ?)
  returning state, head_seq, head_hash"""
REST = """update escalations set wake_at = due_at
  where workspace = ? and id = ? and version = ? and nudged = 0"""
NEXT_WAKE = "select min(wake_at) from escalations where wake_at is not null"
OVERDUE = "select min(due_at) from escalations where due_at <= ?"
NUDGE = """update escalations set wake_at = min(wake_at, ?), nudged = 1
  where workspace = ? and status = 'open'"""
UNSENT = "select min(due_at) from outbox where due_at <= ?"
CLAIM_OUT = """update outbox set due_at = ? where (workspace, id) in
  (select workspace, id from outbox where due_at <= ? order by due_at limit ?)
  returning workspace, id, channel, address, tries, message"""
#: many at once, as one JSON text of names or of cells: one statement, however many they are
STANDING = """select json_group_array(id) from outbox where workspace = ?
  and id in (select value from json_each(?))"""
DROP_ALL = """delete from outbox where workspace = ?
  and id in (select value from json_each(?))"""
OUTGOING_ALL = """insert into outbox select ?, value ->> 0, value ->> 1, value ->> 2, value ->> 3,
  value ->> 4, value ->> 5, cast(value ->> 6 as blob) from json_each(?)"""
RECEIPT_ALL = """insert into receipts (workspace, escalation, outgoing, recipient, channel, state,
  at, detail) select ?, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4,
  value ->> 5, value ->> 6 from json_each(?)"""
AGAIN_OUT = "update outbox set due_at = ?, tries = tries + 1 where workspace = ? and id = ?"
POSTPONE = "update outbox set due_at = ? where workspace = ? and id = ?"
#: copies of one message are named after it: "msg_1.slack"; "/" follows "." in byte order
HASTEN = """update outbox set due_at = ? where workspace = ? and id > ? || '.' and id < ? || '/'
  and channel <> '' and tries = 0 and due_at > ?"""
LEFT = """select count(*) from outbox where workspace = ? and id > ? || '.' and id < ? || '/'
  and channel <> ''"""
COPY = """insert into copies select ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0,
  iif(? and version > ?, ?, null), ? from escalations where workspace = ? and id = ?
  on conflict (workspace, id) do update set reference = excluded.reference,
  version = excluded.version, due_at = excluded.due_at"""
#: what a Change makes untrue is due in the same transaction; a lease that holds is left alone
COPIES_STALE = """update copies set due_at = coalesce(due_at, ?)
  where workspace = ? and escalation = ? and is_edited = 1"""
_COPY = "id, message, channel, address, reference, version, at, is_edited, wakes, tries"
_COPIES_DUE = """update copies set due_at = ? where (workspace, id) in
  (select workspace, id from copies where due_at <= ? order by due_at limit ?)"""
CLAIM_COPIES = f"{_COPIES_DUE} returning workspace, {_COPY}"
COPY_SHOWN = """update copies set version = ?, tries = 0, due_at = iif(? < (select e.version
  from escalations e where e.workspace = copies.workspace and e.id = copies.escalation), ?, null)
  where workspace = ? and id = ?"""
UNEDITED = "select min(due_at) from copies where due_at <= ?"
COPY_AGAIN = "update copies set due_at = ?, tries = tries + 1 where workspace = ? and id = ?"
_COPIES = "from copies where workspace = ? and escalation = ? order by at, id"
COPIES = f"select {_COPY} {_COPIES}"
_COPY_OF = "from copies where channel = ? and reference = ?"
COPY_OF = f"select workspace, {_COPY} {_COPY_OF}"
SENT_TO = """select at from copies where workspace = ? and channel = ? and address = ?
  and at >= ? order by at desc limit ?"""
WOKEN = """select count(*) from copies where workspace = ? and recipient = ? and wakes = 1
  and at >= ?"""
NOTE_RECEIPT = """insert into receipts (workspace, escalation, outgoing, recipient, channel,
  state, at, detail) select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 where not exists (select 1
  from receipts where workspace = ?1 and escalation = ?2 and outgoing = ?3 and state = ?6)"""
TALLIES = """select channel, state, count(*), min(at), max(at) from receipts
  where workspace = ? and at >= ? and channel <> '' group by channel, state
  order by channel, state"""
WHY_FAILED = """select detail from receipts where workspace = ? and at = ? and channel = ?
  and state = 'failed' order by ord desc limit 1"""
_LINKED = "select workspace, channel, account, person, address, name, at from linked"
LINKS = f"{_LINKED} where workspace = ? order by at, channel, account"
LINKED = f"{_LINKED} where channel = ? and account = ? order by workspace"
PUT_LINKED = """insert into linked values (?, ?, ?, ?, ?, ?, ?)
  on conflict (channel, account, workspace) do update set person = excluded.person,
  address = excluded.address, name = excluded.name, at = excluded.at"""
UNLINK = "delete from linked where workspace = ? and channel = ? and account = ?"
RECEIPT = """insert into receipts (workspace, escalation, outgoing, recipient, channel, state, at,
  detail) values (?, ?, ?, ?, ?, ?, ?, ?)"""
RECEIPTS = """select outgoing, escalation, recipient, channel, state, at, detail from receipts
  where workspace = ? and escalation = ? order by ord"""
CLAIM_DUTIES = """update duties set due_at = ? where (workspace, duty) in
  (select workspace, duty from duties where due_at <= ? order by due_at limit ?)
  returning workspace, duty"""
ENROL_DUTY = "insert into duties values (?, ?, ?) on conflict do nothing"
FINISH_DUTY = """insert into duties values (?, ?, ?)
  on conflict (workspace, duty) do update set due_at = excluded.due_at"""
DECIDED = f"""{_ROW} where workspace = ? and agent_key = ?
  and status in ('decided','collected') and
  (status = 'decided' or (status = 'collected' and attempt = ? and attempt <> ''))
  order by decided_at, id limit ?"""
HEAD = "select seq, hash from links where workspace = ? and chain = ? order by seq desc limit 1"
WORKSPACES = "select distinct workspace from policies union select workspace from accounts"
POLICY_OFF = "update policies set is_current = 0 where workspace = ?"
POLICY_ON = """insert into policies (workspace, version, document, source, by, at, is_current)
  values (?, ?, ?, ?, ?, ?, 1)
  on conflict (workspace, version) do update set is_current = 1"""
_POLICY = "select workspace, version, document, source, by, at from policies"
POLICY_NOW = f"{_POLICY} where workspace = ? and is_current = 1"
POLICY_NAMED = f"{_POLICY} where workspace = ? and version = ?"
POLICY_VERSION = "select version from policies where workspace = ? and is_current = 1"
POLICIES = f"{_POLICY} where workspace = ? order by ord desc limit ?"
PEOPLE = "select person, document from people where workspace = ? order by person"
PUT_PERSON = """insert into people values (?, ?, ?)
  on conflict (workspace, person) do update set document = excluded.document"""
PUT_KEY = """insert into keys values (?, ?, ?, ?, ?, ?, ?, ?, ?)
  on conflict (id) do update set revoked_at = coalesce(keys.revoked_at, excluded.revoked_at)
  where keys.workspace = excluded.workspace"""
_KEY = """select id, workspace, agent, environment, secret_hash, creator, created_at, revoked_at,
  note from keys"""
KEY = f"{_KEY} where id = ?"
KEYS = f"{_KEY} where workspace = ? order by created_at desc, id desc"
PUT_ACCOUNT = """insert into accounts values (?, ?, ?, ?, ?)
  on conflict (workspace, person) do update set email = excluded.email,
  password_hash = excluded.password_hash, changed_at = excluded.changed_at"""
ACCOUNT = """select workspace, person, email, password_hash, changed_at from accounts
  where email = ?"""
ACCOUNTS = "select person, email from accounts where workspace = ?"
OUTCOME = """insert into outcomes (workspace, escalation, run, label, text, by, at)
  values (?, ?, ?, ?, ?, ?, ?)"""
OUTCOMES = """select workspace, escalation, run, label, text, by, at from outcomes
  where workspace = ? and escalation = ? order by ord"""
SESSIONS_OVER = "delete from sessions where expires_at <= ?"
PUT_SESSION = "insert into sessions values (?, ?, ?, ?, ?, ?)"
SESSION = """select token_hash, workspace, person, csrf, started_at, expires_at from sessions
  where token_hash = ? and expires_at > ?"""
END_SESSION = "delete from sessions where token_hash = ?"
END_SESSIONS = "delete from sessions where workspace = ? and person = ?"
PUT_TICKET = "insert into tickets values (?, ?, ?, ?, ?)"
SPEND = """delete from tickets where token_hash = ?
  returning token_hash, workspace, person, purpose, expires_at"""
CALLS = "insert into calls values (?,?,?,?,?,?,?,?,?,?,?,?,?) on conflict do nothing"
COUNTS = """select tool, verdict, sum(count) from calls where workspace = ? and at >= ?
  group by tool, verdict"""

#: conditions of a listing; the names are columns, never input
WANTED = {
    "owner": "owner = ?",
    "agent": "agent = ?",
    "agent_key": "agent_key = ?",
    "run": "run = ?",
    "ladder": "ladder = ?",
    "environment": "environment = ?",
    "end_user": "end_user = ?",
}
CANDIDATE = """(owner = ? or exists (select 1 from candidates c where c.workspace =
  escalations.workspace and c.escalation = escalations.id and c.person = ?))"""
#: what a person owns and what they are asked about, each by its own index; what is both, once
NEEDING_PAGE = """select state, head_seq, head_hash from (
    select * from (select due_at, id from escalations
      where workspace = ? and owner = ? and status in ('open','accepted') {more}
      and (due_at, id) > (?, ?) order by due_at, id limit ?) as owned
    union
    select * from (select c.due_at, c.escalation from candidates c
      join escalations e on e.workspace = c.workspace and e.id = c.escalation
      where c.workspace = ? and c.person = ? {more}
      and (c.due_at, c.escalation) > (?, ?) order by c.due_at, c.escalation limit ?) as asked
    order by 1, 2 limit ?) as needing
  join escalations on escalations.workspace = ? and escalations.id = needing.id
  order by needing.due_at, needing.id"""
COUNT_NEEDING = """select count(*) from (
  select * from (select id from escalations where workspace = ? and owner = ?
    and status in ('open','accepted') {more} limit ?) as owned
  union
  select * from (select c.escalation from candidates c
    join escalations e on e.workspace = c.workspace and e.id = c.escalation
    where c.workspace = ? and c.person = ? {more} limit ?) as asked
  limit ?) as needing"""
LIVING_PAGE = f"""{_ROW} where workspace = ? and status in ('open','accepted') {{more}}
  and (due_at, id) > (?, ?) order by due_at, id limit ?"""
ENDED_PAGE = f"""{_ROW} where workspace = ? and status not in ('open','accepted') {{more}}
  and (opened_at, id) < (?, ?) order by opened_at desc, id desc limit ?"""
#: said literally, so that the partial indexes serve
LIVING = " and status in ('open','accepted')"
ENDED = " and status not in ('open','accepted')"
WITH_AGENT = " and status in ('decided','collected')"
COUNT = "select count(*) from (select 1 from escalations where workspace = ? {more} limit ?)"
