-- Keys are compared byte by byte: whatever the database's locale, they mean the same, and are found faster.

-- Decided messages. A known key is never decided again. Rows go after 30 days.
create table journal (
  account text collate "C" not null,
  entity text collate "C" not null,
  message_id text collate "C" not null,
  content_hash bytea not null,
  message_type text not null,
  decided_at timestamptz not null,
  -- Where its outputs are.
  output_id bigint not null,
  -- For `trace`: what it is about (a chain, `account/ticket`, a share, an agreement, an account), the command it comes from
  -- (`account/message_id`; none for a command), when it arrived, how often it waited on the ladder, its trace.
  about text collate "C",
  command text,
  arrived_at timestamptz not null,
  waits integer not null,
  trace_id text,
  -- Who was told what: [{"to", "type", "share", "receipt"}]. No ticket's content.
  told text not null,
  primary key (account, entity, message_id)
);

create index journal_about on journal (about);
create index journal_decided_at on journal using brin (decided_at);

-- What decided messages caused, to be sent again when one comes again: JSON, kept byte for byte, because the next service knows a
-- message by its content. A partition per day, dropped whole after two days.
create table journal_output (
  id bigint not null,
  decided_at timestamptz not null,
  outputs text not null
) partition by range (decided_at);

create sequence journal_output_id as bigint cache 200;
create index journal_output_key on journal_output (id);
-- For `replay --since`. Small and cheap to keep: rows come in this order.
create index journal_output_decided_at on journal_output using brin (decided_at) with (autosummarize = on);

-- Outputs that a desk's queue did not take. A row goes when its output is confirmed, or is parked.
create table undelivered (
  id uuid primary key,
  account text not null,
  output jsonb not null,
  reason text not null,
  first_failed_at timestamptz not null,
  next_attempt_at timestamptz not null,
  attempts integer not null
);

create index undelivered_account on undelivered (account, next_attempt_at);

-- Messages delivered again and again, and the processes that began to decide them. A message's rows go when it has come to an end.
create table suspect (
  queue text collate "C" not null,
  routing_key text collate "C" not null,
  message_id text collate "C" not null,
  process uuid not null,
  begun_at timestamptz not null,
  primary key (queue, routing_key, message_id, process)
);

-- What operators watch: each message that names it has a log line of its own.
create table watched (
  name text primary key,
  until timestamptz not null,
  by text not null
);

-- Set aside for a person. A row is closed, not deleted, when it is replayed or discarded: what is parked again is then known again.
-- `exchange` and `routing_key` are where the message was going: `share` for a desk's command, also when it came back from the ladder.
create table parked (
  id uuid primary key,
  state text not null default 'parked' check (state in ('parked', 'replayed', 'discarded')),
  reason text not null,
  detail text not null,
  account text,
  message_id text,
  message_type text,
  queue text not null,
  exchange text not null,
  routing_key text not null,
  publisher text,
  -- For `trace`, as in `journal`.
  about text collate "C",
  command text,
  content_type text,
  correlation_id text,
  share_id text,
  traceparent text,
  tracestate text,
  headers jsonb not null,
  body bytea not null,
  -- For a delivery that no desk's queue took: the stored output, which goes back to `undelivered`.
  output json,
  first_arrived_at timestamptz not null,
  parked_at timestamptz not null,
  closed_at timestamptz,
  times integer not null default 1
);

create index parked_reason on parked (reason, parked_at) where state = 'parked';
create index parked_account on parked (account, parked_at) where state = 'parked';
create index parked_about on parked (about);
create index parked_closed on parked (closed_at) where state <> 'parked';

-- One row per message and action, the parking included; of `replay --since` one row for all of it, without a parked message.
create table parked_audit (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  by text not null,
  action text not null check (action in ('parked', 'replayed', 'discarded', 'journal_replayed')),
  parked_id uuid,
  message_id text,
  because text
);

create index parked_audit_parked_id on parked_audit (parked_id, at);
create index parked_audit_at on parked_audit (at);
