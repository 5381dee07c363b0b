-- A small table, but the lock would stop who waits behind it.
set local lock_timeout = '5s';

create index if not exists suspect_begun_at on suspect (begun_at);
