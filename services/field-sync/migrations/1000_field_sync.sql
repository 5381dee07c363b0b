-- Counts accepted commands with field changes, per chain; never goes back, not even when a ticket is unshared and shared again.
alter table chain add column revision bigint not null default 0;

-- What each copy of a chain holds, field by field, with whose change it was and which revision set it. Rows stay, also for a tag
-- taken off and a field cleared: by them an older change is known as such, and a later share takes the values over.
create table field (
  chain text collate "C" not null references chain (id),
  copy text collate "C" not null,
  -- `status`, `tag:<name>` or `custom_field:<key of the copy's own account>`.
  field text collate "C" not null,
  state jsonb not null,
  primary key (chain, copy, field)
);
