-- The identity provider of an account, by which its people sign in (OpenID Connect). `client_secret` is encrypted, bound to the
-- account. `new_role` is what somebody gets whom the account does not know yet, if their address is of one of `domains`; without
-- it only those come in who are known.
create table web_provider (
    account text primary key references desk_account,
    issuer text not null,
    client_id text not null,
    client_secret bytea not null,
    is_required boolean not null default false,
    new_role text check (new_role in ('agent', 'light_agent')),
    domains text[] not null default '{}',
    changed_at timestamptz not null default now()
);

-- Who is who at a provider, from the first time they sign in: of one issuer a person is one subject.
create table web_subject (
    account text not null references desk_account,
    issuer text not null,
    subject text not null,
    person uuid not null references web_person on delete cascade,
    bound_at timestamptz not null default now(),
    primary key (account, issuer, subject)
);
create unique index web_subject_person on web_subject (person, issuer);

-- Sign-ins that are at a provider now, each used up by the first answer. `state` and `browser` are SHA-256 of what the provider
-- sends back and of the browser's cookie.
create table web_flow (
    state bytea primary key,
    browser bytea not null,
    account text not null references desk_account,
    nonce text not null,
    verifier text not null,
    next text not null,
    started_at timestamptz not null default now()
);
create index web_flow_oldest on web_flow (started_at);
