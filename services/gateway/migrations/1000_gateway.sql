-- What a program shows to be let in as an account. The token itself is told once and never kept: `hash` is its SHA-256.
create table token (
    id uuid primary key,
    account text not null references desk_account,
    name text not null,
    hash bytea not null unique,
    scopes text[] not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);
create index token_account on token (account, created_at);
