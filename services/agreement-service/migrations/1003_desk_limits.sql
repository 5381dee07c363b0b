-- The lock is short, but it would stop who waits behind it.
set local lock_timeout = '5s';

-- What the account's desk can hold, with the version and time that set it. A column of its own: an earlier release rewrites
-- `settings`, and cannot read an attribute's name that it does not know.
alter table account add column limits jsonb;
