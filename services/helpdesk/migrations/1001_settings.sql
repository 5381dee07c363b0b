create table ticket_field (
    account text not null references desk_account,
    key text not null,
    title text not null,
    type text not null,
    options jsonb not null default '[]',
    position integer not null,
    primary key (account, key)
);

create table agent_group (
    account text not null references desk_account,
    id uuid not null,
    name text not null,
    primary key (account, id),
    unique (account, name)
);

-- Triggers, automations and views, in their order.
create table rule (
    account text not null references desk_account,
    id uuid not null,
    kind text not null check (kind in ('trigger', 'automation', 'view')),
    name text not null,
    position integer not null,
    is_on boolean not null default true,
    definition jsonb not null,
    changed_by text not null,
    changed_at timestamptz not null default now(),
    primary key (account, id)
);
create index rule_order on rule (account, kind, position, id);

-- What rules had the line told, by ticket: after ten in an hour the ticket's rules pause.
create table rule_publish (
    account text not null,
    ticket bigint not null,
    at timestamptz not null default now()
);
create index rule_publish_ticket on rule_publish (account, ticket, at);
create index rule_publish_oldest on rule_publish (at);

-- An automation does something to a ticket once an hour.
create table automation_run (
    account text not null,
    rule uuid not null,
    ticket bigint not null,
    hour timestamptz not null,
    primary key (account, rule, ticket, hour)
);
create index automation_run_oldest on automation_run (hour);

-- What admins changed.
create table audit (
    account text not null references desk_account,
    place bigint generated always as identity,
    at timestamptz not null default now(),
    who text not null,
    what text not null,
    subject text not null,
    primary key (account, place)
);
