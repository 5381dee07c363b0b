-- Desks whose queue did not take the last delivery: nothing is sent there but a probe, until one is taken.
create table desk_away (
  account text primary key,
  since timestamptz not null,
  -- Why, the last time: it is logged when it changes.
  cause text not null,
  failures integer not null,
  next_probe_at timestamptz not null
);

-- The lock is short, but it would stop who waits behind it.
set local lock_timeout = '5s';

-- The desks for which something waits are found by it without reading what waits.
create index undelivered_oldest on undelivered (account, first_failed_at);
