"""The schema on SQLite, as numbered migrations; constraints hold the invariants here too."""

MIGRATIONS: tuple[tuple[int, str], ...] = (
    (
        1,
        """
create table escalations (
  workspace text not null, id text not null, version integer not null,
  status text not null check (status in
    ('open','accepted','decided','collected','closed','withdrawn')),
  owner text not null, due_at integer, wake_at integer,
  environment text not null, agent text not null, agent_key text not null, key text not null,
  run text not null, end_user text not null, ladder text not null, control text not null,
  status_digest text not null, body_digest text not null,
  opened_at integer not null, decided_at integer,
  attempt text not null, head_seq integer not null, head_hash text not null,
  touched integer not null default 0, nudged integer not null default 0, state blob not null,
  primary key (workspace, id),
  unique (workspace, agent_key, key),
  check (status not in ('open','accepted') or (owner <> '' and due_at is not null)),
  check (status not in ('decided','collected') or due_at is not null),
  check (status not in ('closed','withdrawn') or due_at is null),
  check ((decided_at is not null) or status in ('open','accepted','withdrawn'))
) strict;
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
create trigger decision_stands before update on escalations
  when old.decided_at is not null and (
    new.decided_at is not old.decided_at or new.status in ('open','accepted','withdrawn')
    or (new.version <> old.version and json_extract(cast(new.state as text), '$.decision')
      is not json_extract(cast(old.state as text), '$.decision')))
  begin select raise(abort, 'a decision never changes'); end;
create trigger collected_once before update on escalations
  when old.attempt <> '' and (new.attempt <> old.attempt or new.status = 'decided')
  begin select raise(abort, 'a decision is collected once'); end;
create trigger ended_stays before update of status on escalations
  when old.status in ('closed','withdrawn') and new.status <> old.status
  begin select raise(abort, 'what has ended stays ended'); end;
create trigger identity_stays before update on escalations
  when new.workspace <> old.workspace or new.id <> old.id or new.agent_key <> old.agent_key
    or new.key <> old.key or new.body_digest <> old.body_digest
    or new.opened_at <> old.opened_at
  begin select raise(abort, 'what an escalation is never changes'); end;
create trigger version_grows before update of version on escalations
  when new.version <> old.version + 1
  begin select raise(abort, 'versions grow by one'); end;

create table candidates (
  workspace text not null, person text not null, escalation text not null,
  primary key (workspace, person, escalation),
  foreign key (workspace, escalation) references escalations (workspace, id)
) strict, without rowid;
create index candidates_escalation on candidates (workspace, escalation);

create table asked (
  workspace text not null, person text not null, at integer not null,
  primary key (workspace, person)
) strict, without rowid;

create table links (
  workspace text not null, chain text not null, seq integer not null,
  at integer not null, kind text not null, body blob not null, hash text not null,
  primary key (workspace, chain, seq)
) strict, without rowid;
create trigger links_dense before insert on links
  when new.seq <> 1 + coalesce((select max(seq) from links
    where workspace = new.workspace and chain = new.chain), 0)
  begin select raise(abort, 'a timeline has no holes'); end;
create trigger links_stay before update on links
  begin select raise(abort, 'a timeline never changes'); end;
create trigger links_remain before delete on links
  begin select raise(abort, 'a timeline never changes'); end;

create table sealed (
  workspace text not null, chain text not null, name text not null,
  salt blob not null, ciphertext blob not null, ord integer primary key,
  unique (workspace, chain, name)
) strict;
create trigger sealed_stay before update on sealed
  begin select raise(abort, 'sealed content never changes'); end;

create table outbox (
  workspace text not null, id text not null, escalation text not null,
  due_at integer not null, channel text not null, address text not null,
  tries integer not null, message blob not null,
  primary key (workspace, id),
  foreign key (workspace, escalation) references escalations (workspace, id)
) strict;
create index outbox_due on outbox (due_at);

create table receipts (
  ord integer primary key, workspace text not null, escalation text not null,
  outgoing text not null, recipient text not null, channel text not null,
  state text not null, at integer not null, detail text not null
) strict;
create index receipts_of on receipts (workspace, escalation, ord);

create table outcomes (
  ord integer primary key, workspace text not null, escalation text not null, run text not null,
  label text not null, text text not null, by text not null, at integer not null
) strict;
create index outcomes_of on outcomes (workspace, escalation, ord);

create table duties (
  workspace text not null, duty text not null, due_at integer not null,
  primary key (workspace, duty)
) strict, without rowid;

create table policies (
  ord integer primary key, workspace text not null, version text not null,
  document blob not null, source text not null, by text not null, at integer not null,
  is_current integer not null, unique (workspace, version)
) strict;
create unique index policies_current on policies (workspace) where is_current = 1;

create table people (
  workspace text not null, person text not null, document blob not null,
  primary key (workspace, person)
) strict, without rowid;

create table keys (
  id text primary key, workspace text not null, agent text not null, environment text not null,
  secret_hash text not null, creator text not null, created_at integer not null,
  revoked_at integer, note text not null
) strict;

create table accounts (
  email text primary key, workspace text not null, person text not null,
  password_hash text not null, changed_at integer not null, unique (workspace, person)
) strict;

create table sessions (
  token_hash text primary key, workspace text not null, person text not null,
  csrf text not null, started_at integer not null, expires_at integer not null
) strict;
create index sessions_of on sessions (workspace, person);
create index sessions_over on sessions (expires_at);

create table tickets (
  token_hash text primary key, workspace text not null, person text not null,
  purpose text not null, expires_at integer not null
) strict;

create table calls (
  workspace text not null, id text not null, at integer not null, agent text not null,
  agent_key text not null, environment text not null, run text not null, tool text not null,
  verdict text not null, rule text not null, policy_version text not null,
  count integer not null, facts blob not null,
  primary key (workspace, agent_key, id)
) strict;
create index calls_at on calls (workspace, at);

create table epoch (one integer primary key check (one = 1), epoch integer not null) strict;
insert into epoch values (1, 1);
""",
    ),
    (
        2,
        """
create table copies (
  workspace text not null, id text not null, escalation text not null,
  recipient text not null, channel text not null, address text not null,
  reference text not null, version integer not null, at integer not null,
  is_edited integer not null, wakes integer not null, tries integer not null,
  due_at integer, message blob not null,
  primary key (workspace, id),
  foreign key (workspace, escalation) references escalations (workspace, id)
) strict;
create index copies_of on copies (workspace, escalation, at);
create index copies_due on copies (due_at) where due_at is not null;
create index copies_named on copies (channel, reference) where reference <> '';
create index copies_to on copies (workspace, channel, address, at);
create index copies_woken on copies (workspace, recipient, at) where wakes = 1;

create table linked (
  workspace text not null, channel text not null, account text not null,
  person text not null, address text not null, name text not null, at integer not null,
  primary key (channel, account, workspace)
) strict, without rowid;
create index linked_of on linked (workspace, at);

create index receipts_at on receipts (workspace, at);
""",
    ),
    (
        3,
        """
create table holds (
  one integer primary key check (one = 1), since integer not null, by text not null,
  why text not null
) strict;

create table beats (process text primary key, at integer not null) strict;
""",
    ),
    (
        4,
        """
alter table candidates add column due_at integer;
update candidates set due_at = (select e.due_at from escalations e
  where e.workspace = candidates.workspace and e.id = candidates.escalation);
create index candidates_due on candidates (workspace, person, due_at, escalation);
create index escalations_owner on escalations (workspace, owner, due_at, id)
  where status in ('open','accepted');
drop index escalations_owned;
""",
    ),
    (
        5,
        """
-- in the order of writing: by key, a long entry took a page of its own beside its leaf
create table links_in_order (
  workspace text not null, chain text not null, seq integer not null,
  at integer not null, kind text not null, body blob not null, hash text not null,
  primary key (workspace, chain, seq)
) strict;
insert into links_in_order select workspace, chain, seq, at, kind, body, hash from links
  order by at, workspace, chain, seq;
drop table links;
alter table links_in_order rename to links;
create trigger links_dense before insert on links
  when new.seq <> 1 + coalesce((select max(seq) from links
    where workspace = new.workspace and chain = new.chain), 0)
  begin select raise(abort, 'a timeline has no holes'); end;
create trigger links_stay before update on links
  begin select raise(abort, 'a timeline never changes'); end;
create trigger links_remain before delete on links
  begin select raise(abort, 'a timeline never changes'); end;
""",
    ),
)

#: newest migration this code knows
NEWEST = MIGRATIONS[-1][0]
