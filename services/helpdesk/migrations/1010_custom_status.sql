-- An account's own names for statuses (R-49); `category` is what a partner is told.
create table custom_status (
    account text not null references desk_account,
    key text not null,
    name text not null,
    category text not null check (category in ('new', 'open', 'pending', 'hold', 'solved')),
    is_default boolean not null default false,
    position integer not null,
    primary key (account, key)
);
create unique index custom_status_default on custom_status (account, category) where is_default;

-- What an account has set that is one value.
create table account_setting (
    account text primary key references desk_account,
    custom_statuses boolean not null default false
);

alter table ticket add column custom_status text;
