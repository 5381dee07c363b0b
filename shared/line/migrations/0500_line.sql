-- Keys are compared byte by byte: whatever the database's locale, they mean the same, and are found faster.

-- One row per chain, with all its branches. Locked by whoever decides about the chain. Rows stay: a ticket can be shared again.
create table chain (
  id text collate "C" primary key
);

-- Shares as this stage knows them. An ended one stays, so that nothing brings it back.
create table hop (
  share_id text collate "C" primary key,
  chain text collate "C" not null references chain (id),
  agreement_id text collate "C" not null,
  sender text collate "C" not null,
  receiver text collate "C" not null,
  near text not null,
  near_ticket text not null,
  far_ticket text,
  terms jsonb not null,
  ended boolean not null default false
);

create index hop_chain on hop (chain);

-- Accounts as last told by agreement-service.
create table account_fact (
  account text collate "C" primary key,
  version bigint not null,
  fact jsonb not null
);

-- Agreements as last told by agreement-service. An inactive one ends its hops by being looked up here.
create table agreement_fact (
  agreement_id text collate "C" primary key,
  version bigint not null,
  fact jsonb not null
);

-- An account's partners, whose support addresses get no mail of it.
create index agreement_fact_sender on agreement_fact ((fact ->> 'sender'));
create index agreement_fact_receiver on agreement_fact ((fact ->> 'receiver'));
