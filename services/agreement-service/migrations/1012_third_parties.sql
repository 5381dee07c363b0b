-- The lock is short, but it would stop who waits behind it.
set local lock_timeout = '5s';

-- Whether the account stands for third-party systems: an invite to a sharing URL that no account has becomes one of its.
alter table account add column third_parties boolean not null default false;

-- One account of a deployment, and read with every such invite.
create unique index account_for_third_parties on account (third_parties) where third_parties;
