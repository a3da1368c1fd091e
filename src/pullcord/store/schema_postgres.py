"""The schema on PostgreSQL 15 and newer, as numbered migrations; the same invariants hold here.

Every migration only adds (expand); what is no longer used goes in a later one (contract), so that
code of the version before runs on the new schema. Times are microseconds since 1970, UTC; a
`word` is text compared byte by byte, whatever language the database speaks. A plan that is made
while a table is empty is kept for minutes: so no two indexes that a write may choose between begin
with the workspace, or checking one foreign key may read every row of it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema. Code that knows `serves` or newer runs on it."""

    version: int
    script: str
    #: the oldest schema whose code still works after this step: what makes a rolling upgrade
    serves: int

    @property
    def statements(self) -> str:
        """The script as the database takes it."""
        return self.script.replace(" word", ' text collate "C"')


MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        1,
        """
create table escalations (
  workspace word not null, id word not null, version bigint not null,
  status word not null check (status in
    ('open','accepted','decided','collected','closed','withdrawn')),
  owner word not null, due_at bigint, wake_at bigint,
  environment word not null, agent word not null, agent_key word not null, key word not null,
  run word not null, end_user word not null, ladder word not null, control word not null,
  status_digest word not null, body_digest word not null,
  opened_at bigint not null, decided_at bigint,
  attempt word not null, head_seq bigint not null, head_hash word not null,
  touched bigint not null default 0, nudged bigint not null default 0, state bytea not null,
  primary key (workspace, id),
  unique (agent_key, key, workspace),
  check (status not in ('open','accepted') or (owner <> '' and due_at is not null)),
  check (status not in ('decided','collected') or due_at is not null),
  check (status not in ('closed','withdrawn') or due_at is null),
  check ((decided_at is not null) or status in ('open','accepted','withdrawn'))
) with (fillfactor = 80);
create index escalations_wake on escalations (wake_at) where wake_at is not null;
create index escalations_due on escalations (due_at) where due_at is not null;
create index escalations_living on escalations (workspace, due_at, id)
  where status in ('open','accepted');
create index escalations_owned on escalations (workspace, owner, due_at)
  where status in ('open','accepted');
create index escalations_ended on escalations (workspace, opened_at desc, id desc)
  where status not in ('open','accepted');
create index escalations_run on escalations (workspace, agent, run)
  where status = 'accepted' and control = 'human';
create index escalations_decided on escalations (workspace, agent_key, decided_at)
  where status in ('decided','collected');
create unique index escalations_status on escalations (status_digest) where status_digest <> '';

create function pullcord_refuse() returns trigger language plpgsql as $$
begin raise exception using errcode = 'PC001', message = tg_argv[0]; end $$;
create function pullcord_undo(standing text) returns boolean language plpgsql as $$
begin raise exception using errcode = 'PC002', message = 'another change was first',
  detail = standing; end $$;
create function pullcord_fence(known bigint) returns boolean language plpgsql stable as $$
declare now_at bigint := (select e.epoch from epoch e);
begin
  if known is distinct from now_at then
    raise exception using errcode = 'PC003', message = 'the epoch is ' || now_at;
  end if;
  return true;
end $$;

create trigger decision_stands before update on escalations for each row
  when (old.decided_at is not null and (
    new.decided_at is distinct from old.decided_at
    or new.status in ('open','accepted','withdrawn')
    or (new.version <> old.version
      and (convert_from(new.state, 'UTF8')::json -> 'decision')::text is distinct from
        (convert_from(old.state, 'UTF8')::json -> 'decision')::text)))
  execute function pullcord_refuse('a decision never changes');
create trigger collected_once before update on escalations for each row
  when (old.attempt <> '' and (new.attempt <> old.attempt or new.status = 'decided'))
  execute function pullcord_refuse('a decision is collected once');
create trigger ended_stays before update of status on escalations for each row
  when (old.status in ('closed','withdrawn') and new.status <> old.status)
  execute function pullcord_refuse('what has ended stays ended');
create trigger identity_stays before update on escalations for each row
  when (new.workspace <> old.workspace or new.id <> old.id or new.agent_key <> old.agent_key
    or new.key <> old.key or new.body_digest <> old.body_digest
    or new.opened_at <> old.opened_at)
  execute function pullcord_refuse('what an escalation is never changes');
create trigger version_grows before update of version on escalations for each row
  when (new.version <> old.version and new.version <> old.version + 1)
  execute function pullcord_refuse('versions grow by one');

create table candidates (
  workspace word not null, person word not null, escalation word not null,
  primary key (workspace, person, escalation),
  foreign key (workspace, escalation) references escalations (workspace, id)
);
create index candidates_escalation on candidates (workspace, escalation);

create table asked (
  workspace word not null, person word not null, at bigint not null,
  primary key (workspace, person)
);

create table links (
  workspace word not null, chain word not null, seq bigint not null check (seq > 0),
  at bigint not null, kind word not null, body bytea not null, hash word not null,
  before_seq bigint generated always as (nullif(seq - 1, 0)) stored,
  primary key (workspace, chain, seq),
  constraint links_dense foreign key (workspace, chain, before_seq)
    references links (workspace, chain, seq)
);
do $$ begin
  alter table escalations alter column state set compression lz4;
  alter table links alter column body set compression lz4;
exception when feature_not_supported then
  raise notice 'this server was built without lz4: what it keeps is compressed more slowly';
end $$;
create index links_at on links using brin (at);
create trigger links_stay before update or delete on links for each row
  execute function pullcord_refuse('a timeline never changes');
create trigger links_remain before truncate on links for each statement
  execute function pullcord_refuse('a timeline never changes');

create table sealed (
  workspace word not null, chain word not null, name word not null,
  salt bytea not null, ciphertext bytea not null,
  ord bigint generated always as identity,
  primary key (workspace, chain, name)
);
alter table sealed alter column ciphertext set storage external;
create trigger sealed_stay before update on sealed for each row
  execute function pullcord_refuse('sealed content never changes');

create table outbox (
  workspace word not null, id word not null, escalation word not null,
  due_at bigint not null, channel word not null, address word not null,
  tries bigint not null, message bytea not null,
  primary key (workspace, id),
  foreign key (workspace, escalation) references escalations (workspace, id)
);
create index outbox_due on outbox (due_at);

create table receipts (
  ord bigint generated always as identity primary key, workspace word not null,
  escalation word not null, outgoing word not null, recipient word not null,
  channel word not null, state word not null, at bigint not null, detail word not null
);
create index receipts_of on receipts (workspace, escalation, ord);

create index receipts_at on receipts (workspace, at);

create table copies (
  workspace word not null, id word not null, escalation word not null,
  recipient word not null, channel word not null, address word not null,
  reference word not null, version bigint not null, at bigint not null,
  is_edited bigint not null, wakes bigint not null, tries bigint not null,
  due_at bigint, message bytea not null,
  primary key (id, workspace),
  foreign key (workspace, escalation) references escalations (workspace, id)
);
create index copies_of on copies (workspace, escalation, at);
create index copies_due on copies (due_at) where due_at is not null;
create index copies_named on copies (channel, reference) where reference <> '';
create index copies_to on copies (channel, address, workspace, at);
create index copies_woken on copies (recipient, workspace, at) where wakes = 1;

create table linked (
  workspace word not null, channel word not null, account word not null,
  person word not null, address word not null, name word not null, at bigint not null,
  primary key (channel, account, workspace)
);
create index linked_of on linked (workspace, at);

create table outcomes (
  ord bigint generated always as identity primary key, workspace word not null,
  escalation word not null, run word not null, label word not null, text word not null,
  by word not null, at bigint not null
);
create index outcomes_of on outcomes (workspace, escalation, ord);

create table duties (
  workspace word not null, duty word not null, due_at bigint not null,
  primary key (workspace, duty)
);

create table policies (
  ord bigint generated always as identity primary key, workspace word not null,
  version word not null, document bytea not null, source word not null, by word not null,
  at bigint not null, is_current bigint not null, unique (workspace, version)
);
create unique index policies_current on policies (workspace) where is_current = 1;

create table people (
  workspace word not null, person word not null, document bytea not null,
  primary key (workspace, person)
);

create table keys (
  id word primary key, workspace word not null, agent word not null, environment word not null,
  secret_hash word not null, creator word not null, created_at bigint not null,
  revoked_at bigint, note word not null
);

create table accounts (
  email word primary key, workspace word not null, person word not null,
  password_hash word not null, changed_at bigint not null, unique (workspace, person)
);

create table sessions (
  token_hash word primary key, workspace word not null, person word not null,
  csrf word not null, started_at bigint not null, expires_at bigint not null
);
create index sessions_of on sessions (workspace, person);
create index sessions_over on sessions (expires_at);

create table tickets (
  token_hash word primary key, workspace word not null, person word not null,
  purpose word not null, expires_at bigint not null
);

create table calls (
  workspace word not null, id word not null, at bigint not null, agent word not null,
  agent_key word not null, environment word not null, run word not null, tool word not null,
  verdict word not null, rule word not null, policy_version word not null,
  count bigint not null, facts bytea not null,
  primary key (workspace, agent_key, id)
);
create index calls_at on calls (workspace, at);

create table epoch (one bigint primary key check (one = 1), epoch bigint not null);
insert into epoch values (1, 1);
""",
        serves=1,
    ),
    Migration(
        2,
        """
create table holds (
  one bigint primary key check (one = 1), since bigint not null, by word not null,
  why word not null
);

create table beats (process word primary key, at bigint not null);
""",
        serves=1,
    ),
    Migration(
        3,
        """
-- what waits for one person, by time: kept by the database, so that code of before keeps it too
alter table candidates add column due_at bigint;
create function pullcord_candidate_due() returns trigger language plpgsql security definer
set search_path from current as $$ begin
  update candidates set due_at = (select e.due_at from escalations e
      where e.workspace = new.workspace and e.id = new.escalation)
    where workspace = new.workspace and person = new.person and escalation = new.escalation;
  return null;
end $$;
create trigger candidate_due after insert on candidates for each row
  when (new.due_at is null) execute function pullcord_candidate_due();
create function pullcord_due_moved() returns trigger language plpgsql security definer
set search_path from current as $$ begin
  update candidates set due_at = new.due_at
    where workspace = new.workspace and escalation = new.id and due_at is distinct from new.due_at;
  return null;
end $$;
create trigger due_moved after update of due_at on escalations for each row
  when (new.due_at is distinct from old.due_at) execute function pullcord_due_moved();
""",
        serves=1,
    ),
    Migration(
        4,
        """
update candidates c set due_at = e.due_at from escalations e
  where e.workspace = c.workspace and e.id = c.escalation and c.due_at is null;
create index candidates_due on candidates (person, workspace, due_at, escalation);
create index escalations_owner on escalations (workspace, owner, due_at, id)
  where status in ('open','accepted');
drop index escalations_owned;
""",
        serves=1,
    ),
    Migration(
        5,
        """
-- when each is looked at next, in rows of their own: a claim moves a hundred bytes and one index,
-- not two thousand and seven. Kept by the database, so that code of before keeps it too; that
-- code's own claims go by its own column as they did.
create table wakes (
  workspace word not null, id word not null, wake_at bigint not null,
  nudged bigint not null default 0,
  primary key (id, workspace)
) with (fillfactor = 70);
create index wakes_at on wakes (wake_at);
create function pullcord_wake() returns trigger language plpgsql security definer
set search_path from current as $$ begin
  if new.wake_at is null then
    delete from wakes where workspace = new.workspace and id = new.id;
  elsif tg_op = 'UPDATE' and new.version <> old.version then
    -- a nudge that no claim has seen yet outlives other people's writes
    insert into wakes as w values (new.workspace, new.id, new.wake_at)
    on conflict (id, workspace) do update
      set wake_at = case when w.nudged = 1 then least(w.wake_at, new.wake_at)
        else new.wake_at end;
  else
    insert into wakes values (new.workspace, new.id, new.wake_at, new.nudged)
    on conflict (id, workspace) do update
      set wake_at = excluded.wake_at, nudged = excluded.nudged;
  end if;
  return null;
end $$;
create trigger wake_new after insert on escalations for each row
  execute function pullcord_wake();
create trigger wake_moved after update of wake_at on escalations for each row
  execute function pullcord_wake();
""",
        serves=1,
    ),
    Migration(
        6,
        """
insert into wakes select workspace, id, wake_at, nudged from escalations
  where wake_at is not null
  on conflict do nothing;
""",
        serves=1,
    ),
)

#: newest migration this code knows
NEWEST = MIGRATIONS[-1].version
