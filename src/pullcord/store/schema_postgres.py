"""The schema on PostgreSQL 15 and newer, as numbered migrations; the same invariants hold here.

Every migration only adds (expand); what is no longer used goes in a later one (contract), so that
code of the version before runs on the new schema. Times are microseconds since 1970, UTC.
"""

MIGRATIONS: tuple[tuple[int, str], ...] = (
    (
        1,
        """
create table escalations (
  workspace text not null, id text not null, version bigint not null,
  status text not null check (status in
    ('open','accepted','decided','collected','closed','withdrawn')),
  owner text not null, due_at bigint, wake_at bigint,
  environment text not null, agent text not null, agent_key text not null, key text not null,
  run text not null, end_user text not null, ladder text not null, control text not null,
  status_digest text not null, body_digest text not null,
  opened_at bigint not null, decided_at bigint,
  attempt text not null, head_seq bigint not null, head_hash text not null,
  touched bigint not null default 0, nudged bigint not null default 0, state bytea not null,
  primary key (workspace, id),
  unique (workspace, agent_key, key),
  check (status not in ('open','accepted') or (owner <> '' and due_at is not null)),
  check (status not in ('decided','collected') or due_at is not null),
  check (status not in ('closed','withdrawn') or due_at is null),
  check ((decided_at is not null) or status in ('open','accepted','withdrawn'))
) with (fillfactor = 80);
alter table escalations alter column state set compression lz4;
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
create function pullcord_undo() returns boolean language plpgsql as $$
begin raise exception using errcode = 'PC002', message = 'another change was first'; end $$;

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
  workspace text not null, person text not null, escalation text not null,
  primary key (workspace, person, escalation),
  foreign key (workspace, escalation) references escalations (workspace, id)
);
create index candidates_escalation on candidates (workspace, escalation);

create table asked (
  workspace text not null, person text not null, at bigint not null,
  primary key (workspace, person)
);

create table links (
  workspace text not null, chain text not null, seq bigint not null check (seq > 0),
  at bigint not null, kind text not null, body bytea not null, hash text not null,
  before_seq bigint generated always as (nullif(seq - 1, 0)) stored,
  primary key (workspace, chain, seq),
  constraint links_dense foreign key (workspace, chain, before_seq)
    references links (workspace, chain, seq)
);
alter table links alter column body set compression lz4;
create trigger links_stay before update or delete on links for each row
  execute function pullcord_refuse('a timeline never changes');
create trigger links_remain before truncate on links for each statement
  execute function pullcord_refuse('a timeline never changes');

create table sealed (
  workspace text not null, chain text not null, name text not null,
  salt bytea not null, ciphertext bytea not null,
  ord bigint generated always as identity,
  primary key (workspace, chain, name)
);
alter table sealed alter column ciphertext set storage external;
create trigger sealed_stay before update on sealed for each row
  execute function pullcord_refuse('sealed content never changes');

create table outbox (
  workspace text not null, id text not null, escalation text not null,
  due_at bigint not null, channel text not null, address text not null,
  tries bigint not null, message bytea not null,
  primary key (workspace, id),
  foreign key (workspace, escalation) references escalations (workspace, id)
);
create index outbox_due on outbox (due_at);

create table receipts (
  ord bigint generated always as identity primary key, workspace text not null,
  escalation text not null, outgoing text not null, recipient text not null,
  channel text not null, state text not null, at bigint not null, detail text not null
);
create index receipts_of on receipts (workspace, escalation, ord);

create table outcomes (
  ord bigint generated always as identity primary key, workspace text not null,
  escalation text not null, run text not null, label text not null, text text not null,
  by text not null, at bigint not null
);
create index outcomes_of on outcomes (workspace, escalation, ord);

create table duties (
  workspace text not null, duty text not null, due_at bigint not null,
  primary key (workspace, duty)
);

create table policies (
  ord bigint generated always as identity primary key, workspace text not null,
  version text not null, document bytea not null, source text not null, by text not null,
  at bigint not null, is_current bigint not null, unique (workspace, version)
);
create unique index policies_current on policies (workspace) where is_current = 1;

create table people (
  workspace text not null, person text not null, document bytea not null,
  primary key (workspace, person)
);

create table keys (
  id text primary key, workspace text not null, agent text not null, environment text not null,
  secret_hash text not null, creator text not null, created_at bigint not null,
  revoked_at bigint, note text not null
);

create table accounts (
  email text primary key, workspace text not null, person text not null,
  password_hash text not null, changed_at bigint not null, unique (workspace, person)
);

create table sessions (
  token_hash text primary key, workspace text not null, person text not null,
  csrf text not null, started_at bigint not null, expires_at bigint not null
);
create index sessions_of on sessions (workspace, person);
create index sessions_over on sessions (expires_at);

create table tickets (
  token_hash text primary key, workspace text not null, person text not null,
  purpose text not null, expires_at bigint not null
);

create table calls (
  workspace text not null, id text not null, at bigint not null, agent text not null,
  agent_key text not null, environment text not null, run text not null, tool text not null,
  verdict text not null, rule text not null, policy_version text not null,
  count bigint not null, facts bytea not null,
  primary key (workspace, agent_key, id)
);
create index calls_at on calls (workspace, at);

create table epoch (one bigint primary key check (one = 1), epoch bigint not null);
insert into epoch values (1, 1);
""",
    ),
)

#: newest migration this code knows
NEWEST = MIGRATIONS[-1][0]
