set local lock_timeout = '5s';

-- When accounts invited: how many invites each makes in a day is bounded. Rows go two days after.
create table invite_made (
  account text collate "C" not null,
  at timestamptz not null
);

create index invite_made_of_account on invite_made (account, at);
create index invite_made_at on invite_made (at);
