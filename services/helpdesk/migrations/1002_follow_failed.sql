-- Entries of a log that cannot be taken in, whatever happens: they are left out, for a person to look at.
create table follow_failed (
    account text not null references desk_account,
    position bigint not null,
    cause text not null,
    at timestamptz not null default now(),
    primary key (account, position)
);
