-- The lock is short, but it would stop who waits behind it.
set local lock_timeout = '5s';

-- Whether the account may operate others. Those that do so already go on.
alter table account add column may_operate boolean not null default false;
update account set may_operate = true
where name in (select operated_by from account where operated_by is not null);

-- Names that begin with an operator's, compared byte by byte, whatever the database's locale.
create index account_by_bytes on account (name collate "C");

-- Addresses that accounts gave up, each with the last that did: no other account gets it for a while.
create table released_address (
  address text primary key,
  account text not null references account (name),
  released_at timestamptz not null
);
