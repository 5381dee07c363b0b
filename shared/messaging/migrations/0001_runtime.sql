-- Decided messages. A known key is never decided again. Rows go after 30 days.
create table journal (
  account text not null,
  entity text not null,
  message_id text not null,
  content_hash bytea not null,
  message_type text not null,
  decided_at timestamptz not null,
  primary key (account, entity, message_id)
);

create index journal_decided_at on journal using brin (decided_at);

-- What decided messages caused, to be sent again when one comes again: byte for byte (`json`, not `jsonb`), because the next service
-- knows a message by its content. A partition per day, dropped whole after two days.
create table journal_output (
  account text not null,
  entity text not null,
  message_id text not null,
  decided_at timestamptz not null,
  outputs json not null
) partition by range (decided_at);

create index journal_output_key on journal_output (account, entity, message_id);

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
  queue text not null,
  routing_key text not null,
  message_id text not null,
  process uuid not null,
  begun_at timestamptz not null,
  primary key (queue, routing_key, message_id, process)
);

-- Set aside for a person. A row goes when it is replayed or discarded.
create table parked (
  id uuid primary key,
  reason text not null,
  detail text not null,
  account text,
  message_id text,
  message_type text,
  queue text not null,
  exchange text not null,
  routing_key text not null,
  headers jsonb not null,
  body bytea not null,
  first_arrived_at timestamptz not null,
  parked_at timestamptz not null,
  times integer not null default 1
);

create index parked_reason on parked (reason, parked_at);
create index parked_account on parked (account, parked_at);
