"""All SQL of the PostgreSQL store, named; what both databases say alike is taken from there."""

from pullcord.store import queries_sqlite as alike


def numbered(statement: str) -> str:
    """The statement with $1, $2, … in place of its question marks."""
    pieces = statement.split("?")
    numbers = [f"${at}" for at in range(1, len(pieces))]
    return "".join(part for pair in zip(pieces, [*numbers, ""], strict=True) for part in pair)


SCHEMA_TABLE = """create table if not exists schema_version
  (version bigint primary key, done bigint not null)"""
SCHEMA_LOCK = "select pg_advisory_xact_lock(7285562273)"
SCHEMA_VERSION = alike.SCHEMA_VERSION
SCHEMA_KNOWN = "select to_regclass('schema_version') is not null"
SCHEMA_APPLIED = "insert into schema_version values ($1, 1)"
EPOCH = alike.EPOCH

#: One Change in one statement: all of it, or nothing. Rows: whether all was written, the id and
#: digest that stand under a taken key. A part that fails while another was written undoes both.
COMMIT = """
with fresh as (
  insert into escalations (workspace, id, version, status, owner, due_at, wake_at, environment,
    agent, agent_key, key, run, end_user, ladder, control, status_digest, body_digest, opened_at,
    decided_at, attempt, head_seq, head_hash, state)
  select $1, id, 1, status, owner, due_at, due_at, environment, agent, agent_key, key, run,
    end_user, ladder, control, status_digest, body_digest, opened_at, decided_at, attempt,
    head_seq, head_hash, state
  from unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
    $15::text[], $16::bigint[], $17::bigint[], $18::text[], $19::bigint[], $20::text[],
    $21::bytea[]) as t (id, status, owner, due_at, environment, agent, agent_key, key, run,
    end_user, ladder, control, status_digest, body_digest, opened_at, decided_at, attempt,
    head_seq, head_hash, state)
  on conflict (workspace, agent_key, key) do update set touched = escalations.touched + 1
  returning id, body_digest
), moved as (
  update escalations e set version = t.version, status = t.status, owner = t.owner,
    due_at = t.due_at,
    wake_at = case when e.nudged = 1 then least(e.wake_at, t.due_at) else t.due_at end,
    control = t.control, decided_at = t.decided_at, attempt = t.attempt,
    head_seq = t.head_seq, head_hash = t.head_hash, state = t.state
  from unnest($22::text[], $23::bigint[], $24::text[], $25::text[], $26::bigint[], $27::text[],
    $28::bigint[], $29::text[], $30::bigint[], $31::text[], $32::bytea[]) as t (id, version,
    status, owner, due_at, control, decided_at, attempt, head_seq, head_hash, state)
  where e.workspace = $1 and e.id = t.id and e.version = t.version - 1
  returning e.id
), written as (
  select (select count(*) from fresh where id = any($2)) as new,
    (select count(*) from moved) as old
), held as (
  select new = cardinality($2::text[]) and old = cardinality($22::text[]) as whole, new + old as some
  from written
), kept as (
  insert into links (workspace, chain, seq, at, kind, body, hash)
  select $1, chain, seq, at, kind, body, hash
  from unnest($33::text[], $34::bigint[], $35::bigint[], $36::text[], $37::bytea[], $38::text[])
    as t (chain, seq, at, kind, body, hash)
  where (select whole from held)
), sealing as (
  insert into sealed (workspace, chain, name, salt, ciphertext)
  select $1, chain, name, salt, ciphertext
  from unnest($39::text[], $40::text[], $41::bytea[], $42::bytea[])
    as t (chain, name, salt, ciphertext)
  where (select whole from held)
), sending as (
  insert into outbox (workspace, id, escalation, due_at, channel, address, tries, message)
  select $1, id, escalation, due_at, channel, address, tries, message
  from unnest($43::text[], $44::text[], $45::bigint[], $46::text[], $47::text[], $48::bigint[],
    $49::bytea[]) as t (id, escalation, due_at, channel, address, tries, message)
  where (select whole from held)
), dropped as (
  delete from candidates c where c.workspace = $1 and c.escalation = any($22)
    and (select whole from held)
    and not exists (select 1 from unnest($50::text[], $51::text[]) as t (person, escalation)
      where t.person = c.person and t.escalation = c.escalation)
), added as (
  insert into candidates (workspace, person, escalation)
  select $1, person, escalation from unnest($50::text[], $51::text[]) as t (person, escalation)
  where (select whole from held)
  on conflict do nothing
), noted as (
  insert into asked (workspace, person, at)
  select $1, t.person, max(t.at) from unnest($52::text[], $53::bigint[]) as t (person, at)
  where (select whole from held) and not exists (select 1 from asked a
    where a.workspace = $1 and a.person = t.person and a.at > t.at - 1000000)
  group by t.person order by t.person
  on conflict (workspace, person) do update set at = greatest(asked.at, excluded.at)
)
select case when whole or some = 0 then whole else pullcord_undo() end,
  (select id from fresh limit 1), (select body_digest from fresh limit 1)
from held
"""

