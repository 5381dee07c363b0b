-- The lock is short, but it would stop who waits behind it.
set local lock_timeout = '5s';

-- Whether partners that compare fields are told all of the account's, with the version and time that set it. A column of its
-- own, as the limits have: an earlier release rewrites `settings`, and cannot read an attribute's name that it does not know.
alter table account add column show_fields jsonb;
