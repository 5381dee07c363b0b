-- An endpoint and its queue: what the account's log has after `position`, and before it what it was asked to send again.
-- Whoever works on the queue holds `lease`; whatever changes the queue's place takes it away.
create table webhook (
    id uuid primary key,
    account text not null references desk_account,
    url text not null,
    description text not null,
    payload boolean not null,
    secret bytea not null,
    old_secret bytea,
    old_secret_until timestamptz,
    state text not null default 'active' check (state in ('active', 'disabled')),
    reason text check ((reason is null) = (state = 'active')),
    incarnation uuid not null,
    position bigint not null,
    failures integer not null default 0,
    failing_since timestamptz,
    due_at timestamptz not null default now(),
    lease uuid,
    leased_until timestamptz not null default '-infinity',
    created_at timestamptz not null default now()
);
create index webhook_account on webhook (account, created_at, id);
create index webhook_due on webhook (due_at) where state = 'active';

-- Deliveries that are sent again on request, in order.
create table webhook_resend (
    webhook uuid not null references webhook on delete cascade,
    position bigint not null,
    primary key (webhook, position)
);

-- What was sent and what came back. No body is kept: each attempt makes it from the log.
create table webhook_attempt (
    id bigint generated always as identity primary key,
    webhook uuid not null references webhook on delete cascade,
    account text not null,
    position bigint,
    message_id text not null,
    type text not null,
    at timestamptz not null default now(),
    duration_ms integer not null,
    outcome text not null,
    status integer,
    error text,
    detail text,
    answer text
);
create index webhook_attempt_newest on webhook_attempt (webhook, id);
create index webhook_attempt_oldest on webhook_attempt (at);
create index webhook_attempt_given_up on webhook_attempt (webhook, position) where outcome = 'given_up';
create index webhook_attempt_answered on webhook_attempt (account, position) where answer is not null;

-- An answer may repeat what it was sent: what blanks an entry of the log blanks the answers to it, in the same transaction.
create function webhook_blank() returns trigger language plpgsql as $$
begin
    update webhook_attempt set answer = null
    where account = new.account and position = new.position and answer is not null;
    return null;
end
$$;
create trigger webhook_blank after update of body on desk_log for each row execute function webhook_blank();
