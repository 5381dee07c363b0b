-- The custom fields of accounts, one row each, so that a message costs what it names and not all that its accounts have.
-- `account_schema` says of which version of an account these are. The release before this one knows neither table and writes
-- `account_fact` alone: where its version is another one, or none is here, the rows are written anew from the fact.
create table account_schema (
  account text collate "C" primary key,
  version bigint not null
);

create table account_field (
  account text collate "C" not null,
  key text collate "C" not null,
  -- As titles are compared.
  title text collate "C" not null,
  on_default_form boolean not null,
  field jsonb not null,
  primary key (account, key)
);

create index account_field_title on account_field (account, title);
