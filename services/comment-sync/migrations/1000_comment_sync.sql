-- Comments of each chain, with the copies that hold them. A row stays: by it a comment is known again, and a later share takes it over.
-- Whoever inserts one holds the lock on its chain's row, so no foreign key looks for that row again.
create table comment (
  chain text collate "C" not null,
  id text collate "C" not null,
  -- Whose copy published it.
  account text not null,
  -- What crosses: never a recording, never an attachment that stayed.
  content jsonb not null,
  -- When its command arrived, and its place in it.
  arrived_at timestamptz not null,
  place bigint not null,
  copies text[] not null,
  primary key (chain, id)
);

-- Redactions that wait for a comment which has not come yet.
create table redaction (
  chain text collate "C" not null references chain (id),
  comment_id text collate "C" not null,
  -- Whose: it holds for a comment of this account alone.
  account text not null,
  -- Only this file of it.
  attachment_id text,
  unique nulls not distinct (chain, comment_id, account, attachment_id)
);

-- CCs of a copy, as its desk last told them. Addresses: they leave in notices to notifier only.
create table cc_list (
  chain text collate "C" not null references chain (id),
  copy text collate "C" not null,
  list jsonb not null,
  primary key (chain, copy)
);
