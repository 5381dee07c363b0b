-- Registered accounts with their sharing settings. Rows stay: an account's name is never given away again.
create table account (
  name text primary key,
  -- what partners invite; starts as the name. Deferrable, so that accounts of one batch can exchange addresses in one statement
  address text not null unique deferrable,
  display_name text not null,
  kind text not null check (kind in ('connected', 'hosted', 'third_party')),
  -- the account whose broker user publishes for this one
  operated_by text,
  -- what partners may invite instead of the address
  sharing_url text unique,
  admins jsonb not null,
  settings jsonb not null,
  -- per attribute the version it was last set with, so that an older update changes nothing
  attribute_versions jsonb not null,
  version bigint not null check (version > 0)
);

-- Agreements, also declined and inactive ones. Rows stay: an id is used once, and an ended agreement never comes back.
create table agreement (
  -- compared byte by byte, as the service does, so that a page ends where the next one begins, whatever the database's locale
  agreement_id text collate "C" primary key,
  version bigint not null check (version > 0),
  sender text not null references account (name),
  receiver text not null references account (name),
  name text,
  terms jsonb not null,
  status text not null check (status in ('pending', 'accepted', 'declined', 'inactive')),
  -- who brought it to where it stands, when, and why when no person did
  by jsonb not null,
  at timestamptz not null,
  reason text,
  check (sender <> receiver)
);

-- An account's list, in the order of the ids. An account that declines all invites is never told of them (R-71).
create index agreement_of_sender on agreement (sender, agreement_id);
create index agreement_of_receiver on agreement (receiver, agreement_id) where reason is distinct from 'invites_declined';

-- What a rename ends.
create index agreement_live_of_sender on agreement (sender) where status in ('pending', 'accepted');
create index agreement_live_of_receiver on agreement (receiver) where status in ('pending', 'accepted');
