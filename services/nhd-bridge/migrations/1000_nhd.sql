-- Sharing URLs, and the accounts that stand for them. `registered_at` is set once the line has the account.
create table partner (
    account text primary key references desk_account,
    sharing_url text not null unique,
    registered_at timestamptz,
    created_at timestamptz not null default now()
);

-- Agreements with partners. `id` is Deskmesh's, `uuid` the protocol's, which is known at `home` alone: the address of the account
-- that the partner shares with. `partner_is` says which party the partner is. The access key is kept encrypted. What was told of
-- the agreement counts by `version`. `proof`: whether who holds the key is who answers at the partner's URL.
create table agreement (
    id text primary key,
    account text not null references desk_account,
    home text not null,
    uuid text not null,
    partner_is text not null check (partner_is in ('sender', 'receiver')),
    partner_url text not null,
    sealed_key bytea not null,
    name text,
    invite_key text,
    source text,
    version bigint not null default 0,
    status text not null default 'pending' check (status in ('pending', 'accepted', 'declined', 'inactive')),
    proof text not null default 'none' check (proof in ('none', 'proven', 'refused')),
    media text check (media in ('application/json', 'text/x-json')),
    last_success_at timestamptz,
    last_failure_at timestamptz,
    last_failure text,
    failures integer not null default 0,
    paused_at timestamptz,
    created_at timestamptz not null default now(),
    unique (home, uuid)
);
create index agreement_account on agreement (account);
create index agreement_unproven on agreement (created_at) where proof = 'none' and partner_is = 'sender';

-- Tickets under agreements, by the protocol's uuid. `number` is the partner's own number, where it shared the ticket.
-- `sent_tags` is the list of tags that the partner sent last.
create table shared (
    agreement text not null references agreement on delete cascade,
    uuid text not null,
    share_id text not null unique,
    number text,
    generation integer not null default 1,
    state text not null check (state in ('asked', 'live', 'ended', 'refused')),
    reason text,
    sent_tags text[] not null default '{}',
    created_at timestamptz not null default now(),
    primary key (agreement, uuid)
);

-- Numbers that are given to a partner's tickets.
create table number (
    account text not null references desk_account,
    number text not null,
    agreement text not null references agreement on delete cascade,
    uuid text not null,
    primary key (account, number),
    unique (agreement, uuid)
);

-- Comments that a partner was told, by the uuid that they have there.
create table told_comment (
    account text not null references desk_account,
    uuid text not null,
    comment text not null,
    share_id text not null,
    primary key (account, uuid)
);

-- How far each account's log was followed, and entries that could not be.
create table follow (
    account text primary key references desk_account,
    position bigint not null default 0
);
create table follow_failed (
    account text not null,
    position bigint not null,
    cause text not null,
    at timestamptz not null default now(),
    primary key (account, position)
);
-- Entries that are about a share whose ticket was not told yet.
create table early (
    account text not null,
    share_id text not null,
    position bigint not null,
    since timestamptz not null default now(),
    primary key (account, share_id, position)
);

-- Calls that are still to be made: in order by agreement and ticket; `ticket` is empty for what is about the agreement itself. No
-- body is kept: each attempt makes it from the entry of the log that caused it (`position`) and from what is held then.
create table call (
    id bigint generated always as identity primary key,
    agreement text not null references agreement on delete cascade,
    ticket text not null default '',
    kind text not null,
    position bigint,
    failures integer not null default 0,
    due_at timestamptz not null default now(),
    lease uuid,
    leased_until timestamptz not null default '-infinity',
    created_at timestamptz not null default now()
);
create index call_queue on call (agreement, ticket, id);
create index call_due on call (due_at);

-- What was called and what came back, and what the line refused of what a partner sent.
create table attempt (
    id bigint generated always as identity primary key,
    agreement text not null references agreement on delete cascade,
    account text not null,
    position bigint,
    ticket text not null,
    kind text not null,
    at timestamptz not null default now(),
    duration_ms integer not null,
    outcome text not null,
    status integer,
    reason text,
    answer text
);
create index attempt_newest on attempt (agreement, id);
create index attempt_oldest on attempt (at);
create index attempt_answered on attempt (account, position) where answer is not null;

-- An answer may repeat what it was sent: what blanks an entry of the log blanks the answers to it, in the same transaction.
create function attempt_blank() returns trigger language plpgsql as $$
begin
    update attempt set answer = null
    where account = new.account and position = new.position and answer is not null;
    return null;
end
$$;
create trigger attempt_blank after update of body on desk_log for each row execute function attempt_blank();
