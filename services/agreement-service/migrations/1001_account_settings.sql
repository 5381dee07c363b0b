-- The lock is short, but it would stop who waits behind it.
set local lock_timeout = '5s';

-- Per attribute when the update that set it arrived: an update without a version that comes after a later one changes nothing.
-- Absent for what an earlier release set.
alter table account add column attribute_arrivals jsonb not null default '{}';

-- Options of fields that have too many for one update, in parts. A part that was taken away stays, empty, so that an older update is known as such.
create table account_field_options (
  account text not null references account (name),
  -- compared byte by byte, as the service does
  field text collate "C" not null,
  part integer not null check (part > 0),
  version bigint not null check (version >= 0),
  set_at timestamptz,
  options jsonb not null,
  primary key (account, field, part)
);