LOAD = numbered(alike.LOAD)
CONFIRM = """update escalations set touched = touched + 1 where workspace = $1 and id = $2
  returning state, head_seq, head_hash"""
BY_KEY = numbered(alike.BY_KEY)
BY_STATUS = numbered(alike.BY_STATUS)
HUMAN = numbered(alike.HUMAN)
LOADS = numbered(alike.LOADS)
ASKED = numbered(alike.ASKED)
CONTENTS = """select chain, name, salt, ciphertext from sealed
  where workspace = $1 and chain = $2 order by ord"""
CONTENTS_NAMED = """select chain, name, salt, ciphertext from sealed
  where workspace = $1 and chain = $2 and name = any($3) order by ord"""
CONTENTS_OF = """select chain, name, salt, ciphertext from sealed
  where workspace = $1 and chain = any($2) and name = $3"""
TIMELINE = numbered(alike.TIMELINE)
CHAINS = numbered(alike.CHAINS)
CLAIM = """with due as (
  select workspace, id from escalations where wake_at <= $2 order by wake_at limit $3
  for update skip locked)
update escalations e set wake_at = $1, nudged = 0 from due
where e.workspace = due.workspace and e.id = due.id
returning e.state, e.head_seq, e.head_hash"""
REST = numbered(alike.REST)
NEXT_WAKE = alike.NEXT_WAKE
OVERDUE = numbered(alike.OVERDUE)
NUDGE = """update escalations set wake_at = least(wake_at, $1), nudged = 1
  where workspace = $2 and status = 'open'"""
UNSENT = numbered(alike.UNSENT)
CLAIM_OUT = """with due as (
  select workspace, id from outbox where due_at <= $2 order by due_at limit $3
  for update skip locked)
update outbox o set due_at = $1 from due where o.workspace = due.workspace and o.id = due.id
returning o.workspace, o.id, o.channel, o.address, o.tries, o.message"""
#: a message makes room for its copies, once
PLAN_OUT = """with gone as (
  delete from outbox where workspace = $1 and id = $2 returning 1)
insert into outbox (workspace, id, escalation, due_at, channel, address, tries, message)
select $1, id, escalation, due_at, channel, address, tries, message
from unnest($3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::bigint[],
  $9::bytea[]) as t (id, escalation, due_at, channel, address, tries, message)
where exists (select 1 from gone)"""
_RECEIPT = """insert into receipts (workspace, escalation, outgoing, recipient, channel, state, at,
  detail) select $1, $3, $2, $4, $5, $6, $7, $8 where exists (select 1 from changed)"""
SETTLE_OUT = f"""with changed as (
  delete from outbox where workspace = $1 and id = $2 returning 1) {_RECEIPT}"""
AGAIN_OUT = f"""with changed as (
  update outbox set due_at = $9, tries = tries + 1 where workspace = $1 and id = $2 returning 1)
{_RECEIPT}"""
RECEIPTS = numbered(alike.RECEIPTS)
CLAIM_DUTIES = """with due as (
  select workspace, duty from duties where due_at <= $2 order by due_at limit $3
  for update skip locked)
update duties d set due_at = $1 from due where d.workspace = due.workspace and d.duty = due.duty
returning d.workspace, d.duty"""
ENROL_DUTY = numbered(alike.ENROL_DUTY)
FINISH_DUTY = numbered(alike.FINISH_DUTY)
DECIDED = numbered(alike.DECIDED)

HEAD = numbered(alike.HEAD)
LINK = """insert into links (workspace, chain, seq, at, kind, body, hash)
  values ($1, $2, $3, $4, $5, $6, $7)"""
SEAL = numbered(alike.SEAL)
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
CALLS = """insert into calls select $1, t.* from unnest($2::text[], $3::bigint[], $4::text[],
  $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
  $12::bigint[], $13::bytea[]) as t on conflict do nothing"""
COUNTS = numbered(alike.COUNTS)

#: conditions of a listing by field of the filter; `{n}` is the number of its value
WANTED = {name: condition.replace("?", "${n}") for name, condition in alike.WANTED.items()}
STATUSES = "status = any(${n})"
CANDIDATE = alike.CANDIDATE.replace("?", "${n}")
_ROW = "select state, head_seq, head_hash from escalations"
LIVING_PAGE = f"""{_ROW} where workspace = $1 and status in ('open','accepted') {{more}}
  and (due_at, id) > (${{a}}, ${{b}}) order by due_at, id limit ${{c}}"""
ENDED_PAGE = f"""{_ROW} where workspace = $1 and status not in ('open','accepted') {{more}}
  and (opened_at, id) < (${{a}}, ${{b}}) order by opened_at desc, id desc limit ${{c}}"""
LIVING = alike.LIVING
ENDED = alike.ENDED
COUNT = """select count(*) from (select 1 from escalations
  where workspace = $1 {more} limit ${a}) as some"""
