-- Whom people belong to, and what an account keeps of both in fields of its own: it never leaves (R-29).
create table organisation (
    account text not null references desk_account,
    id uuid not null,
    name text not null,
    fields jsonb not null default '{}',
    primary key (account, id)
);
create unique index organisation_name on organisation (account, lower(name));
create table own_field (
    account text not null references desk_account,
    about text not null check (about in ('person', 'organisation')),
    key text not null,
    title text not null,
    position integer not null,
    primary key (account, about, key)
);
alter table person
    add column fields jsonb not null default '{}',
    add column organisation uuid,
    -- Whoever was deleted: their name and address are gone, their tickets stay.
    add column deleted_at timestamptz,
    add foreign key (account, organisation) references organisation;
create index person_name on person (account, lower(name), id) where deleted_at is null;
create index ticket_requester on ticket (account, requester, updated_at desc);
