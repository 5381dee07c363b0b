-- What a decision needs of an account beside its fields, so that nobody reads those whole to know the language or the kind of desk.
--
-- The trigger writes a row in the transaction that writes the fact, whichever release does: the release before this one writes and
-- reads `account_fact` alone, and whatever it learns is here with the same version.
--
-- The lock stops only who learns a fact meanwhile, but it would stop who waits behind it.
set local lock_timeout = '5s';

create table account_basics (
  account text collate "C" primary key,
  version bigint not null,
  basics jsonb not null,
  custom_statuses jsonb not null
);

create function keep_account_basics() returns trigger language plpgsql set search_path from current as $$
begin
  insert into account_basics (account, version, basics, custom_statuses)
  values (
    new.account, new.version,
    new.fact - array['ticket_fields', 'custom_statuses', 'default_form'], new.fact -> 'custom_statuses')
  on conflict (account) do update set version = excluded.version, basics = excluded.basics, custom_statuses = excluded.custom_statuses;
  return null;
end
$$;

create trigger keep_account_basics after insert or update on account_fact
  for each row execute function keep_account_basics();

insert into account_basics (account, version, basics, custom_statuses)
select account, version, fact - array['ticket_fields', 'custom_statuses', 'default_form'], fact -> 'custom_statuses'
from account_fact;
