-- Comments of each chain, with the copies that hold them. A row stays: by it a comment is known again, and a later share takes it over.
create table comment (
  chain text not null references chain (id),
  id text not null,
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
