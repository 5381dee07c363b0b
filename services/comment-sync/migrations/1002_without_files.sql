-- The copies that were told a comment without its attachments, because its account kept them then: what a resync tells them stays without.
-- The lock is short, but it would stop who waits behind it.
set local lock_timeout = '5s';

alter table comment add column without_files text[] not null default '{}';
