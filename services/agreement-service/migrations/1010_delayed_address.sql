set local lock_timeout = '5s';

-- Addresses and sharing URLs that registrations and renames bring which wait on the delay ladder: whoever is invited by one is waited for as long.
-- Rows go a day after.
create table delayed_address (
  text text collate "C" primary key,
  since timestamptz not null
);

create index delayed_address_since on delayed_address (since);
