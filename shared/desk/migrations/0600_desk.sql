-- An account that the edge keeps. `position` counts what it was told; whoever adds to the log raises it in the same
-- transaction, under this row's lock, so that no reader passes one that commits late.
create table desk_account (
    account text primary key,
    address text not null,
    display_name text not null,
    incarnation uuid not null default gen_random_uuid(),
    position bigint not null default 0,
    added_at timestamptz not null default now(),
    ended_at timestamptz
);

-- What each account was told, in order. `comments` are the ids of the comments that it carries, by which a redaction finds it.
create table desk_log (
    account text not null,
    position bigint not null,
    message_id text not null,
    type text not null,
    correlation_id text,
    share_id text,
    comments text[],
    body text not null,
    told_at timestamptz not null default now(),
    primary key (account, position)
);
create index desk_log_oldest on desk_log (told_at);
create index desk_log_share on desk_log (account, share_id, position) where share_id is not null;
create index desk_log_comments on desk_log using gin (comments) where comments is not null;

-- Commands, kept until and after their receipt: what makes a repeat have no further effect.
create table desk_outbox (
    account text not null,
    entity text not null,
    key text not null,
    number bigint generated always as identity unique,
    request_hash bytea not null,
    type text not null,
    body text not null,
    ticket text,
    share_id text,
    comments text[],
    created_at timestamptz not null default now(),
    due_at timestamptz default now(),
    sent_at timestamptz,
    attempts integer not null default 0,
    receipt text,
    receipt_at timestamptz,
    primary key (account, entity, key),
    check (receipt is null or due_at is null)
);
create index desk_outbox_due on desk_outbox (due_at, number) where due_at is not null;
create index desk_outbox_oldest on desk_outbox (created_at);
create index desk_outbox_ticket on desk_outbox (account, ticket, number) where ticket is not null;
create index desk_outbox_share on desk_outbox (account, share_id, number) where share_id is not null;
create index desk_outbox_comments on desk_outbox using gin (comments) where comments is not null;

-- Tickets that are or were shared, as this account holds them. `held` has fields with their revisions and redactions; comments
-- have a table of their own, so that a change costs by what it touches and not by the ticket's age.
create table desk_ticket (
    id uuid primary key,
    account text not null,
    number text,
    held jsonb not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index desk_ticket_number on desk_ticket (account, number) where number is not null;
create index desk_ticket_newest on desk_ticket (account, updated_at desc, id);

create table desk_comment (
    ticket uuid not null references desk_ticket on delete cascade,
    id text not null,
    number bigint generated always as identity,
    content jsonb not null,
    primary key (ticket, id)
);

-- A share as one of its parties. `ticket` is the copy held here.
create table desk_share (
    account text not null,
    share_id text not null,
    ticket uuid references desk_ticket on delete set null,
    agreement_id text,
    side text,
    partner text,
    partner_ticket_id text,
    ended boolean not null default false,
    started_at timestamptz not null default now(),
    primary key (account, share_id)
);
create index desk_share_ticket on desk_share (ticket);

create table desk_agreement (
    account text not null,
    agreement_id text not null,
    version bigint not null,
    state jsonb not null,
    updated_at timestamptz not null default now(),
    primary key (account, agreement_id)
);

-- Updates that came before the ticket they are about.
create table desk_early (
    account text not null,
    share_id text not null,
    updates jsonb not null,
    since timestamptz not null default now(),
    primary key (account, share_id)
);
create index desk_early_oldest on desk_early (since);
