-- Which chain a share is in. A share id is used once, by whoever is first.
create table share (
  share_id text collate "C" primary key,
  chain text collate "C" not null references chain (id),
  started_at timestamptz not null,
  -- When its sender ended it; a share that ends with its agreement is not touched.
  ended_at timestamptz
);

-- An account's shares, from either side, page by page.
create index hop_sender on hop (sender, share_id);
create index hop_receiver on hop (receiver, share_id);

-- Which copy a desk's ticket number stands for. A number stands for one copy, for good: rows stay after the share has ended.
create table ticket (
  account text collate "C" not null,
  ticket_id text collate "C" not null,
  chain text collate "C" not null references chain (id),
  copy text not null,
  primary key (account, ticket_id)
);
