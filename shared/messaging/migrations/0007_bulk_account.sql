-- Accounts that sent much at once: until then their commands go to the bulk queue.
create table bulk_account (
  account text collate "C" primary key,
  since timestamptz not null,
  until timestamptz not null
);
