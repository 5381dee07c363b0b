-- The lock is short, but it would stop who waits behind it.
set local lock_timeout = '5s';

-- Per copy whose desk could not hold all of the comment, how much of it was told, so that a resync says the same. None for what an
-- earlier release stores: it tells everybody everything.
alter table comment add column cuts jsonb;
