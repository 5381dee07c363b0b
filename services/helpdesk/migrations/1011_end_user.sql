-- Whoever asks by the form: whether somebody has confirmed the address, and the language of mails to them. A placeholder has an
-- address only where somebody here gave it one (R-44): it is no address of a person of this account (R-38).
alter table person
    add column confirmed_at timestamptz,
    add column language text,
    add column given_email text check (given_email is null or partner is not null);

-- Who else is told of public replies. They stay here (R-23).
create table ticket_cc (
    account text not null,
    ticket bigint not null,
    person text not null,
    primary key (account, ticket, person),
    foreign key (account, ticket) references ticket on delete cascade,
    foreign key (account, person) references person
);

alter table account_setting
    -- Whether the form to ask is there.
    add column asks boolean not null default true,
    -- Of mails to people who have chosen none.
    add column language text not null default 'en',
    -- Addresses and @domains at which it takes tickets elsewhere: partners send no mail there (R-45 to R-47).
    add column support_addresses text[] not null default '{}',
    -- Whether files of shared comments stay here (R-35).
    add column secure_downloads boolean not null default false,
    -- By which links in mails are signed.
    add column link_key bytea;

-- What was asked by an address that nobody has confirmed yet; one mail each.
create table confirmation (
    id uuid primary key,
    account text not null references desk_account,
    email text not null,
    name text not null,
    language text not null,
    made_at timestamptz not null default now()
);
create unique index confirmation_email on confirmation (account, lower(email));
create index confirmation_oldest on confirmation (made_at);
create table unconfirmed_request (
    id uuid primary key,
    confirmation uuid not null references confirmation on delete cascade,
    subject text not null,
    body text not null,
    asked_at timestamptz not null
);
create index unconfirmed_request_of on unconfirmed_request (confirmation);

-- Mails, each until it is sent or given up. What they say is read when they are sent: a comment that was redacted meanwhile is not
-- told.
create table mail (
    id uuid primary key,
    account text not null references desk_account,
    kind text not null check (kind in ('confirm', 'opened', 'said')),
    recipient text not null,
    name text not null,
    language text not null,
    confirmation uuid,
    ticket bigint,
    person text,
    comment text,
    state text not null default 'pending' check (state in ('pending', 'sent', 'failed')),
    reason text,
    attempts integer not null default 0,
    next_attempt_at timestamptz default now(),
    created_at timestamptz not null default now(),
    sent_at timestamptz,
    check ((state = 'pending') = (next_attempt_at is not null))
);
create index mail_due on mail (next_attempt_at) where state = 'pending';
create index mail_done on mail (created_at) where state <> 'pending';
