-- Tickets of an account: its own, and the copies that it received. What the line holds of those that are or were shared stands
-- in desk_ticket, by the same number; this is what the account's people see, also before a receipt is there.
create table ticket (
    account text not null references desk_account,
    number bigint not null,
    subject text not null,
    status text not null,
    group_id uuid,
    assignee uuid,
    requester text not null,
    requester_name text not null,
    channel text not null,
    updated_via text not null,
    tags text[] not null default '{}',
    -- Those of them that a rule added: they never leave (R-61).
    rule_tags text[] not null default '{}',
    fields jsonb not null default '{}',
    received_from text,
    sent_to text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    -- When anything that the ticket's page shows changed last.
    changed_at timestamptz not null default clock_timestamp(),
    words tsvector generated always as (to_tsvector('simple', left(subject, 10000) || ' ' || requester_name)) stored,
    primary key (account, number)
);
create index ticket_newest on ticket (account, updated_at desc, number desc);
create index ticket_status on ticket (account, status, updated_at desc, number desc);
create index ticket_assignee on ticket (account, assignee, updated_at desc, number desc) where assignee is not null;
create index ticket_unassigned on ticket (account, updated_at desc, number desc) where assignee is null;
create index ticket_received on ticket (account, received_from, updated_at desc, number desc) where received_from is not null;
create index ticket_sent on ticket (account, sent_to, updated_at desc, number desc) where sent_to is not null;
create index ticket_changed on ticket (account, changed_at);
create index ticket_tags on ticket using gin (tags);
create index ticket_words on ticket using gin (words);

-- The next number of each account.
create table ticket_number (
    account text primary key references desk_account,
    next bigint not null default 1
);

create table comment (
    account text not null,
    ticket bigint not null,
    id text not null,
    place bigint generated always as identity,
    author_id text not null,
    author_name text not null,
    author_role text not null check (author_role in ('admin', 'agent', 'end_user')),
    -- The partner it came from; nothing: it was written here.
    received_from text,
    public boolean not null,
    body text not null,
    html_body text,
    attachments jsonb not null default '[]',
    redacted boolean not null default false,
    at timestamptz not null,
    words tsvector generated always as (to_tsvector('simple', left(body, 100000))) stored,
    primary key (account, ticket, id),
    foreign key (account, ticket) references ticket on delete cascade
);
create index comment_order on comment (account, ticket, at, place);
create index comment_words on comment using gin (words);
-- By which a redaction finds it.
create index comment_id on comment (account, id);

-- Who asks: the account's own end users, and placeholders of partners' people, which have no address and are never deleted
-- (R-38, R-40, R-41).
create table person (
    account text not null references desk_account,
    id text not null,
    name text not null,
    email text,
    partner text,
    created_at timestamptz not null default now(),
    primary key (account, id),
    check (partner is null or email is null)
);
create unique index person_email on person (account, lower(email)) where email is not null;

-- What happened to a ticket, beside what was said. Values that a partner set are not here (R-96, R-97).
create table event (
    account text not null,
    ticket bigint not null,
    place bigint generated always as identity,
    at timestamptz not null,
    -- Who did it: a person here, a rule, or a partner.
    actor text not null,
    kind text not null,
    detail jsonb not null,
    primary key (account, ticket, place),
    foreign key (account, ticket) references ticket on delete cascade
);

-- How far each account's log is taken into its tickets.
create table follow (
    account text primary key references desk_account,
    position bigint not null default 0
);
