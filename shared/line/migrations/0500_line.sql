-- One row per chain, with all its branches. Locked by whoever decides about the chain. Rows stay: a ticket can be shared again.
create table chain (
  id text primary key
);

-- Shares as this stage knows them. An ended one stays, so that nothing brings it back.
create table hop (
  share_id text primary key,
  chain text not null references chain (id),
  agreement_id text not null,
  sender text not null,
  receiver text not null,
  near text not null,
  near_ticket text not null,
  far_ticket text,
  terms jsonb not null,
  ended boolean not null default false
);

create index hop_chain on hop (chain);

-- Accounts as last told by agreement-service.
create table account_fact (
  account text primary key,
  version bigint not null,
  fact jsonb not null
);

-- Agreements as last told by agreement-service. An inactive one ends its hops by being looked up here.
create table agreement_fact (
  agreement_id text primary key,
  version bigint not null,
  fact jsonb not null
);

-- An account's partners, whose support addresses get no mail of it.
create index agreement_fact_sender on agreement_fact ((fact ->> 'sender'));
create index agreement_fact_receiver on agreement_fact ((fact ->> 'receiver'));
