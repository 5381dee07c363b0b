-- The copies that were told a comment without its attachments, because its account kept them then: what a resync tells them stays without.
alter table comment add column without_files text[] not null default '{}';
